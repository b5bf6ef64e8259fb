"""Connection: the bytes from and to one HTTP client, with a deadline for every wait."""

import _socket
import errno
import socket
import time

import gevent.socket

from relay.server.head import END, check_size
from relay.server.waiting import Waiting

#: Bytes asked of the socket at a time: nearly every head comes whole.
_READ = 8192
#: Bytes of an unread rest that are thrown away before a connection is closed.
_MAX_LINGER = 1 << 20
#: Linux: the next send follows at once, and both may go in one segment (send(2)).
MORE = getattr(socket, "MSG_MORE", 0)


class Connection:
    """Reads ahead; what was read and not yet asked for is `rest`. Every time is in seconds."""

    __slots__ = ("_waiting", "rest", "sock")

    def __init__(self, sock: _socket.socket, waiting: Waiting) -> None:
        """`sock` is non-blocking. While it waits for a head, a reader or the client's end, it is among
        the `waiting`, and may be ended for others."""
        self.sock = sock
        self._waiting = waiting
        self.rest = b""

    def wait_for_byte(self, seconds: float) -> bool:
        """Wait until a request has begun; False at the end of the stream.

        Line ends before a request are skipped (RFC 9112, 2.2). Raises TimeoutError or OSError.
        """
        deadline = None
        while not (rest := self.rest.lstrip(b"\r\n")):
            self.rest = b""
            if deadline is None:
                deadline = time.monotonic() + seconds
            if not self._read(deadline):
                return False
        self.rest = rest
        return True

    def read_head(self, seconds: float) -> bytes:
        """Take the head in front, without its END. Raises BadHead, TimeoutError or OSError."""
        end = self.rest.find(END)
        if end < 0:
            self._waiting.begun[self.sock] = None
            try:
                end = self._read_to_end_of_head(time.monotonic() + seconds)
            finally:
                self._waiting.begun.pop(self.sock, None)
        head = self.rest[:end]
        self.rest = self.rest[end + len(END) :]
        return head

    def send(self, data: bytes, deadline: float, stall: float, flags: int = 0) -> None:
        """Send all of it before the deadline, with no pause longer than `stall`; raises OSError."""
        sock = self.sock
        while True:
            try:
                sent = sock.send(data, flags)
            except BlockingIOError:
                sent = 0
            if sent == len(data):
                return
            if sent:
                # A view: a page that is read in small bites is not copied for each of them.
                data = memoryview(data)[sent:]  # type: ignore[assignment]
            left = min(deadline - time.monotonic(), stall)
            if left <= 0:
                raise TimeoutError("the client does not read")
            unread = self._waiting.unread
            unread[sock] = self._waiting.clock()
            try:
                gone = TimeoutError("the client does not read")
                gevent.socket.wait_write(sock.fileno(), left, gone)
            finally:
                unread.pop(sock, None)

    def linger(self, seconds: float) -> None:
        """End our half and throw away what still comes, for a while.

        Closing at once would reset the connection, and might take the answer with it.
        """
        deadline = time.monotonic() + seconds
        left = _MAX_LINGER
        self._waiting.begun[self.sock] = None
        try:
            self.sock.shutdown(socket.SHUT_WR)
            while left > 0:
                self.rest = b""
                if not self._read(deadline):
                    return
                left -= len(self.rest)
        except OSError:
            return
        finally:
            self._waiting.begun.pop(self.sock, None)

    def _read_to_end_of_head(self, deadline: float) -> int:
        """Read until `rest` holds END; where that is."""
        searched = 0
        while (end := self.rest.find(END, searched)) < 0:
            check_size(self.rest)
            searched = max(0, len(self.rest) - len(END))
            if not self._read(deadline):
                raise ConnectionResetError(errno.ECONNRESET, "the request ended in its head")
        return end

    def _read(self, deadline: float) -> bool:
        """Add to `rest` what has come; False at the end of the stream."""
        while True:
            try:
                data = self.sock.recv(_READ)
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError("the client does not write") from None
                gone = TimeoutError("the client does not write")
                gevent.socket.wait_read(self.sock.fileno(), left, gone)
            else:
                self.rest += data
                return bool(data)
