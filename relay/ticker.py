"""Ticker: the one normalised record of a symbol's price."""

import re
import string
from typing import Annotated

import msgspec

from relay.candle import Candle, unpacked

#: Symbols start with digits and come in any alphabet: 1INCHUSDT, 币安人生USDT.
SYMBOL = re.compile(r"\w{1,32}+")
#: A decimal as Binance prints it: never signed, never scientific. With a sign it has 40 characters at most.
PRICE = re.compile(r"[0-9]{1,20}+(?:\.[0-9]{1,18}+)?+")
#: A decimal that may be negative: a change.
SIGNED = re.compile(rf"-?{PRICE.pattern}")
#: A decimal of an update, and a word of it: so long at most, whoever wrote it into the store.
Figure = Annotated[str, msgspec.Meta(max_length=50)]
Word = Annotated[str, msgspec.Meta(max_length=40)]
#: The largest id or number that travels everywhere: JSON's and MessagePack's readers have 64 bits, signed.
MAX_COUNT = 2**63 - 1
#: Symbols that are held at most, whoever invents them. Binance lists 3,500, and trades 1,400 of them.
MAX_HELD = 20_000
#: Candles that a ticker carries at most: two, or a few more while they are not kept.
MAX_CANDLES = 6
#: The name of a quote asset: so short that it costs an update little.
_QUOTE = re.compile(r"\w{1,16}+")
_UPPER = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)


#: Binance's letters for the fields of an entry of its market-wide arrays, and letters for what all get of us.
_LETTERS = {
    "symbol": "s",
    "price": "c",
    "stream": "e",
    "event_time": "E",
    "open": "o",
    "high": "h",
    "low": "l",
    "volume": "v",
    "quote_volume": "q",
    "change": "p",
    "change_percent": "P",
    "bid": "b",
    "ask": "a",
    "trades": "n",
    "sequence": "L",
    "minutes": "k",
    "quote": "u",
    "listed": "t",
}


class Ticker(msgspec.Struct, omit_defaults=True, gc=False, rename=_LETTERS):
    """The newest price of one symbol, and what else its stream said.

    Prices and volumes are the strings Binance sent, never floats. Times are milliseconds since
    1970. A field that the stream does not have is absent, not guessed. Nobody changes a ticker once
    it is on its way to the store.

    Inside the relay it goes by Binance's letters: an entry of the whole market's array is one as it
    comes, and a batch of them is small. `public` gives what everybody else sees.
    """

    symbol: Word
    #: Empty where the symbol is gone: the exchange does not list it any more.
    price: Figure
    #: The kind of stream that gave the price: the event type that Binance sends, such as `24hrMiniTicker`;
    #: `bookTicker`, whose events name none; or `rest`.
    stream: Word
    #: When the relay read it, by the relay's clock.
    received_time: int = 0
    #: When the exchange says it happened; `bookTicker` does not say.
    event_time: int | None = None
    open: Figure | None = None
    high: Figure | None = None
    low: Figure | None = None
    #: Traded in 24 hours, in the base asset and in the quote asset.
    volume: Figure | None = None
    quote_volume: Figure | None = None
    #: Absolute and in percent, over 24 hours; only where the stream says so.
    change: Figure | None = None
    change_percent: Figure | None = None
    bid: Figure | None = None
    ask: Figure | None = None
    #: Number of trades in 24 hours.
    trades: int | None = None
    #: What orders the events of one kind: a trade's id, the last trade's, or the book's update id.
    sequence: int | None = None
    #: The exchange's word where the symbol is not traded at present: HALT, BREAK, ...
    status: Word | None = None
    #: Seconds that it may usually go without an update.
    pace: int | None = None
    #: The asset in which it is priced, as the exchange lists it.
    quote: Word | None = None
    #: When the relay saw it being listed, where that was within the last 30 days.
    listed: int | None = None
    #: The minute of its newest update, the one before that had any, and further ones that are not kept yet;
    #: the oldest first. Packed (relay.candle), since most of those whom they pass do not look.
    minutes: bytes | None = None

    @property
    def removed(self) -> bool:
        """Whether this is no price, but the news that the exchange does not list the symbol any more."""
        return not self.price

    @property
    def candles(self) -> list[Candle]:
        """The symbol's newest minutes that had updates, the running one last; none where none is known."""
        return unpacked(self.minutes)[-MAX_CANDLES:] if self.minutes else []


class PublicTicker(msgspec.Struct, omit_defaults=True, gc=False):
    """A ticker as clients see it: each field under its own name. See Ticker for what they mean."""

    symbol: str
    price: str
    stream: str
    received_time: int
    event_time: int | None = None
    open: str | None = None
    high: str | None = None
    low: str | None = None
    volume: str | None = None
    quote_volume: str | None = None
    change: str | None = None
    change_percent: str | None = None
    bid: str | None = None
    ask: str | None = None
    trades: int | None = None
    sequence: int | None = None
    status: str | None = None
    pace: int | None = None
    quote: str | None = None
    listed: int | None = None


def public(ticker: Ticker) -> PublicTicker:
    """A ticker as clients see it."""
    return PublicTicker(
        ticker.symbol,
        ticker.price,
        ticker.stream,
        ticker.received_time,
        ticker.event_time,
        ticker.open,
        ticker.high,
        ticker.low,
        ticker.volume,
        ticker.quote_volume,
        ticker.change,
        ticker.change_percent,
        ticker.bid,
        ticker.ask,
        ticker.trades,
        ticker.sequence,
        ticker.status,
        ticker.pace,
        ticker.quote,
        ticker.listed,
    )


def removal(symbol: str, received_time: int) -> Ticker:
    """The news that the exchange does not list the symbol any more."""
    return Ticker(symbol, "", "removed", received_time)


def is_quote(quote: str, symbol: str) -> bool:
    """Whether this can be the asset in which the symbol is priced: its name ends in it."""
    return (
        symbol.endswith(quote) and len(quote) < len(symbol) and _QUOTE.fullmatch(quote) is not None
    )


def upper(symbol: str) -> str:
    """Upper case for ASCII letters only: other alphabets are what Binance sent."""
    return symbol.upper() if symbol.isascii() else symbol.translate(_UPPER)
