"""Health: how old the prices are, and which hop is to blame."""

from collections.abc import Callable

import msgspec
from gevent.event import Event

from relay import pace
from relay.absences import never
from relay.batch import DOWN_SECONDS, STALE_SECONDS
from relay.clock import SYSTEM, Clock
from relay.feed_status import FeedStatus
from relay.ticker import Ticker

#: Characters of a source's URL and of a reason that clients are told: an event stays below 32 KiB, whoever
#: says them, and however JSON has to spell them.
MAX_TEXT = 300


class Verdict(msgspec.Struct, frozen=True):
    """How the feed is, in the words that every client, page and probe is told."""

    #: live | stale | down
    state: str
    #: True if the prices do not come from the exchange.
    simulated: bool
    #: Seconds since the exchange last sent data; None if it never did.
    age: float | None
    #: The URL that prices come from.
    source: str
    #: Nothing, or the hop to blame and why: "exchange: ...", "listener: ...", "redis: ...",
    #: "worker: ...".
    reason: str
    #: Milliseconds from the exchange's stamp to our reading it, at the newest price; None if unknown.
    latency: int | None = None
    #: How many listeners stand by to take over.
    standbys: int = 0

    @property
    def hop(self) -> str:
        """The hop to blame: exchange, listener, redis, worker or none."""
        return self.reason.partition(":")[0]

    @property
    def label(self) -> str:
        """One word for a person: live, simulated, stale or down."""
        return "simulated" if self.simulated and self.state == "live" else self.state


class Health:
    """Judges by what was heard last, and when."""

    def __init__(
        self,
        problem: Callable[[], str] = lambda: "",
        *,
        away: Callable[[float], float] = never,
        clock: Clock = SYSTEM,
    ) -> None:
        """`problem` says what keeps the store from us, or nothing: see store.contract.Updates. `away`: for
        how many seconds since a moment this process did not run; see Absences."""
        self._problem = problem
        self._away = away
        self._clock = clock
        self._feed = FeedStatus("down")
        self._started = clock.monotonic()
        self._last: float | None = None
        #: Set once a batch or a beat has come.
        self.heard = Event()

    def hear(self, feed: FeedStatus) -> None:
        """A batch or a beat has come, with what the feed says of itself."""
        self._feed = feed
        self._last = self._clock.monotonic()
        self.heard.set()

    def recall(self, feed: FeedStatus) -> None:
        """A snapshot was loaded that says this, some time ago: it tells where its prices came from, and
        whether they are simulated, not that prices come now."""
        if self._last is None:
            self._feed = feed
        elif feed.simulated != self._feed.simulated:
            self._feed = msgspec.structs.replace(self._feed, simulated=feed.simulated)

    def verdict(self) -> Verdict:
        """How the feed is now."""
        feed = self._feed
        since = self._started if self._last is None else self._last
        silent = self._clock.monotonic() - since
        age = None if feed.age is None else round(feed.age + silent, 1)
        if self._last is not None and silent <= STALE_SECONDS:
            return Verdict(
                feed.state,
                feed.simulated,
                age,
                feed.source[:MAX_TEXT],
                feed.reason[:MAX_TEXT],
                feed.latency,
                feed.standbys,
            )
        away = self._away(since)
        # Prices are as old as they are. Whose fault that is, only the time tells in which we listened.
        listened = silent - away
        state = "down" if feed.state == "down" or listened > DOWN_SECONDS else "stale"
        reason = self._blame(listened, away)
        return Verdict(state, feed.simulated, age, feed.source[:MAX_TEXT], reason)

    @property
    def silent(self) -> float:
        """Seconds since the listener was heard, or since we began to listen."""
        since = self._started if self._last is None else self._last
        return self._clock.monotonic() - since

    @property
    def history(self) -> str:
        """What keeps the listener from keeping candles, or nothing: prices are as live as ever."""
        return self._feed.history[:MAX_TEXT]

    def now(self) -> int:
        """The time by the listener's clock, in milliseconds since 1970: ages are taken by one clock."""
        if self._last is None or not self._feed.time:
            return self._clock.wall_ms()
        return self._feed.time + int(1000 * (self._clock.monotonic() - self._last))

    def age_of(self, ticker: Ticker) -> float:
        """Seconds since the symbol's newest price was read from the exchange."""
        return max(0, self.now() - ticker.received_time) / 1000

    def standing_of(self, ticker: Ticker) -> pace.Standing:
        """How the symbol stands by itself, whatever the feed is."""
        return pace.standing(ticker, self.age_of(ticker))

    def state_of(self, ticker: Ticker) -> str:
        """live, quiet, stale or halted; where the feed itself is not live, what the feed is."""
        state = self.verdict().state
        return self.standing_of(ticker) if state == "live" else state

    def _blame(self, listened: float, away: float) -> str:
        if away and listened <= STALE_SECONDS:
            return f"worker: it did not run for {away:.0f} s, and is checking"
        problem = self._problem()
        if problem.startswith("redis:"):
            return problem[:MAX_TEXT]
        if self._last is None:
            return "listener: nothing heard of it yet"
        return f"listener: no word from it for {listened:.0f} s"
