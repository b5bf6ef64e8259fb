"""Usage: what processes have used of the machine so far, from /proc (proc(5))."""

import os
from collections.abc import Iterable
from pathlib import Path

#: Kernel ticks per second.
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of these processes, all their threads, without their children.

    The scheduler counts nanoseconds, but forgets threads that have ended; /proc/PID/stat remembers
    them, but counts whole ticks. Neither counts too much, so the larger one is right.
    """
    seconds = 0.0
    for pid in pids:
        scheduled = scheduled_seconds([pid])
        # The second field is the command in brackets, which may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
        seconds += max(scheduled, ticks / TICKS)
    return seconds


def scheduled_seconds(pids: Iterable[int]) -> float:
    """The same to the nanosecond, for short whiles in which no thread ends."""
    threads = (t for pid in pids for t in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def waited_seconds(pids: Iterable[int]) -> float:
    """Time that they were ready to run, and no CPU was free for them."""
    threads = (t for pid in pids for t in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return sum(int(thread.read_text().split()[1]) for thread in threads) / 1e9


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
