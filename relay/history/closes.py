"""Closes: what the price was at the end of each interval of the last day, of many symbols at once."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from relay.candle import HOUR, Candle
from relay.clock import SYSTEM, Clock
from relay.history.cache import Cache
from relay.history.interval import SECONDS
from relay.history.own import Own, View
from relay.history.page import PAGE_CANDLES, PageName
from relay.history.pages import Known, Pages
from relay.history.row import close_of
from relay.history.supply import Supply
from relay.store.contract import StoreUnavailable
from relay.turn import stand_in_line

#: How many points a day may have, and the interval of each.
INTERVALS = {24: "1h", 48: "30m", 96: "15m", 288: "5m"}
#: The most points that the page of the newest candles holds, which has fewer candles than others.
_NEWEST_POINTS = 48
#: Seconds that an answer waits for the exchange's candles.
WAIT_SECONDS = 1.0
#: Seconds that closes serve of which some are missing.
PARTIAL_SECONDS = 2.0
#: Bytes of closes that one worker keeps.
MOST_BYTES = 8 << 20
#: The last points, which our minutes fill where the exchange's page is older; our hours fill the others.
_LATE_POINTS = 2
#: Points that are put together between two turns of everything else: about 1 ms of work.
_POINTS_PER_TURN = 384


class Line(NamedTuple):
    """The closes of one symbol, but for the interval that is still running."""

    #: When the first interval opens, in seconds since 1970.
    start: int
    #: As JSON: strings and nulls with a comma after each, the oldest first. Zeros at the end of a decimal
    #: are left out.
    text: str
    #: Whether the exchange has said all of them, but perhaps the last.
    complete: bool
    #: When it was put together, by the monotonic clock.
    time: float


class Closes:
    """Puts closes together, and keeps them until the next interval begins."""

    def __init__(self, pages: Pages, own: Own, supply: Supply, clock: Clock = SYSTEM) -> None:
        self._pages = pages
        self._own = own
        self._supply = supply
        self._clock = clock
        self._cache: Cache[Line] = Cache(MOST_BYTES)

    def lines(
        self, simulated: bool, newest: Mapping[str, Sequence[Candle]], points: int, now: int
    ) -> dict[str, Line]:
        """The line of each symbol at this time, in milliseconds. Waits up to WAIT_SECONDS.

        `newest`: the symbols, each with its newest candles, which the board holds.
        """
        start = first_opening(points, now)
        lines = {}
        for symbol in newest:
            line = self._cache.get((simulated, symbol, points))
            if line is not None and line.start == start and self._serves(line):
                lines[symbol] = line
        lacking = {s: candles for s, candles in newest.items() if s not in lines}
        if lacking:
            lines |= self._made(simulated, lacking, points, now)
        return lines

    def _serves(self, line: Line) -> bool:
        return line.complete or self._clock.monotonic() - line.time < PARTIAL_SECONDS

    def _made(
        self, simulated: bool, newest: Mapping[str, Sequence[Candle]], points: int, now: int
    ) -> dict[str, Line]:
        interval = INTERVALS[points]
        start = first_opening(points, now)
        times = range(start, start + (points - 1) * SECONDS[interval], SECONDS[interval])
        names = {s: _names(simulated, s, interval, times) for s in newest}
        pages = self._found([name for each in names.values() for name in each], times)
        lines = {}
        for number, (symbol, candles) in enumerate(newest.items(), 1):
            known = [pages[name] for name in names[symbol] if name in pages]
            said = {time: row for page in known for time, row in page.final.items()}
            closes = [close_of(said[1000 * t]) if 1000 * t in said else None for t in times]
            fresh = [n in pages and self._is_fresh(n, pages[n], times) for n in names[symbol]]
            view = View(simulated, symbol, now // 1000, candles)
            self._fill(view, times, closes)
            complete = all(fresh) and closes[-1] is not None
            text = "".join("null," if close is None else f'"{trimmed(close)}",' for close in closes)
            line = Line(start, text, complete, self._clock.monotonic())
            self._cache.put((simulated, symbol, points), line, len(text) + 500)
            lines[symbol] = line
            if number % max(1, _POINTS_PER_TURN // points) == 0:
                stand_in_line()
        return lines

    def _found(self, names: Sequence[PageName], times: range) -> dict[PageName, Known]:
        """Those of these pages that can be had."""
        try:
            pages = self._pages.read(names, anew=True)
            lacking = [
                str(name)
                for name in names
                if name not in pages or not self._is_fresh(name, pages[name], times)
            ]
            if not lacking:
                return pages
            self._supply.ask(lacking, WAIT_SECONDS, urgent=False)
            return self._pages.read(names, anew=True)
        except StoreUnavailable:
            return self._pages.held(names)

    def _is_fresh(self, name: PageName, page: Known, times: range) -> bool:
        """Whether none of these candles was still running when the page was asked for, but perhaps the last,
        where we have one of our own."""
        wanted = times.stop - times.step if self._own.makes(times.step) else times.stop
        if name.family == "klines":
            wanted = min(wanted, name.end)
        return page.until >= 1000 * wanted

    def _fill(self, view: View, times: range, closes: list[str | None]) -> None:
        """Puts what we saw ourselves where the exchange's word is missing, if it can be read."""
        missing = [number for number, close in enumerate(closes) if close is None]
        late = [times[n] for n in missing if n >= len(times) - _LATE_POINTS]
        # Of the others we know those at whose end an hour ends.
        hours = [
            times[n] + times.step - HOUR for n in missing if (times[n] + times.step) % HOUR == 0
        ]
        try:
            own = {}
            if hours and self._own.makes(HOUR):
                rows = self._own.rows(view, HOUR, hours)
                own = {time // 1000 + HOUR - times.step: row for time, row in rows.items()}
            if late and self._own.makes(times.step):
                rows = self._own.rows(view, times.step, late)
                own |= {time // 1000: row for time, row in rows.items()}
        except StoreUnavailable:
            return
        for number in missing:
            row = own.get(times[number])
            if row is not None:
                closes[number] = close_of(row)


def first_opening(points: int, now: int) -> int:
    """When the first of so many intervals opens, the last of which is running now (milliseconds); in
    seconds since 1970."""
    length = SECONDS[INTERVALS[points]]
    return now // 1000 // length * length - (points - 1) * length


def trimmed(price: str) -> str:
    """The same decimal without the zeros at its end."""
    return price.rstrip("0").rstrip(".") if "." in price else price


def _names(simulated: bool, symbol: str, interval: str, times: range) -> list[PageName]:
    """The pages that hold these candles."""
    if len(times) < _NEWEST_POINTS:
        return [PageName("closes", simulated, symbol, interval)]
    length = PAGE_CANDLES * times.step
    numbers = range(times[0] // length, times[-1] // length + 1)
    return [PageName("klines", simulated, symbol, interval, number) for number in numbers]
