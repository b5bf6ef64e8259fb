"""GET /ws: the same updates as text messages over a WebSocket, and commands from the client."""

import _socket
import re
from dataclasses import replace
from functools import partial
from typing import Any

from flask import Blueprint, Request, Response, request
from werkzeug.exceptions import MethodNotAllowed

from relay.fanout.hub import Hub
from relay.fanout.terms import Terms
from relay.server.negotiation import negotiate
from relay.server.takeover import KEY, Life, Takeover
from relay.web.commands import Commands
from relay.web.subscription import Subscription, parse
from relay.web.ws_client import MessageClient, Obey
from relay.web.ws_form import Messages

_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")


def blueprint(
    hub: Hub, max_symbols: int, allowed_origins: tuple[str, ...], compression: bool
) -> Blueprint:
    """The route. `compression`: whether permessage-deflate may be agreed on."""
    routes = Blueprint("ws", __name__)
    obey = Commands(hub, max_symbols).obey

    @routes.get("/ws")
    def ws() -> Response:
        if not _asks_for_upgrade(request):
            headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
            return Response(
                "/ws speaks WebSocket only; /events is the same as plain HTTP\n", 426, headers
            )
        if request.method != "GET":
            raise MethodNotAllowed(["GET", "OPTIONS"])
        origin = request.headers.get("Origin")
        if origin and "*" not in allowed_origins and origin not in allowed_origins:
            return Response("origin not allowed\n", 403)
        problem = _handshake_problem(request)
        if problem:
            return Response(f"{problem}\n", 426, {"Sec-WebSocket-Version": "13"})
        wish = parse(request.args, "", max_symbols)
        hub.admit()
        form = Messages(wish.fields, wish.batch)
        extensions = ""
        agreed = negotiate(request.headers.get("Sec-WebSocket-Extensions", ""))
        if compression and agreed is not None and not agreed.server_no_context_takeover:
            zipped = replace(form, deflated=True)
            if hub.may_compress(Terms(zipped, wish.symbols, wish.rate)):
                form = zipped
                extensions = agreed.response
        run = partial(_stream, hub, form, wish, obey)
        request.environ[KEY] = Takeover(run, websocket=True, extensions=extensions)
        return Response(status=101)

    return routes


def _asks_for_upgrade(request: Request) -> bool:
    """Whether the connection shall become a WebSocket (RFC 9110, 7.8)."""
    return "websocket" in _options(request, "Upgrade") and "upgrade" in _options(
        request, "Connection"
    )


def _options(request: Request, field: str) -> list[str]:
    return [option.strip(" \t") for option in request.headers.get(field, "").lower().split(",")]


def _handshake_problem(request: Request) -> str:
    """What is wrong with an opening handshake, or nothing (RFC 6455, 4.2.1)."""
    if request.environ["SERVER_PROTOCOL"] != "HTTP/1.1":
        return "a WebSocket needs HTTP/1.1"
    if request.headers.get("Sec-WebSocket-Version") != "13":
        return "Sec-WebSocket-Version must be 13"
    if not _KEY.fullmatch(request.headers.get("Sec-WebSocket-Key", "")):
        return "Sec-WebSocket-Key must be 16 bytes in base64"
    return ""


def _stream(
    hub: Hub,
    form: Messages,
    wish: Subscription,
    obey: Obey,
    sock: _socket.socket,
    leftover: bytes,
    websocket: Any,
) -> Life:
    client = MessageClient(
        sock,
        hub.board.version_of(wish.since),
        hub.news,
        websocket,
        obey,
        leftover=leftover,
        deflates=form.deflated,
        stall_seconds=hub.stall_seconds,
        clock=hub.clock,
    )
    hub.enter(client, Terms(form, wish.symbols, wish.rate))
    return hub.serve, client
