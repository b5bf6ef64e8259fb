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
        self._feed: FeedStatus | None = None
        self._heard = time.monotonic()

    def hear(self, feed: FeedStatus) -> None:
        """A batch or a beat has come, with what the feed says of itself."""
        self._feed = feed
        self._heard = time.monotonic()

    def verdict(self) -> Verdict:
        """How things stand now."""
        quiet = time.monotonic() - self._heard
        feed = self._feed
        if feed is None:
            reason = self._problem() or "nothing heard from the listener yet"
            return Verdict("down", False, None, "", f"listener: {reason}")
        age = None if feed.age is None else round(feed.age + quiet, 1)
        if quiet > STALE_SECONDS:
            state = "down" if quiet > DOWN_SECONDS else "stale"
            problem = self._problem()
            said = f"no word from the listener for {quiet:.0f} s"
            reason = f"redis: {problem}" if "Redis" in problem else f"listener: {said}"
            return Verdict(state, feed.simulated, age, feed.source, reason)
        reason = f"exchange: {feed.reason}" if feed.reason else ""
        return Verdict(feed.state, feed.simulated, age, feed.source, reason)
