"""Session: the connections to one source that together carry every stream wanted of it."""

from collections.abc import Callable
from typing import Protocol

from relay.clock import SYSTEM, Clock
from relay.exchange.connection import Connection
from relay.exchange.failure import FeedError
from relay.exchange.reading import Reading
from relay.exchange.streams import Plan
from relay.ticker import Ticker
from relay.turn import give_turn
from relay.url import shown

#: Seconds after which a symbol that was asked for by name, and of which nothing came, is reported; more for
#: a slow one.
UNHEARD_SECONDS = 60.0
#: Tickers of a message that are passed on at once: more than Binance's whole market has.
TICKERS_AT_ONCE = 5_000
#: Those of a larger one that are passed on between two turns of everything else: some 10 ms of work, 30 at
#: the turn of a minute.
TICKERS_PER_TURN = 2_500


class Watcher(Protocol):
    """What is told of a session."""

    def take(self, session: "Session", tickers: list[Ticker]) -> None:
        """Data has come. Whether the session has all its streams by now, `complete` says."""

    def notice(self, session: "Session") -> None:
        """The session has ended, or is about to."""


class Session:
    """Lives from the start of its connections until one of them ends: then all of it has."""

    def __init__(
        self,
        url: str,
        plan: Plan,
        silence: float,
        watcher: Watcher,
        tap: Callable[[bytes, int], None] | None = None,
        clock: Clock = SYSTEM,
    ) -> None:
        """`silence` in seconds, for each connection. `tap` is given every message as it came, and
        when, in nanoseconds since 1970."""
        self.url = url
        #: The URL as anybody may read it.
        self.shown = shown(url)
        #: Those asked for by name; none for the whole market.
        self.symbols = plan.symbols
        #: Why it ended, once it has.
        self.error: FeedError | None = None
        #: Whether the exchange has announced that it will close.
        self.retiring = False
        #: Whether all its streams begin together, and come in one order.
        self.at_once = len(plan.dials) == 1 and plan.dials[0].at_once
        self._watcher = watcher
        self._tap = tap
        self._clock = clock
        self._made = clock.monotonic()
        self._unheard = set(plan.symbols)
        self._readings = {
            Connection(dial, silence, self, clock): Reading(dial.canary) for dial in plan.dials
        }
        self._waiting = set(self._readings)

    @property
    def complete(self) -> bool:
        """Whether every connection has asked for all its streams, and has given data."""
        return not self._waiting and all(each.subscribed for each in self._readings)

    @property
    def simulated(self) -> bool:
        """Whether the other side says that its prices are made up."""
        return any(connection.simulated for connection in self._readings)

    @property
    def age(self) -> float:
        """Seconds since data came, on the connection where that is longest ago."""
        return self._clock.monotonic() - min(connection.heard for connection in self._readings)

    @property
    def is_stale(self) -> bool:
        """Whether a connection has been silent for half of what it may be."""
        now = self._clock.monotonic()
        return any(now - each.heard > each.limit / 2 for each in self._readings)

    def unheard(self, patience: Callable[[str], float]) -> list[str]:
        """The symbols asked for by name of which nothing came, though it should have by now.

        `patience` says how many seconds a symbol may be silent.
        """
        lasted = self._clock.monotonic() - self._made
        if lasted < UNHEARD_SECONDS:
            return []
        return sorted(symbol for symbol in self._unheard if lasted > patience(symbol))

    def close(self) -> None:
        """Ends it; nobody is told."""
        for connection in self._readings:
            connection.close()

    def take(self, connection: Connection, message: bytes, received: int) -> None:
        """See Receiver."""
        if self._tap is not None:
            self._tap(message, received)
        reading = self._readings[connection]
        tickers = reading.read(message, received // 1_000_000)
        if reading.retiring and not self.retiring:
            self.retiring = True
            self._watcher.notice(self)
        if tickers is not None:
            connection.hear(reading.factor)
            self._waiting.discard(connection)
            if self._unheard:
                self._unheard.difference_update([ticker.symbol for ticker in tickers])
            if len(tickers) <= TICKERS_AT_ONCE:
                self._watcher.take(self, tickers)
            else:
                self._pass_on_in_parts(tickers)

    def _pass_on_in_parts(self, tickers: list[Ticker]) -> None:
        """Where the session is closed meanwhile, the rest comes no more, like the messages after it."""
        for start in range(0, len(tickers), TICKERS_PER_TURN):
            give_turn()
            self._watcher.take(self, tickers[start : start + TICKERS_PER_TURN])

    def end(self, error: FeedError) -> None:
        """See Receiver."""
        if self.error is None:
            self.error = error
            self.close()
            self._watcher.notice(self)

    def instead(self, connection: Connection) -> str:
        """See Receiver."""
        return self._readings[connection].instead
