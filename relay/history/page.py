"""Page: candles of the exchange, as they are kept once somebody has asked for them.

A page holds PAGE_CANDLES candles of one symbol and interval, or the newest ones of an interval. What
everybody reads is one and the same page, so it is asked of the exchange once. It is kept as deflated
MessagePack.
"""

import zlib
from typing import Literal, NamedTuple

import msgspec

from relay.batch import Unreadable
from relay.history.interval import SECONDS
from relay.kline import Kline
from relay.ticker import MAX_COUNT, PRICE, SYMBOL

#: Candles of a page. Binance gives 1,000 at a time at most (rest-api.md, klines).
PAGE_CANDLES = 720
#: Candles of the page of the newest ones: two days of hours or one of half hours, and the running one.
NEWEST_CANDLES = 50
#: Bytes of a page, inflated, beyond which it is none of ours.
_MAX_BYTES = 1 << 20


class Page(msgspec.Struct, array_like=True, frozen=True):
    """Candles of one symbol and interval, the oldest first."""

    #: When it was asked for, in milliseconds, by the listener's clock or the exchange's, whichever is behind,
    #: less a second for what they may still differ by: a candle that ends by then is final, a later one is as
    #: it was at that time.
    until: int
    klines: list[Kline]
    #: Whether these are all that the exchange said of its time: False where rows made no sense, and were left
    #: out.
    whole: bool = True


class PageName(NamedTuple):
    """Which page: this is what a worker demands of the listener, spelled `<family>/<kind>/<symbol>/<interval>
    [/<number>]`."""

    family: Literal["klines", "closes"]
    simulated: bool
    symbol: str
    interval: str
    #: Of a page of klines: its first candle opens at `number * PAGE_CANDLES` intervals since 1970.
    number: int = 0

    def __str__(self) -> str:
        kind = "simulated" if self.simulated else "real"
        name = f"{self.family}/{kind}/{self.symbol}/{self.interval}"
        return f"{name}/{self.number}" if self.family == "klines" else name

    @property
    def start(self) -> int:
        """When the first candle of a page of klines opens, in seconds since 1970."""
        return self.number * PAGE_CANDLES * SECONDS[self.interval]

    @property
    def end(self) -> int:
        """When its last candle ends."""
        return self.start + PAGE_CANDLES * SECONDS[self.interval]


def page_name(text: str) -> PageName | None:
    """The page that a name stands for; None where it is no such name."""
    family, _, rest = text.partition("/")
    kind, _, rest = rest.partition("/")
    symbol, _, rest = rest.partition("/")
    interval, slash, number = rest.partition("/")
    if kind not in ("real", "simulated") or interval not in SECONDS:
        return None
    if not SYMBOL.fullmatch(symbol):
        return None
    if family == "closes" and not slash:
        return PageName("closes", kind == "simulated", symbol, interval)
    if family == "klines" and number.isascii() and number.isdecimal() and len(number) <= 10:
        return PageName("klines", kind == "simulated", symbol, interval, int(number))
    return None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Page).decode


def encode_page(page: Page) -> bytes:
    """The bytes that keep a page."""
    return zlib.compress(_encode(page), 6)


def decode_page(data: bytes) -> Page:
    """The page in these bytes. Raises Unreadable."""
    try:
        inflated = zlib.decompressobj().decompress(data, _MAX_BYTES)
        page = _decode(inflated)
    except (zlib.error, ValueError, RecursionError) as error:
        raise Unreadable(f"a page that cannot be read: {error}"[:200]) from error
    if not all(map(_is_believable, page.klines)):
        raise Unreadable("a page with a value that is no decimal")
    return page


def _is_believable(kline: Kline) -> bool:
    figures = kline.open, kline.high, kline.low, kline.close, kline.volume, kline.quote_volume
    return all(map(PRICE.fullmatch, figures)) and kline.time >= 0 and 0 <= kline.trades <= MAX_COUNT
