"""Rehearsal: a reload (HUP) that is tried in a process of its own before gunicorn's master does it.

The master ends where it cannot read its settings or take an address, and where a worker cannot load the
application. What serves would end with it, for a slip of the pen.
"""

import os
import re
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from gevent import monkey

from relay.server.lifeline import LIFELINE

#: Seconds that it may take, and between two looks whether it is still wanted.
REHEARSAL_SECONDS = 30
_LOOK_SECONDS = 0.25
#: It ends by itself so much later, where no master does it.
_ALONE_SECONDS = 5
#: Characters of a failure that are told, and bytes of it that are read.
_TOLD, _READ = 300, 64 << 10
_PLACE = re.compile(r'^\s*File "(?:.*/)?([^"/]+)", line (\d+)', re.MULTILINE)


def rehearse(server: Any, prepare: Callable[[], None], ends: Callable[[], bool]) -> str:
    """Nothing where a reload of this master would serve, else why not, in one sentence. `prepare` is called
    first of all, in the process that tries it; that is over as soon as `ends()` says so of the server."""
    reading, writing = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(reading)
        os.close(writing)
        return f"no process for a trial: {error.strerror}."
    if not pid:
        os.close(reading)
        _leave(writing, lambda: _reload(server, prepare))
    os.close(writing)
    try:
        said = _read_to_end(reading, ends)
    finally:
        os.close(reading)
        # It is over, or has had its time.
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    if ends():
        return "the server is told to end."
    if said is None:
        return f"a trial took longer than {REHEARSAL_SECONDS} s."
    return "" if os.WIFEXITED(status) and not os.WEXITSTATUS(status) else sentence(said)


def sentence(said: str) -> str:
    """What a process said before it ended, in short: its last line, and where that came from."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if not lines:
        return "a trial ended without a word."
    places = _PLACE.findall(said)
    last = lines[-1].removesuffix(".")[:_TOLD]
    return f"{last} ({places[-1][0]}, line {places[-1][1]})." if places else f"{last}."


def _reload(server: Any, prepare: Callable[[], None]) -> None:
    """What the master and its workers do. Prints and raises where one of them would end."""
    # The master may die meanwhile: the address is its workers' to free, and they are to hear of it.
    signal.alarm(REHEARSAL_SECONDS + _ALONE_SECONDS)
    LIFELINE.let_go()
    for listener in server.LISTENERS:
        listener.close()
    prepare()
    address = server.cfg.address
    server.app.reload()
    server.setup(server.app)
    if server.cfg.address != address:
        server.LISTENERS = []
    server.cfg.on_starting(server)
    monkey.patch_all()
    server.app.wsgi()


def _leave(writing: int, act: Callable[[], None]) -> None:
    """Ends this process with 0 where that goes well; what it says goes to `writing`. Nothing that the master
    does at its end is done here."""
    status = 1
    try:
        for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.dup2(writing, 1)
        os.dup2(writing, 2)
        act()
        status = 0
    except SystemExit:
        # It has said why.
        pass
    except BaseException:  # noqa: BLE001 - the master must hear of whatever it is
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(status)


def _read_to_end(reading: int, ends: Callable[[], bool]) -> str | None:
    """The end of all that is said; None where that takes too long, or is not wanted any more."""
    said = b""
    deadline = time.monotonic() + REHEARSAL_SECONDS
    while not ends() and (left := deadline - time.monotonic()) > 0:
        if select.select([reading], [], [], min(left, _LOOK_SECONDS))[0]:
            data = os.read(reading, _READ)
            if not data:
                return said.decode(errors="replace")
            said = (said + data)[-_READ:]
    return None
