"""Intake: the newest ticker of every symbol, on its way from the feed to the writer.

Between a reader that must never wait and a store that may be slow or away: the newest of each symbol
waits, nothing queues, and nothing older replaces something newer.

The exchange's times and ids alone say what is newer: our clock may be wrong, and a recording may be of any
year. A time of the exchange may be wrong as well, and far ahead. So the claim of a ticker that is held can
end. It ends when tickers that look older have come for CLAIM_SECONDS, each later than the one before, and
the held one did not come again: then the next of them takes its place. A symbol that moves seldom loses one
update by this. A ticker that a store held has the same claim, so a restart keeps no wrong time alive.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
from gevent.event import Event

from relay import pace
from relay.clock import SYSTEM, Clock
from relay.ingest.candles import Candles
from relay.ingest.listings import Listings
from relay.ticker import MAX_HELD, Ticker, removal

log = logging.getLogger(__name__)

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
#: Seconds until a ticker that is contradicted all the time loses its place. Longer than two connections
#: are read side by side (feed.OVERLAP_SECONDS): what the slower one sends late must not count.
CLAIM_SECONDS = 6.0
#: Milliseconds between two listeners' receipts of the same ticker that their clocks must account for.
_APART_MILLISECONDS = 2_000
#: Removals that wait to be written, at most, beside what is held. A store that is away takes none.
_MAX_REMOVALS = MAX_HELD


class Counts(NamedTuple):
    """What became of the tickers that came in."""

    #: Older than what was held, or the same again.
    dropped: int
    #: Replaced by a newer one before they were written.
    conflated: int


class _Line:
    """What is known of one symbol."""

    __slots__ = ("confirmed", "due", "guessed", "heard", "pace", "quote", "shown", "ticker")

    def __init__(self, ticker: Ticker, now: float, usual: float | None) -> None:
        """`usual`: its pace in seconds, where anything is known of it."""
        self.ticker = ticker
        #: What the ticker says of it, at hand for the next one.
        self.quote = ticker.quote
        #: When something was heard of it last, by the monotonic clock.
        self.heard = now
        #: Whether the present connection has sent it: else what REST says may be newer.
        self.confirmed = True
        self.guessed = usual is None
        self.pace = pace.UNKNOWN_SECONDS if usual is None else usual
        self.adapt(0.0, now)

    def adapt(self, gap: float, now: float) -> None:
        """Brings the pace up to date; its decay is slow enough for that to be done now and then."""
        if gap > self.pace:
            self.guessed = False
        self.pace = pace.after(gap, self.pace)
        self.due = now + pace.ADAPT_SECONDS
        self.shown = int(self.pace) + 1

    def learn(self, usual: float, now: float) -> None:
        """The pace in seconds, as far as REST knows it: in place of a guess."""
        self.guessed = False
        self.pace = min(self.pace, usual)
        self.adapt(0.0, now)


class _Rivals(NamedTuple):
    """Tickers of one symbol and kind that what is held makes look old."""

    #: When the first of them came, by the monotonic clock.
    since: float
    newest: Ticker

    def precede(self, ticker: Ticker) -> bool:
        """Whether the ticker is later than each of them."""
        return _order(ticker) > _order(self.newest)


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
        self._symbols = symbols
        self._listings = Listings(clock)
        self._lines: dict[str, _Line] = {}
        self._pending: dict[str, Ticker] = {}
        # The last of each other kind: a symbol may come as trade and as bookTicker.
        self._others: dict[tuple[str, str], Ticker] = {}
        self._rivals: dict[tuple[str, str], _Rivals] = {}
        #: Symbols, each time one came, for which there was no room.
        self.refused = 0
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
        lines, pending, rivals = self._lines, self._pending, self._rivals
        taken = []
        for ticker in tickers:
            symbol = ticker.symbol
            line = lines.get(symbol)
            if line is None:
                if not self._has_room(symbol):
                    continue
                self._listings.appears(symbol)
                self._listings.stamp(ticker)
                line = lines[symbol] = _Line(ticker, now, None)
            else:
                held = line.ticker
                if not _plainly_follows(ticker, held):
                    if self._loses(ticker, held, now):
                        self._dropped += 1
                        continue
                    self._inherit(ticker, held)
                if rivals:
                    rivals.pop((symbol, ticker.stream), None)
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
        self._bell.set()

    def seed(self, tickers: Iterable[Ticker], debuts: Mapping[str, bool] | None = None) -> None:
        """Takes what REST said of all that is traded: never in place of what the present connection has
        streamed. `debuts`: whether a symbol's first trade ever was within 24 hours."""
        now = self._clock.monotonic()
        taken = []
        for ticker in tickers:
            line = self._lines.get(ticker.symbol)
            if line is not None and line.guessed:
                line.learn(pace.of_trades(ticker.trades or 0), now)
            if line is None:
                if not self._has_room(ticker.symbol):
                    continue
                line = _Line(ticker, now, pace.of_trades(ticker.trades or 0))
                self._lines[ticker.symbol] = line
                line.confirmed = False
                self._listings.appears(ticker.symbol)
                self._put(line, ticker)
                taken.append(ticker)
            elif not line.confirmed and not self._loses(ticker, line.ticker, now):
                self._inherit(ticker, line.ticker)
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
        self._forget_kinds({symbol})
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
        for kept in (self._lines, self._pending, self._others, self._rivals):
            kept.clear()
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
                line = _Line(ticker, now, ticker.pace)
                line.confirmed = False
            else:
                self._meet(line, ticker)
            wanted = symbol not in gone and self._has_room(symbol)
            self._lines[symbol] = line
            if not wanted:
                self.remove(symbol)
        self._forget_kinds(left_out & came.keys())
        for symbol, line in came.items():
            known = symbol in self._lines or symbol in left_out
            if not known and self._has_room(symbol):
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

    def _has_room(self, symbol: str) -> bool:
        """Whether a symbol that is not held may be. One that nobody asked for never."""
        if self._symbols and symbol not in self._symbols:
            return False
        if len(self._lines) < MAX_HELD and len(self._pending) < MAX_HELD + _MAX_REMOVALS:
            return True
        if not self.refused:
            log.error("no room for %a, nor for any other symbol beyond %d", symbol, MAX_HELD)
        self.refused += 1
        return False

    def _loses(self, ticker: Ticker, held: Ticker, now: float) -> bool:
        """Whether a ticker is not to take the place of what is held."""
        return self._is_old(ticker, held) and not self._outlives(held, ticker, now)

    def _outlives(self, held: Ticker, ticker: Ticker, now: float) -> bool:
        """Whether what looks old takes the place of what is held, whose claim has ended."""
        if _order(ticker) == _order(held):
            # The same again: it bears out what is held.
            self._rivals.pop((ticker.symbol, ticker.stream), None)
            return False
        key = ticker.symbol, ticker.stream
        rivals = self._rivals.get(key)
        if rivals is None:
            self._rivals[key] = _Rivals(now, ticker)
        elif rivals.precede(ticker):
            if now - rivals.since >= CLAIM_SECONDS:
                self._others.pop(key, None)
                return True
            self._rivals[key] = _Rivals(rivals.since, ticker)
        return False

    def _put(self, line: _Line, ticker: Ticker) -> None:
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

    def _meet(self, line: _Line, stored: Ticker) -> None:
        """What came here meets what a store held of the same symbol."""
        ours = line.ticker
        if _order(ours) == _order(stored) and _content(ours) == _content(stored):
            # We read it as well. When, our clock says: another listener's may be wrong.
            if ours.status is None and stored.status is not None:
                ours = line.ticker = msgspec.structs.replace(ours, status=stored.status)
            self._inherit(ours, stored)
            if abs(ours.received_time - stored.received_time) > _APART_MILLISECONDS:
                self._put(line, ours)
        elif self._is_old(ours, stored):
            line.ticker = stored
        else:
            self._put(line, ours)

    def _forget_kinds(self, symbols: set[str]) -> None:
        for kept in (self._others, self._rivals):
            for key in [key for key in kept if key[0] in symbols]:
                del kept[key]

    def _inherit(self, ticker: Ticker, held: Ticker) -> None:
        """A ticker takes over from one of perhaps another kind."""
        if held.stream != ticker.stream:
            self._others[held.symbol, held.stream] = held
        if ticker.open is None and held.open is not None:
            for field in _DAY_FIELDS:
                if getattr(ticker, field) is None:
                    setattr(ticker, field, getattr(held, field))

    def _is_old(self, ticker: Ticker, held: Ticker) -> bool:
        """Older by the exchange's clock or ids, or the same again. Two symbols are never compared."""
        later = _later(ticker, held)
        if later < 0:
            return True
        last = held
        if held.stream != ticker.stream:
            last = self._others.get((ticker.symbol, ticker.stream), held)
        if (
            last.stream == ticker.stream
            and ticker.sequence is not None
            and last.sequence is not None
        ):
            if ticker.stream in _NUMBERED:
                passed = ticker.sequence > last.sequence
                return not passed and _later(ticker, last) <= _RESTART_MILLISECONDS
            if later == 0 and ticker.sequence != last.sequence:
                return ticker.sequence < last.sequence
        return later == 0 and _content(ticker) == _content(held)


def _plainly_follows(ticker: Ticker, held: Ticker) -> bool:
    """The common case, of which a frame has thousands: the same kind, whole, and later."""
    return (
        ticker.stream == held.stream
        and ticker.sequence is None
        and ticker.open is not None
        and (ticker.event_time or 0) > (held.event_time or 0)
    )


def _later(ticker: Ticker, held: Ticker) -> int:
    """By how many milliseconds it is later, as far as the exchange says.

    A book has no time of its own; only one received long after counts as later.
    """
    if ticker.event_time is not None and held.event_time is not None:
        return ticker.event_time - held.event_time
    received_later = ticker.received_time - held.received_time
    return received_later if received_later > _RESTART_MILLISECONDS else 0


def _content(ticker: Ticker) -> tuple[str, str, str | None, str | None]:
    return ticker.price, ticker.stream, ticker.bid, ticker.ask


def _order(ticker: Ticker) -> tuple[int, int]:
    """What orders the tickers of one symbol and kind, which all have a time, or all have none."""
    return ticker.event_time or 0, ticker.sequence or 0
