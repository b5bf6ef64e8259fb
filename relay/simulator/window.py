"""Window: what a ticker says of the last hours, which is what their candles say."""

from relay.simulator.annals import Annals
from relay.simulator.bar import Bar

#: Minutes that may leave the window one by one; after more of them it is looked at anew.
_FEW = 10


class Window:
    """Open, high and low in ticks, volume in lots, quote volume in units, and the trades."""

    def __init__(self, annals: Annals, minutes: int, now: int) -> None:
        """`minutes`: its length, the running minute included. `now` is in seconds."""
        self._chronicle = annals
        self._length = minutes
        self._minute = now // 60
        self.open = self.high = self.low = self.volume = self.quote = self.trades = 0
        self._survey(now // 60)

    def move(self, now: int) -> None:
        """Let the minutes leave that are too old now (seconds)."""
        minute = now // 60
        if minute <= self._minute:
            return
        if minute - self._minute > _FEW:
            self._survey(minute)
            return
        for leaving in range(self._minute - self._length + 1, minute - self._length + 1):
            bar = self._chronicle.bar(leaving * 60, leaving * 60 + 60)
            if bar is None:
                continue
            if bar.high >= self.high or bar.low <= self.low:
                self._survey(minute)
                return
            self.open = bar.close
            self.volume -= bar.volume
            self.quote -= bar.quote
            self.trades -= bar.trades
        self._minute = minute
        self._begin()

    def add(self, price: int, volume: int, quote: int) -> None:
        """Add a trade of the running minute."""
        if not self.open:
            self.open = self.high = self.low = price  # the first trade ever
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.volume += volume
        self.quote += quote
        self.trades += 1

    def _begin(self) -> None:
        """The first minute's first trade is the open; without one it is the price before."""
        first = (self._minute - self._length + 1) * 60
        bar = self._chronicle.bar(first, first + 60)
        if bar is not None:
            self.open = bar.open
        self.high, self.low = max(self.high, self.open), min(self.low, self.open)

    def _survey(self, minute: int) -> None:
        self._minute = minute
        first = (minute - self._length + 1) * 60
        # In the order of time, which the past likes best.
        self.open = self._chronicle.price(first) or 0
        opened = self._chronicle.bar(first, first + 60)
        bar = self._chronicle.bar(first, minute * 60 + 60)
        if opened is not None:
            self.open = opened.open
        if bar is None:
            bar = Bar(self.open, self.open, self.open, self.open, 0, 0, 0, 0, 0)
        if not self.open:
            self.open = bar.open  # it was listed within the window
        self.high, self.low = max(bar.high, self.open), min(bar.low, self.open)
        self.volume, self.quote, self.trades = bar.volume, bar.quote, bar.trades
