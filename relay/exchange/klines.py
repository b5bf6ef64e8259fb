"""Klines: the exchange's own candles, by REST.

Facts are from Binance's Spot documentation, rest-api.md, klines.
"""

from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

from relay.amount import amount
from relay.candle import units
from relay.exchange.api import Api, RestError, decoded
from relay.exchange.values import count, decimal, milliseconds
from relay.kline import Kline
from relay.turn import give_turn

#: What a call costs, however many candles it asks for.
WEIGHT = 2
#: The exchange's number for a symbol that it does not know.
INVALID_SYMBOL = -1121
#: Bytes of the longest answer that is taken, for each candle; one has 150 to 200.
MAX_ROW_BYTES = 512
#: Bytes of an answer beside its candles.
_FRAME_BYTES = 4096
#: Values of a row that we look at; it has twelve.
_WIDTH = 9
#: Rows that are looked at before others get a turn: less than a millisecond's work.
_ROWS_A_TURN = 100
#: By the decimals that one price has more than another; a price has 18 at most (ticker.PRICE).
_POWERS: list[int] = [10**number for number in range(19)]

_decode = msgspec.json.Decoder(list[Any]).decode


class InvalidSymbol(Exception):
    """The exchange does not know the symbol."""


class Wanted(NamedTuple):
    """Which candles. Times in milliseconds."""

    symbol: str
    #: Binance's name of the interval, and its length.
    interval: str
    length: int
    #: How many at most.
    limit: int
    #: They open before then.
    before: int
    #: The first one opens then or later. None: the newest ones are wanted.
    start: int | None = None


class Klines(NamedTuple):
    """What the exchange says."""

    #: The oldest first; where nothing is listed yet, none.
    klines: list[Kline]
    #: Whether a simulator says so.
    simulated: bool
    #: Rows that made no sense, and are left out.
    dropped: int
    #: When it said so by its own clock; as in api.Answer.
    date: int | None = None


def klines(api: Api, wanted: Wanted) -> Klines:
    """The candles that are wanted, as far as there are any. Raises RestError or InvalidSymbol."""
    most = _FRAME_BYTES + wanted.limit * MAX_ROW_BYTES
    try:
        body, simulated, date = api.get(_path(wanted), WEIGHT, most)
    except RestError as error:
        if (error.status, error.code) == (400, INVALID_SYMBOL):
            raise InvalidSymbol(wanted.symbol) from error
        raise
    # A few bytes can stand for hundreds in memory.
    _believe(body.count(b"[") - 1, wanted)
    rows = decoded(_decode, body)
    _believe(len(rows), wanted)
    found = _usable(rows, wanted)
    if rows and not found:
        raise RestError(f"{amount(len(rows), 'candle')} of which none makes sense")
    return Klines(found, simulated, len(rows) - len(found), date)


def _path(wanted: Wanted) -> str:
    query: dict[str, object] = {
        "symbol": wanted.symbol,
        "interval": wanted.interval,
        "limit": wanted.limit,
    }
    if wanted.start is not None:
        query |= {"startTime": wanted.start, "endTime": wanted.before - 1}
    return f"/api/v3/klines?{urlencode(query)}"


def _believe(rows: int, wanted: Wanted) -> None:
    if rows > wanted.limit:
        raise RestError(
            f"{amount(rows, 'candle')}, where {wanted.limit} were asked for: not believed"
        )


def _usable(rows: list[Any], wanted: Wanted) -> list[Kline]:
    """Those that make sense. A time that does not come after the one before is nothing to go by."""
    found: list[Kline] = []
    first = wanted.start or 0
    for number, row in enumerate(rows):
        if number % _ROWS_A_TURN == 0:
            give_turn()
        kline = _kline(row)
        if (
            kline is not None
            and first <= kline.time < wanted.before
            and kline.time % wanted.length == 0
        ):
            found.append(kline)
            first = kline.time + 1
    return found


def _kline(row: object) -> Kline | None:
    """The candle of a row; None where any of it makes no sense."""
    if not isinstance(row, list) or len(row) < _WIDTH:
        return None
    bad: list[object] = []
    time = milliseconds(row[0], bad)
    opened, high, low, close, volume = (decimal(value, bad) for value in row[1:6])
    quote_volume = decimal(row[7], bad)
    trades = count(row[8], bad)
    if (
        bad
        or time is None
        or opened is None
        or high is None
        or low is None
        or close is None
        or volume is None
        or quote_volume is None
        or trades is None
        or not _is_in_order(opened, high, low, close)
    ):
        return None
    return Kline(time, opened, high, low, close, volume, quote_volume, trades)


def _is_in_order(opened: str, high: str, low: str, close: str) -> bool:
    """Whether the low is the least price and the high the greatest, exactly. Zero is no price."""
    sized = [units(price) for price in (low, opened, close, high)]
    known = [price for price in sized if price is not None]
    if len(known) < len(sized):
        return False
    most: int = max(decimals for _, decimals in known)
    least, first, last, greatest = (price * _POWERS[most - places] for price, places in known)
    return 0 < least <= min(first, last) <= max(first, last) <= greatest
