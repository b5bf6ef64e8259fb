"""RelayWorker: gunicorn's gevent worker with gevent-websocket, and what the stock one leaves out.

The stock worker serves HTTP by gevent.pywsgi and so loses gunicorn's access log, keep-alive and
header time-outs and max_requests; it upgrades every path to a WebSocket before the application is
asked, and cuts every stream when it stops. `gunicorn.conf.py` registers this one under the name
`geventwebsocket`.
"""

import _socket
import functools
import logging
import socket
from contextlib import suppress
from typing import Any

import gevent
import geventwebsocket.handler
from gevent.pywsgi import WSGIHandler
from geventwebsocket.handler import WebSocketHandler
from gunicorn.workers.ggevent import GeventPyWSGIWorker, PyWSGIHandler, PyWSGIServer

from relay.server.takeover import KEY, Takeover
from relay.server.websocket import WebSocket

# gevent remembers for debugging who spawned whom, and where: 1 KiB for each connection.
gevent.config.track_greenlet_tree = False
# The handler looks the class up by this name when it has shaken hands.
geventwebsocket.handler.WebSocket = WebSocket

#: From the first byte of a request to the end of its head.
HEADER_SECONDS = 10.0
#: The part of graceful_timeout in which clients are sent away; the rest is for their last bytes.
DRAIN_SHARE = 0.6
#: A connection that was accepted just before a drain has so long to send its request.
FIRST_REQUEST_SECONDS = 0.5


class Handler(PyWSGIHandler, WebSocketHandler):  # type: ignore[misc]
    """Handles the requests of one connection until it closes or becomes a stream."""

    result: Any
    socket: Any

    def run_application(self) -> None:
        """Asks the application first: it may refuse a WebSocket with a plain answer."""
        WSGIHandler.run_application(self)

    def process_result(self) -> None:
        takeover = self.environ.pop(KEY, None)
        if takeover is None:
            super().process_result()
        else:
            self._take_over(takeover)

    def read_requestline(self) -> str:
        idle = self.server.worker.idle
        idle[self.socket] = self.environ is None
        try:
            with gevent.Timeout(self.server.worker.cfg.keepalive, False):  # type: ignore[arg-type]
                line: str = super().read_requestline()
                return line
        finally:
            del idle[self.socket]
        return ""

    def read_request(self, raw_requestline: str) -> bool:
        with gevent.Timeout(HEADER_SECONDS, ValueError("the request's head took too long")):
            read: bool = super().read_request(raw_requestline)
        return read

    def handle_one_response(self) -> None:
        super().handle_one_response()
        self.server.worker.count_request()
        if self.server.worker.draining:
            self.close_connection = True

    def log_request(self) -> None:
        # Before there is an environ (a bad request line, say) gunicorn's access log would fail.
        if self.environ is not None:
            super().log_request()

    def _take_over(self, takeover: Takeover) -> None:
        close = getattr(self.result, "close", None)
        websocket = None
        if takeover.websocket:
            refusal = self.upgrade_websocket()
            websocket = self.__dict__.pop("websocket", None)
            if websocket is None:
                self.result = refusal or []
                super().process_result()
                return
            if takeover.extensions:
                header = (b"Sec-WebSocket-Extensions", takeover.extensions.encode())
                self.response_headers.append(header)
        self.write(b"")
        self.wsgi_input._discard()
        if close is not None:
            close()
        gevent.spawn(takeover.run, *self._detach(), websocket)

    def _detach(self) -> tuple[_socket.socket, bytes]:
        """Takes the socket out of pywsgi's hands; it, and what was read ahead of it."""
        sock = self.socket
        sock.settimeout(0)
        leftover = self.rfile.peek()
        family, kind, proto = sock.family, sock.type, sock.proto
        plain = _socket.socket(family, kind, proto, fileno=sock.detach())
        plain.setblocking(False)
        self.rfile.close()
        self.socket = None
        self.close_connection = True
        return plain, leftover


class Server(PyWSGIServer):  # type: ignore[misc]
    """A server that knows its worker."""

    def __init__(self, *args: Any, worker: "RelayWorker", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.worker = worker
        self.logger = logging.getLogger("geventwebsocket")
        worker.servers.append(self)


class RelayWorker(GeventPyWSGIWorker):  # type: ignore[misc]
    """One process of the relay's web side."""

    wsgi_handler = Handler

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.servers: list[Server] = []
        self.draining = False
        #: Connections that wait for a request, and whether for their first one.
        self.idle: dict[gevent.socket.socket, bool] = {}

    def run(self) -> None:
        self.server_class = functools.partial(Server, worker=self)
        self.wsgi.extensions["relay"].start()
        super().run()

    def count_request(self) -> None:
        """Counts towards max_requests; at that number the worker drains and is replaced."""
        self.nr += 1
        if self.nr >= self.max_requests:
            self._start_drain()

    def handle_exit(self, sig: int, frame: Any) -> None:
        self._start_drain()

    def _start_drain(self) -> None:
        if not self.draining:
            self.draining = True
            gevent.spawn(self._drain)

    def _drain(self) -> None:
        # First of all no new connections: the master has, or will start, somebody else for them.
        for server in self.servers:
            server.close()
        self._close_idle(those_without_request=False)
        self.wsgi.extensions["relay"].hub.drain(self.cfg.graceful_timeout * DRAIN_SHARE)
        gevent.sleep(FIRST_REQUEST_SECONDS)
        self._close_idle(those_without_request=True)
        self.alive = False

    def _close_idle(self, those_without_request: bool) -> None:
        for sock, is_first in list(self.idle.items()):
            if those_without_request or not is_first:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RD)
