"""Loop: reads every connection of a drill, in one thread, while the drill waits for something."""

import select
import socket
import time
from collections.abc import Callable
from typing import Protocol

from bench.connection import READ_BYTES

#: A condition is looked at so often at most: looking may cost a round trip.
_LOOK_SECONDS = 0.005


class Reader(Protocol):
    """A connection that takes what comes."""

    sock: socket.socket

    def take(self, data: bytes) -> None:
        """Takes what was read."""


class Loop:
    """All readers of a drill."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._readers: dict[int, Reader] = {}
        #: Those whose other side has closed.
        self.closed: list[Reader] = []

    def add(self, reader: Reader) -> None:
        """From now on it is read."""
        reader.sock.setblocking(False)
        self._readers[reader.sock.fileno()] = reader
        self._poll.register(reader.sock, select.EPOLLIN)

    def run_until(self, is_over: Callable[[], bool], seconds: float) -> bool:
        """Reads until the condition holds; False if that takes longer than `seconds`."""
        deadline = time.monotonic() + seconds
        while not is_over():
            look = time.monotonic() + _LOOK_SECONDS
            if look > deadline:
                return False
            while (left := look - time.monotonic()) > 0:
                self._turn(left)
        return True

    def run_for(self, seconds: float) -> None:
        """Reads for so long."""
        self.run_until(lambda: False, seconds)

    def close(self) -> None:
        """Leaves."""
        for reader in self._readers.values():
            reader.sock.close()
        self._poll.close()

    def _turn(self, seconds: float) -> None:
        for fd, _ in self._poll.poll(seconds, 64):
            reader = self._readers[fd]
            try:
                data = reader.sock.recv(READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if data:
                reader.take(data)
                continue
            self.closed.append(reader)
            del self._readers[fd]
            reader.sock.close()
