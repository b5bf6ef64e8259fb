"""Past: what a symbol did before the simulator started. It is made up, a day at a time."""

from collections.abc import Callable

from relay.simulator.bar import Bar, merge
from relay.simulator.division import chances, divide

_DAY = 86_400

#: Spans that are divided into one another, in seconds; every interval is some of one of them.
_SPANS = (_DAY, 28_800, 14_400, 7_200, 3_600, 900, 300, 60, 1)

_WHOLE = 2**16


class Past:
    """The trades of a symbol since the day it was listed; the same key makes the same ones.

    Days follow the price that it was headed for. What they are divided into is made when somebody
    asks: of each span the last division is kept, so asking in the order of time is cheap.
    """

    def __init__(
        self,
        key: str,
        since: int,
        ticks: Callable[[int], int],
        scale: float,
        trades: float,
        lots: float,
    ) -> None:
        """`since`: the first day's begin, in seconds. `ticks` is the price at a time in seconds;
        `scale` what one lot costs at one tick. So many `trades` are made a day, of so many `lots`.
        """
        self.since = since
        self._key = key
        self._ticks = ticks
        self._scale = scale
        self._trades = trades
        self._lots = lots
        self._midnight = (-1, 0)  # the newest one that was asked for, and its price
        self._divided: list[tuple[int, list[Bar | None]]] = [(-1, [])] * len(_SPANS)

    def bar(self, start: int, end: int) -> Bar | None:
        """Return what was traded between two times in seconds."""
        start = max(start, self.since)
        bars = []
        while start < end:
            level = 0
            while start % _SPANS[level] or start + _SPANS[level] > end:
                level += 1
            bars.append(self._span(level, start // _SPANS[level]))
            start += _SPANS[level]
        return bars[0] if len(bars) == 1 else merge(bars)

    def price(self, before: int) -> int:
        """Return the price of the last trade before a time in seconds."""
        for span in (60, 3_600, _DAY):
            bar = self.bar((before - 1) // span * span, before)
            if bar is not None:
                return bar.close
        return self._ticks((before - 1) // _DAY * _DAY)

    def _span(self, level: int, number: int) -> Bar | None:
        if level == 0:
            known, bars = self._divided[0]
            if known != number:
                bars = [self._day(number)]
                self._divided[0] = number, bars
            return bars[0]
        parts = _SPANS[level - 1] // _SPANS[level]
        above, position = divmod(number, parts)
        known, bars = self._divided[level]
        if known != above:
            whole = self._span(level - 1, above)
            bars = divide(whole, parts, f"{self._key} {level} {above}", self._scale)
            self._divided[level] = above, bars
        return bars[position]

    def _day(self, number: int) -> Bar:
        chance = chances(f"{self._key} {number}", 4)
        begin = number * _DAY
        known, first = self._midnight
        if known != begin:
            first = self._ticks(begin)
        middle, last = self._ticks(begin + _DAY // 2), self._ticks(begin + _DAY)
        self._midnight = begin + _DAY, last
        highest, lowest = max(first, middle, last), min(first, middle, last)
        reach = highest - lowest + 4
        high = highest + reach * chance[0] // _WHOLE // 3
        low = max(1, lowest - reach * chance[1] // _WHOLE // 3)
        count = max(1, int(self._trades * (0.6 + 0.8 * chance[2] / _WHOLE)))
        volume = max(count, int(count * self._lots * (0.8 + 0.4 * chance[3] / _WHOLE)))
        quote = int((first + 2 * middle + last) / 4 * volume * self._scale)
        return Bar(first, high, low, last, volume, quote, count, volume // 2, quote // 2)
