"""Rest: what is listed and traded at present, which the exchange's streams do not say.

Facts are from Binance's Spot documentation, rest-api.md.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import msgspec

from relay.clock import SYSTEM, Clock
from relay.exchange.api import Api, RestError, decoded
from relay.exchange.values import count, decimal, milliseconds
from relay.ticker import MAX_HELD, SYMBOL, Ticker, is_quote
from relay.turn import give_turn

#: Bytes of the longest answer that is taken. exchangeInfo was 1.9 MB in 2021.
MAX_ANSWER_BYTES = 16 << 20
#: The status of a symbol whose status cannot be read: it is listed, and that is all we know.
UNKNOWN_STATUS = ""

_DAY_PATH = "/api/v3/ticker/24hr?type=MINI&symbolStatus=TRADING"
_DAY_WEIGHT = 80
_LISTING_PATH = "/api/v3/exchangeInfo?showPermissionSets=false"
_LISTING_WEIGHT = 20
#: Rows that are read between two turns of everything else: some 5 ms of work.
ROWS_PER_TURN = 1000
#: JSON objects that one symbol may have: exchangeInfo has one for each of its filters.
_OBJECTS_IN_A_ROW = 20
_STATUS = re.compile(r"[A-Z][A-Z_]{0,31}")


class Day(NamedTuple):
    """What is traded at present."""

    tickers: list[Ticker]
    simulated: bool
    #: Whether a symbol's first trade ever was within the 24 hours, where that is known.
    debuts: dict[str, bool] = {}  # noqa: RUF012 - nobody changes it


class Listed(NamedTuple):
    """What is said of a symbol that is listed."""

    #: TRADING, HALT, BREAK, ... or UNKNOWN_STATUS.
    status: str
    #: The asset in which it is priced; empty where it cannot be read.
    quote: str = ""


class _MiniTicker(msgspec.Struct, gc=False):
    """A row of ticker/24hr, type MINI."""

    symbol: Any = None
    lastPrice: Any = None  # noqa: N815 - Binance's names
    openPrice: Any = None  # noqa: N815
    highPrice: Any = None  # noqa: N815
    lowPrice: Any = None  # noqa: N815
    volume: Any = None
    quoteVolume: Any = None  # noqa: N815
    closeTime: Any = None  # noqa: N815
    firstId: Any = None  # noqa: N815
    lastId: Any = None  # noqa: N815
    count: Any = None


class _Listed(msgspec.Struct, gc=False):
    symbol: Any = None
    status: Any = None
    quoteAsset: Any = None  # noqa: N815


class _ExchangeInfo(msgspec.Struct):
    symbols: list[_Listed]


_Answer = TypeVar("_Answer")
_Row = TypeVar("_Row")
_decode_day = msgspec.json.Decoder(list[_MiniTicker]).decode
_decode_info = msgspec.json.Decoder(_ExchangeInfo).decode


def day(api: Api, clock: Clock = SYSTEM) -> Day:
    """Every symbol that is traded at present, with its 24 hours. Raises RestError."""
    body, simulated, _ = api.get(_DAY_PATH, _DAY_WEIGHT, MAX_ANSWER_BYTES)
    received_time = clock.wall_ms()
    rows = _read(_decode_day, body)
    _believe(len(rows))
    tickers: list[Ticker] = []
    debuts: dict[str, bool] = {}
    for part in _parts(rows):
        usable = [row for row in part if _is_usable(row)]
        tickers += [_ticker(row, received_time) for row in usable]
        # Where nothing was traded in 24 hours, it is -1.
        debuts |= {row.symbol: row.firstId == 0 for row in usable if type(row.firstId) is int}
    return Day(tickers, simulated, debuts)


def listing(api: Api) -> dict[str, Listed]:
    """Every symbol that is listed, traded or not. Raises RestError."""
    body, *_ = api.get(_LISTING_PATH, _LISTING_WEIGHT, MAX_ANSWER_BYTES)
    rows = _read(_decode_info, body).symbols
    _believe(len(rows))
    listed: dict[str, Listed] = {}
    for part in _parts(rows):
        listed |= {row.symbol: _listed(row) for row in part if _is_symbol(row.symbol)}
    return listed


def _read(decode: Callable[[bytes], _Answer], body: bytes) -> _Answer:
    """Raises RestError."""
    # A few bytes can stand for hundreds in memory.
    _believe(body.count(b"{") // _OBJECTS_IN_A_ROW)
    return decoded(decode, body)


def _believe(rows: int) -> None:
    if rows > MAX_HELD:
        raise RestError(f"an answer of {rows} rows: not believed")


def _parts(rows: list[_Row]) -> Iterator[list[_Row]]:
    """Some rows at a time; prices come between two parts."""
    for start in range(0, len(rows), ROWS_PER_TURN):
        if start:
            give_turn()
        yield rows[start : start + ROWS_PER_TURN]


def _is_symbol(value: object) -> bool:
    return isinstance(value, str) and SYMBOL.fullmatch(value) is not None


def _is_status(value: object) -> bool:
    return isinstance(value, str) and _STATUS.fullmatch(value) is not None


def _listed(row: _Listed) -> Listed:
    quote = row.quoteAsset
    return Listed(
        row.status if _is_status(row.status) else UNKNOWN_STATUS,
        quote if isinstance(quote, str) and is_quote(quote, row.symbol) else "",
    )


def _is_usable(row: _MiniTicker) -> bool:
    """A symbol that was never traded has a price of zero."""
    price = decimal(row.lastPrice, [])
    return _is_symbol(row.symbol) and price is not None and price.strip("0.") != ""


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
