"""GET /events: Server-Sent Events (WHATWG HTML, section 9.2)."""

import _socket
import random
from dataclasses import dataclass
from functools import partial

from flask import Blueprint, Response, request

from relay.board import Entry
from relay.client import Client
from relay.form import ENTRIES_PER_PIECE, PAYLOADS, WHOLE
from relay.hub import Hub
from relay.subscription import Subscription, parse
from relay.takeover import KEY, Takeover

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    # no-transform: a proxy that compresses would hold events back until its buffer is full.
    "Cache-Control": "no-cache, no-transform",
    # nginx buffers answers unless told not to: ngx_http_proxy_module, proxy_buffering.
    "X-Accel-Buffering": "no",
}
#: A browser that lost us comes back after a random time in this window, in milliseconds, so that a
#: crash does not bring everybody back at once.
RETRY_MILLISECONDS = (1000, 4000)


@dataclass(frozen=True, slots=True)
class EventStream:
    """The wire form of an SSE stream."""

    fields: str
    batch: bool
    #: HTTP/1.1 frames a body of unknown length in chunks (RFC 9112, 7.1); HTTP/1.0 cannot.
    chunked: bool

    @property
    def entries_per_piece(self) -> int:
        return WHOLE if self.batch else ENTRIES_PER_PIECE[self.fields]

    def encode(self, entries: list[Entry], resume_id: str) -> bytes:
        payload = PAYLOADS[self.fields]
        payloads = [payload(update) for _, update in entries]
        if self.batch:
            text = f"id: {resume_id}\ndata: [{','.join(payloads)}]\n\n"
        else:
            last = payloads.pop()
            before = "data: " + "\n\ndata: ".join(payloads) + "\n\n" if payloads else ""
            text = f"{before}id: {resume_id}\ndata: {last}\n\n"
        return self.framed(text.encode())

    def event(self, name: str, data: bytes) -> bytes:
        return self.framed(b"event: %b\ndata: %b\n\n" % (name.encode(), data))

    def end(self, name: str, data: bytes) -> bytes:
        return self.event(name, data) + (b"0\r\n\r\n" if self.chunked else b"")

    def framed(self, data: bytes) -> bytes:
        """The bytes as they go over the wire."""
        return b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data


class EventClient(Client):
    """A client that only listens."""

    __slots__ = ()


def blueprint(hub: Hub, max_symbols: int) -> Blueprint:
    """The route."""
    routes = Blueprint("sse", __name__)

    @routes.get("/events")
    def events() -> Response:
        wish = parse(request.args, request.headers.get("Last-Event-ID", ""), max_symbols)
        if request.method == "HEAD":
            return Response(b"", headers=HEADERS)
        hub.admit()
        chunked = request.environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        form = EventStream(wish.fields, wish.batch, chunked)
        request.environ[KEY] = Takeover(partial(_stream, hub, form, wish))
        return Response(iter(()), headers=HEADERS)

    return routes


def _stream(
    hub: Hub, form: EventStream, wish: Subscription, sock: _socket.socket, _left: bytes, _ws: None
) -> None:
    client = EventClient(hub, sock, hub.board.version_of(wish.since))
    retry = random.randint(*RETRY_MILLISECONDS)
    client.unfinished = form.framed(b"retry: %d\n\n" % retry)
    hub.enter(client, form, wish.symbols, wish.rate)
    client.run()
