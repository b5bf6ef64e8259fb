"""CandleLine: the candles of one symbol, the running one and those before it that travel with it."""

import msgspec

from relay.candle import MAX_DIGITS, Candle, packed, with_decimals
from relay.ticker import MAX_CANDLES


class CandleLine:
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

    def widen(self, candle: Candle) -> None:
        """Goes on from this candle, which is its own with more in it."""
        saved = self.saved
        self.adopt(candle)
        self.saved = saved

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


def first_of(time: int, decimals: int, price: int) -> Candle:
    """The candle of a minute of which one update has come."""
    return Candle(time, decimals, price, price, price, price, 1)


def in_one_unit(line: CandleLine, decimals: int, price: int) -> int | None:
    """The price in the line's unit, which becomes that of the price where that is finer; None where one
    of both does not fit."""
    if decimals <= line.decimals:
        price *= 10 ** (line.decimals - decimals)
        return price if price < 10**MAX_DIGITS else None
    candle = with_decimals(line.candle(), decimals)
    if candle is None:
        return None
    line.widen(candle)
    return price


def reaching(candle: Candle, price: int, decimals: int) -> Candle | None:
    """The candle with one more update, which does not close it; None where it reached as far before, or one
    of both does not fit."""
    decimals_of_both = max(decimals, candle.decimals)
    scaled = with_decimals(candle, decimals_of_both)
    one = with_decimals(first_of(candle.time, decimals, price), decimals_of_both)
    if scaled is None or one is None or scaled.low <= one.close <= scaled.high:
        return None
    high, low = max(scaled.high, one.high), min(scaled.low, one.low)
    return msgspec.structs.replace(scaled, high=high, low=low, updates=scaled.updates + 1)
