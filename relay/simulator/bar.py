"""Bar: what was traded in a span of time. A span without a trade has none."""

from collections.abc import Iterable
from typing import NamedTuple


class Bar(NamedTuple):
    """Prices in ticks, volumes in lots, quote volumes in units of 1e-8, and the number of trades."""

    open: int
    high: int
    low: int
    close: int
    volume: int
    quote: int
    trades: int
    #: What of the volumes was bought by takers.
    bought: int
    bought_quote: int


def merge(bars: Iterable[Bar | None]) -> Bar | None:
    """Return the bar of all spans together, which come in the order of time."""
    traded = [bar for bar in bars if bar is not None]
    if len(traded) < 2:
        return traded[0] if traded else None
    _, highs, lows, _, volumes, quotes, trades, bought, bought_quotes = zip(*traded, strict=True)
    return Bar(
        traded[0].open,
        max(highs),
        min(lows),
        traded[-1].close,
        sum(volumes),
        sum(quotes),
        sum(trades),
        sum(bought),
        sum(bought_quotes),
    )
