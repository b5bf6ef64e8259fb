"""What Binance says: any message made into tickers.

Pure: no sockets, no clock. Facts are from Binance's Spot documentation, web-socket-streams.md.
"""

import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache
from typing import Any, NamedTuple

import msgspec

from relay.ticker import PRICE, SYMBOL, Ticker

#: A time above this is in microseconds (`?timeUnit=MICROSECOND`), not milliseconds.
_FIRST_MICROSECOND = 100_000_000_000_000


class Remark(StrEnum):
    """Why a message, or one entry of it, gave no ticker."""

    ACK = "ack"
    ERROR = "error"
    SHUTDOWN = "server_shutdown"
    DEPTH = "depth"
    NO_PRICE = "no_price"
    UNKNOWN_EVENT = "unknown_event"
    MALFORMED = "malformed"


class Message(NamedTuple):
    """What one message said."""

    tickers: list[Ticker]
    remarks: list[Remark]
    #: The exchange's own words, for an error.
    detail: str = ""


class _Event(msgspec.Struct, frozen=True, gc=False):
    """The fields we want of any event. Letters mean different things in different events."""

    e: str = ""
    E: int | None = None
    s: str | None = None
    c: Any = None
    o: Any = None
    h: Any = None
    l: Any = None  # noqa: E741 - Binance's letter
    v: Any = None
    q: Any = None
    p: Any = None
    P: Any = None
    w: Any = None
    r: Any = None
    b: Any = None
    a: Any = None
    n: Any = None
    t: Any = None
    k: Any = None
    u: int | None = None
    L: int | None = None


class _Envelope(msgspec.Struct, frozen=True):
    """What may stand around or instead of an event."""

    stream: str | None = None
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    result: Any = msgspec.UNSET
    error: Any = None
    code: int | None = None
    msg: str | None = None
    lastUpdateId: int | None = None  # noqa: N815 - Binance's name


#: Events whose letters are a ticker's. Of others, a trade's or a book's, they mean something else.
_DAY_EVENTS = frozenset(("24hrMiniTicker", "24hrTicker"))

_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_event = msgspec.json.Decoder(_Event).decode
_decode_events = msgspec.json.Decoder(list[_Event]).decode
_decode_tickers = msgspec.json.Decoder(list[Ticker]).decode
_decode_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def normalise(message: bytes, received_time: int) -> Message:
    """The tickers in one message, raw or combined, event or array, and remarks on what gave none.

    `received_time` is in milliseconds since 1970. Never raises: whatever cannot be understood is a
    remark, and spoils nothing beside it.
    """
    try:
        if message[:1] == b"[":
            return _array(message, received_time)
        envelope = _decode_envelope(message)
        if envelope.data is msgspec.UNSET:
            return _single(message, envelope, received_time)
        data = bytes(envelope.data)
        if data[:1] == b"[":
            return _array(data, received_time)
        return _single(data, _decode_envelope(data), received_time)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Message([], [Remark.MALFORMED])


def _single(message: bytes, envelope: _Envelope, received_time: int) -> Message:
    if envelope.error is not None or envelope.code is not None:
        # Documented as {"code","msg","id"}; on the wire nested: {"error":{"code","msg"},"id"}.
        detail = envelope.error if envelope.error is not None else envelope.msg
        return Message([], [Remark.ERROR], str(detail)[:200])
    if envelope.result is not msgspec.UNSET:
        return Message([], [Remark.ACK])
    if envelope.lastUpdateId is not None:
        return Message([], [Remark.DEPTH])
    return _collect([_decode_event(message)], received_time)


def _array(message: bytes, received_time: int) -> Message:
    """An array's entries are tickers as they come, where nothing else is among them."""
    try:
        tickers = _decode_tickers(message)
    except msgspec.ValidationError:
        return _mixed_array(message, received_time)
    if not {ticker.stream for ticker in tickers} <= _DAY_EVENTS:
        return _mixed_array(message, received_time)
    return _collect_day(tickers, received_time)


def _mixed_array(message: bytes, received_time: int) -> Message:
    try:
        return _collect(_decode_events(message), received_time)
    except msgspec.ValidationError:
        return _array_with_bad_entries(message, received_time)


def _array_with_bad_entries(message: bytes, received_time: int) -> Message:
    events, bad = [], 0
    for raw in _decode_raw_list(message):
        try:
            events.append(_decode_event(raw))
        except msgspec.ValidationError:
            bad += 1
    good = _collect(events, received_time)
    return Message(good.tickers, good.remarks + [Remark.MALFORMED] * bad)


def _collect_day(tickers: list[Ticker], received_time: int) -> Message:
    """One look at all of them, since a frame has thousands; one at each only where that fails."""
    count = len(tickers)
    if not (_all(SYMBOL, [t.symbol for t in tickers]) and _all(PRICE, [t.price for t in tickers])):
        tickers = [t for t in tickers if SYMBOL.fullmatch(t.symbol) and PRICE.fullmatch(t.price)]
    for ticker in tickers:
        ticker.received_time = received_time
        if (ticker.event_time or 0) > _FIRST_MICROSECOND:
            ticker.event_time = _milliseconds(ticker.event_time)
    return Message(tickers, [Remark.MALFORMED] * (count - len(tickers)))


