"""What Binance says: any message made into tickers.

Pure: no sockets, no clock. Facts are from Binance's Spot documentation, web-socket-streams.md.

Every field is checked here, once: a decimal is a decimal, an id and a time are integers that travel in
JSON and MessagePack. A bad value costs that value, and the ticker goes without it; a bad price or symbol
costs the entry; nothing costs its neighbours, but for nesting so deep that no reader gets past it.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from relay.exchange.entries import whole_tickers
from relay.exchange.values import UNDECODABLE, count, decimal, milliseconds
from relay.ticker import MAX_HELD, PRICE, SIGNED, SYMBOL, Ticker


class Remark(StrEnum):
    """What there is to say of a message, or of one entry of it, beside its ticker."""

    ACK = "ack"
    ERROR = "error"
    SHUTDOWN = "server_shutdown"
    DEPTH = "depth"
    NO_PRICE = "no_price"
    UNKNOWN_EVENT = "unknown_event"
    MALFORMED = "malformed"
    #: The ticker goes without a field.
    BAD_VALUE = "bad_value"


class Message(NamedTuple):
    """What one message said."""

    tickers: list[Ticker]
    remarks: list[Remark]
    #: The exchange's own words for an error; else the first value that was left out.
    detail: str = ""


class _Event(msgspec.Struct, frozen=True, gc=False):
    """The fields we want of any event. Letters mean different things in different events."""

    e: str = ""
    s: str | None = None
    E: Any = None
    T: Any = None
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
    u: Any = None
    L: Any = None
    #: A partial book has this, and no event type.
    lastUpdateId: Any = None  # noqa: N815 - Binance's name


class _Envelope(msgspec.Struct, frozen=True, gc=False):
    """What may stand around or instead of an event."""

    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    code: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    msg: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


# A few bytes can stand for hundreds in memory, so what is long is looked at before it is decoded.
#: Bytes of a single event: a depth update of a thousand levels comes to 60 KB.
_MAX_EVENT_BYTES = 1 << 20
#: Objects in an array: an entry has one, or two.
_MAX_OBJECTS = 2 * MAX_HELD
#: Commas in an array: a field of an entry has one.
_MAX_COMMAS = 25 * MAX_HELD
#: Characters of the exchange's own words that are kept.
_WORDS = 200

#: How a combined message begins, and where its payload does.
_WRAPPED, _DATA = b'{"stream":"', b'","data":'
#: Bytes in which a stream's name must end for its message to be read the short way.
_LONGEST_NAME = 300

_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_decode_event = msgspec.json.Decoder(_Event).decode
_decode_events = msgspec.json.Decoder(list[_Event]).decode
_decode_raw_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def normalise(message: bytes, received_time: int) -> Message:
    """The tickers in one message, raw or combined, event or array, and remarks on what gave none.

    `received_time` is in milliseconds since 1970. Never raises: whatever cannot be understood is a
    remark.
    """
    try:
        payload = _unwrapped(message)
        if payload is not None:
            return _payload(payload, received_time)
        return _message(message, received_time)
    except UNDECODABLE:
        return _second_look(message, received_time)


def _second_look(message: bytes, received_time: int) -> Message:
    """It may be wrapped in another form than Binance's."""
    try:
        return _message(message, received_time)
    except UNDECODABLE:
        return Message([], [Remark.MALFORMED])


def _message(message: bytes, received_time: int) -> Message:
    """A message in any form; raises one of UNDECODABLE."""
    if message[:1] == b"[":
        return _array(message, received_time)
    envelope = _decode_envelope(message)
    if envelope.data is not msgspec.UNSET:
        return _payload(bytes(envelope.data), received_time)
    # Documented as {"code","msg","id"}; on the wire nested: {"error":{"code","msg"},"id"}.
    error, code = _words(envelope.error), _words(envelope.code)
    if error or code:
        return Message([], [Remark.ERROR], error or _words(envelope.msg) or code)
    if envelope.result is not msgspec.UNSET:
        return Message([], [Remark.ACK])
    return _single(message, received_time)


