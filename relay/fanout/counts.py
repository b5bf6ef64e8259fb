"""Counts: what has happened in one worker's fan-out, as plain numbers.

They are counted where it happens, at the cost of an addition, and never client by client in a pass. Whoever
wants to know looks now and then.
"""

from collections import Counter
from typing import NamedTuple

#: Durations that are kept between two looks. Those beyond it are lost; nothing else is.
MAX_DURATIONS = 1_000


class Kind(NamedTuple):
    """What kind of stream it is."""

    #: sse or ws.
    transport: str
    #: plain or compressed.
    form: str


class Counts:
    """Since the worker began, but for what is named otherwise."""

    __slots__ = (
        "behind",
        "compressed",
        "conflated",
        "cuts",
        "deliveries",
        "opens",
        "plain",
        "resumes",
        "streams",
        "writes",
    )

    def __init__(self) -> None:
        #: Updates given to clients' sockets, a client and an update each.
        self.deliveries = 0
        #: Bytes of deliveries, as they were sent, and as they would have been without compression.
        self.compressed = 0
        self.plain = 0
        #: Updates that a client did not get since a newer one of the same symbol was there, where that can
        #: be known: with a rate, and for those behind that want all symbols.
        self.conflated = 0
        #: Clients that do not keep up, now.
        self.behind = 0
        #: Streams, now.
        self.streams: Counter[Kind] = Counter()
        #: Streams that began, by transport.
        self.opens: Counter[str] = Counter()
        #: Clients that were cut, by why.
        self.cuts: Counter[str] = Counter()
        #: Clients that came with an id, by what it was worth: changes or full.
        self.resumes: Counter[str] = Counter()
        #: Seconds from the listener's writing of a batch to the end of the pass that sent it, since somebody
        #: looked last.
        self.writes: list[float] = []

    def enter(self, kind: Kind) -> None:
        """A stream has begun."""
        self.streams[kind] += 1
        self.opens[kind.transport] += 1

    def leave(self, kind: Kind) -> None:
        """One has ended."""
        self.streams[kind] -= 1

    def give(self, clients: int, updates: int, size: int, saved: int) -> None:
        """So many clients were given so many updates, in `size` bytes each; compression saved `saved`."""
        self.deliveries += clients * updates
        self.compressed += clients * size
        self.plain += clients * (size + saved)

    def wrote(self, seconds: float) -> None:
        """A pass has sent what was written so long ago."""
        if len(self.writes) < MAX_DURATIONS:
            self.writes.append(seconds)
