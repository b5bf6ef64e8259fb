"""Wish: which candles somebody asks for."""

from typing import NamedTuple

from relay.history.interval import SECONDS
from relay.history.page import PAGE_CANDLES, PageName

#: There are no candles before the month in which the exchange opened: 2017-07-01, in seconds since 1970.
EARLIEST = 1_498_867_200


class Wish(NamedTuple):
    """Candles of one symbol. The limit counts intervals, so a gap counts as well."""

    simulated: bool
    symbol: str
    #: A key of SECONDS.
    interval: str
    limit: int
    #: Candles that open at or after this, and before that; milliseconds since 1970, None for no bound.
    start: int | None = None
    end: int | None = None

    @property
    def seconds(self) -> int:
        """Seconds of a candle."""
        return SECONDS[self.interval]

    def times(self, now: int) -> range:
        """When the wanted candles open, in seconds since 1970, the oldest first. `now`, in milliseconds, is
        within the last that there can be."""
        length = self.seconds
        last = now // 1000 // length * length + length
        if self.end is not None:
            last = min(last, _next(self.end, length))
        if self.start is None:
            first = last - self.limit * length
        else:
            first = _next(self.start, length)
            last = min(last, first + self.limit * length)
        return range(max(first, _next(EARLIEST * 1000, length)), last, length)

    def pages(self, times: range) -> list[PageName]:
        """The exchange's pages that hold these times, the oldest first."""
        if not times:
            return []
        length = self.seconds * PAGE_CANDLES
        numbers = range(times[0] // length, times[-1] // length + 1)
        return [
            PageName("klines", self.simulated, self.symbol, self.interval, number)
            for number in numbers
        ]


def _next(milliseconds: int, length: int) -> int:
    """The first multiple of so many seconds at or after a time; in seconds."""
    return -(-milliseconds // (1000 * length)) * length