def _unwrapped(message: bytes) -> bytes | None:
    """The payload of a combined message in the form that Binance gives it, without a look into it.

    It is no JSON where something follows it, or in the name of the stream there is a quotation mark.
    """
    if not (message.startswith(_WRAPPED) and message.endswith(b"}")):
        return None
    at = message.find(_DATA, len(_WRAPPED), _LONGEST_NAME)
    return None if at < 0 else message[at + len(_DATA) : -1]


def _payload(message: bytes, received_time: int) -> Message:
    if message[:1] == b"[":
        return _array(message, received_time)
    return _single(message, received_time)


def _words(value: msgspec.Raw | msgspec.UnsetType) -> str:
    """A value as the exchange wrote it, or the beginning of it; nothing for null."""
    if value is msgspec.UNSET:
        return ""
    return bytes(value)[:_WORDS].decode(errors="replace").removeprefix("null")


def _single(message: bytes, received_time: int) -> Message:
    if len(message) > _MAX_EVENT_BYTES:
        return Message([], [Remark.MALFORMED])
    bad: list[object] = []
    made = _ticker(_decode_event(message), received_time, bad)
    if isinstance(made, Ticker):
        return Message([made], [Remark.BAD_VALUE] * len(bad), _first(bad))
    return Message([], [made])


def _array(message: bytes, received_time: int) -> Message:
    """Thousands of whole entries are looked at together; one by one only where that fails."""
    if len(message) > _MAX_EVENT_BYTES and _swells(message):
        return Message([], [Remark.MALFORMED])
    tickers = whole_tickers(message, received_time)
    if tickers is not None:
        return Message(tickers, [])
    try:
        return _collect(_decode_events(message), received_time)
    except msgspec.ValidationError:
        return _array_with_bad_entries(message, received_time)


def _swells(message: bytes) -> bool:
    """Whether it would come to far more in memory than any array of events does."""
    return message.count(b"{") > _MAX_OBJECTS or message.count(b",") > _MAX_COMMAS


def _array_with_bad_entries(message: bytes, received_time: int) -> Message:
    events, bad = [], 0
    for raw in _decode_raw_list(message):
        try:
            events.append(_decode_event(raw))
        except UNDECODABLE:
            bad += 1
    good = _collect(events, received_time)
    return Message(good.tickers, good.remarks + [Remark.MALFORMED] * bad, good.detail)


def _collect(events: Iterable[_Event], received_time: int) -> Message:
    tickers: list[Ticker] = []
    remarks: list[Remark] = []
    bad: list[object] = []
    for event in events:
        made = _ticker(event, received_time, bad)
        if isinstance(made, Ticker):
            tickers.append(made)
        else:
            remarks.append(made)
    return Message(tickers, remarks + [Remark.BAD_VALUE] * len(bad), _first(bad))


def _first(bad: list[object]) -> str:
    """The first of these values, or the beginning of it; nothing where there is none."""
    if not bad:
        return ""
    value = bad[0]
    return ascii(value[:_WORDS] if isinstance(value, str) else type(value).__name__)


def _ticker(event: _Event, received_time: int, bad: list[object]) -> Ticker | Remark:
    kind = event.e
    if kind in _MAKERS:
        find_price, make = _MAKERS[kind]
        price = find_price(event)
    elif kind in _NO_TICKER:
        return _NO_TICKER[kind]
    elif not kind and event.lastUpdateId is not None:
        return Remark.DEPTH
    elif not kind and event.u is not None and isinstance(event.b, str):
        # bookTicker has no event type and no time. Its price is the best bid as received: a
        # mid-price would be a number that nobody sent.
        price, make = event.b, _book_ticker
    else:
        return Remark.UNKNOWN_EVENT
    if price is None:
        return Remark.NO_PRICE
    symbol = event.s
    if not isinstance(price, str) or symbol is None:
        return Remark.MALFORMED
    if not PRICE.fullmatch(price) or not SYMBOL.fullmatch(symbol):
        return Remark.MALFORMED
    return make(event, symbol, price, received_time, bad)


