"""Intake: the newest ticker of every symbol, on its way from the feed to the writer.

Between a reader that must never wait and a store that may be slow or away: the newest of each symbol
waits, nothing queues, and nothing older ever replaces something newer.
"""

import time
from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from gevent.event import Event

from relay import pace
from relay.ticker import Ticker

#: Carried over from the last message that had them: a trade does not say the day's high.
_DAY_FIELDS = (
    "open",
    "high",
    "low",
    "volume",
    "quote_volume",
    "change",
    "change_percent",
    "trades",
)
#: Each event of these kinds has an id of its own; of others the last trade's, which may come again.
_NUMBERED = frozenset(("trade", "aggTrade", "bookTicker"))
#: Ids that begin again, as on a testnet's monthly reset, do so with a time that is later by far more
#: than two connections' can differ, in milliseconds.
_RESTART_MILLISECONDS = 60_000


class Counts(NamedTuple):
    """What became of the tickers that came in."""

    #: Older than what was held, or the same again.
    dropped: int
    #: Replaced by a newer one before they were written.
    conflated: int


class Intake:
    """What is held of each symbol, and which of it waits to be written."""

    def __init__(self, symbols: frozenset[str] = frozenset()) -> None:
        """`symbols`: only these are wanted; all if it is empty."""
        self._symbols = symbols
        self._held: dict[str, Ticker] = {}
        self._pending: dict[str, Ticker] = {}
        # The last of each other kind: a symbol may come as trade and as bookTicker.
        self._others: dict[tuple[str, str], Ticker] = {}
        # When each symbol was last heard, by the monotonic clock, and its pace in seconds.
        self._paces: dict[str, tuple[float, float]] = {}
        # Symbols that the present connection has not sent yet: what REST says of them may be newer.
        self._unconfirmed: set[str] = set()
        self._bell = Event()
        self._dropped = 0
        self._conflated = 0

    @property
    def counts(self) -> Counts:
        """Of all tickers so far."""
        return Counts(self._dropped, self._conflated)

    def patience(self, symbol: str) -> float:
        """Seconds that the symbol may be silent and is merely quiet; 0 if nothing is known of it."""
        return pace.STALE_PACES * self._paces[symbol][1] if symbol in self._paces else 0.0

    def silent_since(self, time: float) -> set[str]:
        """The symbols of which nothing came since, by the monotonic clock."""
        return {symbol for symbol in self._held if self._paces[symbol][0] < time}

    def offer(self, tickers: Iterable[Ticker]) -> None:
        """Takes what the exchange streamed; drops what is older than or the same as what is held."""
        now = time.monotonic()
        for ticker in tickers:
            held = self._held.get(ticker.symbol)
            if held is not None and self._is_old(ticker, held):
                self._dropped += 1
                continue
            self._unconfirmed.discard(ticker.symbol)
            heard, usual = self._paces.get(ticker.symbol) or (now, pace.UNKNOWN_SECONDS)
            usual = pace.after(now - heard, usual)
            self._paces[ticker.symbol] = now, usual
            ticker.pace = int(usual) + 1
            self._take(ticker, held)
        self._bell.set()

    def seed(self, tickers: Iterable[Ticker]) -> None:
        """Takes what REST said: never in place of what the present connection has streamed."""
        now = time.monotonic()
        for ticker in tickers:
            held = self._held.get(ticker.symbol)
            if held is not None and (
                ticker.symbol not in self._unconfirmed or self._is_old(ticker, held)
            ):
                if held.status is not None:
                    self._put(msgspec.structs.replace(held, status=None))
                continue
            if ticker.symbol not in self._paces:
                self._paces[ticker.symbol] = now, pace.of_trades(ticker.trades or 0)
            ticker.pace = int(self._paces[ticker.symbol][1]) + 1
            self._take(ticker, held)
        self._bell.set()

    def mark(self, symbol: str, status: str) -> None:
        """The exchange does not trade the symbol at present; its price stands."""
        held = self._held[symbol]
        if held.status != status:
            self._put(msgspec.structs.replace(held, status=status))
            self._bell.set()

    def remove(self, symbol: str) -> None:
        """The exchange does not list the symbol any more."""
        held = self._held.pop(symbol)
        self._paces.pop(symbol, None)
        self._pending[symbol] = Ticker(symbol, "", "removed", held.received_time)
        self._bell.set()

    def begin(self) -> None:
        """A connection begins after a time without one: what is held may have been missed."""
        self._unconfirmed = set(self._held)

    def clear(self) -> None:
        """Forgets everything: it was of another kind than what comes now."""
        for kept in (self._held, self._pending, self._others, self._paces, self._unconfirmed):
            kept.clear()

    def restore(self, tickers: Iterable[Ticker]) -> None:
        """Takes what a store held, as if it had come before anything that came since."""
        came, self._held, self._pending = list(self._held.values()), {}, {}
        now = time.monotonic()
        for ticker in tickers:
            if ticker.symbol not in self._paces:
                self._paces[ticker.symbol] = now, float(ticker.pace or pace.UNKNOWN_SECONDS)
            self._held[ticker.symbol] = ticker
            if self._symbols and ticker.symbol not in self._symbols:
                self.remove(ticker.symbol)
        self._unconfirmed.update(self._held.keys() - {ticker.symbol for ticker in came})
        for ticker in came:
            held = self._held.get(ticker.symbol)
            if held is None or not self._is_old(ticker, held):
                self._put(ticker)

    def resend(self) -> None:
        """All that is held waits to be written again."""
        self._pending = dict(self._held)
        self._bell.set()

    def wait(self, seconds: float) -> list[Ticker]:
        """What waits to be written, as soon as there is any; nothing after `seconds`."""
        self._bell.wait(seconds)
        self._bell.clear()
        pending, self._pending = self._pending, {}
        return list(pending.values())

    def _take(self, ticker: Ticker, held: Ticker | None) -> None:
        if held is not None:
            if ticker.open is None and held.open is not None:
                for field in _DAY_FIELDS:
                    setattr(ticker, field, getattr(held, field))
            if held.event != ticker.event:
                self._others[held.symbol, held.event] = held
        self._put(ticker)

    def _put(self, ticker: Ticker) -> None:
        self._held[ticker.symbol] = ticker
        self._conflated += ticker.symbol in self._pending
        self._pending[ticker.symbol] = ticker

    def _is_old(self, ticker: Ticker, held: Ticker) -> bool:
        """Older by the exchange's clock or ids, or the same again. Two symbols are never compared."""
        later = _later(ticker, held)
        if later < 0:
            return True
        last = held
        if held.event != ticker.event:
            last = self._others.get((ticker.symbol, ticker.event), held)
        if last.event == ticker.event and ticker.sequence is not None and last.sequence is not None:
            if ticker.event in _NUMBERED:
                passed = ticker.sequence > last.sequence
                return not passed and _later(ticker, last) <= _RESTART_MILLISECONDS
            if later == 0 and ticker.sequence != last.sequence:
                return ticker.sequence < last.sequence
        return later == 0 and _content(ticker) == _content(held)


def _later(ticker: Ticker, held: Ticker) -> int:
    """By how many milliseconds it is later, as far as the exchange says.

    A book has no time of its own; only one received long after counts as later.
    """
    if ticker.event_time is not None and held.event_time is not None:
        return ticker.event_time - held.event_time
    received_later = ticker.received_time - held.received_time
    return received_later if received_later > _RESTART_MILLISECONDS else 0


def _content(ticker: Ticker) -> tuple[str, str, str | None, str | None]:
    return ticker.price, ticker.event, ticker.bid, ticker.ask
