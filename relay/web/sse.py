"""GET /events: Server-Sent Events (WHATWG HTML, section 9.2)."""

import _socket
from dataclasses import replace
from functools import partial

from flask import Blueprint, Response, request

from relay.fanout.client import Client
from relay.fanout.deflate import block
from relay.fanout.hub import Hub
from relay.fanout.terms import Terms
from relay.server.takeover import KEY, Life, Takeover
from relay.web.compression import is_to_be_zipped
from relay.web.farewell import Farewell
from relay.web.opening import Opening
from relay.web.packed import SMALLEST
from relay.web.sse_form import EventStream
from relay.web.subscription import parse

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    # no-transform: a proxy that compresses would hold events back until its buffer is full.
    "Cache-Control": "no-cache, no-transform",
    # nginx buffers answers unless told not to: ngx_http_proxy_module, proxy_buffering.
    "X-Accel-Buffering": "no",
    "Vary": "Accept-Encoding",
}


def blueprint(hub: Hub, max_symbols: int, compression: bool) -> Blueprint:
    """The route. `compression`: whether gzip may be used."""
    routes = Blueprint("sse", __name__)
    farewell = Farewell()

    @routes.get("/events")
    def events() -> Response:
        wish = parse(request.args, request.headers.get("Last-Event-ID", ""), max_symbols)
        if request.method == "HEAD":
            return Response(b"", headers=HEADERS)
        chunked = request.environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        form = EventStream(wish.fields, wish.batch, chunked)
        headers = dict(HEADERS)
        if compression and is_to_be_zipped(request, SMALLEST):
            zipped = replace(form, gzip=True, block=block)
            if hub.may_compress(Terms(zipped, wish.symbols, wish.rate)):
                form = zipped
                headers["Content-Encoding"] = "gzip"
        opening = Opening.of(request, hub, form, wish, farewell)
        request.environ[KEY] = Takeover(partial(_begin, opening, form))
        return Response(iter(()), headers=headers)

    return routes


def _begin(
    opening: Opening, form: EventStream, sock: _socket.socket, _left: bytes, _websocket: None
) -> Life | None:
    hub = opening.hub
    client = Client(
        sock,
        hub.begin_at(opening.since),
        hub.news,
        stall_seconds=hub.stall_seconds,
        clock=hub.clock,
    )
    first = form.opening()
    client.begin(first)
    return opening.let_in(sock, client, first)
