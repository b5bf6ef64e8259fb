"""Responses: what may be answered besides what was asked for, and the headers that say how to go on."""

from collections.abc import Sequence

from relay.web.media import JSON
from relay.web.schemas import ID, Schema, ref

_TEXT: Schema = {"type": "string"}


def _header(told: str, schema: Schema = _TEXT) -> Schema:
    return {"description": told, "schema": schema}


HEADERS: Schema = {
    "ETag": _header("The same for equal answers: send it as If-None-Match."),
    "Cache-Control": _header("How long a cache may keep it."),
    "Vary": _header("What else a cache has to keep apart."),
    "RateLimit": _header("What is left of ADDRESS_REQUESTS, where there is a limit."),
    "RateLimit-Policy": _header("What there is of it."),
    "Retry-After": _header("Seconds after which to ask again.", {"type": "integer", "minimum": 1}),
    "WWW-Authenticate": _header("Bearer; Basic where a page was asked for."),
    "Relay-Id": _header("Of a table: the id from which to go on.", ID),
    "Relay-State": _header("Of one number: how its symbol stands; of a table: how the feed does."),
    "Relay-Time": _header("Of one number: when the relay read it."),
    "Relay-Complete": _header("Of a table: whether anything lacks.", {"enum": ["true", "false"]}),
    "Relay-Simulated": _header(
        "Of a table: whether a simulator made it up.", {"enum": ["true", "false"]}
    ),
    "Relay-Reason": _header("Of a table that lacks something: why."),
    "Content-Disposition": _header("Of CSV: a name for the file."),
}
#: What `ACCESS_TOKENS` and `TICKET_KEYS` ask for.
SECURITY: Schema = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token."},
    "basic": {"type": "http", "scheme": "basic", "description": "A name and its token."},
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "For what can send no header: see /api/ticket.",
    },
}
_LIMITED = ("RateLimit", "RateLimit-Policy")
_TOLD = {
    "304": "You hold it already.",
    "400": "A parameter is wrong; a sentence says which.",
    "401": "A token or a ticket is needed, or the one that is shown is none.",
    "403": "Pages of this origin may not use the relay.",
    "404": "There is no such thing here.",
    "414": "The request line is longer than 8 KiB.",
    "429": "Your address, or your token, asks too fast.",
    "431": "The head is longer than 32 KiB, a line of it than 8 KiB, or it has more than 100 fields.",
    "503": "Not at present.",
}
#: What any request may be answered.
_ANY = ("401", "403", "414", "431", "503")
#: Those that are refused before anything is read say nothing.
_EMPTY = ("304", "414", "431")
#: What these have to say.
_REQUIRED = {
    "304": ("ETag", "Cache-Control", "Vary"),
    "401": ("WWW-Authenticate",),
    "429": (*_LIMITED, "Retry-After"),
    "503": ("Retry-After",),
}


def responses(content: Schema, besides: Sequence[str], headers: Sequence[str]) -> Schema:
    """An answer of this content, further statuses, and the headers that only some forms of it have."""
    kept = _REQUIRED["304"] if "304" in besides else ()
    some = [*headers, *(_LIMITED if "429" in besides else ())]
    good = {"description": "It is this.", "content": content, "headers": _named(kept, some)}
    others = {status: _other(status) for status in sorted({*_ANY, *besides})}
    return {"200": good, **others}


def _other(status: str) -> Schema:
    content = {} if status in _EMPTY else {"content": {JSON: {"schema": ref("Problem")}}}
    return {"description": _TOLD[status], **content, "headers": _named(_REQUIRED.get(status, ()))}


def _named(required: Sequence[str], optional: Sequence[str] = ()) -> Schema:
    always = {name: HEADERS[name] | {"required": True} for name in required}
    return always | {name: {"$ref": f"#/components/headers/{name}"} for name in optional}
