"""Interval: the lengths of candles, and where each begins and ends. All times in seconds since 1970."""

from collections.abc import Iterator
from datetime import UTC, datetime

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}

#: Every interval of @kline and /api/v3/klines.
INTERVALS = frozenset(
    "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M".split()  # noqa: SIM905 - shorter
)

#: Weeks begin on Monday; 1970 began on a Thursday.
_MONDAY = 4 * 86_400


def opening(seconds: float, interval: str) -> int:
    """Return when the candle that holds a time opened."""
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


def openings(
    interval: str, first: int, last: float, start: int | None, end: int | None
) -> Iterator[int]:
    """Yield when the candles open that a call asks for.

    There are candles from the one that holds `first` to the one that holds `last` (seconds). Of
    those come the ones that open from start to end (ms); without a start the newest comes first.
    """
    least = opening(first, interval)
    newest = opening(last if end is None else min(last, end / 1000), interval)
    if start is None:
        while newest >= least:
            yield newest
            newest = opening(newest - 1, interval)
        return
    opened = opening(max(start / 1000, least), interval)
    if opened * 1000 < start:
        opened = closing(opened, interval)
    while opened <= newest:
        yield opened
        opened = closing(opened, interval)


def _length(interval: str) -> int:
    return int(interval[:-1]) * _UNITS[interval[-1]]