def _mini_ticker(
    event: _Event, symbol: str, price: str, received_time: int, bad: list[object]
) -> Ticker:
    """With the 24 hours' figures."""
    return Ticker(
        symbol=symbol,
        price=price,
        stream=event.e,
        received_time=received_time,
        event_time=milliseconds(event.E, bad),
        open=decimal(event.o, bad),
        high=decimal(event.h, bad),
        low=decimal(event.l, bad),
        volume=decimal(event.v, bad),
        quote_volume=decimal(event.q, bad),
    )


def _full_ticker(
    event: _Event, symbol: str, price: str, received_time: int, bad: list[object]
) -> Ticker:
    """The same with change, bid, ask and number of trades, which a miniTicker does not have."""
    return msgspec.structs.replace(
        _mini_ticker(event, symbol, price, received_time, bad),
        change=decimal(event.p, bad, SIGNED),
        change_percent=decimal(event.P, bad, SIGNED),
        bid=decimal(event.b, bad),
        ask=decimal(event.a, bad),
        trades=count(event.n, bad),
        sequence=count(event.L, bad),
    )


def _plain_ticker(
    event: _Event, symbol: str, price: str, received_time: int, bad: list[object]
) -> Ticker:
    """Price and time only. A 1 h or 4 h window is here too: its figures are not those of 24 hours."""
    return Ticker(
        symbol=symbol,
        price=price,
        stream=event.e,
        received_time=received_time,
        event_time=_time(event, bad),
        sequence=_sequence(event, bad),
    )


def _time(event: _Event, bad: list[object]) -> int | None:
    """When it happened. A trade is told of up to 0.2 s after it was made: the minute that it belongs to is
    that in which it was made."""
    match event.e:
        case "trade" | "aggTrade":
            made = milliseconds(event.T, bad)
            return milliseconds(event.E, bad) if made is None else made
        case "referencePrice":
            return milliseconds(event.t, bad)
        case _:
            return milliseconds(event.E, bad)


def _book_ticker(
    event: _Event, symbol: str, price: str, received_time: int, bad: list[object]
) -> Ticker:
    return Ticker(
        symbol=symbol,
        price=price,
        stream="bookTicker",
        received_time=received_time,
        bid=price,
        ask=decimal(event.a, bad),
        sequence=count(event.u, bad),
    )


def _sequence(event: _Event, bad: list[object]) -> int | None:
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
    return count(said, bad)


def _kline_close(event: _Event) -> object:
    return event.k.get("c") if isinstance(event.k, dict) else False


_Maker = Callable[[_Event, str, str, int, list[object]], Ticker]
_MAKERS: dict[str, tuple[Callable[[_Event], object], _Maker]] = {
    "trade": (lambda event: event.p, _plain_ticker),
    "aggTrade": (lambda event: event.p, _plain_ticker),
    "blockTrade": (lambda event: event.p, _plain_ticker),
    "kline": (_kline_close, _plain_ticker),
    "24hrMiniTicker": (lambda event: event.c, _mini_ticker),
    "24hrTicker": (lambda event: event.c, _full_ticker),
    "1hTicker": (lambda event: event.c, _plain_ticker),
    "4hTicker": (lambda event: event.c, _plain_ticker),
    "1dTicker": (lambda event: event.c, _full_ticker),
    "avgPrice": (lambda event: event.w, _plain_ticker),
    "referencePrice": (lambda event: event.r, _plain_ticker),
}
_NO_TICKER = {"depthUpdate": Remark.DEPTH, "serverShutdown": Remark.SHUTDOWN}
