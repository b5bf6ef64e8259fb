"""Candles: what each symbol's price does in the present minute, made from every update as it is read.

The newest candles of a symbol travel with its ticker: that of the minute of its newest update, the one
before, and those that are not kept yet. So they are state like the price. Whoever has the newest ticker has
them, however many updates it has missed, and a new leader goes on from them.

Candles whose minute is over wait here until they are kept.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable

import msgspec

from relay.candle import (
    MAX_DIGITS,
    MAX_UPDATES,
    MINUTE,
    Candle,
    pack,
    reconciled,
    units,
)
from relay.clock import SYSTEM, Clock
from relay.ingest.candle_line import CandleLine, first_of, in_one_unit, reaching
from relay.ingest.minutes import Closed, Minutes
from relay.ticker import Ticker
from relay.turn import give_turn

log = logging.getLogger(__name__)

#: Candles that wait to be kept at most, while a store is away: two hours of 1,400 symbols.
MAX_UNSAVED = 200_000
#: Seconds by which the exchange's time and ours may differ; else an update has no candle. A wrong time
#: must not open one that no later update can close.
MAX_APART_SECONDS = 86_400
#: Seconds from the end of a minute until its candle counts as over, though no later update has come.
GRACE_SECONDS = 2
#: Minutes that are kept once more where a store has lost what it held: a server that was cut off from its
#: disk or from its replica lacks a few seconds.
RECENT_MINUTES = 6
#: Symbols whose minutes are ended between two turns of everything else, which takes some 10 ms.
LINES_PER_TURN = 2_000
_MINUTE_MS = 1000 * MINUTE


class Candles:
    """The running minute of every symbol, and the minutes that wait to be kept."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._lines: dict[str, CandleLine] = {}
        self._unsaved = Minutes()
        # Those that were kept lately.
        self._kept = Minutes()
        #: Whether the prices that come are simulated.
        self.simulated: Callable[[], bool | None] = lambda: None
        #: Candles that could not wait any longer to be kept.
        self.lost = 0

    def take(self, tickers: Iterable[Ticker]) -> None:
        """Takes in updates that were accepted, in their order."""
        lines = self._lines
        now = self._clock.wall_ms() // 1000
        earliest, latest = now - MAX_APART_SECONDS, now + MAX_APART_SECONDS
        for ticker in tickers:
            text = ticker.price
            point = text.find(".")
            decimals = len(text) - point - 1 if point >= 0 else 0
            made = ticker.event_time
            time = (ticker.received_time if made is None else made) // _MINUTE_MS * MINUTE
            if (len(text) > MAX_DIGITS and not _fits(text)) or not earliest < time < latest:
                continue
            price = int(text.replace(".", "", 1))
            line = lines.get(ticker.symbol)
            if line is None:
                line = self._begun(ticker.symbol, time)
                if line is None:
                    lines[ticker.symbol] = CandleLine(first_of(time, decimals, price))
                    continue
            if line.time != time and not self._turn(
                ticker.symbol, line, first_of(time, decimals, price)
            ):
                continue
            if line.decimals != decimals:
                scaled = in_one_unit(line, decimals, price)
                if scaled is None:
                    continue
                price = scaled
            if price > line.high:
                line.high = price
            elif price < line.low:
                line.low = price
            line.close = price
            line.updates += 1
            line.minutes = None

    def take_late(self, trades: Iterable[Ticker]) -> None:
        """Takes in trades that are older than what counts, or the same again. They close no candle; but the
        price was as high or low as that within their minute."""
        for trade in trades:
            line, found = self._lines.get(trade.symbol), units(trade.price)
            if line is None or found is None:
                continue
            time = _minute(trade)
            is_running = time == line.time
            candle = line.candle() if is_running else self._known(trade.symbol, time)
            wider = None if candle is None else reaching(candle, *found)
            if wider is None:
                continue
            if is_running:
                line.widen(wider)
            else:
                line.follow([wider if each.time == time else each for each in line.over])
                self._close(trade.symbol, wider)

    def attach(self, ticker: Ticker) -> Ticker:
        """The ticker with its symbol's candles as they are now; a copy where it had others before."""
        line = self._lines.get(ticker.symbol)
        if line is None or ticker.removed:
            return ticker
        minutes = line.minutes
        if minutes is None:
            minutes = line.minutes = line.packed_over + pack(
                line.open,
                line.high,
                line.low,
                line.close,
                line.time,
                min(line.updates, MAX_UPDATES),
                line.decimals,
            )
        if ticker.minutes is None:
            ticker.minutes = minutes
        elif ticker.minutes != minutes:
            return msgspec.structs.replace(ticker, minutes=minutes)
        return ticker

    def restore(self, stored: Iterable[Ticker], held: Callable[[str], Ticker | None]) -> None:
        """Goes on from the candles of a store, which were published. `held` gives the ticker of a symbol
        that counts now."""
        waiting = defaultdict(list)
        for closed, candle in self._unsaved:
            if closed.simulated == self.simulated():
                waiting[closed.symbol].append(candle)
        for ticker in stored:
            now = held(ticker.symbol)
            published = ticker.candles
            if published and now is not None:
                self._meet(ticker.symbol, published, waiting[ticker.symbol])
                self._end_at(self._lines[ticker.symbol], now)

    def remove(self, symbol: str) -> None:
        """The symbol is gone; its last candle stays to be kept."""
        line = self._lines.pop(symbol, None)
        if line is not None:
            self._close(symbol, line.candle())

    def clear(self) -> None:
        """From here on other prices come, real or simulated; the last candles stay to be kept."""
        for symbol in list(self._lines):
            self.remove(symbol)

    def symbols(self) -> list[str]:
        """Every symbol that has a candle now."""
        return list(self._lines)

    @property
    def waiting(self) -> int:
        """How many candles wait to be kept."""
        return len(self._unsaved)

    def end_minutes(self) -> None:
        """From here on every minute that is over waits to be kept, or waits again where it has changed.
        Gives turns to others."""
        over = self._clock.wall_ms() // 1000 - MINUTE - GRACE_SECONDS
        for number, (symbol, line) in enumerate(list(self._lines.items()), 1):
            # It may have gone in one of the turns.
            is_there = self._lines.get(symbol) is line
            if is_there and line.saved != line.updates and line.time <= over:
                line.saved = line.updates
                self._close(symbol, line.candle())
            if number % LINES_PER_TURN == 0:
                give_turn()

    def unsaved(self, most: int = MAX_UNSAVED) -> list[tuple[Closed, Candle]]:
        """Those that wait longest to be kept, so many at most."""
        return self._unsaved.first(most)

    def saved(self, kept: Iterable[tuple[Closed, Candle]]) -> None:
        """These are kept; one that changed meanwhile still waits."""
        for closed, candle in kept:
            if self._unsaved.get(closed) is candle:
                self._unsaved.drop(closed)
                self._kept.put(closed, candle)
                line = self._lines.get(closed.symbol)
                if line is not None:
                    line.kept(candle)
        self._kept.keep_minutes(RECENT_MINUTES, MAX_UNSAVED)

    def resend(self) -> None:
        """The store has lost what it was told last: the latest minutes wait again to be kept."""
        for closed, candle in self._kept:
            if closed not in self._unsaved:
                self._unsaved.put(closed, candle)
        self._kept.clear()

    def forget(self, seconds: int) -> None:
        """Whoever leads keeps the candles: of those that wait here only the last so many seconds stay, and
        half of those that may wait at most."""
        self._unsaved.keep_seconds(seconds, self._clock.wall_ms() // 1000)
        self._unsaved.keep_minutes(len(self._unsaved), MAX_UNSAVED // 2)

    def _begun(self, symbol: str, time: int) -> CandleLine | None:
        """The line of a symbol that was gone and has come back within the same minute, if it has."""
        candle = self._known(symbol, time)
        if candle is not None:
            self._lines[symbol] = CandleLine(candle)
        return self._lines.get(symbol)

    def _known(self, symbol: str, time: int) -> Candle | None:
        """The candle of a minute that is over, if that is at hand."""
        if not (self._unsaved.has(time) or self._kept.has(time)):
            return None
        closed = Closed(bool(self.simulated()), symbol, time)
        return self._unsaved.get(closed) or self._kept.get(closed)

    def _turn(self, symbol: str, line: CandleLine, first: Candle) -> bool:
        """An update of another minute has come; True if it is still to be added to that of the line."""
        if first.time > line.time:
            ended = line.candle()
            waiting = [each for each in line.over if self._name(symbol, each) in self._unsaved]
            line.follow([*waiting, ended])
            if line.saved != line.updates:
                self._close(symbol, ended)
        else:
            # The exchange's time was wrong before, and is right now: a candle of that time is void.
            line.follow([each for each in line.over if each.time < first.time])
            self._forget_ahead(symbol)
        # A clock that went back comes by the same minutes again.
        known = self._known(symbol, first.time)
        line.adopt(first if known is None else known)
        return known is not None

    def _forget_ahead(self, symbol: str) -> None:
        """The candles of minutes that have not come yet by our clock either: they were none."""
        now = self._clock.wall_ms() // 1000
        for kept in (self._unsaved, self._kept):
            for time in kept.after(now):
                kept.drop(Closed(bool(self.simulated()), symbol, time))

    def _meet(self, symbol: str, published: list[Candle], waiting: list[Candle]) -> None:
        """A symbol's candles of a store meet ours. Minutes before those of the store were its writer's to
        keep; the later ones are ours."""
        candles = {candle.time: candle for candle in published}
        oldest, newest = min(candles), max(candles)
        line = self._lines.get(symbol)
        ours = waiting if line is None else [*waiting, *line.over, line.candle()]
        for candle in {each.time: each for each in ours}.values():
            theirs = candles.get(candle.time)
            if theirs is not None:
                later = candle.time >= newest
                candles[candle.time] = reconciled(theirs, candle, ours_is_later=later)
            elif candle.time > oldest:
                candles[candle.time] = candle
            else:
                self._unsaved.drop(self._name(symbol, candle))
        *over, running = sorted(candles)
        if line is None:
            line = self._lines[symbol] = CandleLine(candles[running])
        line.adopt(candles[running])
        line.follow([candles[time] for time in over])
        for time in over:
            self._close(symbol, candles[time])

    def _end_at(self, line: CandleLine, ticker: Ticker | None) -> None:
        """The running candle closes at the price that counts, if that is of its minute."""
        if ticker is None or _minute(ticker) != line.time:
            return
        found = units(ticker.price)
        price = None if found is None else in_one_unit(line, found[1], found[0])
        if price is not None and price != line.close:
            line.high, line.low = max(line.high, price), min(line.low, price)
            line.close, line.minutes = price, None

    def _name(self, symbol: str, candle: Candle) -> Closed:
        return Closed(bool(self.simulated()), symbol, candle.time)

    def _close(self, symbol: str, candle: Candle) -> None:
        closed = self._name(symbol, candle)
        if closed not in self._unsaved and len(self._unsaved) >= MAX_UNSAVED:
            self._unsaved.drop_one()
            if not self.lost:
                log.error("candles are lost: %d wait to be kept, as many as may", MAX_UNSAVED)
            self.lost += 1
        self._unsaved.put(closed, candle)


def _fits(price: str) -> bool:
    return len(price.replace(".", "", 1)) <= MAX_DIGITS


def _minute(ticker: Ticker) -> int:
    """When the minute of an update begins, in seconds since 1970: by the exchange's clock, where it says."""
    made = ticker.event_time
    return (ticker.received_time if made is None else made) // _MINUTE_MS * MINUTE
