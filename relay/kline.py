"""Kline: a candle as the exchange makes it, of every trade."""

import msgspec


class Kline(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Open, high, low and close of one symbol, and what was traded: decimals as received."""

    #: When it opens, in milliseconds since 1970.
    time: int
    open: str
    high: str
    low: str
    close: str
    #: Traded within it, in the base asset and in the quote asset.
    volume: str
    quote_volume: str
    trades: int
