"""Sheet: prices as spreadsheets, shells and scripts read them: CSV, a JSON object a line, or plain lines.

A cell that begins with a sign such as = or @ would be a formula there. So nothing becomes a cell but what is
a symbol or a decimal, whatever a store may hold.
"""

import zlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from flask import Request, Response

from relay.fanout.health import Verdict
from relay.fanout.hub import Hub
from relay.ticker import PRICE, SYMBOL, Ticker
from relay.turn import stand_in_line
from relay.web.media import CSV, NDJSON, TEXT, content_type
from relay.web.packed import Packed, Packer
from relay.web.sent import INCOMPLETE, MOVING, sent

#: The first line of a CSV.
HEAD = "symbol,price,state,time"
#: Lines that are written between two turns of everything else: about 1 ms of work.
LINES_PER_TURN = 300
#: The state of a symbol that was asked for and has no price, and of one that is gone since an id.
UNKNOWN, REMOVED = "unknown", "removed"


class Row(NamedTuple):
    """One symbol."""

    symbol: str
    #: Empty where there is none.
    price: str
    state: str
    #: When the relay read the price, or nothing: 2026-11-26T12:04:31Z.
    time: str


class Sheet(NamedTuple):
    """What a table says, and the id from which a client goes on."""

    packed: Packed
    id: str
    #: How the feed stands: the plain form says so nowhere else.
    state: str
    #: The same for the same rows under the same feed.
    tag: str
    #: How long it may be kept: one without a line would be asked for again at once.
    cache: str


def _csv(row: Row) -> str:
    return f"{row.symbol},{row.price},{row.state},{row.time}\r\n"


def _ndjson(row: Row) -> str:
    price = f'"{row.price}"' if row.price else "null"
    time = f'"{row.time}"' if row.time else "null"
    return f'{{"symbol":"{row.symbol}","price":{price},"state":"{row.state}","time":{time}}}\n'


def _text(row: Row) -> str:
    return f"{row.symbol} {row.price}\n" if row.price else ""


#: What stands before the rows, and how each is written.
_WRITERS: dict[str, tuple[str, Callable[[Row], str]]] = {
    CSV: (f"{HEAD}\r\n", _csv),
    NDJSON: ("", _ndjson),
    TEXT: ("", _text),
}


def sheet(hub: Hub, rows: Iterable[tuple[str, Ticker | None]], packer: Packer, media: str) -> Sheet:
    """A line for each symbol, in this order; one that has no price is called unknown. Gives turns."""
    # All of them as of this moment, though turns are given.
    resume_id, verdict = hub.board.id, hub.verdict()
    head, write = _WRITERS[media]
    lines: list[str] = []
    for number, (symbol, ticker) in enumerate(rows, 1):
        if number % LINES_PER_TURN == 0:
            stand_in_line()
        row = _row(hub, verdict, symbol, ticker)
        if row is not None:
            lines.append(write(row))
    packed = Packed(packer, "".join([head, *lines]).encode())
    state = _called(verdict, verdict.state)
    tag = f"{packed.tag}{zlib.crc32(state.encode()):08x}"
    return Sheet(packed, resume_id, state, tag, MOVING if lines else INCOMPLETE)


def single(request: Request, hub: Hub, ticker: Ticker, packer: Packer) -> Response:
    """The price and nothing else; how it stands is in the headers."""
    state, time = _state(hub, hub.verdict(), ticker), _time(ticker)
    tag = Packed(packer, f"{ticker.price} {state} {time}".encode()).tag
    packed = Packed(packer, ticker.price.encode())
    answer = sent(request, packed, tag, MOVING, content_type(TEXT))
    answer.headers["Relay-State"] = state
    answer.headers["Relay-Time"] = time
    answer.headers["Access-Control-Expose-Headers"] = "Relay-State, Relay-Time"
    return answer


def is_plain(ticker: Ticker) -> bool:
    """Whether it can be a line: it holds nothing but a symbol and a decimal."""
    return bool(SYMBOL.fullmatch(ticker.symbol) and PRICE.fullmatch(ticker.price))


def _row(hub: Hub, verdict: Verdict, symbol: str, ticker: Ticker | None) -> Row | None:
    if ticker is None:
        return Row(symbol, "", UNKNOWN, "")
    if ticker.removed:
        return Row(symbol, "", REMOVED, "") if SYMBOL.fullmatch(symbol) else None
    if not is_plain(ticker):
        return None
    return Row(ticker.symbol, ticker.price, _state(hub, verdict, ticker), _time(ticker))


def _state(hub: Hub, verdict: Verdict, ticker: Ticker) -> str:
    """As `/api/prices/<symbol>` says it; a simulated price is called so first."""
    is_live = verdict.state == "live"
    return _called(verdict, hub.health.standing_of(ticker) if is_live else verdict.state)


def _called(verdict: Verdict, state: str) -> str:
    if not verdict.simulated:
        return state
    return "simulated" if state == "live" else f"simulated {state}"


def _time(ticker: Ticker) -> str:
    try:
        read = datetime.fromtimestamp(ticker.received_time / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return read.strftime("%Y-%m-%dT%H:%M:%SZ")
