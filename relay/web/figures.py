"""How figures read on a page, the same as static/figures.js writes them. Prices stay strings."""

from datetime import UTC, datetime
from decimal import Decimal, DecimalException

from relay.ticker import Ticker

#: One letter for each three digits left of the point.
_UNITS = ("", "K", "M", "B", "T", "Q")


def plain(price: str, decimals: int = 0) -> str:
    """A price without the zeros that pad it, but for those up to `decimals`."""
    whole, _, fraction = price.partition(".")
    fraction = fraction.rstrip("0").ljust(min(decimals, len(fraction)), "0")
    return f"{whole}.{fraction}" if fraction else whole


def decimals(ticker: Ticker) -> int:
    """How many decimals the symbol's prices have, judged by those at hand."""
    prices = (ticker.price, ticker.open, ticker.high, ticker.low)
    return max(len(price.partition(".")[2].rstrip("0")) for price in prices if price is not None)


def compact(volume: str) -> str:
    """A volume's first three digits and a unit: 1.94B."""
    whole, _, fraction = volume.partition(".")
    unit = min(max(len(whole) - 1, 0) // 3, len(_UNITS) - 1)
    if unit == 0:
        return plain(f"{whole}.{fraction[: 6 if whole == '0' else 2]}")
    head = len(whole) - 3 * unit
    rest = whole[head:3]
    return f"{whole[:head]}{rest and '.'}{rest}{_UNITS[unit]}"


def percent_changed(ticker: Ticker) -> Decimal | None:
    """Percent over 24 hours: as the stream says, or from its open; None where neither is known."""
    try:
        if ticker.change_percent is not None:
            return Decimal(ticker.change_percent)
        if ticker.open is None or not Decimal(ticker.open):
            return None
        return (Decimal(ticker.price) / Decimal(ticker.open) - 1) * 100
    except DecimalException:
        return None


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
    low, high = float(ticker.low or 0), float(ticker.high or 0)
    if not low < high:
        return 49.5
    return round(min(max((float(ticker.price) - low) / (high - low), 0), 1) * 99, 1)


def made(ticker: Ticker) -> int:
    """When the price was made, as the exchange says, else when the relay read it; milliseconds."""
    return ticker.event_time or ticker.received_time


def clock(milliseconds: int) -> str:
    """The time of day in UTC: 12:04:31."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%H:%M:%S")


def ago(seconds: float) -> str:
    """An age: 4 s, 2 min 05 s, 3 h 12 min."""
    minutes, rest = divmod(int(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


#: What templates may call.
FILTERS = (
    plain,
    decimals,
    compact,
    percent_changed,
    signed,
    direction,
    place_in_range,
    made,
    clock,
    ago,
)
