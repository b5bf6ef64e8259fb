"""The route of the closes of many symbols in one small answer: `/api/history?symbols=`."""

import zlib
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from flask import Blueprint, Response, request

from relay.fanout.hub import Hub
from relay.history.closes import INTERVALS, Closes, first_opening, trimmed
from relay.web.answer import check_loaded
from relay.web.asker import visitor_of
from relay.web.fresh import NotMade
from relay.web.media import CSV, JSON, NDJSON, chosen, content_type
from relay.web.packed import Packed, Packer
from relay.web.sent import INCOMPLETE, MOVING, sent, tell
from relay.web.shared import Shared
from relay.web.subscription import BadQuery, parse_symbols

#: Symbols of one answer at most.
MAX_LINES = 100
USUAL_POINTS = 48


class _Wish(NamedTuple):
    simulated: bool
    symbols: tuple[str, ...]
    points: int


class _Made(NamedTuple):
    packed: Packed
    #: A line for each symbol: its name and its closes, as JSON.
    lines: list[tuple[str, str]]
    tag: str
    cache: str
    id: str
    is_complete: bool


def blueprint(hub: Hub, closes: Closes, max_symbols: int) -> Blueprint:
    """The route `/api/history`."""
    routes = Blueprint("sparklines", __name__)
    most = min(max_symbols, MAX_LINES)
    packer = Packer()
    answers: Shared[_Wish, _Made] = Shared(
        lambda wish: _answer(hub, closes, packer, wish), lambda: hub.board.epoch, hub.clock
    )

    @routes.get("/api/history")
    def sparklines() -> Response:
        return listed("")

    @routes.get("/api/history.<suffix>")
    def sparklines_as(suffix: str) -> Response:
        return listed(suffix)

    def listed(suffix: str) -> Response:
        media = chosen(request, suffix, (JSON, CSV, NDJSON))
        wish = _parse(request.args, most, simulated=hub.verdict().simulated)
        check_loaded(hub)
        made = answers.get(wish, visitor_of(request))
        if media == JSON:
            return sent(request, made.packed, made.tag, made.cache, JSON)
        table = Packed(packer, _table(made.lines, media))
        tag = f"{made.tag}{'c' if media == CSV else 'n'}"
        answer = sent(request, table, tag, made.cache, content_type(media))
        tell(answer, made.id, is_complete=made.is_complete, is_simulated=wish.simulated)
        return answer

    return routes


def _table(lines: list[tuple[str, str]], media: str) -> bytes:
    """CSV: a line for each symbol, its name first; a close that is not known is an empty cell."""
    if media == NDJSON:
        return "".join(
            f'{{"symbol":"{name}","closes":[{closes}]}}\n' for name, closes in lines
        ).encode()
    table = "".join(f"{name},{closes}\r\n" for name, closes in lines)
    return table.replace('"', "").replace("null", "").encode()


def _parse(query: Mapping[str, str], most: int, *, simulated: bool) -> _Wish:
    if "symbols" not in query:
        raise BadQuery("symbols must name those that are wanted")
    symbols = parse_symbols(query["symbols"].split(","), most)
    text = query.get("points", str(USUAL_POINTS))
    points = {str(number): number for number in INTERVALS}.get(text)
    if points is None:
        raise BadQuery(f"points must be one of {', '.join(map(str, INTERVALS))}")
    return _Wish(simulated, symbols, points)


def _answer(hub: Hub, closes: Closes, packer: Packer, wish: _Wish) -> _Made:
    now = hub.health.now()
    known = [symbol for symbol in wish.symbols if symbol in hub.board]
    tickers = {symbol: hub.board.get(symbol) for symbol in known}
    newest = {symbol: t.candles for symbol, t in tickers.items() if t is not None}
    lines = closes.lines(wish.simulated, newest, wish.points, now)
    known = [symbol for symbol in newest if symbol in hub.board]
    verdict = hub.verdict()
    if verdict.simulated != wish.simulated:
        raise NotMade("prices have become of another kind meanwhile")
    resume_id = hub.board.id
    closes_of: list[tuple[str, str]] = []
    for symbol in known:
        ticker = hub.board.get(symbol)
        if ticker is not None:
            last = msgspec.json.encode(trimmed(ticker.price)).decode()
            closes_of.append((symbol, f"{lines[symbol].text}{last}"))
    parts = [f'"{symbol}":[{text}]' for symbol, text in closes_of]
    waiting = [symbol for symbol in known if not lines[symbol].complete]
    is_complete = not waiting and verdict.state == "live"
    said = {
        "interval": INTERVALS[wish.points],
        "points": wish.points,
        "start": 1000 * first_opening(wish.points, now),
        "simulated": wish.simulated,
        "complete": is_complete,
        "waiting": waiting,
        "unknown": [symbol for symbol in wish.symbols if symbol not in hub.board],
    }
    steady = msgspec.json.encode(said)[:-1] + f',"closes":{{{",".join(parts)}}}'.encode()
    tag = f"{zlib.crc32(steady):08x}{len(steady):x}"
    tail = f',"id":"{resume_id}"}}'.encode()
    cache = MOVING if is_complete else INCOMPLETE
    packed = Packed(packer, steady, tail)
    return _Made(packed, closes_of, tag, cache, resume_id, is_complete)
