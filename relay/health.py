"""Health: how old the prices are, and which hop is to blame."""

import time
from collections.abc import Callable

import msgspec

from relay.batch import FeedStatus
from relay.writer import BEAT_SECONDS

#: So many beats missed: stale.
STALE_SECONDS = 3 * BEAT_SECONDS
#: So many: down, not ready, and clients are told.
DOWN_SECONDS = 10 * BEAT_SECONDS


class Verdict(msgspec.Struct, frozen=True):
    """How things stand, in the words that every client, page and probe is told."""

    #: live | stale | down
    state: str
    #: True if the prices do not come from the exchange.
    simulated: bool
    #: Seconds since the newest price was read from the exchange; None if there never was one.
    age: float | None
    #: The URL that prices come from.
    source: str
    #: Nothing, or why not live: "exchange: ...", "listener: ...", "redis: ...".
    reason: str

    @property
    def label(self) -> str:
        """One word for a person: live, simulated, stale or down."""
        return "simulated" if self.simulated and self.state == "live" else self.state


class Health:
    """Judges by what was heard last, and when."""

    def __init__(self, problem: Callable[[], str] = lambda: "") -> None:
        """`problem` says what keeps the store from us, or nothing."""
        self._problem = problem
        self._feed = FeedStatus("down")
        self._started = time.monotonic()
        self._heard: float | None = None

    def hear(self, feed: FeedStatus) -> None:
        """A batch or a beat has come, with what the feed says of itself."""
        self._feed = feed
        self._heard = time.monotonic()

    def recall(self, feed: FeedStatus) -> None:
        """A stored state said this, some time ago: it tells where prices came from, not that they do."""
        if self._heard is None:
            self._feed = feed

    def verdict(self) -> Verdict:
        """How things stand now."""
        feed = self._feed
        quiet = time.monotonic() - (self._started if self._heard is None else self._heard)
        age = None if feed.age is None else round(feed.age + quiet, 1)
        if self._heard is not None and quiet <= STALE_SECONDS:
            reason = f"exchange: {feed.reason}" if feed.reason else ""
            return Verdict(feed.state, feed.simulated, age, feed.source, reason)
        state = "down" if feed.state == "down" or quiet > DOWN_SECONDS else "stale"
        return Verdict(state, feed.simulated, age, feed.source, self._blame(quiet))

    def _blame(self, quiet: float) -> str:
        problem = self._problem()
        if "Redis" in problem:
            return f"redis: {problem}"
        if self._heard is None:
            return "listener: nothing heard of it yet"
        return f"listener: no word from it for {quiet:.0f} s"
