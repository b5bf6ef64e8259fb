"""Contract: what a store promises the writer, and how it says no."""

from typing import NamedTuple, Protocol

from relay.batch import Batch, Snapshot
from relay.feed_status import FeedStatus


class StoreUnavailable(Exception):
    """The store could not be reached; nothing is known of what became of the batch."""


class StoreRefuses(StoreUnavailable):
    """The store answered, and does not take writes: out of memory, read-only, no permission."""


class StateLost(Exception):
    """The store does not hold what we wrote last: it was flushed, or came back older."""


class LeaseHeld(Exception):
    """Another listener may write, we may not; the text names it."""


class Position(NamedTuple):
    """Where a store stands, for the writer to go on from."""

    snapshot: Snapshot
    #: False where the last writes may be missing, since the store is not the server they were made to.
    intact: bool = True


class Store(Protocol):
    """Where batches go."""

    def open(self) -> Position | None:
        """Takes the lease; where to go on from, or None if nothing is held.

        Raises StoreUnavailable or LeaseHeld.
        """

    def write(self, batch: Batch) -> int:
        """State, version and publish at once, or not at all; the same batch twice counts once.

        Returns how many other listeners stand by. Raises StoreUnavailable, StateLost or LeaseHeld.
        """

    def tell(self, feed: FeedStatus) -> None:
        """Lets the workers know how things stand and writes nothing, if it can. Never raises."""
