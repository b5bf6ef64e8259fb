"""How figures read on a page, the same as static/page/figures.js writes them. Prices stay strings.

No function here raises, whatever a ticker holds: one absurd value must not cost the page. A text that is
no decimal reads as nothing.
"""

import math
import re
from decimal import Decimal

from relay.ticker import Ticker
from relay.web.dollars import split

#: A decimal as the exchange writes it: no exponent, no infinity, and no more digits than a figure needs.
_DECIMAL = re.compile(r"-?[0-9]{1,24}(\.[0-9]{1,24})?", re.ASCII)
#: One letter for each three digits left of the point.
_UNITS = ("", "K", "M", "B", "T", "Q")
#: Milliseconds since 1970 at which the year 10000 begins: no exchange means a later time.
_LAST_TIME = 253_402_300_800_000
#: Characters of a word that is not ours: the exchange's HALT, BREAK, ...
_WORD_LENGTH = 40


def number(figure: str | None) -> float | None:
    """A figure's value, always finite; None where it is no decimal."""
    return float(figure) if figure is not None and _DECIMAL.fullmatch(figure) else None


def plain(price: str, decimals: int = 0) -> str:
    """A price without the zeros that pad it, but for those up to `decimals`."""
    if not _DECIMAL.fullmatch(price):
        return ""
    whole, _, fraction = price.partition(".")
    fraction = fraction.rstrip("0").ljust(min(decimals, len(fraction)), "0")
    return f"{whole}.{fraction}" if fraction else whole


def decimals(ticker: Ticker) -> int:
    """How many decimals the symbol's prices have, judged by those at hand."""
    most = 0
    for price in (ticker.price, ticker.open, ticker.high, ticker.low):
        if price is not None and _DECIMAL.fullmatch(price):
            most = max(most, len(price.partition(".")[2].rstrip("0")))
    return most


def compact(volume: str) -> str:
    """A volume's first three digits and a unit: 1.94B."""
    if not _DECIMAL.fullmatch(volume):
        return ""
    whole, _, fraction = volume.partition(".")
    unit = min(max(len(whole) - 1, 0) // 3, len(_UNITS) - 1)
    if unit == 0:
        return plain(f"{whole}.{fraction[: 6 if whole == '0' else 2]}")
    head = len(whole) - 3 * unit
    rest = whole[head:3]
    return f"{whole[:head]}{rest and '.'}{rest}{_UNITS[unit]}"


def percent_changed(ticker: Ticker) -> Decimal | None:
    """Percent over 24 hours: as the stream says, or from its open; None where neither is known."""
    if ticker.change_percent is not None:
        return _decimal(ticker.change_percent)
    price, opened = _decimal(ticker.price), _decimal(ticker.open)
    return (price / opened - 1) * 100 if price is not None and opened else None


def signed(percent: Decimal | None) -> str:
    """With its sign and two decimals: +1.25%."""
    if percent is None:
        return ""
    text = f"{percent:+.2f}%"
    return "0.00%" if text[1:] == "0.00%" else text


def direction(signed: str) -> str:
    """The way that a signed figure points: up, down or nothing."""
    return {"+": "up", "-": "down"}.get(signed[:1], "")


def place_in_range(ticker: Ticker) -> float:
    """Where the price stands between the low (0) and the high (99): a place to draw a mark at."""
    price, low, high = number(ticker.price), number(ticker.low), number(ticker.high)
    if price is None or low is None or high is None or not low < high:
        return 49.5
    return round(min(max((price - low) / (high - low), 0), 1) * 99, 1)


def paired(ticker: Ticker) -> str:
    """The symbol as people write it, its base and its quote: BTC/USDT."""
    base, quote = split(ticker)
    return f"{base}/{quote}" if quote else base


def made(ticker: Ticker) -> int:
    """When the price was made, as the exchange says, else when the relay read it; milliseconds."""
    time = ticker.event_time
    return time if time is not None and 0 < time < _LAST_TIME else ticker.received_time


def clock(milliseconds: int) -> str:
    """The time of day in UTC: 12:04:31."""
    minutes, seconds = divmod(milliseconds // 1000 % 86_400, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def ago(seconds: float) -> str:
    """An age: 4 s, 2 min 05 s, 3 h 12 min."""
    if not math.isfinite(seconds):
        return "long"
    minutes, rest = divmod(int(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


def word(text: str) -> str:
    """A word of the exchange's, as much of it as a page has room for."""
    return text[:_WORD_LENGTH]


def _decimal(figure: str | None) -> Decimal | None:
    return Decimal(figure) if figure is not None and _DECIMAL.fullmatch(figure) else None


#: What templates may call.
FILTERS = (
    plain,
    decimals,
    compact,
    percent_changed,
    signed,
    direction,
    place_in_range,
    split,
    paired,
    made,
    clock,
    ago,
    word,
)
