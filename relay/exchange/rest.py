"""Rest: the exchange's REST API, for what its streams do not say.

Facts are from Binance's Spot documentation, rest-api.md.
"""

import re
import urllib.error
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar

import msgspec

from relay.clock import SYSTEM, Clock
from relay.exchange import http_limits
from relay.exchange.failure import retry_after, said
from relay.exchange.simulated import HEADER
from relay.exchange.values import count, decimal, milliseconds
from relay.ticker import MAX_HELD, PRICE, SYMBOL, Ticker

#: A whole answer takes less than a second; one that takes longer than this will not come.
ANSWER_SECONDS = 10.0
#: exchangeInfo was 1.9 MB in 2021.
MAX_ANSWER_BYTES = 16 << 20
#: 418 and 429 say how long to wait; if they do not, it is at least this long.
BANNED_SECONDS = 120.0
#: The status of a symbol whose status cannot be read: it is listed, and that is all we know.
UNREADABLE = ""

_DAY_PATH = "/api/v3/ticker/24hr?type=MINI&symbolStatus=TRADING"
_LISTING_PATH = "/api/v3/exchangeInfo?showPermissionSets=false"
_STATUS = re.compile(r"[A-Z][A-Z_]{0,31}")


class RestError(Exception):
    """No usable answer; says why in a few words."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        #: Seconds for which nothing should be asked again.
        self.retry_after = retry_after


class Day(NamedTuple):
    """What is traded at present."""

    tickers: list[Ticker]
    simulated: bool


class _MiniTicker(msgspec.Struct, gc=False):
    """A row of ticker/24hr, type MINI."""

    symbol: str
    lastPrice: str  # noqa: N815 - Binance's names
    openPrice: Any = None  # noqa: N815
    highPrice: Any = None  # noqa: N815
    lowPrice: Any = None  # noqa: N815
    volume: Any = None
    quoteVolume: Any = None  # noqa: N815
    closeTime: Any = None  # noqa: N815
    lastId: Any = None  # noqa: N815
    count: Any = None


class _Listed(msgspec.Struct, gc=False):
    symbol: str
    status: Any = None


class _ExchangeInfo(msgspec.Struct):
    symbols: msgspec.Raw


_Row = TypeVar("_Row")
#: What cannot be read; see messages.
_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
_decode_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_info = msgspec.json.Decoder(_ExchangeInfo).decode


def day(base: str, clock: Clock = SYSTEM) -> Day:
    """Every symbol that is traded at present, with its 24 hours. Weight 80 of 6,000 a minute.

    Raises RestError.
    """
    body, simulated = _get(base, _DAY_PATH)
    received_time = clock.wall_ms()
    rows = _rows(body, _MiniTicker)
    return Day([_ticker(row, received_time) for row in rows if _is_usable(row)], simulated)


def listing(base: str) -> dict[str, str]:
    """The status of every symbol that is listed, traded or not: TRADING, HALT, BREAK, ... or UNREADABLE.

    Weight 20. Raises RestError.
    """
    body, _ = _get(base, _LISTING_PATH)
    try:
        symbols = _decode_info(body).symbols
    except _UNREADABLE as error:
        raise RestError(f"an answer that makes no sense: {said(error)}") from error
    return {
        row.symbol: row.status if _is_status(row.status) else UNREADABLE
        for row in _rows(symbols, _Listed)
    }


def _rows(body: bytes | msgspec.Raw, kind: type[_Row]) -> list[_Row]:
    """The rows of an answer; one that cannot be read costs itself only. Raises RestError."""
    try:
        return _believable(msgspec.json.decode(body, type=list[kind]))  # type: ignore[valid-type]
    except msgspec.ValidationError:
        pass
    except _UNREADABLE as error:
        raise RestError(f"an answer that makes no sense: {said(error)}") from error
    rows = []
    try:
        for raw in _believable(_decode_raw_list(body)):
            with suppress(*_UNREADABLE):
                rows.append(msgspec.json.decode(raw, type=kind))
    except _UNREADABLE as error:
        raise RestError(f"an answer that makes no sense: {said(error)}") from error
    return rows


def _believable(rows: list[_Row]) -> list[_Row]:
    if len(rows) > MAX_HELD:
        raise RestError(f"an answer of {len(rows)} rows: not believed")
    return rows


def _is_status(value: object) -> bool:
    return isinstance(value, str) and _STATUS.fullmatch(value) is not None


def _is_usable(row: _MiniTicker) -> bool:
    """A symbol that was never traded has a price of zero."""
    price = row.lastPrice
    return bool(SYMBOL.fullmatch(row.symbol) and PRICE.fullmatch(price) and price.strip("0."))


def _ticker(row: _MiniTicker, received_time: int) -> Ticker:
    bad: list[object] = []
    return Ticker(
        symbol=row.symbol,
        price=row.lastPrice,
        stream="rest",
        received_time=received_time,
        event_time=milliseconds(row.closeTime, bad),
        open=decimal(row.openPrice, bad),
        high=decimal(row.highPrice, bad),
        low=decimal(row.lowPrice, bad),
        volume=decimal(row.volume, bad),
        quote_volume=decimal(row.quoteVolume, bad),
        trades=count(row.count, bad),
        sequence=count(row.lastId, bad),
    )


def _get(base: str, path: str) -> tuple[bytes, bool]:
    """A body, and whether a simulator sent it. Raises RestError."""
    late = RestError(f"no answer within {ANSWER_SECONDS:g} s")
    try:
        body, headers = http_limits.get(base + path, ANSWER_SECONDS, MAX_ANSWER_BYTES, late)
    except urllib.error.HTTPError as error:
        raise _refused(error) from error
    except http_limits.ERRORS as error:
        raise RestError(said(error)) from error
    return body, HEADER in headers


def _refused(error: urllib.error.HTTPError) -> RestError:
    wait = retry_after({name.lower(): value for name, value in error.headers.items()})
    if error.code in (418, 429):
        wait = wait or BANNED_SECONDS
    verb = "redirected" if 300 <= error.code < 400 else "refused"
    return RestError(f"{verb} with HTTP {error.code}", wait)
