"""Good: one well-behaved client, which knows what it was promised."""

import re
import socket
import time

from bench.attack.target import CROWD, HZ, bearer
from bench.connection import READ_BYTES
from bench.drills.client import Client


class Good(Client):
    """A stream of every price of the clock market: when each frame came, and whether any was left out."""

    __slots__ = ("_newest", "delays", "frames")

    def __init__(self, port: int, websocket: bool, source: str) -> None:
        super().__init__(port, websocket, source, (bearer(CROWD),))
        #: Seconds from the exchange to here, one for each frame of the exchange's; and those frames.
        self.delays: list[float] = []
        self.frames: list[float] = []
        self._newest = b""

    def begin(self) -> None:
        """From here on it counts."""
        self.delays, self.frames = [], []

    def delays_until(self, now: float, began: float) -> list[float]:
        """The delays of all frames since `began`; one that is due and has not come is that late at least."""
        late = now - (self.frames[-1] if self.frames else began)
        return self.delays + [late - turn / HZ for turn in range(1, int(late * HZ))]

    def _hold(self, symbol: bytes, price: bytes) -> None:
        if price != self._newest:
            self._newest = price
            at = float(price)
            if not self.frames or at > self.frames[-1]:
                self.frames.append(at)
                self.delays.append(time.monotonic() - at)
        super()._hold(symbol, price)


class Asker:
    """Asks for one path again and again, each time on a connection of its own, and notes how long it took."""

    def __init__(self, port: int, path: str, source: str, every: float) -> None:
        self._port = port
        self._source = source
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{bearer(CROWD)}\r\n"
            "Connection: close\r\n\r\n"
        ).encode()
        self._every = every
        self.sock: socket.socket | None = None
        #: When it asks next, and when it asked last, by the monotonic clock.
        self.due = time.monotonic()
        self._asked = 0.0
        self._is_sent = False
        #: Seconds, one for each answer; and answers other than 200, or none.
        self.took: list[float] = []
        self.failures: list[str] = []
        self._head = b""

    def begin(self) -> None:
        """From here on it counts."""
        self.took, self.failures = [], []

    def ask(self) -> socket.socket:
        """Connects; give what happens on the socket to `go_on`."""
        self.sock = socket.socket()
        self.sock.setblocking(False)
        self.sock.bind((self._source, 0))
        self._asked = time.monotonic()
        self.due = max(self.due + self._every, self._asked)
        self._is_sent, self._head = False, b""
        self.sock.connect_ex(("127.0.0.1", self._port))
        return self.sock

    def go_on(self) -> bool:
        """Sends, or reads; False once it is over."""
        assert self.sock is not None  # noqa: S101 - for whoever reads it
        try:
            if not self._is_sent:
                self.sock.send(self._request)
                self._is_sent = True
                return True
            data = self.sock.recv(READ_BYTES)
        except BlockingIOError:
            return True
        except OSError:
            data = b""
        self._head = self._head or data
        if data:
            return True
        self.took.append(time.monotonic() - self._asked)
        found = re.match(rb"HTTP/1.1 (\d+)", self._head)
        if found is None or found[1] != b"200":
            self.failures.append(found[1].decode() if found else "no answer")
        self.sock.close()
        self.sock = None
        return False

    def waiting(self, now: float) -> float:
        """Seconds for which it has waited for an answer that has not come."""
        return now - self._asked if self.sock is not None else 0.0
