"""Control messages: what a client may ask of its connection, and how Binance answers.

The documentation shows errors flat, the wire nests them: `{"error":{"code":..,"msg":..},"id":..}`.
This speaks as the wire does. A SUBSCRIBE is acknowledged whatever it names: an ACK proves nothing.
"""

import json
from typing import Any

#: Streams on one connection (BINANCE docs, web-socket-streams: limitations).
MAX_STREAMS = 1024

#: Bytes of a control message that Binance reads; the rest is cut off. Undocumented, seen in 2026.
MAX_MESSAGE = 4096

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_MAX_ID_LENGTH = 36

Id = int | str | None


class RefusedError(Exception):
    """The answer is an error. A fatal one is followed by a close."""

    def __init__(self, code: int, msg: str, *, fatal: bool = False) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg
        self.fatal = fatal


class Subscriptions:
    """What one connection has asked for: its streams in order, and its `combined` property."""

    def __init__(self, combined: bool) -> None:
        self.combined = combined
        self.streams: dict[str, None] = {}

    def add(self, names: list[str]) -> None:
        """Subscribe to all names, or to none if that would be too many."""
        wanted = self.streams | dict.fromkeys(names)
        if len(wanted) > MAX_STREAMS:
            raise RefusedError(4, "Too many subscriptions", fatal=True)
        self.streams = wanted

    def remove(self, names: list[str]) -> None:
        """Unsubscribe; a name that is not subscribed is no error."""
        for name in names:
            self.streams.pop(name, None)


def answer(
    message: str | bytes, subscriptions: Subscriptions, *, refusing: bool = False
) -> tuple[str, bool]:
    """Apply one message and return the reply, and whether Binance closes after it.

    While `refusing` no SUBSCRIBE is granted.
    """
    request_id: Id = None
    try:
        request = _parse(message)
        request_id = _id_of(request)
        if refusing and request.get("method") == "SUBSCRIBE":
            raise RefusedError(2, "Invalid request: SUBSCRIBE is not possible at the moment")
        result = _apply(request, subscriptions, str(message))
    except RefusedError as error:
        reply: dict[str, Any] = {"error": {"code": error.code, "msg": error.msg}}
        if error.code not in (3, 4):
            reply["id"] = request_id
        return _encode(reply), error.fatal
    return _encode({"result": result, "id": request_id}), False


def _encode(reply: dict[str, Any]) -> str:
    return json.dumps(reply, ensure_ascii=False, separators=(",", ":"))


def _parse(message: str | bytes) -> dict[str, Any]:
    raw = message.encode() if isinstance(message, str) else message
    if len(raw) > MAX_MESSAGE:
        cut = f"EOF while parsing a string at line 1 column {MAX_MESSAGE}"
        raise RefusedError(3, f"Invalid JSON: {cut}")
    try:
        request = json.loads(raw)
    except ValueError as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        expected = f"expected value at line {line} column {column}"
        raise RefusedError(3, f"Invalid JSON: {expected}") from error
    if not isinstance(request, dict):
        raise RefusedError(2, "Invalid request: expected an object")
    return request


def _id_of(request: dict[str, Any]) -> Id:
    request_id = request.get("id")
    if isinstance(request_id, int) and not isinstance(request_id, bool):
        return request_id
    if request_id is None:
        return None
    if isinstance(request_id, str) and request_id.isalnum() and len(request_id) <= _MAX_ID_LENGTH:
        return request_id
    raise RefusedError(2, "Invalid request: request ID must be an unsigned integer")


def _apply(request: dict[str, Any], subscriptions: Subscriptions, text: str) -> Any:
    if "method" not in request:
        raise RefusedError(
            2, f"Invalid request: missing field `method` at line 1 column {len(text)}"
        )
    method, params = request["method"], request.get("params", [])
    result: Any = None
    match method:
        case "SUBSCRIBE":
            subscriptions.add(_names(params))
        case "UNSUBSCRIBE":
            subscriptions.remove(_names(params))
        case "LIST_SUBSCRIPTIONS":
            result = list(subscriptions.streams)
        case "SET_PROPERTY":
            _property(params, arguments=2)
            if not isinstance(params[1], bool):
                raise RefusedError(1, "Invalid value type: expected Boolean")
            subscriptions.combined = params[1]
        case "GET_PROPERTY":
            _property(params, arguments=1)
            result = subscriptions.combined
        case _:
            raise RefusedError(2, f"Invalid request: {_unknown(method, text)}")
    return result


def _unknown(method: Any, text: str) -> str:
    expected = ", ".join(f"`{known}`" for known in _METHODS)
    column = text.find(f'"{method}"') + len(str(method)) + 2
    return f"unknown variant `{method}`, expected one of {expected} at line 1 column {column}"


def _names(params: Any) -> list[str]:
    if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
        raise RefusedError(2, "Invalid request: params must be an array of strings")
    return params


def _property(params: Any, arguments: int) -> None:
    if not isinstance(params, list) or not params or not isinstance(params[0], str):
        raise RefusedError(2, "Invalid request: property name must be a string")
    if len(params) > arguments:
        raise RefusedError(2, "Invalid request: too many parameters")
    if params[0] != "combined":
        raise RefusedError(0, "Unknown property")
    if len(params) < arguments:
        raise RefusedError(1, "Invalid value type: expected Boolean")
