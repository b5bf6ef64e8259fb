"""OpenAPI: what may be asked over HTTP, as a machine reads it (OpenAPI 3.2)."""

from collections.abc import Sequence
from typing import Any

from relay.fanout.encoding import PAYLOADS
from relay.history.closes import INTERVALS
from relay.history.interval import SECONDS
from relay.web.history import MAX_CANDLES, MAX_TIME, USUAL_CANDLES
from relay.web.media import CSV, JSON, NDJSON, SUFFIXES, TEXT
from relay.web.price_list import MAX_WAIT_SECONDS
from relay.web.responses import HEADERS, SECURITY, responses
from relay.web.schemas import NAMED, SINCE, SYMBOL_NAME, Schema, ref, schemas, shape
from relay.web.sparklines import MAX_LINES, USUAL_POINTS
from relay.web.subscription import RATES

VERSION = "3.2.0"
EVENTS = "text/event-stream"
_WHOLE: Schema = {"type": "integer", "minimum": 0}
_TIME: Schema = _WHOLE | {"maximum": MAX_TIME}
_FLAG: Schema = {"type": "boolean"}
_ALIVE = shape({"alive": {"const": True}})
_ROUTABLE = shape({"routable": _FLAG, "draining": _FLAG, "symbols": _WHOLE})
_READY = {
    "allOf": [
        ref("Feed"),
        shape({"ready": _FLAG, "draining": _FLAG, "symbols": _WHOLE, "clients": _WHOLE}),
    ]
}
#: What an answer that may be kept is told by besides.
_KEPT = ("304", "429")
_SYMBOL: Schema = {
    "name": "symbol",
    "in": "path",
    "required": True,
    "description": "As the exchange names it, in capital letters or small ones.",
    "schema": SYMBOL_NAME,
    "example": "BTCUSDT",
}


def openapi(max_symbols: int) -> dict[str, Any]:
    """The document. `max_symbols`: how many a client may name."""
    names = _query(
        "symbols",
        {"type": "array", "items": SYMBOL_NAME, "minItems": 1, "maxItems": max_symbols},
        "Only these; without it all. Name them in order, so that caches know an equal question.",
    ) | {"style": "form", "explode": False, "example": ["BTCUSDT", "ETHUSDT"]}
    since = _query("since", SINCE, "The id of the last answer or event.")
    return {
        "openapi": VERSION,
        "info": {
            "title": "Relay",
            "version": "1",
            "summary": "Live prices: the newest of each symbol, and what changed since an id.",
        },
        "paths": {
            "/events": {"get": _events(names, since)},
            "/api/prices": {"get": _prices(names, since)},
            "/api/prices/{symbol}": {"get": _price()},
            "/api/history": {"get": _closes(names, max_symbols)},
            "/api/history/{symbol}": {"get": _candles()},
            "/api/ticket": {"post": _ticket()},
            "/livez": {"get": _operation("livez", "Whether the process lives.", _json(_ALIVE))},
            "/routez": {
                "get": _probe("routez", "Whether it can serve prices, old ones too.", _ROUTABLE)
            },
            "/readyz": {"get": _probe("readyz", "Whether prices are live, and why not.", _READY)},
        },
        "components": {"schemas": schemas(), "headers": HEADERS, "securitySchemes": SECURITY},
        # Nothing is needed where no ACCESS_TOKENS are set.
        "security": [{}, *({name: []} for name in SECURITY)],
    }


def _events(names: Schema, since: Schema) -> Schema:
    rates = {"type": "number", "minimum": RATES[0], "maximum": RATES[-1]}
    parameters = [
        names,
        since,
        _query("rate", rates, "Updates a second of each symbol at most."),
        _query("fields", {"enum": list(PAYLOADS)}, "How much of each symbol."),
        _query("batch", {"enum": ["0", "1"]}, "1: an array of updates an event."),
        {
            "name": "Last-Event-ID",
            "in": "header",
            "description": "Wins over since: browsers send it when they come back.",
            "schema": {"type": "string"},
        },
    ]
    data = {"type": "string", "contentMediaType": JSON}
    updates = {"anyOf": [ref("Update"), {"type": "array", "items": ref("Update")}]}
    unnamed = {
        "properties": {"event": False, "data": data | {"contentSchema": updates}},
        "required": ["data"],
    }
    named = [
        {
            "properties": {"event": {"const": event}, "data": data | {"contentSchema": ref(name)}},
            "required": ["event", "data"],
        }
        for event, name in NAMED.items()
    ]
    retry = {"properties": {"retry": _WHOLE, "event": False, "data": False}, "required": ["retry"]}
    item = {"type": "object", "anyOf": [unnamed, *named, retry]}
    content = {EVENTS: {"itemSchema": item}}
    summary = "Everything, or what changed since an id; then each change."
    return _operation("events", summary, content, parameters)


