"""AsyncAPI: what goes over `/ws` in both directions, as a machine reads it (AsyncAPI 3.1)."""

from typing import Any

from relay.fanout.encoding import PAYLOADS
from relay.web.media import JSON
from relay.web.schemas import ANSWERS, NAMED, SINCE, Schema, ref, schemas
from relay.web.subscription import RATES
from relay.web.ws_client import MAX_MESSAGE_BYTES, UNITS_PER_SECOND

VERSION = "3.1.0"
_CHANNEL = "#/channels/prices"


def asyncapi(host: str, protocol: str, max_symbols: int) -> dict[str, Any]:
    """The document. `host` as the client wrote it; `protocol`: ws or wss; `max_symbols`: how many a client
    may name."""
    heard = {name: _message(schema) for name, schema in (NAMED | ANSWERS).items()}
    heard["update"] = _message("Update")
    heard["updates"] = {
        "contentType": JSON,
        "payload": {"type": "array", "items": ref("Update")},
        "summary": "With batch=1.",
    }
    said = {"command": _message("Command")}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": "Relay",
            "version": "1",
            "description": (
                f"A message of a client has {MAX_MESSAGE_BYTES} bytes at most. A client may spend "
                f"{UNITS_PER_SECOND:g} units a second, one for each KiB that a message has begun."
            ),
        },
        "servers": {"relay": {"host": host, "protocol": protocol}},
        "defaultContentType": JSON,
        "channels": {
            "prices": {
                "address": "/ws",
                "messages": heard | said,
                "bindings": {"ws": {"method": "GET", "query": _query(max_symbols)}},
            }
        },
        "operations": {
            "hear": _operation("send", list(heard)),
            "say": _operation("receive", list(said)),
        },
        "components": {"schemas": schemas()},
    }


def _query(max_symbols: int) -> Schema:
    return {
        "type": "object",
        "properties": {
            "symbols": {
                "type": "string",
                "description": f"Names with commas between them, {max_symbols} at most.",
            },
            "rate": {"type": "number", "minimum": RATES[0], "maximum": RATES[-1]},
            "fields": {"enum": list(PAYLOADS)},
            "batch": {"enum": ["0", "1"]},
            "since": SINCE,
            "ticket": {"type": "string", "description": "Where one is needed: see /api/ticket."},
        },
    }


def _message(schema: str) -> Schema:
    return {"contentType": JSON, "payload": ref(schema)}


def _operation(action: str, messages: list[str]) -> Schema:
    """As the relay does it: it sends what a client hears."""
    named = [{"$ref": f"{_CHANNEL}/messages/{name}"} for name in messages]
    return {"action": action, "channel": {"$ref": _CHANNEL}, "messages": named}
