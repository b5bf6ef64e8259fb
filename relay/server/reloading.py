"""Reloading: what gunicorn's master does at signals, and what it refuses with a sentence."""

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from relay.server.generations import GENERATIONS
from relay.server.rehearsal import rehearse

#: Module and a digest of its file.
Files = dict[str, bytes]


class Reloading:
    """A master's signals. It takes the place of what gunicorn does at some."""

    def __init__(self, server: Any, prepare: Callable[[], None]) -> None:
        """`prepare`: see rehearse."""
        self._server = server
        self._prepare = prepare
        self._reload: Callable[[], None] = server.reload
        self._take_away: Callable[[], None] = server.handle_ttou
        self._end_workers: Callable[[], None] = server.handle_winch
        self._began_with = _files()
        # What `python -m gunicorn` would be begun by anew (USR2) is a file among gunicorn's own modules,
        # which would hide Python's.
        server.START_CTX["args"] = list(sys.orig_argv)
        server.reload = self.reload
        server.handle_ttou = self.take_away
        server.handle_winch = self.end_workers

    def reload(self) -> None:
        """HUP: all workers are replaced, unless new ones would not serve."""
        log = self._server.log
        if why := rehearse(self._server, self._prepare):
            log.error("not reloaded, the workers stay as they are: %s", why)
            return
        self._reload()
        files = _files()
        if changed := [name for name, then in self._began_with.items() if files.get(name) != then]:
            log.warning(
                "the master goes on with what it read at its start of %s: a restart or USR2 reads that anew",
                ", ".join(changed),
            )

    def take_away(self) -> None:
        """TTOU: the oldest worker ends, and the others go on."""
        workers = self._server.WORKERS.values()
        if self._server.num_workers <= 1:
            self._server.log.error("no fewer than one worker: TERM ends the server")
            return
        GENERATIONS.reload(min(worker.age for worker in workers))
        self._take_away()

    def end_workers(self) -> None:
        """WINCH: the workers end and the master stays, where it is a daemon."""
        if not self._server.cfg.daemon:
            self._server.log.error(
                "WINCH ends the workers of a daemon (-D) only: TERM ends the server"
            )
        self._end_workers()


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
