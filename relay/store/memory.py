"""The in-process store: the writer's batches go straight to the one reader in this process."""

from collections.abc import Iterator

from gevent.queue import Full, SimpleQueue

from relay.batch import Batch, encode_batch
from relay.feed_status import CANNOT_BE_CARRIED, FeedStatus
from relay.store.contract import Position, StoreUnavailable, Unwritable

#: Batches that wait for the reader at most; then it is the store that cannot be written to.
MAX_WAITING = 64
#: Seconds that a write waits for the reader to take one.
WRITE_SECONDS = 1.0


class MemoryStore:
    """Both sides of a store. Holds no snapshot: the hub's board is the only one."""

    #: Nothing can come between.
    problem = ""

    def __init__(self) -> None:
        self._batches: SimpleQueue[Batch] = SimpleQueue(MAX_WAITING)

    def open(self) -> Position | None:
        """There is never anything to go on from."""
        return None

    def write(self, batch: Batch) -> int:
        """Hands the batch over; nobody stands by."""
        try:
            encode_batch(batch)
        except CANNOT_BE_CARRIED as error:
            raise Unwritable(str(error)) from error
        try:
            self._batches.put(batch, timeout=WRITE_SECONDS)
        except Full:
            raise StoreUnavailable("the reader does not keep up") from None
        return 0

    def tell(self, feed: FeedStatus) -> None:
        """There is never anything that could not be written."""

    def listen(self) -> Iterator[Batch]:
        """Every batch, as it is written."""
        while True:
            yield self._batches.get()
