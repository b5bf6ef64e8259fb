"""Intake: the newest ticker of every symbol, on its way from the feed to the writer.

Between a reader that must never wait and a store that may be slow or away: the newest of each symbol
waits, nothing queues, and nothing older replaces something newer.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
from gevent.event import Event

from relay import pace
from relay.clock import SYSTEM, Clock
from relay.ingest.admission import Admission
from relay.ingest.candles import Candles
from relay.ingest.claims import TRADES, Claims, content, order, plainly_follows
from relay.ingest.line import Line
from relay.ingest.listings import Listings
from relay.ticker import Ticker, removal

log = logging.getLogger(__name__)

#: Milliseconds between two listeners' receipts of the same ticker that their clocks must account for.
_APART_MILLISECONDS = 2_000


class Counts(NamedTuple):
    """What became of the tickers that came in."""

    #: Older than what was held, or the same again.
    dropped: int
    #: Replaced by a newer one before they were written.
    conflated: int


class Intake:
    """What is held of each symbol, and which of it waits to be written."""

    def __init__(
        self,
        symbols: frozenset[str] = frozenset(),
        clock: Clock = SYSTEM,
        candles: Candles | None = None,
    ) -> None:
        """`symbols`: only these are wanted; all if it is empty. `candles` is told of every update that is
        taken."""
        self._clock = clock
        self._candles = candles
        self._admission = Admission(symbols)
        self._listings = Listings(clock)
        self._lines: dict[str, Line] = {}
        self._pending: dict[str, Ticker] = {}
        self._claims = Claims()
        self._bell = Event()
        self._dropped = 0
        self._conflated = 0

    def __len__(self) -> int:
        """How many symbols are held."""
        return len(self._lines)

    @property
    def counts(self) -> Counts:
        """What became of all tickers so far."""
        return Counts(self._dropped, self._conflated)

    @property
    def refused(self) -> int:
        """How often a symbol came that may not be held."""
        return self._admission.refused.total()

    def patience(self, symbol: str) -> float:
        """Seconds that the symbol may be silent and is merely quiet; 0 if nothing is known of it."""
        line = self._lines.get(symbol)
        return pace.STALE_PACES * line.pace if line is not None else 0.0

    def silent_since(self, moment: float) -> set[str]:
        """The symbols of which nothing came since, by the monotonic clock."""
        return {symbol for symbol, line in self._lines.items() if line.heard < moment}

    def without_quote(self) -> set[str]:
        """The symbols whose quote asset is not known."""
        return self._lines.keys() - self._listings.quotes.keys()

    def offer(self, tickers: Iterable[Ticker]) -> None:
        """Takes what the exchange streamed; drops what is older than or the same as what is held."""
        now = self._clock.monotonic()
        lines, pending, claims = self._lines, self._pending, self._claims
        rivals = claims.rivals
        taken, late = [], []
        for ticker in tickers:
            symbol = ticker.symbol
            line = lines.get(symbol)
            if line is None:
                if not self._admission.admits_streamed(symbol, len(lines), len(pending)):
                    continue
                self._listings.appears(symbol)
                self._listings.stamp(ticker)
                line = lines[symbol] = Line(ticker, now, None)
            else:
                held = line.ticker
                if not plainly_follows(ticker, held):
                    if claims.loses(ticker, held, now):
                        self._dropped += 1
                        if ticker.stream in TRADES:
                            late.append(ticker)
                        continue
                    claims.inherit(ticker, held)
                if rivals:
                    claims.settle(ticker)
                line.ticker = ticker
                # A time without a connection says nothing of the symbol's pace.
                gap = now - line.heard if line.confirmed else 0.0
                line.confirmed = True
                line.heard = now
                if gap > line.pace or now > line.due:
                    line.adapt(gap, now)
            ticker.pace = line.shown
            ticker.quote = line.quote
            if symbol in pending:
                self._conflated += 1
            pending[symbol] = ticker
            taken.append(ticker)
        # These are few: to look at each ticker for them would cost as much as its quote.
        for symbol in self._listings.listed.keys() & pending.keys():
            self._listings.stamp(pending[symbol])
        if self._candles is not None:
            self._candles.take(taken)
            self._candles.take_late(late)
        self._bell.set()

    def seed(self, tickers: Iterable[Ticker], debuts: Mapping[str, bool] | None = None) -> None:
        """Takes what REST said of all that is traded: never in place of what the present connection has
        streamed. `debuts`: whether a symbol's first trade ever was within 24 hours."""
        now = self._clock.monotonic()
        tickers = list(tickers)
        self._admission.learn_traded(len(tickers))
        taken = []
        for ticker in tickers:
            line = self._lines.get(ticker.symbol)
            if line is not None and line.guessed:
                line.learn(pace.of_trades(ticker.trades or 0), now)
            if line is None:
                if not self._may_be_held(ticker.symbol):
                    continue
                line = Line(ticker, now, pace.of_trades(ticker.trades or 0))
                self._lines[ticker.symbol] = line
                line.confirmed = False
                self._listings.appears(ticker.symbol)
                self._put(line, ticker)
                taken.append(ticker)
            elif not line.confirmed and not self._claims.loses(ticker, line.ticker, now):
                self._claims.inherit(ticker, line.ticker)
                self._put(line, ticker)
                taken.append(ticker)
            elif line.ticker.status is not None:
                self._put(line, msgspec.structs.replace(line.ticker, status=None))
        if self._candles is not None:
            self._candles.take(taken)
        self._listings.learn_debuts({s: d for s, d in (debuts or {}).items() if s in self._lines})
        if self._lines:
            self._listings.know_all()
        self._stamp_again()

    def learn_quotes(self, quotes: Mapping[str, str]) -> None:
        """The exchange lists symbols with these quote assets."""
        self._listings.learn_quotes({s: q for s, q in quotes.items() if s in self._lines})
        self._stamp_again()

    def mark(self, symbol: str, status: str) -> None:
        """The exchange does not trade the symbol at present; its price stands."""
        line = self._lines[symbol]
        if line.ticker.status != status:
            self._put(line, msgspec.structs.replace(line.ticker, status=status))
            self._bell.set()

    def remove(self, symbol: str) -> None:
        """The exchange does not list the symbol any more."""
        line = self._lines.pop(symbol)
        self._claims.forget({symbol})
        self._listings.forget(symbol)
        self._pending[symbol] = removal(symbol, line.ticker.received_time)
        if self._candles is not None:
            self._candles.remove(symbol)
        self._bell.set()

    def remove_again(self, tickers: Iterable[Ticker]) -> None:
        """These were to be written, and were not: the removals among them still wait."""
        for ticker in tickers:
            symbol = ticker.symbol
            if ticker.removed and symbol not in self._lines:
                self._pending.setdefault(symbol, ticker)

    def doubt(self) -> None:
        """There was a time without a connection: newer than what is held may have been missed."""
        for line in self._lines.values():
            line.confirmed = False

    def clear(self) -> None:
        """Forgets everything: it was of another kind than what comes now."""
        self._lines.clear()
        self._pending.clear()
        self._claims.clear()
        self._admission.forget_traded()
        self._listings.clear()
        if self._candles is not None:
            self._candles.clear()

    def restore(self, tickers: Iterable[Ticker]) -> None:
        """Takes what a store held, as if it had come before anything that came since.

        What is not wanted, or has no room, is removed from there; so is what we know to be gone. What is
        gone there is gone here, until it comes again.
        """
        gone = {symbol for symbol, ticker in self._pending.items() if ticker.removed}
        came, self._lines, self._pending = self._lines, {}, {}
        left_out = set()
        now = self._clock.monotonic()
        stored = list(tickers)
        self._listings.restore(stored)
        for ticker in stored:
            symbol = ticker.symbol
            line = came.get(symbol)
            if ticker.removed:
                left_out.add(symbol)
                continue
            if line is None:
                line = Line(ticker, now, ticker.pace)
                line.confirmed = False
            else:
                self._meet(line, ticker)
            wanted = symbol not in gone and self._may_be_held(symbol)
            self._lines[symbol] = line
            if not wanted:
                self.remove(symbol)
        self._claims.forget(left_out & came.keys())
        for symbol, line in came.items():
            known = symbol in self._lines or symbol in left_out
            if not known and self._may_be_held(symbol):
                self._lines[symbol] = line
                self._put(line, line.ticker)
        if self._candles is not None:
            self._candles.restore(stored, self._held)
        self._stamp_again(stored)

    def resend(self) -> None:
        """All that is held waits to be written again."""
        self._pending = {symbol: line.ticker for symbol, line in self._lines.items()}
        if self._candles is not None:
            self._candles.resend()
        self._bell.set()

    def ring(self) -> None:
        """Has whoever waits go on at once: there is something to tell besides tickers."""
        self._bell.set()

    def wait(self, seconds: float) -> list[Ticker]:
        """What waits to be written, as soon as there is any; nothing after `seconds`."""
        self._bell.wait(seconds)
        self._bell.clear()
        pending, self._pending = self._pending, {}
        if self._candles is None:
            return list(pending.values())
        return list(map(self._candles.attach, pending.values()))

    def _held(self, symbol: str) -> Ticker | None:
        line = self._lines.get(symbol)
        return None if line is None else line.ticker

    def _may_be_held(self, symbol: str) -> bool:
        """Whether a symbol that REST or a store names, and that is not held, may be."""
        return self._admission.admits(symbol, len(self._lines), len(self._pending))

    def _put(self, line: Line, ticker: Ticker) -> None:
        line.ticker = ticker
        ticker.pace = line.shown
        self._listings.stamp(ticker)
        self._conflated += ticker.symbol in self._pending
        self._pending[ticker.symbol] = ticker

    def _stamp_again(self, stored: Iterable[Ticker] = ()) -> None:
        """Something was learnt of symbols: tickers that do not say it, here or in a store, are put anew."""
        held = [line.ticker for line in self._lines.values()]
        for symbol in {t.symbol for t in (*held, *stored) if not self._listings.agrees(t)}:
            if (line := self._lines.get(symbol)) is not None:
                self._put(line, msgspec.structs.replace(line.ticker))
        for symbol, line in self._lines.items():
            line.quote = self._listings.quotes.get(symbol)
        self._bell.set()

    def _meet(self, line: Line, stored: Ticker) -> None:
        """What came here meets what a store held of the same symbol."""
        ours = line.ticker
        if order(ours) == order(stored) and content(ours) == content(stored):
            # We read it as well. When, our clock says: another listener's may be wrong.
            if ours.status is None and stored.status is not None:
                ours = line.ticker = msgspec.structs.replace(ours, status=stored.status)
            self._claims.inherit(ours, stored)
            if abs(ours.received_time - stored.received_time) > _APART_MILLISECONDS:
                self._put(line, ours)
        elif self._claims.is_old(ours, stored):
            line.ticker = stored
        else:
            self._put(line, ours)
