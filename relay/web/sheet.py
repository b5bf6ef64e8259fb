"""Sheet: prices as a spreadsheet reads them, as CSV or as one number.

A cell that begins with a sign such as = or @ would be a formula there. So nothing becomes a cell but what is
a symbol or a decimal, whatever a store may hold.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from flask import Request, Response

from relay.fanout.health import Verdict
from relay.fanout.hub import Hub
from relay.ticker import PRICE, SYMBOL, Ticker
from relay.turn import stand_in_line
from relay.web.packed import Packed, Packer
from relay.web.sent import fill

#: The first line.
HEAD = "symbol,price,state,time"
#: Lines that are written between two turns of everything else: about 1 ms of work.
LINES_PER_TURN = 300
#: The state of a symbol that was asked for and has no price.
UNKNOWN = "unknown"


class Sheet(NamedTuple):
    """What a table says, and the id from which a client goes on."""

    packed: Packed
    id: str


def sheet(hub: Hub, rows: Iterable[tuple[str, Ticker | None]], packer: Packer) -> Sheet:
    """A line for each symbol, in this order; one that has no price is called unknown. Gives turns."""
    # All of them as of this moment, though turns are given.
    resume_id, verdict, lines = hub.board.id, hub.verdict(), [HEAD]
    for number, (symbol, ticker) in enumerate(rows, 1):
        if number % LINES_PER_TURN == 0:
            stand_in_line()
        if ticker is None:
            lines.append(f"{symbol},,{UNKNOWN},")
        elif is_plain(ticker):
            lines.append(f"{symbol},{ticker.price},{_state(hub, verdict, ticker)},{_time(ticker)}")
    return Sheet(Packed(packer, "\r\n".join([*lines, ""]).encode()), resume_id)


def sent(request: Request, made: Sheet) -> Response:
    """The table as CSV. Gives turns."""
    answer = _text("", "text/csv")
    answer.vary.add("Accept-Encoding")
    fill(request, answer, made.packed)
    answer.headers["Relay-Id"] = made.id
    answer.headers["Access-Control-Expose-Headers"] = "Relay-Id"
    return answer


def single(hub: Hub, ticker: Ticker) -> Response:
    """The price and nothing else; how it stands is in the headers."""
    answer = _text(ticker.price, "text/plain")
    answer.headers["Relay-State"] = _state(hub, hub.verdict(), ticker)
    answer.headers["Relay-Time"] = _time(ticker)
    answer.headers["Access-Control-Expose-Headers"] = "Relay-State, Relay-Time"
    return answer


def is_plain(ticker: Ticker) -> bool:
    """Whether it can be a line: it holds nothing but a symbol and a decimal."""
    return bool(SYMBOL.fullmatch(ticker.symbol) and PRICE.fullmatch(ticker.price))


def _state(hub: Hub, verdict: Verdict, ticker: Ticker) -> str:
    """As `/api/prices/<symbol>` says it; a simulated price is called so first."""
    state = hub.health.standing_of(ticker) if verdict.state == "live" else verdict.state
    if not verdict.simulated:
        return state
    return "simulated" if state == "live" else f"simulated {state}"


def _time(ticker: Ticker) -> str:
    """When the relay read the price: 2026-11-26T12:04:31Z."""
    try:
        read = datetime.fromtimestamp(ticker.received_time / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return read.strftime("%Y-%m-%dT%H:%M:%SZ")


def _text(body: str, kind: str) -> Response:
    answer = Response(body, content_type=f"{kind}; charset=utf-8")
    answer.headers["Cache-Control"] = "no-store"
    return answer
