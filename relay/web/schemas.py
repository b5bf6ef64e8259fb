"""Schemas: the shapes that the descriptions of the API share, made from the code that makes the answers."""

from typing import Any

import msgspec

from relay.fanout.health import Verdict
from relay.ticker import PRICE, PublicTicker
from relay.web.commands import Command
from relay.web.subscription import RATES

Schema = dict[str, Any]

_AT = "#/components/schemas/"
ID: Schema = {"type": "string", "pattern": "^[0-9A-Za-z]{0,40}-[0-9]{1,19}$"}
#: The same, or nothing, as a client says that has none yet.
SINCE: Schema = {"type": "string", "pattern": "^([0-9A-Za-z]{0,40}-[0-9]{1,19})?$"}
#: A symbol as the exchange names it: its Chinese ones too. The relay takes letters of every script, but no
#: range of them is read alike by all who read patterns.
SYMBOL_NAME: Schema = {
    "type": "string",
    "pattern": "^[0-9A-Za-z_\u3400-\u4dbf\u4e00-\u9fff]{1,32}$",
}
_TEXT: Schema = {"type": "string"}
_SYMBOL: Schema = {"type": "string", "maxLength": 32}
_NUMBER: Schema = {"type": "number"}
_NAMES: Schema = {"type": "array", "items": _TEXT}
_MODE: Schema = {"enum": ["none", "changes", "full"]}


def ref(name: str) -> Schema:
    """Where the shape of that name stands."""
    return {"$ref": f"{_AT}{name}"}


def shape(required: Schema, optional: Schema | None = None) -> Schema:
    """An object. It may get further fields in later versions."""
    properties = required | (optional or {})
    return {"type": "object", "required": list(required), "properties": properties}


def schemas() -> Schema:
    """All of them by name."""
    _, made = msgspec.json.schema_components(
        [PublicTicker, Verdict, Command], ref_template=_AT + "{name}"
    )
    feed = made["Verdict"]["properties"]
    events = {
        "Status": shape(_event("status") | feed, _MORE | {"mode": _MODE}),
        "Heartbeat": shape(_event("heartbeat") | feed),
        "Pong": shape(_event("pong") | feed, {"re": {"type": ["string", "integer"]}}),
        "Removed": shape({"event": {"const": "removed"}, "symbols": _NAMES}, {"id": ID}),
        "Bye": shape(
            {"event": {"const": "bye"}, "id": ID, "retry": {"type": "integer", "minimum": 0}},
            {"reason": _TEXT},
        ),
        "Error": shape({"event": {"const": "error"}, "error": _TEXT}),
    }
    price = {"symbol": _SYMBOL, "price": _price()}
    return {
        "Ticker": made["PublicTicker"],
        "Feed": made["Verdict"],
        "Command": _command(made["Command"]),
        "Update": shape(price, made["PublicTicker"]["properties"] | _WITH_UPDATE | price),
        "Prices": shape(
            {
                "id": ID,
                "time": {"type": "integer"},
                "mode": _MODE,
                "prices": {"type": "object", "additionalProperties": _price()},
                "feed": ref("Feed"),
            },
            {"removed": _NAMES, "unknown": _NAMES},
        ),
        "Line": shape(
            {
                "symbol": _SYMBOL,
                "price": _or_null(_price()),
                "state": _TEXT,
                "time": _or_null(_TEXT),
            }
        ),
        "Problem": shape({"error": _TEXT}),
        **events,
    }


#: What an update may say besides.
_WITH_UPDATE: Schema = {"id": ID, "candles": {"type": "array"}}
#: What a status may say besides.
_MORE: Schema = {
    "up_to": ID,
    "unknown": _NAMES,
    "symbols": _NAMES | {"type": ["array", "null"]},
    "rate": _NUMBER,
    "slowed": {"type": "boolean"},
}
#: The named events of a stream, and what only a WebSocket brings.
NAMED = {"status": "Status", "heartbeat": "Heartbeat", "removed": "Removed", "bye": "Bye"}
ANSWERS = {"pong": "Pong", "error": "Error"}


def _command(made: Schema) -> Schema:
    """With what the relay asks of them besides their types."""
    rate = {"anyOf": [{"const": 0}, _NUMBER | {"minimum": RATES[0], "maximum": RATES[-1]}]}
    names = {"type": ["array", "null"], "items": SYMBOL_NAME, "minItems": 1}
    needs_rate = {
        "if": {"properties": {"op": {"const": "rate"}}},
        "then": {"properties": {"rate": rate}, "required": ["rate"]},
    }
    return made | {"properties": made["properties"] | {"symbols": names}} | needs_rate


def _event(name: str) -> Schema:
    said = {"id": ID, "time": {"type": "integer"}, "heartbeat": _NUMBER}
    return {"event": {"const": name}} | said


def _price() -> Schema:
    # ECMAScript knows no possessive quantifiers; they change nothing of what matches.
    return {
        "type": "string",
        "pattern": f"^{PRICE.pattern.replace('}+', '}').replace(')?+', ')?')}$",
    }


def _or_null(schema: Schema) -> Schema:
    return schema | {"type": [schema["type"], "null"]}
