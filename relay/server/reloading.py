"""Reloading: what gunicorn's master does at signals, and what it refuses with a sentence."""

import hashlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from relay.server.generations import GENERATIONS
from relay.server.rehearsal import ENDS, rehearse
from relay.supervise import EXIT_FAILED

#: Module and a digest of its file.
Files = dict[str, bytes]


class Reloading:
    """A master's signals. It takes the place of what gunicorn does at some."""

    def __init__(self, server: Any, prepare: Callable[[], None]) -> None:
        """`prepare`: see rehearse."""
        self._server = server
        self._prepare = prepare
        self._reload: Callable[[], None] = server.reload
        self._begin_another: Callable[[], None] = server.reexec
        self._take_away: Callable[[], None] = server.handle_ttou
        self._end_workers: Callable[[], None] = server.handle_winch
        self._queue: Callable[[int, object], None] = server.signal
        # Whether a HUP has come whose reload has not begun, and whether the server is to end.
        self._is_asked = self._ends = False
        self._began_with = _files()
        # What `python -m gunicorn` would be begun by anew (USR2) is a file among gunicorn's own modules,
        # which would hide Python's.
        server.START_CTX["args"] = list(sys.orig_argv)
        server.signal = self.hear
        server.reload = self.reload
        server.reexec = self.begin_another
        server.handle_ttou = self.take_away
        server.handle_winch = self.end_workers

    def hear(self, number: int, frame: object) -> None:
        """Any signal, as soon as it comes. A reload that has not begun serves all who ask for one: each takes
        seconds, and an end would wait for all of them."""
        if number == signal.SIGHUP:
            if self._is_asked:
                return
            self._is_asked = True
        elif number in ENDS:
            self._ends = True
        self._queue(number, frame)

    def reload(self) -> None:
        """HUP: all workers are replaced, unless new ones would not serve, or the server ends."""
        self._is_asked = False
        if why := self._wrong():
            self._server.log.error("not reloaded, the workers stay as they are: %s", why)
        else:
            self._reload()
        self._tell_what_is_old()

    def begin_another(self) -> None:
        """USR2: another master begins beside this one, with what it reads by itself."""
        master = os.getpid()
        try:
            self._begin_another()
        except OSError as error:
            self._server.log.error("no other master can be begun: %s", error)
            if os.getpid() != master:
                # This one would end the workers, which are not its own.
                os._exit(EXIT_FAILED)

    def take_away(self) -> None:
        """TTOU: the oldest worker ends, and the others go on."""
        ages = [worker.age for worker in self._server.WORKERS.values()]
        if self._server.num_workers <= 1:
            self._server.log.error("no fewer than one worker: TERM ends the server")
            return
        # There is none where all of them have just died.
        if ages:
            GENERATIONS.reload(min(ages))
        self._take_away()

    def end_workers(self) -> None:
        """WINCH: the workers end and the master stays, where it is a daemon."""
        if not self._server.cfg.daemon:
            self._server.log.error(
                "WINCH ends the workers of a daemon (-D) only: TERM ends the server"
            )
        self._end_workers()

    def _tell_what_is_old(self) -> None:
        """New workers begin with it, and lack what is new in it."""
        files = _files()
        if changed := [name for name, then in self._began_with.items() if files.get(name) != then]:
            self._server.log.warning(
                "the master goes on with what it read at its start of %s: a restart or USR2 reads that anew",
                ", ".join(changed),
            )

    def _wrong(self) -> str:
        """Why a reload would not serve, or nothing."""
        try:
            return rehearse(self._server, self._prepare, lambda: self._ends)
        except OSError as error:
            return f"no trial can be made: {error.strerror}."


def _files() -> Files:
    """Of our own modules in this process. What is put in place anew is often the same, and only its time
    another."""
    ours = {
        name: module for name, module in sys.modules.items() if name.partition(".")[0] == "relay"
    }
    return {name: _digest(module.__file__) for name, module in ours.items() if module.__file__}


def _digest(file: str) -> bytes:
    """Nothing where it cannot be read: the master must not end for that."""
    try:
        return hashlib.sha256(Path(file).read_bytes()).digest()
    except OSError:
        return b""
