"""Waiting: the connections of a worker that wait for their clients, and which of them is given up first."""

import _socket
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

#: Seconds without a byte taken of an answer until its connection may be given up for others.
UNREAD_SECONDS = 1.0


class Waiting:
    """Each connection that waits, by what it waits for; the longest first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock()` is in seconds and never goes back."""
        #: They wait for a request; and whether for their first one.
        self.idle: dict[_socket.socket, bool] = {}
        #: They wait for the rest of a head, or for the client's end after an answer.
        self.begun: dict[_socket.socket, None] = {}
        #: They wait for the client to read; and since when, by the clock.
        self.unread: dict[_socket.socket, float] = {}
        self.clock = clock

    def give_up_one(self) -> bool:
        """End the connection that others miss least; False where none may be ended.

        First those without a request, then those with half of one, then those whose answer nobody reads.
        """
        for waiting in (self.idle, self.begun):
            for sock in waiting:
                del waiting[sock]
                _end(sock, socket.SHUT_RD)
                return True
        for sock, since in self.unread.items():
            if self.clock() - since < UNREAD_SECONDS:
                break
            del self.unread[sock]
            _end(sock, socket.SHUT_RDWR)
            return True
        return False

    def end_between_requests(self) -> None:
        """End those that have had an answer and wait for another request."""
        _end_all(sock for sock, is_first in self.idle.items() if not is_first)

    def end_unheard(self) -> None:
        """End those whose request has not come, or not all of it."""
        _end_all([*self.idle, *self.begun])


def _end_all(socks: Iterable[_socket.socket]) -> None:
    for sock in socks:
        _end(sock, socket.SHUT_RD)


def _end(sock: _socket.socket, how: int) -> None:
    """Let whoever waits for it see the end."""
    with suppress(OSError):
        sock.shutdown(how)
