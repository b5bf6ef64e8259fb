"""Farewell: the end of a stream that may not begin."""

import _socket
import socket
from contextlib import suppress

import gevent
import gevent.socket

#: Seconds that a peer has to close its end. Closing ours before would reset the connection where the peer
#: still says something, and might take our last word with it.
LINGER_SECONDS = 2.0
#: Connections that wait for that at a time; a further one is closed at once.
MAX_LINGERING = 200
#: Bytes that a peer may still say.
_MOST = 64 << 10


class Farewell:
    """Says the last word, and closes."""

    def __init__(self) -> None:
        self._lingering = 0

    def say(self, sock: _socket.socket, last: bytes) -> None:
        """Sends it, which the buffer of a new connection has room for, and closes the socket."""
        try:
            sock.send(last)
            sock.shutdown(socket.SHUT_WR)
            if self._lingering < MAX_LINGERING:
                self._linger(sock)
        except OSError:
            # It has gone.
            pass
        finally:
            sock.close()

    def _linger(self, sock: _socket.socket) -> None:
        self._lingering += 1
        try:
            with gevent.Timeout(LINGER_SECONDS, False):  # type: ignore[arg-type]
                left = _MOST
                while left > 0:
                    gevent.socket.wait_read(sock.fileno())
                    with suppress(BlockingIOError):
                        data = sock.recv(4096)
                        if not data:
                            return
                        left -= len(data)
        finally:
            self._lingering -= 1
