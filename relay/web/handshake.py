"""Handshake: whether a request may become a WebSocket."""

import re

from flask import Request, Response
from werkzeug.exceptions import MethodNotAllowed

_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")


def refusal(request: Request, instead: str) -> Response | None:
    """What to answer to a request that may not; None to one that may. `instead`: a sentence for those who
    did not ask for a WebSocket at all. Raises MethodNotAllowed."""
    if not _asks_for_upgrade(request):
        headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
        return Response(f"{request.path} speaks WebSocket only; {instead}\n", 426, headers)
    if request.method != "GET":
        raise MethodNotAllowed(["GET", "OPTIONS"])
    problem = _problem(request)
    if problem:
        return Response(f"{problem}\n", 426, {"Sec-WebSocket-Version": "13"})
    return None


def _asks_for_upgrade(request: Request) -> bool:
    """Whether the connection shall become a WebSocket (RFC 9110, 7.8)."""
    return "websocket" in _options(request, "Upgrade") and "upgrade" in _options(
        request, "Connection"
    )


def _options(request: Request, field: str) -> list[str]:
    return [option.strip(" \t") for option in request.headers.get(field, "").lower().split(",")]


def _problem(request: Request) -> str:
    """What is wrong with an opening handshake, or nothing (RFC 6455, 4.2.1)."""
    if request.environ["SERVER_PROTOCOL"] != "HTTP/1.1":
        return "a WebSocket needs HTTP/1.1"
    if request.headers.get("Sec-WebSocket-Version") != "13":
        return "Sec-WebSocket-Version must be 13"
    if not _KEY.fullmatch(request.headers.get("Sec-WebSocket-Key", "")):
        return "Sec-WebSocket-Key must be 16 bytes in base64"
    return ""
