"""Wiretap: a subscription to one Redis channel, without a client library's own cost."""

import socket
import time
from collections.abc import Callable

import hiredis

_CONNECT_SECONDS = 5.0


class Wiretap:
    """Passes each message on, with the monotonic time at which it was read."""

    def __init__(self, port: int, channel: str, hear: Callable[[float, bytes], None]) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), _CONNECT_SECONDS)
        self.sock.sendall(b"SUBSCRIBE %b\r\n" % channel.encode())
        self._hear = hear
        self._replies = hiredis.Reader()

    def take(self, data: bytes) -> None:
        """Takes what was read."""
        now = time.monotonic()
        self._replies.feed(data)
        while (reply := self._replies.gets()) is not False:
            if reply[0] == b"message":
                self._hear(now, reply[2])
