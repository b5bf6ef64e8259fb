"""OpenAPI: what may be asked over HTTP, as a machine reads it (OpenAPI 3.2)."""

from collections.abc import Sequence
from typing import Any

from relay.fanout.encoding import PAYLOADS
from relay.history.closes import INTERVALS
from relay.history.interval import SECONDS
from relay.web.history import MAX_CANDLES, USUAL_CANDLES
from relay.web.media import CSV, JSON, NDJSON, SUFFIXES, TEXT
from relay.web.price_list import MAX_WAIT_SECONDS
from relay.web.schemas import NAMED, Schema, ref, schemas
from relay.web.sparklines import MAX_LINES, USUAL_POINTS
from relay.web.subscription import RATES

VERSION = "3.2.0"
EVENTS = "text/event-stream"
_WHOLE: Schema = {"type": "integer", "minimum": 0}
_SYMBOL: Schema = {
    "name": "symbol",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "maxLength": 32},
}


def openapi(max_symbols: int) -> dict[str, Any]:
    """The document. `max_symbols`: how many a client may name."""
    names = _query(
        "symbols",
        {"type": "array", "items": {"type": "string", "maxLength": 32}, "maxItems": max_symbols},
        "Only these; without it all. Name them in order, so that caches know an equal question.",
    ) | {"style": "form", "explode": False}
    since = _query("since", {"type": "string"}, "The id of the last answer or event.")
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
            "/livez": {"get": _operation("livez", "Whether the process lives.", _json({}))},
            "/readyz": {"get": _ready()},
        },
        "components": {"schemas": schemas()},
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
    return _operation(
        "events", "Everything, or what changed since an id; then each change.", content, parameters
    )


def _prices(names: Schema, since: Schema) -> Schema:
    wait = _query(
        "wait",
        {"type": "integer", "minimum": 0, "maximum": MAX_WAIT_SECONDS},
        "Seconds to wait for a change; needs since.",
    )
    content = _json(ref("Prices")) | _tables(ref("Line")) | {TEXT: {"schema": {"type": "string"}}}
    return _operation(
        "prices", "What changed since an id; everything without one.", content, [names, since, wait]
    )


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
    return _operation("price", "One symbol.", content, [_SYMBOL], ("404",))


def _closes(names: Schema, max_symbols: int) -> Schema:
    schema = names["schema"] | {"maxItems": min(max_symbols, MAX_LINES)}
    points = {"type": "integer", "enum": list(INTERVALS), "default": USUAL_POINTS}
    parameters = [
        names | {"required": True, "schema": schema},
        _query("points", points, "Closes a symbol."),
    ]
    line = {"type": "object", "required": ["symbol", "closes"]}
    closes = {"type": "object", "required": ["interval", "start", "complete", "closes", "id"]}
    return _operation(
        "closes", "Closes of several symbols.", _json(closes) | _tables(line), parameters
    )


def _candles() -> Schema:
    parameters = [
        _SYMBOL,
        _query("interval", {"enum": list(SECONDS), "default": "1m"}, "How long a candle is."),
        _query("from", _WHOLE, "Milliseconds since 1970."),
        _query("to", _WHOLE, "Milliseconds since 1970."),
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
    return _operation("candles", "Candles of one symbol.", content, parameters, ("404",))


def _ready() -> Schema:
    said = {"type": "object", "required": ["ready", "state", "reason", "symbols"]}
    operation = _operation("readyz", "Whether live prices are served, and why not.", _json(said))
    operation["responses"]["503"] = {"description": "They are not.", "content": _json(said)}
    return operation


def _operation(
    name: str,
    summary: str,
    content: Schema,
    parameters: Sequence[Schema] = (),
    errors: Sequence[str] = (),
) -> Schema:
    """Suffixes are not paths of their own: they choose what `Accept` does."""
    forms = [
        f".{suffix}" for suffix, media in SUFFIXES.items() if media in content and media != JSON
    ]
    problem = {"content": _json(ref("Problem"))}
    responses: Schema = {"200": {"description": "It is this.", "content": content}}
    if parameters:
        responses["400"] = problem | {"description": "A parameter is wrong; a sentence says which."}
    for error in errors:
        responses[error] = problem | {"description": "No such symbol is known."}
    responses["429"] = problem | {
        "description": "Your address or your token asks too fast; see Retry-After."
    }
    responses.setdefault("503", problem | {"description": "Not at present; see Retry-After."})
    told = f"The path may end in {', '.join(forms)} instead of saying Accept." if forms else ""
    operation: Schema = {"operationId": name, "summary": summary, "responses": responses}
    if told:
        operation["description"] = told
    return operation | ({"parameters": list(parameters)} if parameters else {})


def _query(name: str, schema: Schema, told: str) -> Schema:
    return {"name": name, "in": "query", "description": told, "schema": schema}


def _json(schema: Schema) -> Schema:
    return {JSON: {"schema": schema}}


def _tables(line: Schema) -> Schema:
    return {CSV: {"schema": {"type": "string"}}, NDJSON: {"itemSchema": line}}
