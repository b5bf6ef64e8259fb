"""Candles: a symbol's history, computed from its course whenever somebody asks."""

import time
from datetime import UTC, datetime

from relay.simulator.instrument import Instrument, decimal
from relay.simulator.market import Candle

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

#: Every interval of @kline and /api/v3/klines.
INTERVALS = frozenset(
    (
        "1s",
        "1m",
        "3m",
        "5m",
        "15m",
        "30m",
        "1h",
        "2h",
        "4h",
        "6h",
        "8h",
        "12h",
        "1d",
        "3d",
        "1w",
        "1M",
    )
)

#: Weeks begin on Monday; 1970 began on a Thursday.
_MONDAY = 4 * 86_400

#: Points of the course inside a candle that its high and low are taken from.
_POINTS = 4


def candles(
    instrument: Instrument, interval: str, start: int | None, end: int | None, limit: int
) -> list[Candle]:
    """Return up to `limit` candles that open between start and end (ms), the oldest first.

    Without a start they are the newest before the end. The candle that is still open closes at the
    current price.
    """
    now = time.time()
    last = opening(min(now, now if end is None else end / 1000), interval)
    openings: list[int] = []
    if start is None:
        while len(openings) < limit:
            openings.append(last)
            last = opening(last - 1, interval)
        openings.reverse()
    else:
        first = opening(start / 1000, interval)
        first = first if first * 1000 >= start else closing(first, interval)
        while first <= last and len(openings) < limit:
            openings.append(first)
            first = closing(first, interval)
    return [candle(instrument, interval, opened, now) for opened in openings]


def candle(instrument: Instrument, interval: str, opened: int, now: float) -> Candle:
    """Return one candle, opened at a time in seconds, as it stands now (seconds)."""
    closed = closing(opened, interval)
    length = min(closed, now) - opened
    points = [instrument.course(opened + length * n / _POINTS) for n in range(_POINTS + 1)]
    if closed > now:
        points[-1] = instrument.price
    share = max(length, 0.0) / 86_400
    # Busier where the price moved more, and the same whenever it is asked for.
    busy = 0.5 + abs(points[-1] - points[0]) / points[0] * 100
    volume = int(instrument.volume * share * busy)
    quote = volume * (sum(points) // len(points)) // 10**8
    count = int((instrument.last_id - instrument.first_id) * share * busy)
    return [
        opened * 1000,
        decimal(points[0]),
        decimal(max(points)),
        decimal(min(points)),
        decimal(points[-1]),
        decimal(volume),
        closed * 1000 - 1,
        decimal(quote),
        count,
        decimal(volume // 2),
        decimal(quote // 2),
        "0",
    ]


def opening(seconds: float, interval: str) -> int:
    """Return when the candle that holds a time opened; both in seconds since 1970."""
    if interval == "1M":
        month = datetime.fromtimestamp(seconds, UTC)
        return int(datetime(month.year, month.month, 1, tzinfo=UTC).timestamp())
    length = _length(interval)
    origin = _MONDAY if interval == "1w" else 0
    return int((seconds - origin) // length * length) + origin


def closing(opened: int, interval: str) -> int:
    """Return when a candle ends, which is when the next one opens."""
    if interval == "1M":
        return opening(opened + 32 * 86_400, interval)
    return opened + _length(interval)


def _length(interval: str) -> int:
    return int(interval[:-1]) * _UNITS[interval[-1]]
