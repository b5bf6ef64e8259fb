"""Waiting: the connections that wait for their clients, and which of them is given up first."""

import _socket
import math
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

#: The key under which a view finds Connection.gives_way in the WSGI environ.
KEY = "relay.server.waiting"
#: Seconds without a byte taken of an answer until its connection may be given up for others.
UNREAD_SECONDS = 1.0
#: Bytes of all answers together that wait for clients to read; above that each new one has another given up.
MAX_UNREAD_BYTES = 64 << 20

#: Connections that wait, and since when, by the clock; the longest first.
Since = dict[_socket.socket, float]


class Waiting:
    """Each connection that waits, by what it waits for."""

    __slots__ = ("begun", "clock", "first", "holders", "idle", "polls", "unread", "unread_bytes")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock()` is in seconds and never goes back."""
        #: They wait for their first request.
        self.first: Since = {}
        #: They have had an answer, and wait for another request.
        self.idle: Since = {}
        #: They wait for the rest of a head, or for the client's end after an answer.
        self.begun: Since = {}
        #: They wait for the client to read.
        self.unread: Since = {}
        #: What is left of their answers; bytes that several share are counted for each.
        self.unread_bytes = 0
        #: The same by address, where these are of many: those of each that wait, and their bytes.
        self.holders: dict[Waiting, int] = {}
        #: Their requests wait for news, and since when: each an end of that, which has it answered.
        self.polls: dict[Callable[[], None], float] = {}
        self.clock = clock

    def give_up_one(self, least: float = 0.0) -> bool:
        """End the connection that others miss least; False where none may be ended.

        First those without a request, then those with half of one, then those whose answer nobody reads,
        then those whose request waits for news: it is answered.
        Only one that has waited for `least` seconds, and an unread answer for UNREAD_SECONDS.
        """
        now = self.clock()
        for waiting in (*self._without_request(), self.begun):
            for sock, since in waiting.items():
                if now - since < least:
                    break
                del waiting[sock]
                _end(sock, socket.SHUT_RD)
                return True
        if self.give_up_unread(least):
            return True
        for answer, since in self.polls.items():
            if now - since < least:
                break
            del self.polls[answer]
            answer()
            return True
        return False

    def give_up_unread(self, least: float = 0.0) -> bool:
        """End the connection whose answer nobody has read for longest; False where none may be ended.

        Of the addresses that have such, the one with most bytes pays: others may have paused for a moment.
        """
        until = self.clock() - max(least, UNREAD_SECONDS)
        payers = [holder for holder in self.holders if holder._unread_since() <= until]
        payer = max(payers, key=self.holders.__getitem__, default=self)
        if payer._unread_since() > until:
            return False
        sock = next(iter(payer.unread))
        del payer.unread[sock]
        self.unread.pop(sock, None)
        _end(sock, socket.SHUT_RDWR)
        return True

    def _unread_since(self) -> float:
        """Since when the longest unread answer is; for ever to come where there is none."""
        return next(iter(self.unread.values()), math.inf)

    def end_between_requests(self) -> None:
        """End those that have had an answer and wait for another request."""
        _end_all(self.idle)

    def end_unheard(self) -> None:
        """End those whose request has not come, or not all of it."""
        _end_all([*self.first, *self.idle, *self.begun])

    def _without_request(self) -> tuple[Since, Since]:
        """Those that wait for a first request and those that wait for another; the longest first."""
        first, idle = self.first, self.idle
        if first and idle and next(iter(idle.values())) < next(iter(first.values())):
            return idle, first
        return first, idle


def _end_all(socks: Iterable[_socket.socket]) -> None:
    for sock in socks:
        _end(sock, socket.SHUT_RD)


def _end(sock: _socket.socket, how: int) -> None:
    """Let whoever waits for it see the end."""
    with suppress(OSError):
        sock.shutdown(how)
