"""Pace: how often a symbol usually moves, so that a quiet one is not taken for a dead one."""

import math
from typing import Literal

from relay.ticker import Ticker

Standing = Literal["live", "quiet", "stale", "halted"]
NOT_LIVE: tuple[Standing, ...] = ("quiet", "stale", "halted")

#: Seconds since it moved until a symbol is no longer live: the whole market comes once a second.
LIVE_SECONDS = 10.0
#: Times its pace that a symbol may be silent and is merely quiet.
STALE_PACES = 3
#: The pace of a symbol of which nothing is known yet, in seconds.
UNKNOWN_SECONDS = 120.0
#: Seconds after which a long gap counts half as much.
HALF_LIFE_SECONDS = 600.0
#: Seconds until a pace is brought up to date again; a gap that exceeds the pace counts at once.
ADAPT_SECONDS = 10.0
#: How many mean gaps between trades the longest one lasts: trades do not come evenly.
_LONGEST_TO_MEAN = 4


def of_trades(trades: int) -> float:
    """The pace, in seconds, of a symbol with this number of trades in 24 hours."""
    return _LONGEST_TO_MEAN * 86_400 / max(trades, 1)


def after(gap: float, pace: float) -> float:
    """The pace once there was another gap, in seconds: the longest one lately, slowly forgotten.

    To be asked every ADAPT_SECONDS, or after a longer gap.
    """
    return max(gap, pace * math.exp2(-max(gap, ADAPT_SECONDS) / HALF_LIFE_SECONDS))


def standing(ticker: Ticker, age: float) -> Standing:
    """How things stand with a symbol whose newest price is `age` seconds old, if the feed is live."""
    if ticker.status is not None:
        return "halted"
    if age <= LIVE_SECONDS:
        return "live"
    if ticker.pace is None or age <= STALE_PACES * ticker.pace:
        return "quiet"
    return "stale"
