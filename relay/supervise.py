"""Supervise: the loops that a process must not live without, and how it ends when one of them does.

Without one of them it would look alive and serve nothing. So the process then says goodbye in order, ends
with a status that tells whoever started it that it failed, and is started anew.
"""

import logging
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import gevent

from relay.clock import SYSTEM

log = logging.getLogger(__name__)

#: The status that a process ends with after a failure: EX_SOFTWARE of sysexits(3).
EXIT_FAILED = 70
#: Seconds that a process may take to say goodbye; then the kernel ends it, by SIGALRM.
GOODBYE_SECONDS = 20
#: Seconds that a worker which failed lives at least: gunicorn replaces it at once, time after time.
MIN_LIFE_SECONDS = 10.0


class _Process:
    """What is known of this process."""

    began: float | None = None
    ending = False
    failed = False


def spawn_essential(run: Callable[..., object], *args: Any) -> "gevent.Greenlet[..., None]":
    """Runs a loop in a greenlet. Should it end before the process was asked to, that ends, as failed."""
    if _Process.began is None:
        _Process.began = SYSTEM.monotonic()
    return gevent.spawn(_supervise, run, *args)


def fail(why: str) -> None:
    """Logs why, with the traceback where there is one, and ends the process, as failed."""
    log.critical("%s: the process ends", why, exc_info=sys.exc_info()[0] is not None)
    _Process.failed = True
    if not _Process.ending:
        end_in_time()
        os.kill(os.getpid(), signal.SIGTERM)


def end_in_time() -> None:
    """The end has begun: from here on loops may end, and the process has GOODBYE_SECONDS left."""
    _Process.ending = True
    # Nothing of ours, however it hangs, can keep the kernel from this.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(GOODBYE_SECONDS)


def exit_status() -> int:
    """The status to end with."""
    return EXIT_FAILED if _Process.failed else 0


def leave_slowly() -> None:
    """Ends a process that has failed, though no sooner than MIN_LIFE_SECONDS after its loops began.

    For one that is replaced at once. Returns where nothing has failed.
    """
    if not _Process.failed:
        return
    for number in (signal.SIGTERM, signal.SIGQUIT, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    began = SYSTEM.monotonic() if _Process.began is None else _Process.began
    gevent.sleep(max(0.0, began + MIN_LIFE_SECONDS - SYSTEM.monotonic()))
    sys.exit(EXIT_FAILED)


def fail_slowly(why: str) -> None:
    """Logs why, and ends a process that never began its loops, as failed; see leave_slowly."""
    log.error(why)
    _Process.failed = True
    leave_slowly()


def _supervise(run: Callable[..., object], *args: Any) -> None:
    name = getattr(run, "__qualname__", repr(run))
    try:
        run(*args)
    except gevent.GreenletExit:
        # Somebody ended it; whether the time for that has come is looked at below.
        pass
    # Whatever it is, a bare gevent.Timeout too: this is where it is known what to do about it.
    except BaseException:  # noqa: BLE001
        fail(f"{name} failed")
        return
    if not _Process.ending:
        fail(f"{name} ended")
