"""Handler: the requests of one connection, one after the other, until it closes or becomes a stream.

gevent.pywsgi keeps the application's side: `start_response`, the response's head, errors. Reading is
done here, by a parser that is strict and a connection whose every wait ends: pywsgi's takes whatever
Python's mail parser takes, and waits for ever for a body that was announced.
"""

import errno
import io
import re
import ssl
import time
from datetime import timedelta
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import gevent
from gevent.pywsgi import WSGIHandler

from relay import request_id
from relay.plain_lines import plain
from relay.server import turns, visitors, waiting
from relay.server.connection import MORE, Connection
from relay.server.forwarded import scheme
from relay.server.head import BadHead, Head, parse, split_target
from relay.server.peers import Peer
from relay.server.takeover import KEY, Life, Takeover
from relay.server.websocket import WebSocket, accept_key

if TYPE_CHECKING:
    from relay.server.worker import Server


#: A ticket in a URL is good for a while, and a log may be read by many.
_TICKET = re.compile(r"((?:^|[?&])ticket=)[^&\s]*")
#: The status that opens a WebSocket.
_SWITCHING = 101
#: Bytes of a body from which on it is not worth a copy to have it in one piece with its head.
_LONG_BYTES = 16 << 10


class Patience(NamedTuple):
    """Seconds that a client may take for each step."""

    #: To the end of a head: from the connection's beginning, or from the first byte of a later request.
    head: float = 5.0
    #: Without taking a byte of an answer.
    stall: float = 10.0
    #: For a whole answer.
    answer: float = 60.0
    #: To close its end, after an answer to a request that was not read to its end.
    linger: float = 2.0


class NoBody:
    """What pywsgi sees of a request's body: nothing, since none is ever read.

    No route takes one. A connection on which one was announced is closed behind the answer.
    """

    def _discard(self) -> None:
        """Do nothing: pywsgi would wait here for the body's end."""


class Answer(NamedTuple):
    """What gunicorn's access log wants to know."""

    status: str
    headers: list[tuple[str, str]]
    sent: int


