"""The history routes: candles of a symbol, as JSON or CSV."""

import zlib
from collections.abc import Mapping
from typing import NamedTuple

import msgspec
from flask import Blueprint, Request, Response, request

from relay.fanout.hub import Hub
from relay.history.interval import SECONDS
from relay.history.past import Candles, Past
from relay.history.row import FIELDS, SOURCES
from relay.history.wish import Wish
from relay.ticker import upper
from relay.web.answer import json_response
from relay.web.fresh import NotMade
from relay.web.packed import SMALLEST, Packed
from relay.web.shared import Shared
from relay.web.subscription import BadQuery

#: Candles that one answer holds at most, and without `limit`.
MAX_CANDLES = 2000
USUAL_CANDLES = 500
#: Digits of a time in milliseconds at most: the year 33,658.
_MAX_DIGITS = 15
#: Seconds until it is worth asking again for an answer that could not be made.
RETRY_SECONDS = 5
#: How long whoever likes may keep an answer: one that will never change, another one, an incomplete one.
_SETTLED, _MOVING, _INCOMPLETE = "public, max-age=86400", "public, max-age=1", "no-store"


class _Made(NamedTuple):
    """One answer in both its forms."""

    json: Packed
    csv: Packed
    tag: str
    id: str
    reason: str
    cache: str


def blueprint(hub: Hub, past: Past) -> Blueprint:
    """The routes below `/api/history`."""
    routes = Blueprint("history", __name__)
    charts: Shared[Wish, _Made] = Shared(
        lambda wish: _chart(hub, past, wish), lambda: hub.board.epoch
    )

    @routes.get("/api/history/<symbol>")
    def chart(symbol: str) -> Response:
        name = symbol.removesuffix(".csv")
        wish = parse(request.args, upper(name), simulated=hub.verdict().simulated)
        if wish.symbol not in hub.board:
            return json_response({"error": f"no price of {name[:40]!r} is known"}, 404)
        as_csv = name != symbol or _prefers_csv(request)
        made = charts.get(wish)
        answer = _csv(made, wish) if as_csv else _sent(made.json, made, "application/json", "j")
        answer.vary.add("Accept")
        return answer

    @routes.errorhandler(NotMade)
    def not_made(error: NotMade) -> Response:
        answer = json_response({"error": f"the history cannot be had at present: {error}"}, 503)
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
        return answer

    return routes


def parse(query: Mapping[str, str], symbol: str, *, simulated: bool) -> Wish:
    """Reads a query; raises BadQuery."""
    interval = query.get("interval", "1m")
    if interval not in SECONDS:
        raise BadQuery(f"interval must be one of {', '.join(SECONDS)}")
    start, end = _time(query, "from"), _time(query, "to")
    if start is not None and end is not None and start >= end:
        raise BadQuery("from must be before to")
    text = query.get("limit", str(USUAL_CANDLES))
    limit = _whole(text)
    if limit is None or not 1 <= limit <= MAX_CANDLES:
        raise BadQuery(f"limit must be a whole number from 1 to {MAX_CANDLES}")
    return Wish(simulated, symbol, interval, limit, start, end)


def _time(query: Mapping[str, str], name: str) -> int | None:
    if name not in query:
        return None
    time = _whole(query[name])
    if time is None:
        raise BadQuery(f"{name} must be a time in milliseconds since 1970, in digits only")
    return time


def _whole(text: str) -> int | None:
    is_plain = text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS
    return int(text) if is_plain else None


def _chart(hub: Hub, past: Past, wish: Wish) -> _Made:
    found = past.find(wish, hub.health.now())
    # Read at once: what the board holds, and the id from which a client goes on.
    resume_id, ticker, now = hub.board.id, hub.board.get(wish.symbol), hub.health.now()
    return _made(wish, past.answer(wish, found, ticker, now), resume_id, now)


def _made(wish: Wish, candles: Candles, resume_id: str, now: int) -> _Made:
    rows = ",".join(candles.rows)
    said: dict[str, object] = {
        "symbol": wish.symbol,
        "interval": wish.interval,
        "simulated": wish.simulated,
        "complete": not candles.reason,
    }
    if candles.reason:
        said["reason"] = candles.reason
    said |= {"closed": candles.closed, "fields": FIELDS, "sources": SOURCES}
    steady = msgspec.json.encode(said)[:-1]
    moving = f',"id":"{resume_id}","time":{now},"candles":['.encode()
    body = rows.encode()
    tag = f"{zlib.crc32(steady):08x}{zlib.crc32(body):08x}{len(body):x}"
    cache = _INCOMPLETE if candles.reason else _SETTLED if candles.settled else _MOVING
    lines = "\r\n".join([",".join(FIELDS), *candles.rows, ""])
    for sign in ("[", "]", '"', "null"):
        lines = lines.replace(sign, "")
    return _Made(
        Packed(b"".join([steady, moving, body, b"]}"])),
        Packed(lines.encode()),
        tag,
        resume_id,
        candles.reason,
        cache,
    )


def _prefers_csv(request: Request) -> bool:
    accepts = request.accept_mimetypes
    return accepts.best_match(("application/json", "text/csv")) == "text/csv"


def _csv(made: _Made, wish: Wish) -> Response:
    answer = _sent(made.csv, made, "text/csv; charset=utf-8; header=present", "c")
    name = f"{wish.symbol}-{wish.interval}.csv"
    plain = name if name.isascii() else f"history-{wish.interval}.csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="{plain}"'
    answer.headers["Relay-Id"] = made.id
    answer.headers["Relay-Complete"] = "false" if made.reason else "true"
    if made.reason:
        answer.headers["Relay-Reason"] = made.reason.encode("ascii", "replace").decode()
    return answer


def _sent(packed: Packed, made: _Made, content_type: str, form: str) -> Response:
    answer = Response(content_type=content_type)
    answer.headers["Cache-Control"] = made.cache
    answer.set_etag(f"{made.tag}{form}", weak=True)
    answer.vary.add("Accept-Encoding")
    if request.if_none_match.contains_weak(f"{made.tag}{form}"):
        answer.status_code = 304
        return answer
    if len(packed.body) >= SMALLEST and request.accept_encodings["gzip"] > 0:
        answer.headers["Content-Encoding"] = "gzip"
        answer.set_data(packed.gzip())
    else:
        answer.set_data(packed.body)
    return answer
