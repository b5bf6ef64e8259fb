"""The history routes: candles of a symbol, as JSON or CSV."""

import zlib
from collections.abc import Mapping

import msgspec
from flask import Blueprint, Response, request

from relay.fanout.hub import Hub
from relay.history.interval import SECONDS
from relay.history.past import NEWEST_MISSING, Answer, Found, Past
from relay.history.row import FIELDS, SOURCES
from relay.history.wish import Wish
from relay.ticker import upper
from relay.web.answer import check_loaded, json_response
from relay.web.asker import visitor_of
from relay.web.fresh import NotMade
from relay.web.media import CSV, JSON, NDJSON, chosen, content_type, parted
from relay.web.packed import Packed, Packer
from relay.web.sent import INCOMPLETE, MOVING, SETTLED, sent, tell
from relay.web.shared import Shared
from relay.web.subscription import BadQuery

#: Candles that one answer holds at most, and without `limit`.
MAX_CANDLES = 2000
USUAL_CANDLES = 500
#: Candles at the end of an answer that may change before it is made again.
_NEWEST = 3
#: Digits of a time in milliseconds at most: the year 33,658.
_MAX_DIGITS = 15
MAX_TIME = 10**_MAX_DIGITS - 1


class _Made:
    """One answer, in the forms that are asked for."""

    def __init__(
        self, packer: Packer, candles: Answer, json: Packed, tag: str, resume_id: str, cache: str
    ) -> None:
        self._rows = candles.rows
        self._tables: dict[str, Packed] = {}
        self._packer = packer
        self.json = json
        #: The same for the same candles, whatever the id and the time.
        self.tag = tag
        self.id = resume_id
        self.reason = candles.reason
        self.cache = cache

    def table(self, media: str) -> Packed:
        """A line for each candle: a JSON array, or cells below a line with the names of the fields."""
        if media not in self._tables:
            self._tables[media] = Packed(self._packer, self._lines(media).encode())
        return self._tables[media]

    def _lines(self, media: str) -> str:
        if media == NDJSON:
            return "\n".join([*self._rows, ""])
        lines = "\r\n".join([",".join(FIELDS), *self._rows, ""])
        for sign in ("[", "]", '"', "null"):
            lines = lines.replace(sign, "")
        return lines


def blueprint(hub: Hub, past: Past) -> Blueprint:
    """The routes below `/api/history`."""
    routes = Blueprint("history", __name__)
    packer = Packer()
    charts: Shared[Wish, _Made] = Shared(
        lambda wish: _chart(hub, past, packer, wish), lambda: hub.board.epoch, hub.clock
    )

    @routes.get("/api/history/<symbol>")
    def chart(symbol: str) -> Response:
        name, suffix = parted(symbol)
        media = chosen(request, suffix, (JSON, CSV, NDJSON))
        wish = parse(request.args, upper(name), simulated=hub.verdict().simulated)
        check_loaded(hub)
        if wish.symbol not in hub.board:
            return json_response({"error": f"no price of {name[:40]!r} is known"}, 404)
        made = charts.get(wish, visitor_of(request))
        if media != JSON:
            return _as_table(made, wish, media)
        return sent(request, made.json, f"{made.tag}j", made.cache, JSON)

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


def _chart(hub: Hub, past: Past, packer: Packer, wish: Wish) -> _Made:
    wish = _up_to_the_last_update(hub, wish)
    found = past.find(wish, hub.health.now())
    resume_id, now, candles = _answer(hub, past, wish, found)
    if candles.reason == NEWEST_MISSING:
        found = past.renew(wish, found, now)
        resume_id, now, candles = _answer(hub, past, wish, found)
    verdict = hub.verdict()
    if verdict.state != "live" and not candles.settled:
        why = f"prices are {verdict.state}: {verdict.reason}"
        candles = candles._replace(reason=f"{why}; {candles.reason}".removesuffix("; "))
    return _made(packer, wish, candles, resume_id, now)


def _answer(hub: Hub, past: Past, wish: Wish, found: Found) -> tuple[str, int, Answer]:
    """The id and the time that an answer is exact for, and the answer. Raises NotMade."""
    if hub.verdict().simulated != wish.simulated:
        raise NotMade("prices have become of another kind meanwhile")
    # Read at once: what the board holds, and the id from which a client goes on.
    resume_id, ticker, now = hub.board.id, hub.board.get(wish.symbol), hub.health.now()
    return resume_id, now, past.answer(wish, found, ticker, now)


def _up_to_the_last_update(hub: Hub, wish: Wish) -> Wish:
    """Who asks for the newest candles of a symbol that has long been silent wants those before that."""
    ticker = hub.board.get(wish.symbol)
    if ticker is None or ticker.event_time is None or (wish.start, wish.end) != (None, None):
        return wish
    silent = hub.health.now() - ticker.event_time
    is_long = silent > 1000 * wish.seconds * wish.limit
    return wish._replace(end=ticker.event_time + 1) if is_long else wish


def _made(packer: Packer, wish: Wish, candles: Answer, resume_id: str, now: int) -> _Made:
    # The last candles change from one making to the next, the others seldom do.
    old = ",".join(candles.rows[:-_NEWEST]).encode()
    new = ",".join(candles.rows[-_NEWEST:]).encode()
    said: dict[str, object] = {
        "symbol": wish.symbol,
        "interval": wish.interval,
        "simulated": wish.simulated,
        "complete": not candles.reason,
    }
    if candles.reason:
        said["reason"] = candles.reason
    said |= {"fields": FIELDS, "sources": SOURCES}
    steady = msgspec.json.encode(said)[:-1]
    start, end = candles.looked_at
    times = f'"time":{now},"from":{start},"to":{end},"closed":{candles.closed}'
    moving = f',"id":"{resume_id}",{times},"candles":['.encode()
    # What is settled stays the same while time goes on.
    closed = 0 if candles.settled else candles.closed
    rows = f"{zlib.crc32(new, zlib.crc32(old)):08x}{len(old) + len(new):x}"
    tag = f"{zlib.crc32(steady):08x}{rows}-{closed:x}"
    # Real prices may follow on simulated ones under the same address.
    lasts = candles.settled and not wish.simulated
    cache = INCOMPLETE if candles.reason else SETTLED if lasts else MOVING
    between = b"," if old else b""
    packed = Packed(packer, steady + moving, old, between + new + b"]}")
    return _Made(packer, candles, packed, tag, resume_id, cache)


def _as_table(made: _Made, wish: Wish, media: str) -> Response:
    tag = f"{made.tag}{'c' if media == CSV else 'n'}"
    answer = sent(request, made.table(media), tag, made.cache, content_type(media))
    if media == CSV:
        name = f"{wish.symbol}-{wish.interval}.csv"
        plain = name if name.isascii() else f"history-{wish.interval}.csv"
        answer.headers["Content-Disposition"] = f'attachment; filename="{plain}"'
    tell(answer, made.id, made.reason, is_complete=not made.reason, is_simulated=wish.simulated)
    return answer
