"""Rest: the exchange's REST API, for what its streams do not say.

Facts are from Binance's Spot documentation, rest-api.md.
"""

import http.client
import urllib.error
import urllib.request
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

import gevent
import msgspec

from relay.clock import SYSTEM, Clock
from relay.exchange.simulated import HEADER
from relay.ticker import PRICE, SYMBOL, Ticker

#: A whole answer takes less than a second; one that takes longer than this will not come.
ANSWER_SECONDS = 10.0
#: exchangeInfo was 1.9 MB in 2021.
MAX_ANSWER_BYTES = 32 << 20
#: 418 and 429 say how long to wait; if they do not, it is at least this long.
BANNED_SECONDS = 120.0
_DAY_PATH = "/api/v3/ticker/24hr?type=MINI&symbolStatus=TRADING"
_LISTING_PATH = "/api/v3/exchangeInfo?showPermissionSets=false"


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
    openPrice: str  # noqa: N815
    highPrice: str  # noqa: N815
    lowPrice: str  # noqa: N815
    volume: str
    quoteVolume: str  # noqa: N815
    closeTime: int  # noqa: N815
    lastId: int  # noqa: N815
    count: int


class _Listed(msgspec.Struct, gc=False):
    symbol: str
    status: str


class _ExchangeInfo(msgspec.Struct):
    symbols: list[_Listed]


_decode_day = msgspec.json.Decoder(list[_MiniTicker]).decode
_decode_listing = msgspec.json.Decoder(_ExchangeInfo).decode


def day(base: str, clock: Clock = SYSTEM) -> Day:
    """Every symbol that is traded at present, with its 24 hours. Weight 80 of 6,000 a minute.

    Raises RestError.
    """
    body, simulated = _get(base, _DAY_PATH)
    received_time = clock.wall_ms()
    try:
        rows = _decode_day(body)
    except msgspec.MsgspecError as error:
        raise RestError(f"an answer that makes no sense: {error}") from error
    return Day([_ticker(row, received_time) for row in rows if _is_usable(row)], simulated)


def listing(base: str) -> dict[str, str]:
    """The status of every symbol that is listed, traded or not: TRADING, HALT, BREAK, ... Weight 20.

    Raises RestError.
    """
    body, _ = _get(base, _LISTING_PATH)
    try:
        return {row.symbol: row.status for row in _decode_listing(body).symbols}
    except msgspec.MsgspecError as error:
        raise RestError(f"an answer that makes no sense: {error}") from error


def _is_usable(row: _MiniTicker) -> bool:
    """A symbol that was never traded has a price of zero."""
    price = row.lastPrice
    return bool(SYMBOL.fullmatch(row.symbol) and PRICE.fullmatch(price) and price.strip("0."))


def _ticker(row: _MiniTicker, received_time: int) -> Ticker:
    return Ticker(
        symbol=row.symbol,
        price=row.lastPrice,
        stream="rest",
        received_time=received_time,
        event_time=row.closeTime,
        open=row.openPrice,
        high=row.highPrice,
        low=row.lowPrice,
        volume=row.volume,
        quote_volume=row.quoteVolume,
        trades=row.count,
        sequence=row.lastId,
    )


def _get(base: str, path: str) -> tuple[bytes, bool]:
    """A body, and whether a simulator sent it. Proxy variables are honoured, but not on loopback."""
    proxies: dict[str, str] | None = {} if _is_loopback(base) else None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler(proxies))
    request = urllib.request.Request(base + path, headers={"User-Agent": "relay"})  # noqa: S310
    late = RestError(f"no answer within {ANSWER_SECONDS:g} s")
    try:
        with (
            gevent.Timeout(ANSWER_SECONDS, late),
            opener.open(request, timeout=ANSWER_SECONDS) as answer,
        ):
            body = answer.read(MAX_ANSWER_BYTES + 1)
            simulated = HEADER in answer.headers
    except urllib.error.HTTPError as error:
        raise _refused(error) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise RestError(str(error)[:200] or type(error).__name__) from error
    if len(body) > MAX_ANSWER_BYTES:
        raise RestError("an answer without end")
    return body, simulated


def _refused(error: urllib.error.HTTPError) -> RestError:
    asked = error.headers.get("Retry-After", "")
    wait = float(asked) if asked.isdigit() else 0.0
    if error.code in (418, 429):
        wait = wait or BANNED_SECONDS
    return RestError(f"refused with HTTP {error.code}", wait)


def _is_loopback(base: str) -> bool:
    host = urlsplit(base).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
