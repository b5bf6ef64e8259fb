"""RelayWorker: gunicorn's gevent worker for WebSockets, and what the stock one leaves out.

The stock worker serves HTTP by gevent.pywsgi and so loses gunicorn's access log, keep-alive, every
time-out and max_requests; it upgrades every path to a WebSocket before the application is asked, and
cuts every stream when it stops. `gunicorn.conf.py` registers this one under the name
`geventwebsocket`.
"""

import _socket
import errno
import functools
import gc
import logging
import os
import socket
import ssl
import sys
import time
from typing import Any

import gevent
from gunicorn.workers.ggevent import GeventPyWSGIWorker, PyWSGIServer

from relay.amount import amount
from relay.complaint import Complaint
from relay.server.forwarded import Proxies
from relay.server.generations import GENERATIONS
from relay.server.handler import Handler
from relay.server.heap import give_back_large_blocks
from relay.server.lifeline import LIFELINE
from relay.server.peers import Peer, Peers
from relay.server.tls import TlsSocket
from relay.server.turns import Turns
from relay.server.unbelieved import Unbelieved
from relay.server.visitors import Visitors
from relay.server.waiting import Waiting
from relay.supervise import EXIT_FAILED

# gevent remembers for debugging who spawned whom, and where: 1 KiB for each connection.
gevent.config.track_greenlet_tree = False
#: The part of graceful_timeout in which clients are sent away; the rest is for their last bytes.
DRAIN_SHARE = 0.6
#: A worker that has successors takes connections until one of them serves, for so long at most; else all
#: would wait for its start.
HANDOVER_SECONDS = 5.0
#: Between two looks at that.
_LOOK_SECONDS = 0.05
#: A connection that was accepted just before a drain has so long to send its request.
FIRST_REQUEST_SECONDS = 0.5

#: What accept(2) says where descriptors or memory have run out; each worker tries again later.
_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
#: Seconds until then.
SHORT_SECONDS = 0.25
#: Bytes of answers that the kernel may hold unsent for each connection; the rest is one page's that all
#: share. Linux: tcp(7), TCP_NOTSENT_LOWAT.
UNSENT_BYTES = 64 << 10
#: Connections that are accepted until the event loop looks at its other sockets again: prices wait for no
#: more than these, and of a burst each worker takes its share.
ACCEPTS_PER_LOOK = 16
#: Seconds between two looks for a connection to give up while every slot is taken.
RELIEF_SECONDS = 0.2


