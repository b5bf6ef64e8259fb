"""Rows: bars of equal spans in the order of time, in arrays: some 50 bytes each."""

from array import array
from bisect import bisect_left
from collections.abc import MutableSequence

from relay.simulator.bar import Bar


def column(code: str | None) -> MutableSequence[int]:
    """Return an empty array of a type code; without one a list, which holds numbers of any size."""
    return [] if code is None else array(code)


class Rows:
    """The bars of those spans that had trades. A span's number is its time divided by its length."""

    def __init__(self, code: str | None) -> None:
        """`code`: how prices and volumes are packed; see `column`."""
        self.numbers = column(code and "I")
        sums = (code, code and "q", code and "I", code, code and "q")
        self._columns = tuple(map(column, (code,) * 4 + sums))

    def __len__(self) -> int:
        return len(self.numbers)

    def add(self, number: int, bar: Bar) -> None:
        """Add what came after all else that was traded in a span, or in a later one."""
        if self.numbers and self.numbers[-1] >= number:
            self._merge(len(self.numbers) - 1, bar)
            return
        self.numbers.append(number)
        for values, value in zip(self._columns, bar, strict=True):
            values.append(value)

    def bar(self, start: int, end: int) -> Bar | None:
        """Return what was traded in the spans from start up to, but not including, end."""
        first, last = bisect_left(self.numbers, start), bisect_left(self.numbers, end)
        if first == last:
            return None
        if first + 1 == last:
            return Bar(*(values[first] for values in self._columns))
        opens, highs, lows, closes, *sums = (values[first:last] for values in self._columns)
        return Bar(opens[0], max(highs), min(lows), closes[-1], *map(sum, sums))

    def last(self, before: int) -> int | None:
        """Return the price of the last trade in the spans before one."""
        position = bisect_left(self.numbers, before)
        return self._columns[3][position - 1] if position else None

    def drop(self, before: int) -> None:
        """Forget the spans before one."""
        position = bisect_left(self.numbers, before)
        for values in (self.numbers, *self._columns):
            del values[:position]

    def _merge(self, position: int, bar: Bar) -> None:
        _, high, low, close, *sums = self._columns
        high[position] = max(high[position], bar.high)
        low[position] = min(low[position], bar.low)
        close[position] = bar.close
        for values, value in zip(sums, bar[4:], strict=True):
            values[position] += value
