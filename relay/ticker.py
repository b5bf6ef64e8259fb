"""Ticker: the one normalised record of a symbol's price."""

import re

import msgspec

#: Symbols start with digits and come in any alphabet: 1INCHUSDT, 币安人生USDT.
SYMBOL = re.compile(r"\w{1,32}")


class Ticker(msgspec.Struct, omit_defaults=True, frozen=True, gc=False):
    """The newest price of one symbol, and what else its stream said.

    Prices and volumes are the strings Binance sent, never floats. Times are milliseconds since
    1970. A field that the stream does not have is absent, not guessed.
    """

    symbol: str
    price: str
    #: Which kind of event gave the price: Binance's `e`, or `bookTicker`, which has none.
    event: str
    #: When the relay read it, by the relay's clock.
    received_time: int
    #: When the exchange says it happened; `bookTicker` does not say.
    event_time: int | None = None
    open: str | None = None
    high: str | None = None
    low: str | None = None
    #: Traded in 24 hours, in the base asset and in the quote asset.
    volume: str | None = None
    quote_volume: str | None = None
    #: Absolute and in percent, over 24 hours; only where the stream says so.
    change: str | None = None
    change_percent: str | None = None
    bid: str | None = None
    ask: str | None = None
    #: Number of trades in 24 hours.
    trades: int | None = None
