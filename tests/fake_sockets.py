"""WebSockets to an exchange that are none: for what a feed does in this process, without waiting."""

import json

import pytest
from gevent.queue import SimpleQueue

from relay.exchange import frame_limits

TEXT = 1


class FakeSocket:
    """One connection. What a test puts into `said` comes: a message, or an error."""

    def __init__(self, headers: dict[str, str]) -> None:
        self.said: SimpleQueue[str | bytes | Exception] = SimpleQueue()
        self.sent: list[bytes] = []
        self.closed = False
        self._headers = headers

    def tick(self, time: int = 1, **prices: str) -> None:
        """A frame of the whole market."""
        day = {"o": "1", "h": "9", "l": "0.5", "v": "10", "q": "20"}
        frame = [
            {"e": "24hrMiniTicker", "E": time, "s": symbol, "c": price} | day
            for symbol, price in prices.items()
        ]
        self.said.put(json.dumps(frame))

    def recv_data(self) -> tuple[int, bytes]:
        said = self.said.get()
        if isinstance(said, Exception):
            raise said
        return TEXT, said.encode() if isinstance(said, str) else said

    def getheaders(self) -> dict[str, str]:
        return self._headers

    def send(self, payload: bytes) -> int:
        self.sent.append(payload)
        return len(payload)

    def shutdown(self) -> None:
        self.closed = True


class FakeSockets:
    """Every connection that is made, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        #: The answer to the next handshakes has these headers.
        self.headers: dict[str, str] = {}
        self._made: SimpleQueue[tuple[str, FakeSocket]] = SimpleQueue()
        monkeypatch.setattr(frame_limits, "connect", self._connect)

    def next(self) -> tuple[str, FakeSocket]:
        """The next connection: where to, and the socket."""
        return self._made.get(timeout=20)

    def _connect(self, url: str, _: float) -> FakeSocket:
        socket = FakeSocket(self.headers)
        self._made.put((url, socket))
        return socket
