"""Directory: where the processes of one gunicorn keep their numbers, made and emptied by its master."""

import atexit
import os
import shutil
from pathlib import Path

from relay.metrics import leftovers

#: prometheus-client's own name for it.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "relay-metrics-"
#: gunicorn's, in a master that takes over from another one (USR2).
_TAKES_OVER = "GUNICORN_PID"


class _Prepared:
    """What this process has prepared: gunicorn reads its settings again on HUP."""

    by: int | None = None


def prepare() -> None:
    """Names a directory of our own where none is set, and empties the one that is. Once a process; a master
    that takes over from another one leaves alone what that one's workers write."""
    if _Prepared.by == os.getpid():
        return
    _Prepared.by = os.getpid()
    named = os.environ.get(VARIABLE, "")
    if not named or (_TAKES_OVER in os.environ and Path(named).name.startswith(_PREFIX)):
        leftovers.sweep(_PREFIX)
        made = leftovers.make(_PREFIX)
        os.environ[VARIABLE] = made
        atexit.register(_remove, made, os.getpid())
    elif _TAKES_OVER not in os.environ:
        directory = Path(named)
        directory.mkdir(parents=True, exist_ok=True)
        for file in directory.glob("*.db"):
            file.unlink()


def _remove(directory: str, pid: int) -> None:
    # Workers end as this process does, with what it has registered.
    if os.getpid() == pid:
        shutil.rmtree(directory, ignore_errors=True)
