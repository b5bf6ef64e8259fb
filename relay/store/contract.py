"""Contract: what a store promises the writer and the readers, and how it says no."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from relay.batch import Batch, Snapshot
from relay.feed_status import FeedStatus
from relay.presence import Presence

#: Characters of the name of a value in the archive, or of a demand, at most.
MAX_NAME = 200


class StoreUnavailable(Exception):
    """The store could not be reached; nothing is known of what became of the batch. Anybody may be told
    the text."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        #: What the log says as well; it may name the store's address.
        self.detail = detail

    @property
    def logged(self) -> str:
        """What the log says."""
        return f"{self} ({self.detail})" if self.detail else str(self)


class StoreRefuses(StoreUnavailable):
    """The store answered, and does not take writes: out of memory, read-only, no permission."""


class SnapshotLost(Exception):
    """The store does not hold what we wrote last: it was flushed, came back older, or was written to
    by somebody else. The text says what is wrong with it."""


class Unwritable(Exception):
    """A batch holds a ticker that cannot be carried: a number of more than 64 bits, say."""


class LeaseHeld(Exception):
    """Another listener may write, we may not; the text names it."""


class Position(NamedTuple):
    """What a store holds, for the writer to go on from."""

    snapshot: Snapshot
    #: False where the last writes may be missing, since the store is not the server they were made to.
    intact: bool = True


class Store(Protocol):
    """The writer's side: where batches go."""

    def open(self) -> Position | None:
        """Takes the lease; where to go on from, or None if nothing is held that could be gone on from.

        Raises StoreUnavailable or LeaseHeld.
        """

    def write(self, batch: Batch) -> int:
        """Snapshot, version and publish at once, or not at all; the same batch twice counts once.

        Returns how many other listeners stand by. Raises StoreUnavailable, SnapshotLost, LeaseHeld or
        Unwritable.
        """

    def tell(self, feed: FeedStatus) -> None:
        """Lets the workers know how the feed is and writes nothing, if it can. Never raises."""


class Updates(Protocol):
    """The reader's side: where snapshots and batches come from."""

    @property
    def problem(self) -> str:
        """What keeps the store from us at the moment, or nothing: "HOP: WHY", as in a FeedStatus."""

    def listen(self) -> Iterator[Snapshot | Batch | FeedStatus]:
        """What the store holds, then every batch without a gap. For ever; never raises.

        A Snapshot comes first where one is held, and again wherever batches may have been missed. A
        Batch follows on what came before it, or starts a new epoch. A FeedStatus comes by itself
        where the writer can tell, but not write.
        """


class Roll(Protocol):
    """The processes of a relay that live."""

    def say(self, presence: Presence) -> None:
        """Says how this process is. To be said again within a few seconds. Raises StoreUnavailable."""

    def read(self) -> list[Presence]:
        """How each process is that said so lately, in no order. Raises StoreUnavailable."""


class Archive(Protocol):
    """Values that outlive a moment, each under a name: the history. For both sides.

    A name is `<family>/...`, of up to MAX_NAME characters; relay.history says what the values are.
    """

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        """The values under these names; None where there is none. Raises StoreUnavailable."""


class Patch(NamedTuple):
    """A part of a value: these bytes, at this place. What lies before them and is not there yet is zero.

    A value that begins with another byte than R was put as a whole: it stays as it is.
    """

    name: str
    offset: int
    data: bytes
    #: Seconds from now on that the value is kept.
    seconds: int


class Keeper(Archive, Protocol):
    """An archive, for the one who may write: whoever holds the lease.

    Each method raises StoreUnavailable, or LeaseHeld where another listener leads. Then nothing, or a
    part of it, was written; it may all be written again.
    """

    def patch(self, patches: Sequence[Patch]) -> list[str]:
        """Writes parts of values; answers the names of those that were put as a whole, and stay."""

    def put(self, name: str, value: bytes, seconds: int, most: int = 0) -> None:
        """Writes a whole value, to be kept for so many seconds. Of its family `most` values are kept at
        most, if that is not 0: the one that was put longest ago goes first. Where such values would take
        the memory that prices need, some of the oldest go; raises StoreRefuses if this one is not kept."""


class Refused(Exception):
    """What was demanded cannot be had; the text says why."""


class Unanswered(Exception):
    """Nobody has answered a demand in time; the text says whether it waits for its turn, and behind how
    many."""


class Demands(Protocol):
    """A worker's side: what it lacks and only the listener can get, since that alone talks to the exchange.

    A demand is the name under which the answer will stand in the archive. Demands of the same name meet,
    whichever workers they come from: they are answered once.
    """

    def ask(self, names: Sequence[str], seconds: float, *, urgent: bool = True) -> None:
        """Demands these, and waits until each is answered. Those that are not urgent come last.

        Raises Refused, Unanswered after so many seconds, or StoreUnavailable. Each demand stands
        meanwhile; those that wait for nothing are answered all the same.
        """

    def post(self, names: Sequence[str], *, urgent: bool = True) -> None:
        """Demands these, and does not wait. Never raises."""


class Orders(Protocol):
    """The listener's side of demands."""

    def take(self, seconds: float) -> str | None:
        """The demand whose turn it is, waiting for one; None after so many seconds, or while another
        listener leads. Raises StoreUnavailable."""

    def answer(self, name: str) -> None:
        """What was demanded stands in the archive. Never raises."""

    def refuse(self, name: str, reason: str, seconds: float) -> None:
        """It cannot be had, and asking again within so many seconds is no use. Never raises."""