def _all(pattern: re.Pattern[str], texts: list[str]) -> bool:
    """Whether each of the texts matches as a whole."""
    lines = "\n".join(texts) + "\n"
    return lines.count("\n") == len(texts) and _lines_of(pattern).fullmatch(lines) is not None


@cache
def _lines_of(pattern: re.Pattern[str]) -> re.Pattern[str]:
    return re.compile(rf"(?:(?:{pattern.pattern})\n)*+", pattern.flags)


def _collect(events: list[_Event], received_time: int) -> Message:
    tickers, remarks = [], []
    for event in events:
        made = _ticker(event, received_time)
        if isinstance(made, Ticker):
            tickers.append(made)
        else:
            remarks.append(made)
    return Message(tickers, remarks)


def _ticker(event: _Event, received_time: int) -> Ticker | Remark:
    kind = event.e
    if kind in _MAKERS:
        find_price, make = _MAKERS[kind]
        price = find_price(event)
    elif kind in _NO_TICKER:
        return _NO_TICKER[kind]
    elif not kind and event.u is not None and isinstance(event.b, str):
        # bookTicker has no event type and no time. Its price is the best bid as received: a
        # mid-price would be a number that nobody sent.
        price = event.b
        make = _book_ticker
    else:
        return Remark.UNKNOWN_EVENT
    if price is None:
        return Remark.NO_PRICE
    symbol = event.s
    if not isinstance(price, str) or symbol is None:
        return Remark.MALFORMED
    if not PRICE.fullmatch(price) or not SYMBOL.fullmatch(symbol):
        return Remark.MALFORMED
    try:
        return make(event, symbol, price, received_time)
    except TypeError:
        return Remark.MALFORMED


def _day_ticker(event: _Event, symbol: str, price: str, received_time: int) -> Ticker:
    """With the 24 hours' figures; a miniTicker has no change, bid, ask or number of trades."""
    return Ticker(
        symbol=symbol,
        price=price,
        stream=event.e,
        received_time=received_time,
        event_time=_milliseconds(event.E),
        open=_text(event.o),
        high=_text(event.h),
        low=_text(event.l),
        volume=_text(event.v),
        quote_volume=_text(event.q),
        change=_text(event.p),
        change_percent=_text(event.P),
        bid=_text(event.b),
        ask=_text(event.a),
        trades=event.n if isinstance(event.n, int) else None,
        sequence=event.L,
    )


def _plain_ticker(event: _Event, symbol: str, price: str, received_time: int) -> Ticker:
    """Price and time only. A 1 h or 4 h window is here too: its figures are not those of 24 hours."""
    return Ticker(
        symbol=symbol,
        price=price,
        stream=event.e,
        received_time=received_time,
        event_time=_milliseconds(event.E if event.e != "referencePrice" else event.t),
        sequence=_sequence(event),
    )


def _book_ticker(event: _Event, symbol: str, price: str, received_time: int) -> Ticker:
    return Ticker(
        symbol=symbol,
        price=price,
        stream="bookTicker",
        received_time=received_time,
        bid=_text(event.b),
        ask=_text(event.a),
        sequence=event.u,
    )


def _sequence(event: _Event) -> int | None:
    """The id of a trade, or of the last one in what is said of many; a string in some old recordings."""
    match event.e:
        case "trade" | "blockTrade":
            said = event.t
        case "aggTrade":
            said = event.a
        case "kline":
            said = event.k.get("L")
        case _:
            said = event.L
    return said if isinstance(said, int) else None


def _kline_close(event: _Event) -> object:
    return event.k.get("c") if isinstance(event.k, dict) else False


_Maker = Callable[[_Event, str, str, int], Ticker]
_MAKERS: dict[str, tuple[Callable[[_Event], object], _Maker]] = {
    "trade": (lambda event: event.p, _plain_ticker),
    "aggTrade": (lambda event: event.p, _plain_ticker),
    "blockTrade": (lambda event: event.p, _plain_ticker),
    "kline": (_kline_close, _plain_ticker),
    "24hrMiniTicker": (lambda event: event.c, _day_ticker),
    "24hrTicker": (lambda event: event.c, _day_ticker),
    "1hTicker": (lambda event: event.c, _plain_ticker),
    "4hTicker": (lambda event: event.c, _plain_ticker),
    "1dTicker": (lambda event: event.c, _day_ticker),
    "avgPrice": (lambda event: event.w, _plain_ticker),
    "referencePrice": (lambda event: event.r, _plain_ticker),
}
_NO_TICKER = {"depthUpdate": Remark.DEPTH, "serverShutdown": Remark.SHUTDOWN}


def _text(value: object) -> str | None:
    """A decimal as received; raises TypeError for anything else that is there."""
    if value is None or isinstance(value, str):
        return value
    raise TypeError(value)


def _milliseconds(time: object) -> int | None:
    if time is None:
        return None
    if not isinstance(time, int):
        raise TypeError(time)
    return time // 1000 if time > _FIRST_MICROSECOND else time