class Server(PyWSGIServer):  # type: ignore[misc]
    """A server that knows its worker, and whose handlers get bare sockets and close them."""

    max_accept = ACCEPTS_PER_LOOK

    def __init__(
        self,
        *args: Any,
        worker: "RelayWorker",
        ssl_context: ssl.SSLContext | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.worker = worker
        self.tls = ssl_context
        if ssl_context is not None:
            # Each would cost as much as a handshake (RFC 5246, 7.4.1.1).
            ssl_context.options |= ssl.OP_NO_RENEGOTIATION
            self.environ["wsgi.url_scheme"] = "https"
        self.logger = logging.getLogger("geventwebsocket")
        self._relieving = False
        listener = self.socket
        if hasattr(socket, "TCP_NOTSENT_LOWAT") and listener.family != socket.AF_UNIX:
            # Whatever is accepted inherits it.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        self._shortages = Complaint(self.logger)
        worker.servers.append(self)

    @property
    def is_full(self) -> bool:
        """Whether every slot is taken."""
        return bool(self.pool.full())

    def start_accepting(self) -> None:
        """Begins to take connections, unless the worker was told to end meanwhile: to start takes as long as
        the machine takes to find its name."""
        if not self.closed:
            super().start_accepting()

    def do_read(self) -> tuple[_socket.socket, Any] | None:
        """Accepts a connection; None where nobody waits."""
        listener = self.socket
        try:
            fd, address = listener._accept()
        except (BlockingIOError, ConnectionAbortedError):
            return None
        except OSError as error:
            if error.errno not in _SHORT:
                raise
            self._wait_out(error)
            return None
        kind = _socket.socket if self.tls is None else TlsSocket
        sock = kind(listener.family, listener.type, listener.proto, fileno=fd)
        sock.setblocking(False)
        return sock, address

    def do_handle(self, sock: _socket.socket, address: Any) -> None:
        """Handles a connection, unless its address has too many. Where it takes the last slot, one that
        waits for its client is given up."""
        peer = self.worker.peers.enter(address)
        if peer is None:
            sock.close()
            return
        super().do_handle(sock, peer)
        if self.is_full:
            self.worker.waiting.give_up_one()
            if not self._relieving:
                self._relieving = True
                gevent.spawn_raw(self._relieve)

    def _wait_out(self, shortage: OSError) -> None:
        """Accepts nobody for a moment; a connection that waits for its client gives back what it holds."""
        self._shortages.make("no connection can be accepted: %s", shortage.strerror)
        self.worker.waiting.give_up_one()
        self.stop_accepting()
        self._timer = self.loop.timer(SHORT_SECONDS)
        self._timer.start(self._start_accepting_if_started)

    def _relieve(self) -> None:
        """Gives up a connection, one after the other, while nobody else can be accepted. Who is given up may
        have asked for something just then, and hold its slot on."""
        try:
            gevent.sleep(RELIEF_SECONDS)
            while self.is_full:
                self.worker.waiting.give_up_one()
                gevent.sleep(RELIEF_SECONDS)
        finally:
            self._relieving = False

    def do_close(self, _: _socket.socket, peer: Peer) -> None:
        """Forgets the connection. The handler has closed it, or a stream has it now."""
        self.worker.peers.leave(peer)


class RelayWorker(GeventPyWSGIWorker):  # type: ignore[misc]
    """One process of the relay's web side."""

    wsgi_handler = Handler
    #: The application, once it is loaded.
    wsgi: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.servers: list[Server] = []
        self.draining = False
        #: Whether the master has died.
        self.orphaned = False
        self.waiting = Waiting()
        self.proxies = Proxies(self.cfg.forwarded_allow_ips)
        self.unbelieved = Unbelieved()

    def init_process(self) -> None:
        LIFELINE.let_go()
        super().init_process()

    def run(self) -> None:
        give_back_large_blocks()
        gevent.spawn(self._end_with_master)
        self.server_class = functools.partial(Server, worker=self)
        relay = self.wsgi.extensions["relay"]
        self.turns = Turns()
        self.probes: frozenset[str] = relay.probes
        self.visitors = Visitors(is_proxy=self.proxies.names, bounds=relay.address_bounds)
        self.peers = Peers(self.visitors, self.proxies, relay.address_connections)
        relay.connections = self._count_connections
        relay.closed_connections = lambda: self.peers.refused
        if self.log.access_log_enabled:
            relay.hub.crowd.ended = self._log_stream
        relay.start()
        # What is there by now stays. The garbage collector looks at the rest alone: with 5,000 streams
        # a full collection holds everybody up for 10 to 30 ms instead of 60 to 75.
        gc.collect()
        gc.freeze()
        GENERATIONS.serve(self.age)
        super().run()

    def _log_stream(
        self, transport: str, form: str, seconds: float, updates: int, name: str
    ) -> None:
        """A stream has ended; gunicorn's own line was written when it began."""
        self.log.access_log.info(
            "a stream ended: %s %s, %.3f s, %s [%s]",
            transport,
            form,
            seconds,
            amount(updates, "update"),
            name,
        )

    def _count_connections(self) -> int:
        return sum(len(server.pool) for server in self.servers)

    def count_request(self) -> None:
        """Counts towards max_requests; at that number the worker drains and is replaced."""
        self.nr += 1
        if self.nr >= self.max_requests:
            self._start_drain()

    def handle_exit(self, sig: int, frame: Any) -> None:
        if self.wsgi is None:
            # Nobody is served yet.
            self.alive = False
            sys.exit(0)
        self._start_drain(self.wsgi.extensions["relay"].drain_delay)

    def notify(self) -> None:
        """Tells the master that this worker lives. Whether the master does, is told by the lifeline."""
        self.tmp.notify()

    def _end_with_master(self) -> None:
        """Frees the port at once, then ends in good order."""
        LIFELINE.wait()
        self.log.error("the master has died: this worker sends its clients away, and ends")
        self.orphaned = True
        for server in self.servers:
            server.close()
        if not self.servers:
            # Nobody is served yet.
            os._exit(EXIT_FAILED)
        self._start_drain()

    def _start_drain(self, delay: float = 0.0) -> None:
        if not self.draining:
            self.draining = True
            gevent.spawn(self._drain, delay)

    def _drain(self, delay: float) -> None:
        relay = self.wsgi.extensions["relay"]
        # Where another one has been started for this one, the address goes on to be served.
        relay.hub.announced = not GENERATIONS.succeed(self.age)
        began = time.monotonic()
        # Until whoever sends connections here has looked at a probe.
        gevent.sleep(delay)
        if not (relay.hub.announced or self.orphaned):
            self._wait_for_successor(began + HANDOVER_SECONDS)
        waited = time.monotonic() - began
        # First of all no new connections: the master has, or will start, somebody else for them.
        for server in self.servers:
            server.close()
        self.waiting.end_between_requests()
        relay.hub.drain((self.cfg.graceful_timeout - waited) * DRAIN_SHARE)
        gevent.sleep(FIRST_REQUEST_SECONDS)
        self.waiting.end_unheard()
        self.alive = False

    def _wait_for_successor(self, until: float) -> None:
        """Waits while none serves; until that moment at most."""
        while not GENERATIONS.took_over() and time.monotonic() < until:
            gevent.sleep(_LOOK_SECONDS)
