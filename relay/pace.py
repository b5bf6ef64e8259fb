"""Pace: how often a symbol usually moves, so that a quiet one is not taken for a dead one."""

import math
from typing import Literal

from relay.ticker import Ticker

Standing = Literal["live", "quiet", "stale", "halted"]
NOT_LIVE: tuple[Standing, ...] = ("quiet", "stale", "halted")

#: A symbol that moved so recently, in seconds, is live: the whole market comes once a second.
LIVE_SECONDS = 10.0
#: One that has been silent for so many times its pace is not merely quiet.
STALE_PACES = 3
#: What is taken for a pace before anything is known of it, in seconds.
UNKNOWN_SECONDS = 120.0
#: A long gap counts half as much after so many seconds.
HALF_LIFE_SECONDS = 600.0
#: So often a pace is brought up to date, but for a gap that exceeds it: then at once.
ADAPT_SECONDS = 10.0
#: Trades do not come evenly: the longest of many gaps is some times the mean one.
_LONGEST_TO_MEAN = 4


def of_trades(trades: int) -> float:
    """The pace of a symbol with so many trades in 24 hours, in seconds."""
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
