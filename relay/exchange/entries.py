"""Entries: the market's arrays, whose thousands of entries are made into tickers together.

Pure, like messages, which takes over where an entry is not what it ought to be.
"""

import re
from typing import Literal

import msgspec

from relay.exchange.values import FIRST_MICROSECOND
from relay.ticker import MAX_COUNT, PRICE, SIGNED, SYMBOL, Ticker


class _MiniEntry(msgspec.Struct, gc=False):
    """An entry of `!miniTicker@arr`, whole: what a frame has thousands of."""

    e: Literal["24hrMiniTicker"]
    E: int
    s: str
    c: str
    o: str
    h: str
    l: str  # noqa: E741 - Binance's letter
    v: str
    q: str


class _FullEntry(msgspec.Struct, gc=False):
    """An entry of `!ticker@arr`, whole. Futures have no bid and ask."""

    e: Literal["24hrTicker"]
    E: int
    s: str
    c: str
    o: str
    h: str
    l: str  # noqa: E741 - Binance's letter
    v: str
    q: str
    p: str
    P: str
    n: int
    L: int
    b: str | None = None
    a: str | None = None


_decode_mini_entries = msgspec.json.Decoder(list[_MiniEntry]).decode
_decode_full_entries = msgspec.json.Decoder(list[_FullEntry]).decode

_SYMBOL_LINE, _PRICE_LINE, _SIGNED_LINE = (rf"{p.pattern}\n" for p in (SYMBOL, PRICE, SIGNED))
_MINI_LINES = re.compile(f"(?:{_SYMBOL_LINE + 6 * _PRICE_LINE})*+")
_FULL_LINES = re.compile(f"(?:{_SYMBOL_LINE + 8 * _PRICE_LINE + 2 * _SIGNED_LINE})*+")


def whole_tickers(message: bytes, received_time: int) -> list[Ticker] | None:
    """The tickers of an array of one kind; None unless each value in it is what it ought to be.

    Raises what the decoder raises where it is no JSON, or nested too deeply.
    """
    for tickers_of in (_mini_tickers, _full_tickers):
        try:
            return tickers_of(message, received_time)
        except msgspec.ValidationError:
            continue
    return None


def _mini_tickers(message: bytes, received_time: int) -> list[Ticker] | None:
    """The tickers of an array of miniTickers, if each value is what it ought to be.

    Raises msgspec.ValidationError where the entries are of another kind, or not whole.
    """
    entries = _decode_mini_entries(message)
    lines = [f"{e.s}\n{e.c}\n{e.o}\n{e.h}\n{e.l}\n{e.v}\n{e.q}\n" for e in entries]
    if not (_all_match(_MINI_LINES, lines, 7) and _all_times([e.E for e in entries])):
        return None
    kind = "24hrMiniTicker"
    # By position, in the order of Ticker's fields: names would take twice as long.
    return [Ticker(e.s, e.c, kind, received_time, e.E, e.o, e.h, e.l, e.v, e.q) for e in entries]


def _full_tickers(message: bytes, received_time: int) -> list[Ticker] | None:
    """The same of an array of tickers with all their figures."""
    entries = _decode_full_entries(message)
    lines = [
        f"{e.s}\n{e.c}\n{e.o}\n{e.h}\n{e.l}\n{e.v}\n{e.q}\n"
        f"{'0' if e.b is None else e.b}\n{'0' if e.a is None else e.a}\n{e.p}\n{e.P}\n"
        for e in entries
    ]
    if not (_all_match(_FULL_LINES, lines, 11) and _all_times([e.E for e in entries])):
        return None
    if not (_all_counts([e.n for e in entries]) and _all_counts([e.L for e in entries])):
        return None
    now, kind = received_time, "24hrTicker"
    return [
        Ticker(e.s, e.c, kind, now, e.E, e.o, e.h, e.l, e.v, e.q, e.p, e.P, e.b, e.a, e.n, e.L)
        for e in entries
    ]


def _all_match(pattern: re.Pattern[str], entries: list[str], lines: int) -> bool:
    """Whether each entry, of so many lines, matches. One look at all of them: a frame has thousands."""
    text = "".join(entries)
    return text.count("\n") == lines * len(entries) and pattern.fullmatch(text) is not None


def _all_times(times: list[int]) -> bool:
    """Whether each is a time in milliseconds."""
    return not times or 0 <= min(times) <= max(times) < FIRST_MICROSECOND


def _all_counts(counts: list[int]) -> bool:
    """Whether each is an id, or a number of trades."""
    return not counts or 0 <= min(counts) <= max(counts) <= MAX_COUNT
