"""GET /events: Server-Sent Events (WHATWG HTML, section 9.2)."""

import _socket
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from flask import Blueprint, Response, request

from relay.board import Entry
from relay.fanout.client import Client
from relay.fanout.deflate import GZIP_HEADER, Deflater, block
from relay.fanout.encoding import ENTRIES_PER_PIECE, PAYLOADS, WHOLE, parted, removal
from relay.fanout.hub import Hub
from relay.server.takeover import KEY, Takeover
from relay.web.subscription import Subscription, parse

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    # no-transform: a proxy that compresses would hold events back until its buffer is full.
    "Cache-Control": "no-cache, no-transform",
    # nginx buffers answers unless told not to: ngx_http_proxy_module, proxy_buffering.
    "X-Accel-Buffering": "no",
    "Vary": "Accept-Encoding",
}
#: A browser that lost us comes back after a random time in this window, in milliseconds, so that a
#: crash does not bring everybody back at once.
RETRY_MILLISECONDS = (1000, 4000)


def _as_it_is(data: bytes) -> bytes:
    return data


@dataclass(frozen=True, slots=True)
class EventStream:
    """The wire form of an SSE stream."""

    fields: str
    batch: bool
    #: HTTP/1.1 frames a body of unknown length in chunks (RFC 9112, 7.1); HTTP/1.0 cannot.
    chunked: bool
    gzip: bool = False
    #: What compresses, where it is gzip.
    block: Callable[[bytes], bytes] = field(default=_as_it_is, compare=False)

    @property
    def entries_per_piece(self) -> int:
        return WHOLE if self.batch else ENTRIES_PER_PIECE[self.fields]

    def encode(self, entries: list[Entry], resume_id: str) -> bytes:
        tickers, gone = parted(entries)
        events = [f"event: removed\ndata: {removal(gone).decode()}\n\n"] if gone else []
        payloads = list(map(PAYLOADS[self.fields], tickers))
        if self.batch and payloads:
            events.append(f"data: [{','.join(payloads)}]\n\n")
        elif payloads:
            events.append("data: " + "\n\ndata: ".join(payloads) + "\n\n")
        before, mark, last = "".join(events).rpartition("data: ")
        return self.framed(f"{before}id: {resume_id}\n{mark}{last}".encode())

    def event(self, name: str, data: bytes) -> bytes:
        return self.framed(b"event: %b\ndata: %b\n\n" % (name.encode(), data))

    def end(self, name: str, data: bytes) -> bytes:
        return self.event(name, data) + (b"0\r\n\r\n" if self.chunked else b"")

    def begin(self) -> bytes:
        """The first bytes of a body: when to come back should it end without a word."""
        retry = self.block(b"retry: %d\n\n" % random.randint(*RETRY_MILLISECONDS))
        return self._chunk(GZIP_HEADER + retry if self.gzip else retry)

    def framed(self, data: bytes) -> bytes:
        """The bytes as they go over the wire."""
        return self._chunk(self.block(data))

    def shared(self) -> "SharedEvents | None":
        return SharedEvents(self) if self.gzip else None

    def _chunk(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data


class SharedEvents:
    """gzip blocks of one past."""

    def __init__(self, form: EventStream) -> None:
        deflater = Deflater()
        together = replace(form, block=deflater.block)
        self.begin = deflater.begin
        self.encode = together.encode
        self.event = together.event


def blueprint(hub: Hub, max_symbols: int, compression: bool) -> Blueprint:
    """The route. `compression`: whether gzip may be used."""
    routes = Blueprint("sse", __name__)

    @routes.get("/events")
    def events() -> Response:
        wish = parse(request.args, request.headers.get("Last-Event-ID", ""), max_symbols)
        if request.method == "HEAD":
            return Response(b"", headers=HEADERS)
        if hub.draining:
            # An EventSource that is refused never comes back; one that is sent away does.
            return Response(b"event: bye\ndata: %b\n\n" % hub.bye(), headers=HEADERS)
        hub.admit()
        chunked = request.environ["SERVER_PROTOCOL"] != "HTTP/1.0"
        form = EventStream(wish.fields, wish.batch, chunked)
        headers = dict(HEADERS)
        if compression and request.accept_encodings["gzip"]:
            zipped = replace(form, gzip=True, block=block)
            if hub.may_compress(zipped, wish.symbols, wish.rate):
                form = zipped
                headers["Content-Encoding"] = "gzip"
        request.environ[KEY] = Takeover(partial(_stream, hub, form, wish))
        return Response(iter(()), headers=headers)

    return routes


def _stream(
    hub: Hub, form: EventStream, wish: Subscription, sock: _socket.socket, _left: bytes, _ws: None
) -> None:
    client = Client(hub, sock, hub.board.version_of(wish.since))
    client.unfinished = form.begin()
    hub.enter(client, form, wish.symbols, wish.rate)
    client.run()
