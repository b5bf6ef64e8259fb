"""Contract: what a store promises the writer and the readers, and how it says no."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from relay.batch import Batch, Snapshot
from relay.feed_status import FeedStatus


class StoreUnavailable(Exception):
    """The store could not be reached; nothing is known of what became of the batch."""


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
