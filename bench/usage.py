"""Usage: what processes have used of the machine so far, from /proc (proc(5))."""

import os
from collections.abc import Iterable
from pathlib import Path

#: Kernel ticks per second: the unit of /proc/stat.
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of these processes, all their threads, without their children.

    From the scheduler, in nanoseconds: utime and stime of /proc/PID/stat count whole ticks only.
    """
    nanoseconds = 0
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            nanoseconds += int((thread / "schedstat").read_text().split()[0])
    return nanoseconds / 1e9


def pss_kib(pids: Iterable[int]) -> int:
    """Proportional set size in KiB: pages shared by several processes count once in all.

    Memory of the kernel, socket buffers among it, is not in there.
    """
    kib = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                kib += int(line.split()[1])
    return kib


def busy_seconds() -> float:
    """CPU time that anybody used on this machine, summed over its CPUs."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _iowait, irq, softirq = map(int, fields[:7])
    return (user + nice + system + irq + softirq) / TICKS
