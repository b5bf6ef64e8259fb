"""Essential greenlets: a process in which one of them ended would look alive and serve nothing."""

import logging
import os
import signal
from collections.abc import Callable
from typing import Any

import gevent

log = logging.getLogger(__name__)


def spawn_essential(run: Callable[..., object], *args: Any) -> None:
    """Runs it in a greenlet; should it ever fail, the process is asked to end, to be started anew."""
    gevent.spawn(run, *args).link_exception(_end_process)


def _end_process(greenlet: "gevent.Greenlet[..., object]") -> None:
    log.critical("%s failed, the process ends: %r", greenlet, greenlet.exception)
    os.kill(os.getpid(), signal.SIGTERM)
