"""Resumer: a client that comes back with its last id, as browsers and programs do."""

import random
import re
import socket
import time
from contextlib import suppress

from bench.connection import Refused
from bench.drills.client import Client

#: An update, what follows, when to come back by the JSON or by the stream, and an id by either.
_SAID = re.compile(
    rb'"symbol":"([^"]+)","price":"([0-9.]+)"|"mode":"(\w+)"|"retry":(\d+)|^retry: (\d+)$'
    rb'|^id: (\S+)$|"id":"([^"]+)"',
    re.MULTILINE,
)
#: Milliseconds within which a WebSocket client comes back that was told nothing.
_UNTOLD_MILLISECONDS = (500, 2000)


class Resumer(Client):
    """One connection of somebody who holds prices, and the next one's beginning."""

    __slots__ = (
        "_is_event_stream",
        "_port",
        "_symbols",
        "is_sent_away",
        "mode",
        "refusal",
        "retry",
    )

    def __init__(
        self, port: int, symbols: tuple[str, ...], websocket: bool, before: "Resumer | None" = None
    ) -> None:
        """`before`: the connection that this one goes on from."""
        last = before.resume_id if before else b""
        query = "?symbols=" + ",".join(symbols)
        if websocket and last:
            query += f"&since={last.decode()}"
        super().__init__(port, websocket, query=query, resume_id=b"" if websocket else last)
        self._port = port
        self._symbols = symbols
        self._is_event_stream = not websocket
        self.resume_id = last
        #: What the first status said that follows: none, changes or full.
        self.mode = b""
        #: Milliseconds until it comes back.
        self.retry = random.randint(*_UNTOLD_MILLISECONDS)
        #: Whether a goodbye was said.
        self.is_sent_away = False
        #: The status line of an answer that was no stream.
        self.refusal = ""
        if before:
            self.prices, self.version = before.prices, before.version
            self.epochs, self.breaches = before.epochs, before.breaches

    @property
    def what(self) -> str:
        """What it is, and how far it came, in words."""
        kind = "an event stream" if self._is_event_stream else "a WebSocket"
        came = (
            "with prices" if self.delivered else "after its head" if self.opened else "unanswered"
        )
        return f"{kind} {came}"

    def again(self) -> "Resumer":
        """Comes back."""
        return Resumer(self._port, self._symbols, not self._is_event_stream, self)

    def lacks(self, truth: dict[bytes, bytes]) -> bool:
        """Whether it does not hold what is true of its symbols."""
        wanted = [symbol.encode() for symbol in self._symbols]
        return self.prices != {symbol: truth[symbol] for symbol in wanted}

    def take(self, data: bytes) -> None:
        """Takes what was read."""
        try:
            super().take(data)
        except Refused as refused:
            self.refusal = str(refused)

    def _count(self, data: bytes) -> None:
        data = self._tail + self._body.feed(data)
        end = data.rfind(b"}") + 1
        for symbol, price, mode, away, retry, stream_id, any_id in _SAID.findall(data, 0, end):
            if symbol:
                self.delivered += 1
                self._hold(symbol, price)
            elif mode:
                self._heed(mode)
            elif away:
                self.retry, self.is_sent_away = int(away), True
            elif retry:
                self.retry = int(retry)
            elif stream_id or not self._is_event_stream:
                self.resume_id = stream_id or any_id
                if stream_id:
                    self._follow(stream_id)
        self._tail = data[end:]
        if self.is_sent_away:
            # A proxy may keep the connection.
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def _heed(self, mode: bytes) -> None:
        if not self.mode:
            self.mode, self.opened = mode, time.monotonic()
        if mode == b"full":
            self._before, self.prices = self.prices, {}
