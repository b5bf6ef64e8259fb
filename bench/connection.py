"""Connection: one client of the load generator, from its request to its figures."""

import re
import socket
import time
from array import array

from bench.body import Body

#: What stands once in every delivered price.
NEEDLE = b'"price":"'
_PRICE = re.compile(rb'"price":"([0-9.]+)"')
_ID = re.compile(rb"^id: (\S+)$", re.MULTILINE)
#: So much of a needle may have come without the rest.
_PARTIAL = len(NEEDLE) - 1
_HEAD_ENDS = b"\r\n\r\n"
#: Bytes asked of a socket at a time.
READ_BYTES = 1 << 16
#: No price object is longer; what is kept of an unfinished one.
_LONGEST = 256


class Refused(Exception):
    """The server did not answer with a stream; the text is its status line."""


class Connection:
    """Counts what comes. Subclasses look closer, at the cost of more CPU time."""

    __slots__ = ("_head", "_tail", "began", "delivered", "opened", "received", "resume_id", "sock")

    #: Bytes the kernel may hold unread; 0 leaves it to the kernel.
    receive_buffer = 0

    def __init__(self, port: int, source: str = "") -> None:
        """`source`: the address to connect from; the kernel's choice where there is none."""
        self.sock = socket.socket()
        self.sock.setblocking(False)
        if self.receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        #: Monotonic seconds: when connecting began, and when the response's head had come; 0 until then.
        self.began = time.monotonic()
        self.opened = 0.0
        #: Bytes as they came over the wire, and prices among them.
        self.received = 0
        self.delivered = 0
        #: Where to resume from; nothing until that is known.
        self.resume_id = b""
        self._head = b""
        self._tail = b""
        if source:
            self.sock.bind((source, 0))
        self.sock.connect_ex(("127.0.0.1", port))

    def take(self, data: bytes) -> None:
        """Takes what was read. Raises Refused."""
        self.received += len(data)
        if self.opened:
            self._count(data)
            return
        self._head += data
        head, end, rest = self._head.partition(_HEAD_ENDS)
        if end:
            if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 101")):
                raise Refused(head.split(b"\r\n")[0].decode(errors="replace"))
            self.opened = time.monotonic()
            self._head = b""
            self._begin(head)
            self._count(rest)

    def reset(self) -> None:
        """From here on it counts."""
        self.received = self.delivered = 0

    def _begin(self, head: bytes) -> None:
        """The response's head has come."""

    def _count(self, data: bytes) -> None:
        data = self._tail + data
        self.delivered += data.count(NEEDLE)
        self._tail = data[-_PARTIAL:]


class Sample(Connection):
    """Reads every price as the sender's monotonic clock: how long was it under way?"""

    __slots__ = ("_body", "latencies")

    def __init__(self, port: int) -> None:
        super().__init__(port)
        #: Seconds, one for each price.
        self.latencies = array("d")

    def reset(self) -> None:
        super().reset()
        self.latencies = array("d")

    def _begin(self, head: bytes) -> None:
        self._body = Body(head)

    def _count(self, data: bytes) -> None:
        now = time.monotonic()
        data = self._tail + self._body.feed(data)
        end = data.rfind(b"}") + 1
        prices = _PRICE.findall(data, 0, end)
        self.delivered += len(prices)
        self.latencies.extend([now - float(price) for price in prices])
        self._tail = data[end:][-_LONGEST:]


class Returner(Connection):
    """Remembers the id that it would resume from. It counts as open when its first event comes."""

    __slots__ = ("_has_events",)

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self._has_events = False

    def _count(self, data: bytes) -> None:
        if data and not self._has_events:
            self._has_events = True
            self.opened = time.monotonic()
        data = self._tail + data
        end = data.rfind(b"\n") + 1
        self.delivered += data.count(NEEDLE, 0, end)
        ids = _ID.findall(data, 0, end)
        if ids:
            self.resume_id = ids[-1]
        self._tail = data[end:][-_LONGEST:]


class Stalled(Connection):
    """Sends its request and never reads again."""

    __slots__ = ()

    receive_buffer = 4096
