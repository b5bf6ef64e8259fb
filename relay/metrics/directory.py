"""Directory: where the processes of one gunicorn keep their numbers.

Its master makes and empties it, and each worker takes its place there before it begins.
"""

import atexit
import os
import shutil
from pathlib import Path

from relay.metrics import leftovers
from relay.metrics.reference import FAMILIES, GAUGE

#: prometheus-client's own name for it.
VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "relay-metrics-"
#: gunicorn's, in a master that takes over from another one (USR2).
_TAKES_OVER = "GUNICORN_PID"
#: Bytes of each file of a process: what prometheus-client begins with, and more than ours ever hold.
_FILE_BYTES = 1 << 16


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


def reserve(pid: int) -> str:
    """Takes the place on the disk that a worker's files need, before prometheus-client maps them.

    Where it is missing the kernel would end whoever writes to them (SIGBUS). Returns nothing, or why there
    is none: then the worker's numbers are its own, and whoever asks it gets no others.
    """
    kinds = {f"{f.kind}_{f.among}" if f.kind == GAUGE else f.kind for f in FAMILIES}
    files = [Path(os.environ[VARIABLE], f"{kind}_{pid}.db") for kind in sorted(kinds)]
    try:
        for file in files:
            file.write_bytes(bytes(_FILE_BYTES))
    except OSError as error:
        for file in files:
            file.unlink(missing_ok=True)
        del os.environ[VARIABLE]
        return error.strerror or str(error)
    return ""


def leave_alone() -> None:
    """This process prepares nothing and writes nothing: it only tries what its master is about to do."""
    _Prepared.by = os.getpid()
    os.environ.pop(VARIABLE, None)


def _remove(directory: str, pid: int) -> None:
    # Workers end as this process does, with what it has registered.
    if os.getpid() == pid:
        shutil.rmtree(directory, ignore_errors=True)