class Handler(WSGIHandler):
    """Handles one connection. Created by the server for each that it accepts."""

    patience = Patience()
    server: "Server"
    wsgi_input: Any = NoBody()
    # What the stubs say of these is not what pywsgi has.
    response_headers: Any
    socket: Any
    status: Any
    # What it says too little of.
    provided_date: Any
    result: Any

    def __init__(self, sock: Any, peer: Peer, server: "Server") -> None:
        self.socket = sock
        self.client_address = peer.address
        self.server = server
        self._peer = peer
        self._worker = server.worker
        all_waiting = self._worker.waiting
        self._connection = Connection(sock, peer.visitor.waiting or all_waiting, all_waiting)
        #: Whether all that the client sent has been read, as far as can be known.
        self._read_whole = True
        #: An answer must be read by then, by the monotonic clock.
        self._deadline = 0.0
        # When the connection began, by the monotonic clock.
        self._began = 0.0

    def handle(self) -> None:
        """Serve until the client leaves, a deadline passes, or a stream takes the socket over."""
        self._began = time.monotonic()
        try:
            if self.server.tls is not None:
                self._encrypt(self.server.tls)
            while self.socket is not None and self._handle_request():
                pass
        except OSError as error:
            self._worker.log.debug("a connection ended: %s", error)
        finally:
            if self.socket is not None:
                self._close()

    def _encrypt(self, context: ssl.SSLContext) -> None:
        turns, visitor = self._worker.turns, self._peer.visitor
        deadline = self._began + self.patience.head
        self._connection.shake_hands(
            context, deadline, lambda: turns.wait_as(visitor, turns.handshakes)
        )

    def _close(self) -> None:
        try:
            if not self._read_whole or self._connection.rest:
                self._connection.linger(self.patience.linger)
        finally:
            self.socket.close()

    def _handle_request(self) -> bool:
        """Read a request and answer it; whether another one may follow."""
        try:
            head = self._read_head()
        except BadHead as error:
            return self._refuse(error.status, str(error))
        if head is None:
            return False
        worker = self._worker
        line = worker.turns
        line.wait(line.probes if head.target in worker.probes else line.pages)
        if self._connection.is_reset():
            # A storm of them costs no page.
            return False
        self.time_start = time.time()
        self._deadline = time.monotonic() + self.patience.answer
        self.command, self.path, self.request_version, _ = head
        self.close_connection = head.has_body or not head.keeps_connection or not self._has_room()
        self._read_whole = not head.has_body
        self.environ = self._make_environ(head)
        self.application = self.server.application
        self.handle_one_response()
        worker.count_request()
        return not (self.close_connection or worker.draining)

    def _has_room(self) -> bool:
        """Whether the connection may be kept: one that always has another request would never end, and is
        never among those that wait and give way."""
        worker = self._worker
        return not (worker.draining or self.server.is_full) and worker.peers.has_room(self._peer)

    def _read_head(self) -> Head | None:
        """The next request's; None where the client leaves. Raises BadHead or OSError."""
        connection = self._connection
        now = time.monotonic()
        deadline = now + self.patience.head
        if self.environ is None:
            deadline = self._began + self.patience.head
            if not connection.wait_for_first(deadline):
                return None
        elif not connection.wait_for_next(now + self._worker.cfg.keepalive):
            return None
        elif connection.has_waited:
            deadline = time.monotonic() + self.patience.head
        try:
            return parse(connection.read_head(deadline))
        except TimeoutError:
            raise BadHead("the head took too long", "408 Request Timeout") from None

    def _refuse(self, status: str, why: str) -> bool:
        self._worker.log.debug("refused a request from %s: %s", self.client_address, why)
        self._read_whole = False
        self._deadline = time.monotonic() + self.patience.answer
        head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        self._send(head.encode())
        return False

    def _make_environ(self, head: Head) -> dict[str, Any]:
        environ: dict[str, Any] = self.server.environ.copy()
        environ.update(head.fields)
        environ["REQUEST_METHOD"] = head.method
        environ["SERVER_PROTOCOL"] = head.version
        environ["RAW_URI"] = head.target
        name = request_id.request_id(head.fields.get("HTTP_X_REQUEST_ID", ""))
        environ["HTTP_X_REQUEST_ID"] = name
        request_id.begin(name)
        environ["PATH_INFO"], environ["QUERY_STRING"] = split_target(head.target)
        peer = self._peer
        address, visitor = peer.address, peer.visitor
        if peer.is_trusted:
            worker = self._worker
            proto = head.fields.get("HTTP_X_FORWARDED_PROTO", "")
            if proto or self.server.tls is None:
                environ["wsgi.url_scheme"] = scheme(proto)
            if said := head.fields.get("HTTP_X_FORWARDED_FOR"):
                address = worker.proxies.client(address, said)
                visitor = worker.visitors.find(address)
        elif "HTTP_X_FORWARDED_FOR" in head.fields:
            self._worker.unbelieved.note(peer)
        environ["REMOTE_ADDR"] = address
        if peer.port:
            environ["REMOTE_PORT"] = peer.port
        environ[visitors.KEY] = visitor
        environ[waiting.KEY] = self._connection.gives_way
        environ[turns.KEY] = self._worker.turns
        environ["wsgi.input"] = io.BytesIO()
        environ["wsgi.input_terminated"] = True
        environ["gunicorn.sock"] = self.socket
        return environ

    # What pywsgi calls.

    def process_result(self) -> None:
        """Sends the application's answer, or makes a stream of the connection."""
        takeover = self.environ.pop(KEY, None) if self.environ else None
        if takeover is None:
            super().process_result()
        else:
            self._take_over(takeover)

    def finalize_headers(self) -> None:
        """Adds what the application leaves to the server."""
        if self._connection.gave_way:
            self.close_connection = True
        if self.provided_date is None:
            self.provided_date = "now"
            self.response_headers.append((b"Date", _date(int(self.time_start))))
        if self.environ:
            name = self.environ["HTTP_X_REQUEST_ID"].encode()
            self.response_headers.append((b"X-Request-Id", name))
        super().finalize_headers()
        if self.close_connection and self.request_version == "HTTP/1.1" and self.code != _SWITCHING:
            self.response_headers.append((b"Connection", b"close"))
        if self.command == "HEAD":
            self.response_use_chunked = False

    def log_request(self) -> None:
        """Writes gunicorn's access log, if it was asked for."""
        log = self._worker.log
        if log.access_log_enabled and self.environ:
            status = self.status.decode() if isinstance(self.status, bytes) else self.status
            said = [
                (k.decode("latin-1"), plain(v.decode("latin-1")))
                for k, v in self.response_headers or ()
            ]
            answer = Answer(status, said, self.response_length)
            asked = {
                key: plain(_TICKET.sub(r"\1...", value)) if isinstance(value, str) else value
                for key, value in self.environ.items()
            }
            fields = [(k[5:].replace("_", "-"), v) for k, v in asked.items() if k[:5] == "HTTP_"]
            seconds = timedelta(seconds=self.time_finish - self.time_start)
            log.access(answer, fields, asked, seconds)

    def _write_with_headers(self, data: bytes) -> None:
        head = self._make_head()
        body = self._framed(data)
        if len(body) < _LONG_BYTES:
            self._sendall(head + body)
        else:
            # Many may wait for their clients to read what one making made.
            self._sendall(head, MORE)
            self._sendall(body)

    def _write(self, data: bytes) -> None:
        if framed := self._framed(data):
            self._sendall(framed)

    def _sendall(self, data: bytes, flags: int = 0) -> None:
        self._send(data, flags)
        self.response_length += len(data)

    # What that is made of.

    def _make_head(self) -> bytes:
        self.headers_sent = True
        self.finalize_headers()
        fields = [b"%b: %b\r\n" % field for field in self.response_headers]
        return b"HTTP/1.1 %b\r\n%b\r\n" % (self.status, b"".join(fields))

    def _framed(self, data: bytes) -> bytes:
        if not data or self.command == "HEAD":
            return b""
        return b"%x\r\n%b\r\n" % (len(data), data) if self.response_use_chunked else data

    def _send(self, data: bytes, flags: int = 0) -> None:
        """Raises what pywsgi takes for a client that has left."""
        try:
            self._connection.send(data, self._deadline, self.patience.stall, flags)
        except OSError as error:
            self.close_connection = True
            raise ConnectionResetError(errno.ECONNRESET, str(error)) from None

    def _take_over(self, takeover: Takeover) -> None:
        websocket = None
        if takeover.websocket:
            websocket = self._shake_hands(takeover.extensions)
            if websocket is None:
                super().process_result()
                return
        # The stream's first bytes follow at once.
        self._sendall(self._make_head(), MORE)
        # A bare greenlet: a Greenlet's own state is 0.7 KiB for each stream. An error ends in the
        # event loop's log all the same.
        gevent.spawn_raw(_live, [takeover.run, self.socket, self._connection.rest, websocket])
        self.socket = None
        self.close_connection = True

    def _shake_hands(self, extensions: str) -> WebSocket | None:
        """Makes the answer that opens a WebSocket (RFC 6455, 4.2.2); a refusal where a body follows,
        which would be taken for frames."""
        if not self._read_whole or self.environ is None:
            self.start_response("400 Bad Request", [("Content-Length", "0")])
            self.result = []
            return None
        self.status, self.code = b"101 Switching Protocols", _SWITCHING
        accept = accept_key(self.environ["HTTP_SEC_WEBSOCKET_KEY"])
        self.response_headers = [
            (b"Upgrade", b"websocket"),
            (b"Connection", b"Upgrade"),
            (b"Sec-WebSocket-Accept", accept),
        ]
        if extensions:
            self.response_headers.append((b"Sec-WebSocket-Extensions", extensions.encode()))
        return WebSocket(self.environ, None, self)


def _live(box: list[Any]) -> None:
    """A stream's life. Nothing that its beginning needed is held from here while it lasts, and for
    that the arguments come in a box to be emptied."""
    run, sock, rest, websocket = box
    box.clear()
    life: Life | None = run(sock, rest, websocket)
    del run, sock, rest, websocket
    if life is not None:
        live, subject = life
        del life
        live(subject)


@lru_cache(1)
def _date(second: int) -> bytes:
    """The Date header; one second's is made once."""
    return formatdate(second, usegmt=True).encode()
