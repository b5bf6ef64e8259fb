"""Source: one URL of BINANCE_WS, and when it may be tried."""

import logging
import math

from relay.backoff import Backoff
from relay.clock import SYSTEM, Clock
from relay.config import SIMULATOR
from relay.exchange.failure import FeedError, UnexpectedError
from relay.url import shown

log = logging.getLogger(__name__)

#: Seconds of data that prove a session a good one: its source's back-off starts over.
PROVEN_SECONDS = 30.0
#: The longest wait, in seconds, for a good one that broke a moment ago, and how long such a moment is: some
#: sixty attempts, where Binance allows 300 in five minutes.
RETURN_SECONDS = 2.0
RETURN_FOR_SECONDS = 60.0
#: The first and the longest time, in seconds, for which a source that broke soon is not preferred. It doubles
#: each time, and does not count where no other source works.
DAMPING_SECONDS = (30.0, 600.0)


class Source:
    """Its rank among all, and how it has behaved."""

    def __init__(self, url: str, rank: int, clock: Clock = SYSTEM) -> None:
        self.url = url
        #: The URL as anybody may read it.
        self.shown = url if url == SIMULATOR else shown(url)
        self.rank = rank
        self._clock = clock
        self._backoff = Backoff()
        self._not_before = 0.0
        self._flaps = 0
        self._damped_until = 0.0
        self._back_soon_until = 0.0
        self._said = ""
        self._traced = ""

    @property
    def wait(self) -> float:
        """Seconds until it may be tried where nothing else works; 0 if it may be now."""
        return max(0.0, self._not_before - self._clock.monotonic())

    @property
    def damped(self) -> float:
        """Seconds until it may be tried in place of one that works."""
        return max(self.wait, self._damped_until - self._clock.monotonic())

    def failed(self, error: FeedError) -> None:
        """It could not be reached, or gave no data."""
        now = self._clock.monotonic()
        most = RETURN_SECONDS if now < self._back_soon_until else math.inf
        wait = max(self._backoff.next(most), error.retry_after)
        self._not_before = now + wait
        # The same failure over and over is said once.
        level = logging.DEBUG if str(error) == self._said else logging.WARNING
        self._said = str(error)
        log.log(
            level,
            "%s failed: %s; next try in %.1f s",
            self.shown,
            error,
            wait,
            exc_info=self._untold(error),
        )

    def lasted(self, seconds: float) -> bool:
        """It gave data for so long: whether that was long enough to forgive it what was before."""
        if seconds > PROVEN_SECONDS:
            self._backoff.reset()
            self._flaps = 0
        return seconds > PROVEN_SECONDS

    def broke(self, error: FeedError, lasted: float) -> None:
        """It gave data for `lasted` seconds, then no more."""
        self._said = ""
        if self.lasted(lasted):
            self._back_soon_until = self._clock.monotonic() + RETURN_FOR_SECONDS
        else:
            first, longest = DAMPING_SECONDS
            self._damped_until = self._clock.monotonic() + min(first * 2**self._flaps, longest)
            self._flaps = min(self._flaps + 1, 10)
        self.failed(error)

    def _untold(self, error: FeedError) -> FeedError | None:
        """The error, if it is one that nobody foresaw and its traceback was not logged just before."""
        if not isinstance(error, UnexpectedError) or str(error) == self._traced:
            return None
        self._traced = str(error)
        return error
