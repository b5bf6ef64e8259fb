"""Connection: one socket, which is offered bytes without waiting, and waited for by whoever wants to."""

import _socket
import logging
import socket
import struct

import gevent

from relay.clock import Clock

log = logging.getLogger(__name__)

#: libev's names for what a watcher waits for.
READ, WRITE = 1, 2
#: Bytes that the kernel may hold unsent for a slow client: few, so that prices wait where newer ones can
#: replace them. Linux: tcp(7), TCP_NOTSENT_LOWAT.
UNSENT_BYTES = 32 << 10


class Connection:
    """A connection taken over from the web server."""

    __slots__ = ("_clock", "heard", "send", "sock")

    def __init__(self, sock: _socket.socket, clock: Clock) -> None:
        """`sock` is non-blocking."""
        self.sock = sock
        #: The C method itself: the fan-out calls nothing else.
        self.send = sock.send
        self._clock = clock
        #: When the peer last said anything, by the clock.
        self.heard = clock.monotonic()
        if hasattr(socket, "TCP_NOTSENT_LOWAT") and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)

    def receive(self, size: int) -> bytes:
        """Bytes from the peer, waiting for them; none when it has gone."""
        while True:
            try:
                data = self.sock.recv(size)
                self.heard = self._clock.monotonic()
                return data
            except BlockingIOError:
                # Waiting here would keep the exception and its traceback for as long.
                pass
            except OSError:
                return b""
            self._wait(READ, None)

    def _offer(self, data: bytes) -> int:
        """How many bytes the socket took; -1 where the connection is gone."""
        try:
            return self.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return -1

    def _wait(self, events: int, seconds: float | None) -> bool:
        """Waits until the socket is ready; False if it is not within `seconds`."""
        hub = gevent.get_hub()
        watcher = hub.loop.io(self.sock.fileno(), events)
        try:
            if seconds is None:
                # What `hub.wait` does, with less on the stack: this is where every idle client is.
                watcher.start(gevent.getcurrent().switch)
                hub.switch()
                return True
            with gevent.Timeout(seconds, False):  # type: ignore[arg-type]
                hub.wait(watcher)
                return True
        finally:
            watcher.close()
        return False

    def _throw_away(self) -> None:
        """What the kernel still holds for the peer is lost with the socket, and the peer is told (RST)."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _shut(self, how: int) -> None:
        """Nothing goes out any more (SHUT_WR), or in either (SHUT_RDWR)."""
        try:
            self.sock.shutdown(how)
        except OSError:
            log.debug("the peer was quicker")
