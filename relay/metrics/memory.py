"""Memory: what this process takes."""

import os
import resource
import sys

_PAGE = os.sysconf("SC_PAGE_SIZE")
#: getrusage counts in bytes on macOS and in KiB elsewhere.
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def resident_bytes() -> int:
    """The memory of this process; where the system does not tell, the most that it had."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * _PAGE
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