def _prices(names: Schema, since: Schema) -> Schema:
    wait = _query(
        "wait",
        {"type": "integer", "minimum": 0, "maximum": MAX_WAIT_SECONDS},
        "Seconds to wait for a change; needs since.",
    )
    content = _json(ref("Prices")) | _tables(ref("Line")) | {TEXT: {"schema": {"type": "string"}}}
    summary = "What changed since an id; everything without one."
    more = ("Relay-Id", "Relay-State")
    return _operation("prices", summary, content, [names, since, wait], _KEPT, more)


def _price() -> Schema:
    standing = {
        "type": "object",
        "required": ["state", "age", "feed"],
        "properties": {
            "state": {"enum": ["live", "quiet", "stale", "halted", "down"]},
            "age": {"type": "number"},
            "feed": ref("Feed"),
        },
    }
    content = _json({"allOf": [ref("Ticker"), standing]}) | _tables(ref("Line"))
    content[TEXT] = {"schema": {"type": "string"}}
    more = ("Relay-Id", "Relay-State", "Relay-Time")
    return _operation("price", "One symbol.", content, [_SYMBOL], (*_KEPT, "404"), more)


def _closes(names: Schema, max_symbols: int) -> Schema:
    schema = names["schema"] | {"maxItems": min(max_symbols, MAX_LINES)}
    points = {"type": "integer", "enum": list(INTERVALS), "default": USUAL_POINTS}
    parameters = [
        names | {"required": True, "schema": schema, "description": "Of which symbols."},
        _query("points", points, "Closes a symbol."),
    ]
    line = {"type": "object", "required": ["symbol", "closes"]}
    closes = {"type": "object", "required": ["interval", "start", "complete", "closes", "id"]}
    content = _json(closes) | _tables(line)
    more = ("Relay-Id", "Relay-Complete", "Relay-Simulated")
    return _operation("closes", "Closes of several symbols.", content, parameters, _KEPT, more)


def _candles() -> Schema:
    parameters = [
        _SYMBOL,
        _query("interval", {"enum": list(SECONDS), "default": "1m"}, "How long a candle is."),
        _query("from", _TIME, "Milliseconds since 1970."),
        _query("to", _TIME, "Milliseconds since 1970; after from."),
        _query(
            "limit",
            {"type": "integer", "minimum": 1, "maximum": MAX_CANDLES, "default": USUAL_CANDLES},
            "Candles at most.",
        ),
    ]
    candles = {
        "type": "object",
        "required": ["symbol", "interval", "complete", "fields", "candles", "id"],
    }
    content = _json(candles) | _tables({"type": "array"})
    told = ("Relay-Id", "Relay-Complete", "Relay-Simulated", "Relay-Reason")
    more = (*told, "Content-Disposition")
    summary = "Candles of one symbol."
    return _operation("candles", summary, content, parameters, (*_KEPT, "404"), more)


def _ticket() -> Schema:
    given = {"ticket": {"type": "string"}, "seconds": {"type": "number"}}
    summary = "For who holds a token: a ticket for the URL of a stream, good for some seconds."
    return _operation("ticket", summary, _json(shape(given)), (), ("401", "404", "429"))


def _probe(name: str, summary: str, said: Schema) -> Schema:
    operation = _operation(name, summary, _json(said))
    operation["responses"]["503"] = {"description": "No.", "content": _json(said)}
    return operation


def _operation(
    name: str,
    summary: str,
    content: Schema,
    parameters: Sequence[Schema] = (),
    besides: Sequence[str] = (),
    headers: Sequence[str] = (),
) -> Schema:
    """`besides`: further statuses; `headers`: those of some forms. Suffixes are not paths of their own: they
    choose what `Accept` does."""
    operation: Schema = {
        "operationId": name,
        "summary": summary,
        "responses": responses(content, [*besides, *(["400"] if parameters else ())], headers),
    }
    forms = [
        f".{suffix}" for suffix, media in SUFFIXES.items() if media in content and media != JSON
    ]
    if forms:
        told = f"The path may end in {', '.join(forms)} instead of saying Accept."
        operation["description"] = told
    return operation | ({"parameters": list(parameters)} if parameters else {})


def _query(name: str, schema: Schema, told: str) -> Schema:
    return {"name": name, "in": "query", "description": told, "schema": schema}


def _json(schema: Schema) -> Schema:
    return {JSON: {"schema": schema}}


def _tables(line: Schema) -> Schema:
    return {CSV: {"schema": {"type": "string"}}, NDJSON: {"itemSchema": line}}
