"""Descriptors: how many files and sockets the kernel lets a process have open, and what they are for."""

import resource
from contextlib import suppress
from typing import NamedTuple

#: Connections of a worker that are no streams.
CONNECTIONS = 2000
#: Descriptors of a worker for everything else: its log, the listening socket, Redis, the exchange.
OTHERS = 64
#: Of what is left, a quarter at most is for connections that are no streams.
_PART = 4


class Share(NamedTuple):
    """What a worker's descriptors are for."""

    connections: int
    streams: int


def raise_limit() -> int:
    """Let this process, and those that it starts, have as many as it may; how many that is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # macOS names a hard limit above what it takes.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return 1 << 30 if limit == resource.RLIM_INFINITY else limit


def share(limit: int, wanted: Share) -> Share:
    """What is wanted, or what fits into `limit` descriptors; at least one of each."""
    left = limit - OTHERS
    if left >= sum(wanted):
        return wanted
    connections = max(1, min(wanted.connections, left // _PART))
    return Share(connections, max(1, min(wanted.streams, left - connections)))
