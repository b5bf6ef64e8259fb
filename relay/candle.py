"""Candle: what one symbol's price did within a time, as far as our own updates tell."""

import struct

import msgspec

#: Seconds of the shortest candle that we make ourselves.
MINUTE = 60
HOUR = 3600
#: Digits of the largest price that a candle can hold: it must fit into 64 bits, signed.
MAX_DIGITS = 18
#: A candle as it travels: open, high, low, close, time, updates, decimals; little-endian.
_PACKED = struct.Struct("<qqqqIIB")
#: What packs one: the struct's own method, for those who do it a thousand times a second.
pack = _PACKED.pack
MAX_UPDATES = 2**32 - 1


class Candle(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Open, high, low and close of one symbol, made from the updates that we read.

    Prices are whole numbers of the last decimal: 67123.45000000 is 6712345000000 with 8 decimals. So
    they are exact, and small on the way from the writer to the workers.
    """

    #: When it opens, by the exchange's clock: seconds since 1970.
    time: int
    decimals: int
    open: int
    high: int
    low: int
    close: int
    #: How many updates it is made of.
    updates: int


def packed(candle: Candle) -> bytes:
    """The 41 bytes that carry a candle between processes. Times are good until the year 2106."""
    updates = min(candle.updates, MAX_UPDATES)
    prices = candle.open, candle.high, candle.low, candle.close
    return pack(*prices, candle.time, updates, candle.decimals)


def unpacked(data: bytes) -> list[Candle]:
    """The candles that were packed one after the other; none where these are no such bytes."""
    if len(data) % _PACKED.size:
        return []
    found = []
    for opened, high, low, close, time, updates, decimals in _PACKED.iter_unpack(data):
        is_one = 0 <= low <= min(opened, close) <= max(opened, close) <= high < 10**MAX_DIGITS
        if not is_one or decimals > MAX_DIGITS:
            return []
        found.append(Candle(time, decimals, opened, high, low, close, updates))
    return found


def units(price: str) -> tuple[int, int] | None:
    """A decimal as a whole number of its last decimal, and how many decimals it has; None where it has
    more than MAX_DIGITS."""
    whole, _, fraction = price.partition(".")
    digits = whole + fraction
    return (int(digits), len(fraction)) if len(digits) <= MAX_DIGITS else None


def decimal(units: int, decimals: int) -> str:
    """The decimal that stands for so many units: the price as it was received."""
    if not decimals:
        return str(units)
    digits = str(units).rjust(decimals + 1, "0")
    return f"{digits[:-decimals]}.{digits[-decimals:]}"


def with_decimals(candle: Candle, decimals: int) -> Candle | None:
    """The same prices in another unit; None where they would not fit into it."""
    if decimals == candle.decimals:
        return candle
    if decimals < candle.decimals:
        return None
    factor = 10 ** (decimals - candle.decimals)
    if candle.high * factor >= 10**MAX_DIGITS:
        return None
    return Candle(
        candle.time,
        decimals,
        candle.open * factor,
        candle.high * factor,
        candle.low * factor,
        candle.close * factor,
        candle.updates,
    )


def joined(earlier: Candle, later: Candle) -> Candle:
    """What two candles that follow on each other amount to; it opens where the earlier one does."""
    decimals = max(earlier.decimals, later.decimals)
    first, last = with_decimals(earlier, decimals), with_decimals(later, decimals)
    if first is None or last is None:
        return later
    return Candle(
        first.time,
        decimals,
        first.open,
        max(first.high, last.high),
        min(first.low, last.low),
        last.close,
        first.updates + last.updates,
    )


def reconciled(theirs: Candle, ours: Candle, *, ours_is_later: bool) -> Candle:
    """What two observers of the same time saw together. The open is theirs: it was published first.

    The updates are those of the one who saw more, since the other one saw the same.
    """
    joint = joined(theirs, ours)
    closer = ours if ours_is_later else theirs
    close = with_decimals(closer, joint.decimals)
    return msgspec.structs.replace(
        joint,
        close=joint.close if close is None else close.close,
        updates=max(theirs.updates, ours.updates),
    )
