"""Source: one URL of BINANCE_WS, and when it may be tried."""

import logging
import time

from relay.backoff import Backoff
from relay.exchange.connection import FeedError

log = logging.getLogger(__name__)

#: A session that has given data for so long was a good one: its source's back-off starts over.
PROVEN_SECONDS = 30.0
#: A source that gave data and then failed before that is left alone for so long, twice as long after
#: each time, up to so long: unless nothing else works, so that we do not go to and fro.
DAMPING_SECONDS = (30.0, 600.0)


class Source:
    """Its rank among all, and how it has behaved."""

    def __init__(self, url: str, rank: int) -> None:
        self.url = url
        self.rank = rank
        self._backoff = Backoff()
        self._not_before = 0.0
        self._flaps = 0
        self._damped_until = 0.0
        self._said = ""

    @property
    def resting(self) -> float:
        """Seconds until it may be tried where nothing else works; 0 if it may be now."""
        return max(0.0, self._not_before - time.monotonic())

    @property
    def damped(self) -> float:
        """Seconds until it may be tried in place of one that works."""
        return max(self.resting, self._damped_until - time.monotonic())

    def failed(self, error: FeedError) -> None:
        """It could not be reached, or gave no data."""
        wait = max(self._backoff.next(), error.retry_after)
        self._not_before = time.monotonic() + wait
        # The same failure over and over is said once.
        level = logging.DEBUG if str(error) == self._said else logging.WARNING
        self._said = str(error)
        log.log(level, "%s failed: %s; next try in %.1f s", self.url, error, wait)

    def lasted(self, seconds: float) -> bool:
        """It gave data for so long: whether that was long enough to forgive it what was before."""
        if seconds > PROVEN_SECONDS:
            self._backoff.reset()
            self._flaps = 0
        return seconds > PROVEN_SECONDS

    def broke(self, error: FeedError, lasted: float) -> None:
        """It gave data for `lasted` seconds, then no more."""
        self._said = ""
        if not self.lasted(lasted):
            first, longest = DAMPING_SECONDS
            self._damped_until = time.monotonic() + min(first * 2**self._flaps, longest)
            self._flaps = min(self._flaps + 1, 10)
        self.failed(error)
