"""Session: the connections to one source that together carry every stream wanted of it."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Protocol

from relay.exchange.connection import Connection, FeedError
from relay.exchange.messages import Note
from relay.exchange.streams import Plan
from relay.ticker import Ticker

#: A symbol asked for by name gets so long until something comes of it, in seconds, or longer if that
#: is its pace.
UNHEARD_SECONDS = 60.0


class Watcher(Protocol):
    """Who is told what becomes of a session."""

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
        notes: Counter[Note],
        tap: Callable[[bytes, int], None] | None = None,
    ) -> None:
        """`silence` in seconds, for each connection; `tap` as in Connection."""
        self.url = url
        #: Those asked for by name; none for the whole market.
        self.symbols = plan.symbols
        #: Why it ended, once it has.
        self.error: FeedError | None = None
        #: Whether the exchange has announced that it will close.
        self.retiring = False
        self._watcher = watcher
        self._began = time.monotonic()
        self._unheard = set(plan.symbols)
        self._connections = [Connection(dial, silence, self, notes, tap) for dial in plan.dials]
        self._waiting = set(self._connections)

    @property
    def complete(self) -> bool:
        """Whether every connection has given data."""
        return not self._waiting

    @property
    def simulated(self) -> bool:
        """Whether the other side says that its prices are made up."""
        return any(connection.simulated for connection in self._connections)

    @property
    def age(self) -> float:
        """Seconds since data came, on the connection where that is longest ago."""
        return time.monotonic() - min(connection.heard for connection in self._connections)

    @property
    def is_stale(self) -> bool:
        """Whether a connection has been silent for half of what it may be."""
        now = time.monotonic()
        return any(now - each.heard > each.limit / 2 for each in self._connections)

    def unheard(self, patience: Callable[[str], float]) -> list[str]:
        """The symbols asked for by name of which nothing came, though it should have by now.

        `patience` says how many seconds a symbol may be silent.
        """
        lasted = time.monotonic() - self._began
        if lasted < UNHEARD_SECONDS:
            return []
        return sorted(symbol for symbol in self._unheard if lasted > patience(symbol))

    def close(self) -> None:
        """Ends it; nobody is told."""
        for connection in self._connections:
            connection.close()

    def take(self, connection: Connection, tickers: list[Ticker]) -> None:
        """See Receiver."""
        self._waiting.discard(connection)
        if self._unheard:
            self._unheard.difference_update([ticker.symbol for ticker in tickers])
        self._watcher.take(self, tickers)

    def retire(self) -> None:
        """See Receiver."""
        self.retiring = True
        self._watcher.notice(self)

    def end(self, error: FeedError) -> None:
        """See Receiver."""
        if self.error is None:
            self.error = error
            self.close()
            self._watcher.notice(self)
