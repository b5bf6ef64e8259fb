"""Dead: what becomes of the files of workers that have gone.

Their gauges count no more. Their counters do, and a file for each would slow /metrics and fill a disk in the
end: so they are added up in one file.
"""

import os
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import mark_process_dead

from relay.metrics.directory import VARIABLE

#: Files of dead workers that are added up together, of each kind.
TOGETHER = 10
_KINDS = ("counter", "histogram")


def forget(pid: int) -> None:
    """A worker has ended. To be called by the one process that started it."""
    directory = os.environ.get(VARIABLE)
    if not directory:
        return
    mark_process_dead(pid)  # type: ignore[no-untyped-call]
    for kind in _KINDS:
        file = Path(directory, f"{kind}_{pid}.db")
        if file.exists():
            file.rename(file.with_name(f"{kind}_dead{pid}.db"))
        dead = [*Path(directory).glob(f"{kind}_dead*.db")]
        if len(dead) >= TOGETHER:
            _add_up(dead, Path(directory, f"{kind}_dead.db"))


def _add_up(files: list[Path], into: Path) -> None:
    """Whoever reads meanwhile sees the old files or the new one, but for some microseconds."""
    sums: dict[str, float] = {}
    for file in files:
        for key, value, *_ in MmapedDict.read_all_values_from_file(str(file)):  # type: ignore[no-untyped-call]
            sums[key] = sums.get(key, 0.0) + value
    new = into.with_suffix(".new")
    new.unlink(missing_ok=True)
    written = MmapedDict(str(new))  # type: ignore[no-untyped-call]
    for key, value in sums.items():
        written.write_value(key, value, 0.0)  # type: ignore[no-untyped-call]
    written.close()  # type: ignore[no-untyped-call]
    for file in files:
        file.unlink()
    new.rename(into)
