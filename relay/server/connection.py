"""Connection: the bytes from and to one HTTP client, with a deadline for every wait."""

import _socket
import errno
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

import gevent
import gevent.socket

from relay.server.head import END, BadHead, check_beginning
from relay.server.waiting import MAX_UNREAD_BYTES, Since, Waiting

if TYPE_CHECKING:
    from relay.server.tls import TlsSocket

#: Bytes asked of the socket at a time: nearly every head comes whole.
_READ = 8192
#: Line ends, in bytes, that may come before a request.
MAX_BLANK = 16
#: Bytes of an unread rest that are thrown away before a connection is closed.
MAX_REST = 1024
#: Seconds that an answer has to arrive before a connection is closed on which more came than that.
ARRIVAL_SECONDS = 0.5
#: Reads of one head or one rest; after them each waits for a while, so that bytes do not come singly.
CRUMBS = 16
CRUMB_SECONDS = 0.05
#: Linux: the next send follows at once, and both may go in one segment (send(2)).
MORE = getattr(socket, "MSG_MORE", 0)


class Connection:
    """Reads ahead; what was read and not yet asked for is `rest`. Every time is in seconds, every deadline
    by time.monotonic()."""

    __slots__ = ("_all_waiting", "_waiting", "gave_way", "has_waited", "rest", "sock")

    def __init__(self, sock: _socket.socket, waiting: Waiting, all_waiting: Waiting) -> None:
        """`sock` is non-blocking. While it waits for its client, it is among those of the same address
        that wait and among all that do, and may be ended for others."""
        self.sock = sock
        self._waiting = waiting
        self._all_waiting = all_waiting
        self.rest = b""
        #: Whether the last request had to be waited for.
        self.has_waited = False
        #: Whether it is to be closed behind its answer, since others need its slot.
        self.gave_way = False

    def shake_hands(
        self, context: ssl.SSLContext, deadline: float, wait_for_turn: Callable[[], None]
    ) -> None:
        """TLS's handshake; each step waits for a turn, and none is done for a connection that was given up
        meanwhile. Raises TimeoutError or another OSError."""
        sock = cast("TlsSocket", self.sock)
        sock.begin(context)
        mine, all_ = self._waiting.first, self._all_waiting.first
        mine[sock] = all_[sock] = self._all_waiting.clock()
        late = TimeoutError("the handshake took too long")
        try:
            while True:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise late
                gevent.socket.wait_read(sock.fileno(), left, late)
                wait_for_turn()
                if sock not in mine or sock not in all_:
                    raise ConnectionAbortedError("given up for others")
                if time.monotonic() >= deadline:
                    raise late
                with suppress(BlockingIOError):
                    if sock.shake_hands():
                        return
        finally:
            mine.pop(sock, None)
            all_.pop(sock, None)

    def wait_for_first(self, deadline: float) -> bool:
        """Wait until the first request has begun; see `wait_for_next`."""
        return self._wait_for_byte(deadline, self._waiting.first, self._all_waiting.first)

    def wait_for_next(self, deadline: float) -> bool:
        """Wait until another request has begun; False at the end of the stream.

        Line ends before a request are skipped (RFC 9112, 2.2). Raises BadHead, TimeoutError or OSError.
        """
        return self._wait_for_byte(deadline, self._waiting.idle, self._all_waiting.idle)

    def read_head(self, deadline: float) -> bytes:
        """Take the head in front, without its END. Raises BadHead, TimeoutError or OSError."""
        end = self.rest.find(END)
        if end < 0:
            self._begin()
            try:
                end = self._read_to_end_of_head(deadline)
            finally:
                self._end_begun()
        head = self.rest[:end]
        self.rest = self.rest[end + len(END) :]
        return head

    @contextmanager
    def gives_way(self, answer: Callable[[], None]) -> Iterator[None]:
        """While its request waits for news, `answer` may be called, which ends that: others need its slot."""
        mine, all_ = self._waiting.polls, self._all_waiting.polls

        def give_way() -> None:
            self.gave_way = True
            answer()

        mine[give_way] = all_[give_way] = self._all_waiting.clock()
        try:
            yield
        finally:
            mine.pop(give_way, None)
            all_.pop(give_way, None)

    def is_reset(self) -> bool:
        """Whether the client has thrown the connection away; what it said before can be read all the same."""
        return self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) != 0

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
            with self._unread(len(data)):
                gone = TimeoutError("the client does not read")
                gevent.socket.wait_write(sock.fileno(), left, gone)

    @contextmanager
    def _unread(self, size: int) -> Iterator[None]:
        """While the client has not read so many bytes."""
        sock, waiting = self.sock, self._all_waiting
        whose, holders = self._waiting, waiting.holders
        mine, all_ = whose.unread, waiting.unread
        mine[sock] = all_[sock] = waiting.clock()
        waiting.unread_bytes += size
        holders[whose] = holders.get(whose, 0) + size
        if waiting.unread_bytes > MAX_UNREAD_BYTES:
            waiting.give_up_unread()
        try:
            yield
        finally:
            waiting.unread_bytes -= size
            holders[whose] -= size
            if not holders[whose]:
                del holders[whose]
            mine.pop(sock, None)
            all_.pop(sock, None)

    def linger(self, seconds: float) -> None:
        """End our half and throw away what still comes, for a while.

        Closing at once would reset the connection, and might take the answer with it. Of a client that
        goes on talking little is read: what it says waits in its own buffers until the answer has arrived.
        """
        deadline = time.monotonic() + seconds
        left = MAX_REST - len(self.rest)
        crumbs = 0
        self._begin()
        try:
            self.sock.shutdown(socket.SHUT_WR)
            while left > 0:
                self.rest = b""
                crumbs += 1
                if not self._read_crumb(crumbs, deadline):
                    return
                left -= len(self.rest)
            gevent.sleep(min(seconds, ARRIVAL_SECONDS))
        except OSError:
            return
        finally:
            self.rest = b""
            self._end_begun()

    def _wait_for_byte(self, deadline: float, mine: Since, all_: Since) -> bool:
        self.has_waited = False
        sock = self.sock
        mine[sock] = all_[sock] = self._all_waiting.clock()
        blank = 0
        try:
            while not (rest := self.rest.lstrip(b"\r\n")):
                blank += len(self.rest)
                if blank > MAX_BLANK:
                    raise BadHead("line ends, and no request")
                self.rest = b""
                if not self._read(deadline):
                    return False
        finally:
            mine.pop(sock, None)
            all_.pop(sock, None)
        self.rest = rest
        return True

    def _begin(self) -> None:
        sock = self.sock
        self._waiting.begun[sock] = self._all_waiting.begun[sock] = self._all_waiting.clock()

    def _end_begun(self) -> None:
        self._waiting.begun.pop(self.sock, None)
        self._all_waiting.begun.pop(self.sock, None)

    def _read_to_end_of_head(self, deadline: float) -> int:
        """Read until `rest` holds END; where that is."""
        searched = crumbs = 0
        while (end := self.rest.find(END, searched)) < 0:
            check_beginning(self.rest)
            searched = max(0, len(self.rest) - len(END))
            crumbs += 1
            if not self._read_crumb(crumbs, deadline):
                raise ConnectionResetError(errno.ECONNRESET, "the request ended in its head")
        return end

    def _read_crumb(self, number: int, deadline: float) -> bool:
        """Read, the `number`th time of one head or rest: late ones only once in a while."""
        if number > CRUMBS:
            gevent.sleep(CRUMB_SECONDS)
            if time.monotonic() >= deadline:
                raise TimeoutError("the client takes too long")
        return self._read(deadline)

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
                self.has_waited = True
                gevent.socket.wait_read(self.sock.fileno(), left, gone)
            else:
                self.rest += data
                return bool(data)
