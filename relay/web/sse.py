"""GET /events: Server-Sent Events (WHATWG HTML, section 9.2)."""

import _socket
from dataclasses import replace
from functools import partial

from flask import Blueprint, Response, request

from relay.fanout.checksum import checksum_of
from relay.fanout.client import Client
from relay.fanout.deflate import block
from relay.fanout.door import Full
from relay.fanout.hub import Hub
from relay.fanout.terms import Terms
from relay.server.takeover import KEY, Life, Takeover
from relay.server.visitors import Visitor
from relay.web.asker import visitor_of
from relay.web.compression import is_to_be_zipped
from relay.web.farewell import Farewell
from relay.web.packed import SMALLEST
from relay.web.sse_form import EventStream
from relay.web.subscription import Subscription, parse

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
        request.environ[KEY] = Takeover(
            partial(
                _stream,
                hub,
                form,
                wish,
                visitor_of(request),
                farewell,
                request.headers.get("X-Request-Id", ""),
            )
        )
        return Response(iter(()), headers=headers)

    return routes


def _stream(
    hub: Hub,
    form: EventStream,
    wish: Subscription,
    visitor: Visitor,
    farewell: Farewell,
    request_id: str,
    sock: _socket.socket,
    _left: bytes,
    _ws: None,
) -> Life | None:
    client = Client(
        sock,
        hub.standing(wish.since),
        hub.news,
        stall_seconds=hub.stall_seconds,
        clock=hub.clock,
    )
    opening = form.opening()
    client.begin(opening)
    client.request_id = request_id
    try:
        hub.enter(client, Terms(form, wish.symbols, wish.rate), visitor)
    except Full as full:
        # An EventSource that is refused by a status never comes back; one that is sent away does.
        refusal = hub.refusal(form, full, client.version, checksum_of(opening))
        farewell.say(sock, opening + refusal)
        return None
    return hub.serve, client
