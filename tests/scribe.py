"""A listener's place taken by a test: it writes to Redis what the test says, and beats."""

import threading
import time
from itertools import count
from typing import Literal

from relay.batch import BEAT_SECONDS, Batch
from relay.feed_status import FeedStatus
from relay.store.redis_writer import RedisStore
from relay.ticker import Ticker
from tests.closing import Closing

#: What every ticker of ours says of the last 24 hours.
DAY = {"open": "100", "high": "140", "low": "90", "volume": "1000", "quote_volume": "100000"}


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Scribe(Closing):
    """Writes batches of an epoch of its own."""

    def __init__(self, redis_url: str) -> None:
        #: What every batch says of the feed: live, stale or down.
        self.feed: Literal["live", "stale", "down"] = "live"
        self._store = RedisStore(redis_url)
        self._epochs = count(now())
        self._epoch = ""
        self._version = 0
        self._turn = threading.Lock()
        self._over = threading.Event()
        self._store.open()
        self.start_anew()
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()

    def tell(
        self,
        symbol: str,
        price: str,
        age: float = 0.0,
        pace: int | None = None,
        status: str | None = None,
    ) -> None:
        """One update that was read `age` seconds ago."""
        read = now() - int(1000 * age)
        self.write(Ticker(symbol, price, "trade", read, read, pace=pace, status=status, **DAY))

    def remove(self, *symbols: str) -> None:
        """Takes symbols away, in one batch."""
        self.write(*(Ticker(symbol, "", "removed", now()) for symbol in symbols))

    def start_anew(self) -> None:
        """What was written before is void."""
        with self._turn:
            self._epoch, self._version = f"{next(self._epochs):x}", 0

    def write(self, *updates: Ticker) -> None:
        """One batch."""
        with self._turn:
            previous = self._version
            self._version += len(updates)
            status = FeedStatus(
                self.feed, source="wss://x", age=0.0, latency=41, time=now(), standbys=1
            )
            self._store.write(Batch(self._epoch, previous, self._version, status, list(updates)))

    def close(self) -> None:
        """Ends the beat."""
        self._over.set()
        self._beating.join()
        self._store.release()

    def _beat(self) -> None:
        while not self._over.wait(BEAT_SECONDS / 2):
            if self._version:
                self.write()
