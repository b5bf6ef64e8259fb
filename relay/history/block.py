"""Block: candles of our own, as they are kept.

A block holds the minutes of one hour of one symbol, or the hours of one day. It is a mark and then one
record of fixed width for each minute (hour), so that a candle has its place, and writing it twice changes
nothing. A record of zeros is a minute without an update: a gap stays a gap.

    b"R" + records                      while candles are added
    b"Z" + records, deflated            once the time of the block is over

A record, little-endian, 37 bytes: open, high, low, close as signed 64 bits, in units of the last decimal;
the number of updates in 32 bits; the number of decimals in 8 bits.
"""

import struct
import zlib
from typing import NamedTuple

from relay.batch import Unreadable
from relay.candle import HOUR, MAX_UPDATES, MINUTE, Candle

_RECORD = struct.Struct("<qqqqIB")
_RAW, _DEFLATED = b"R", b"Z"
#: Decimals of a price at most (ticker.PRICE).
_MAX_DECIMALS = 24


class Span(NamedTuple):
    """One of the two kinds of block."""

    #: The first part of the names of its blocks.
    family: str
    #: Seconds of a candle.
    seconds: int
    #: Candles of a block.
    size: int

    @property
    def length(self) -> int:
        """Seconds of a block."""
        return self.seconds * self.size

    def name(self, simulated: bool, symbol: str, time: int) -> str:
        """The name of the block that holds this time, in seconds since 1970."""
        kind = "simulated" if simulated else "real"
        return f"{self.family}/{kind}/{symbol}/{time // self.length}"


MINUTES = Span("minutes", MINUTE, HOUR // MINUTE)
HOURS = Span("hours", HOUR, 24)


def offset(span: Span, time: int) -> int:
    """Where in its block the record of a candle stands that opens at this time."""
    return len(_RAW) + time % span.length // span.seconds * _RECORD.size


def record(candle: Candle) -> bytes:
    """The record of a candle."""
    return _RECORD.pack(
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        min(candle.updates, MAX_UPDATES),
        candle.decimals,
    )


def block(span: Span, candles: list[Candle]) -> bytes:
    """A closed block with these candles, all of its time."""
    records = bytearray(span.size * _RECORD.size)
    for candle in candles:
        at = offset(span, candle.time) - len(_RAW)
        records[at : at + _RECORD.size] = record(candle)
    return _DEFLATED + zlib.compress(bytes(records), 9)


def is_closed(data: bytes) -> bool:
    """Whether the time of this block is over, so that nothing is added to it any more."""
    return data.startswith(_DEFLATED)


def candles(span: Span, time: int, data: bytes) -> list[Candle]:
    """The candles of a block that holds this time, the oldest first. Raises Unreadable."""
    records = _records(span, data)
    start = time // span.length * span.length
    found = []
    for number, values in enumerate(_RECORD.iter_unpack(records)):
        *prices, updates, decimals = values
        if updates:
            found.append(_candle(start + number * span.seconds, prices, updates, decimals))
    return found


def _records(span: Span, data: bytes) -> bytes:
    most = span.size * _RECORD.size
    mark, records = data[:1], data[1:]
    if mark == _DEFLATED:
        inflater = zlib.decompressobj()
        try:
            records = inflater.decompress(records, most + 1)
        except zlib.error as error:
            raise Unreadable(f"a block that cannot be inflated: {error}") from error
    elif mark != _RAW:
        raise Unreadable(f"a block that begins with {mark!r}")
    if len(records) > most or len(records) % _RECORD.size:
        raise Unreadable(f"a block of {len(records)} bytes")
    return records


def _candle(time: int, prices: list[int], updates: int, decimals: int) -> Candle:
    opened, high, low, close = prices
    if not 0 <= low <= min(opened, close) <= max(opened, close) <= high:
        raise Unreadable("a candle whose low is above its high")
    if decimals > _MAX_DECIMALS:
        raise Unreadable(f"a candle with {decimals} decimals")
    return Candle(time, decimals, opened, high, low, close, updates)
