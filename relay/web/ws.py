"""GET /ws: the same updates as text messages over a WebSocket, and commands from the client."""

import _socket
from dataclasses import replace
from functools import partial
from typing import Any

from flask import Blueprint, Response, request

from relay.fanout.hub import Hub
from relay.fanout.terms import Terms
from relay.server.common import Common
from relay.server.negotiation import negotiate
from relay.server.takeover import KEY, Life, Takeover
from relay.server.turns import Turns
from relay.server.visitors import Visitor
from relay.web.asker import turns_of
from relay.web.commands import Commands
from relay.web.farewell import Farewell
from relay.web.handshake import refusal
from relay.web.opening import Opening
from relay.web.subscription import parse
from relay.web.ws_client import MessageClient, Obey
from relay.web.ws_form import Messages


def blueprint(hub: Hub, max_symbols: int, compression: bool) -> Blueprint:
    """The route. `compression`: whether permessage-deflate may be agreed on."""
    routes = Blueprint("ws", __name__)
    obey = Commands(hub, max_symbols).obey
    farewell = Farewell()

    @routes.get("/ws")
    def ws() -> Response:
        refused = refusal(request, "/events is the same as plain HTTP")
        if refused is not None:
            return refused
        wish = parse(request.args, "", max_symbols)
        form = Messages(wish.fields, wish.batch)
        extensions = ""
        agreed = negotiate(request.headers.get("Sec-WebSocket-Extensions", ""))
        if compression and agreed is not None and not agreed.server_no_context_takeover:
            zipped = replace(form, deflated=True)
            if hub.may_compress(Terms(zipped, wish.symbols, wish.rate)):
                form = zipped
                extensions = agreed.response
        opening = Opening.of(request, hub, form, wish, farewell)
        run = partial(_begin, opening, obey, turns_of(request), form.deflated)
        request.environ[KEY] = Takeover(run, websocket=True, extensions=extensions)
        return Response(status=101)

    return routes


def _begin(
    opening: Opening,
    obey: Obey,
    turns: Turns,
    deflates: bool,
    sock: _socket.socket,
    leftover: bytes,
    websocket: Any,
) -> Life | None:
    hub = opening.hub
    client = MessageClient(
        sock,
        hub.begin_at(opening.since),
        hub.news,
        websocket,
        obey,
        turns,
        leftover=leftover,
        deflates=deflates,
        common=_common(hub, opening.visitor),
        stall_seconds=hub.stall_seconds,
        clock=hub.clock,
    )
    return opening.let_in(sock, client)


def _common(hub: Hub, visitor: Visitor) -> Common | None:
    """What all WebSockets of the visitor may say; None where that has no bound."""
    bounds = visitor.bounds
    if visitor.commands is None and bounds.commands:
        count = partial(hub.door.refusals.count, bounds.setting("COMMANDS"))
        visitor.commands = Common(bounds.commands, count)
    return visitor.commands
