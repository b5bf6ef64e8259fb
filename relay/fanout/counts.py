"""Counts: what has happened in one worker's fan-out, as plain numbers.

They are counted where it happens, at the cost of an addition, and never client by client in a pass. Whoever
wants to know looks now and then.
"""

from collections import Counter

#: Durations that are kept between two looks. Those beyond it are lost; nothing else is.
MAX_DURATIONS = 1_000


#: What kinds of stream there are: a number for each, and its transport and form. Numbers, since every opening
#: of a stream pays for counting it.
Kind = int
SSE_PLAIN, SSE_COMPRESSED, WS_PLAIN, WS_COMPRESSED = range(4)
KINDS = (("sse", "plain"), ("sse", "compressed"), ("ws", "plain"), ("ws", "compressed"))


class Counts:
    """Since the worker began, but for what is named otherwise."""

    __slots__ = (
        "behind",
        "conflated",
        "cuts",
        "deliveries",
        "opens",
        "resumes",
        "saved",
        "sent",
        "streams",
        "writes",
    )

    def __init__(self) -> None:
        #: Updates given to clients' sockets, a client and an update each.
        self.deliveries = 0
        #: Bytes of deliveries, as they were sent, and those that compression has saved.
        self.sent = 0
        self.saved = 0
        #: Updates that a client did not get since a newer one of the same symbol was there, where that can
        #: be known: with a rate, and for those behind that want all symbols.
        self.conflated = 0
        #: Clients that do not keep up, now.
        self.behind = 0
        #: Streams, now, by kind.
        self.streams = [0] * len(KINDS)
        #: Streams that began, by kind.
        self.opens = [0] * len(KINDS)
        #: Clients that were cut, by why: see Cut.
        self.cuts: Counter[str] = Counter()
        #: Clients that came with an id, by what it was worth: changes or full.
        self.resumes: Counter[str] = Counter()
        #: Seconds from the listener's writing of a batch to the end of the pass that sent it, since somebody
        #: looked last.
        self.writes: list[float] = []

    def enter(self, kind: Kind) -> None:
        """A stream has begun."""
        self.streams[kind] += 1
        self.opens[kind] += 1

    def leave(self, kind: Kind) -> None:
        """One has ended."""
        self.streams[kind] -= 1

    def give(self, clients: int, updates: int, size: int, saved: int) -> None:
        """So many clients were given so many updates, in `size` bytes each; compression saved `saved`."""
        self.deliveries += clients * updates
        self.sent += clients * size
        if saved:
            self.saved += clients * saved

    def wrote(self, seconds: float) -> None:
        """A pass has sent what was written so long ago."""
        if len(self.writes) < MAX_DURATIONS:
            self.writes.append(seconds)
