"""Row: a candle as an answer holds it, as JSON text already: it is made once and sent many times.

Prices and volumes are decimals that were checked when they came in: they hold nothing that JSON or CSV
would have to escape.
"""

import msgspec

from relay.candle import Candle, decimal, joined, units, with_decimals
from relay.kline import Kline

#: What a row holds. Times are milliseconds since 1970; null stands for what a source does not know.
FIELDS = (
    "time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "quote_volume",
    "trades",
    "updates",
    "source",
)
#: What each source is, in a sentence for people.
SOURCES = {
    "exchange": "The exchange's own candle, by REST; it is over and final.",
    "relay": (
        "Made by the relay from the updates it read. A stream that samples once a second can miss a "
        "high or low between two samples."
    ),
    "both": (
        "What the exchange said while the candle ran, and what the relay has read since; no volume."
    ),
}
#: Rows by the time at which their candles open, in milliseconds since 1970.
Rows = dict[int, str]
#: Bytes that a row takes in memory, with its time and its place in a dict.
ROW_BYTES = 280


def of_exchange(kline: Kline) -> str:
    """A candle as the exchange gave it."""
    return (
        f'[{kline.time},"{kline.open}","{kline.high}","{kline.low}","{kline.close}",'
        f'"{kline.volume}","{kline.quote_volume}",{kline.trades},null,"exchange"]'
    )


def of_running(kline: Kline) -> str:
    """A candle as the exchange gave it while it ran. What it said of the volume is not the last word."""
    return (
        f'[{kline.time},"{kline.open}","{kline.high}","{kline.low}","{kline.close}",'
        f'null,null,null,null,"both"]'
    )


def of_relay(candle: Candle, source: str = "relay") -> str:
    """A candle of our own."""
    places = candle.decimals
    return (
        f'[{candle.time * 1000},"{decimal(candle.open, places)}","{decimal(candle.high, places)}",'
        f'"{decimal(candle.low, places)}","{decimal(candle.close, places)}",'
        f'null,null,null,{candle.updates},"{source}"]'
    )


def of_both(kline: Kline, since: Candle, *, ours_is_later: bool) -> str:
    """What the exchange said of a candle while it ran, joined with what we have seen of it since.

    The close is the newer one of both. Where the prices do not fit together, it is what the exchange said.
    Before its first trade a candle of the exchange's holds the close of the one before: that is no price.
    """
    if kline.trades == 0:
        return of_relay(msgspec.structs.replace(since, time=kline.time // 1000))
    theirs = _candle(kline)
    if theirs is None:
        return of_running(kline)
    joint = joined(theirs, since)
    said = with_decimals(theirs, joint.decimals)
    if said is None or with_decimals(since, joint.decimals) is None:
        return of_running(kline)
    close = joint.close if ours_is_later else said.close
    return of_relay(
        msgspec.structs.replace(joint, time=kline.time // 1000, close=close, updates=since.updates),
        "both",
    )


def _candle(kline: Kline) -> Candle | None:
    """The prices of a kline in their finest unit; None where one does not fit."""
    found = [units(price) for price in (kline.open, kline.high, kline.low, kline.close)]
    places = max((each[1] for each in found if each is not None), default=0)
    scaled = [each[0] * 10 ** (places - each[1]) for each in found if each is not None]
    if len(scaled) < len(found):
        return None
    opened, high, low, close = scaled
    candle = Candle(kline.time // 1000, places, opened, high, low, close, 0)
    return candle if units(decimal(high, places)) is not None else None


def close_of(row: str) -> str:
    """The close in a row."""
    return row.split('"', 8)[7]
