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
    packed,
    reconciled,
    units,
    with_decimals,
)
from relay.clock import SYSTEM, Clock
from relay.ingest.minutes import Closed, Minutes
from relay.ticker import MAX_CANDLES, Ticker

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
_MINUTE_MS = 1000 * MINUTE


class _Line:
    """The candles of one symbol."""

    __slots__ = (
        "close",
        "decimals",
        "high",
        "low",
        "minutes",
        "open",
        "over",
        "packed_over",
        "saved",
        "time",
        "updates",
    )

    def __init__(self, candle: Candle) -> None:
        self.follow([])
        self.adopt(candle)

    def follow(self, over: list[Candle]) -> None:
        """The minutes before, the oldest first."""
        #: The last one that had updates, and those before it that are not kept yet.
        self.over = over[1 - MAX_CANDLES :]
        self.packed_over = b"".join(map(packed, self.over))
        self.minutes: bytes | None = None

    def kept(self, candle: Candle) -> None:
        """This candle is kept: it need not travel any more, but for the last one."""
        if candle in self.over[:-1]:
            self.follow([each for each in self.over if each != candle])

    def adopt(self, candle: Candle) -> None:
        """Goes on from this candle."""
        self.time, self.decimals, self.updates = candle.time, candle.decimals, candle.updates
        self.open, self.high, self.low, self.close = (
            candle.open,
            candle.high,
            candle.low,
            candle.close,
        )
        #: How many updates the candle had when it was last given to be kept.
        self.saved = 0
        #: Both as they travel; None where that has changed.
        self.minutes = None

    def candle(self) -> Candle:
        return Candle(
            self.time,
            self.decimals,
            self.open,
            self.high,
            self.low,
            self.close,
            self.updates,
        )


class Candles:
    """The running minute of every symbol, and the minutes that wait to be kept."""

    def __init__(self, clock: Clock = SYSTEM) -> None:
        self._clock = clock
        self._lines: dict[str, _Line] = {}
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
                    lines[ticker.symbol] = _Line(_first(time, decimals, price))
                    continue
            if line.time != time and not self._turn(
                ticker.symbol, line, _first(time, decimals, price)
            ):
                continue
            if line.decimals != decimals:
                scaled = _in_one_unit(line, decimals, price)
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
        """From here on every minute that is over waits to be kept, or waits again where it has changed."""
        over = self._clock.wall_ms() // 1000 - MINUTE - GRACE_SECONDS
        for symbol, line in self._lines.items():
            if line.saved != line.updates and line.time <= over:
                line.saved = line.updates
                self._close(symbol, line.candle())

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
        """Whoever leads keeps the candles: of those that wait here only the last so many seconds stay."""
        self._unsaved.keep_seconds(seconds)

    def _begun(self, symbol: str, time: int) -> _Line | None:
        """The line of a symbol that was gone and has come back within the same minute, if it has."""
        closed = Closed(bool(self.simulated()), symbol, time)
        candle = self._unsaved.get(closed) or self._kept.get(closed)
        if candle is not None:
            self._lines[symbol] = _Line(candle)
        return self._lines.get(symbol)

    def _turn(self, symbol: str, line: _Line, first: Candle) -> bool:
        """An update of another minute has come; True if it is still to be added to that of the line."""
        if first.time > line.time:
            ended = line.candle()
            waiting = [each for each in line.over if self._name(symbol, each) in self._unsaved]
            line.follow([*waiting, ended])
            if line.saved != line.updates:
                self._close(symbol, ended)
        else:
            # The exchange's time was wrong before, and is right now: a candle of that time is void.
            same = [each for each in line.over if each.time == first.time]
            line.follow([each for each in line.over if each.time < first.time])
            if same:
                line.adopt(same[0])
                return True
        line.adopt(first)
        return False

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
            line = self._lines[symbol] = _Line(candles[running])
        line.adopt(candles[running])
        line.follow([candles[time] for time in over])
        for time in over:
            self._close(symbol, candles[time])

    def _end_at(self, line: _Line, ticker: Ticker | None) -> None:
        """The running candle closes at the price that counts, if that is of its minute."""
        if ticker is None or _minute(ticker) != line.time:
            return
        found = units(ticker.price)
        price = None if found is None else _in_one_unit(line, found[1], found[0])
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


def _first(time: int, decimals: int, price: int) -> Candle:
    return Candle(time, decimals, price, price, price, price, 1)


def _fits(price: str) -> bool:
    return len(price.replace(".", "", 1)) <= MAX_DIGITS


def _minute(ticker: Ticker) -> int:
    """When the minute of an update begins, in seconds since 1970: by the exchange's clock, where it says."""
    made = ticker.event_time
    return (ticker.received_time if made is None else made) // _MINUTE_MS * MINUTE


def _in_one_unit(line: _Line, decimals: int, price: int) -> int | None:
    """The price in the line's unit, which becomes that of the price where that is finer; None where one
    of both does not fit."""
    if decimals <= line.decimals:
        price *= 10 ** (line.decimals - decimals)
        return price if price < 10**MAX_DIGITS else None
    candle = with_decimals(line.candle(), decimals)
    if candle is None:
        return None
    saved = line.saved
    line.adopt(candle)
    line.saved = saved
    return price
