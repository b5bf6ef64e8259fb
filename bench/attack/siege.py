"""Siege: an attacker's connections, and the loop that drives them."""

import math
import re
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bench.attack.tally import Tally
from bench.connection import READ_BYTES

#: Connections that are begun in one turn, and opens a second where each that ends is opened again.
_CONNECTS_PER_TURN = 50
_AGAIN_PER_SECOND, _AGAIN_AT_ONCE = 400.0, 100.0
_TURN_SECONDS = 0.005
#: Bytes of an answer's beginning and end that are kept.
_KEPT = 400
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
_CLOSE = re.compile(rb"\x88[\x02-\x7d]([\x03\x0b-\x13].)", re.DOTALL)


@dataclass(frozen=True)
class Recipe:
    """How one connection of an attacker's behaves."""

    source: str
    #: What it says first.
    said: bytes
    #: What it goes on saying, each `every` seconds; as fast as that is taken where `every` is 0.
    drip: Callable[[], Iterator[bytes]]
    every: float
    #: Whether it reads what it is answered.
    reads: bool
    #: Bytes of its receive buffer; 0 leaves that to the kernel.
    window: int
    #: Whether it is opened again where it ends.
    again: bool
    #: Seconds from connecting until it leaves by itself.
    leaves: float = math.inf
    #: Whether it ends its half of the connection behind what it says first.
    ends: bool = False
    #: Whether it resets the connection behind what it says first.
    resets: bool = False


class Hostile:
    """One connection of an attacker's."""

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.sock = socket.socket()
        self.sock.setblocking(False)
        if recipe.window:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, recipe.window)
        self.sock.bind((recipe.source, 0))
        self.began = time.monotonic()
        self.unsent = memoryview(recipe.said)
        self.drip = recipe.drip()
        self.due = self.began + recipe.every
        self.is_connected = False
        self.has_ended = False
        self.first = b""
        self.last = b""

    @property
    def answer(self) -> str:
        """How it was answered, in a word or three."""
        found = _STATUS.match(self.first)
        parts = [found[1].decode() if found else "no answer" if not self.first else "rubbish"]
        for event in (b"bye", b"error"):
            if b'"event":"%b"' % event in self.first + self.last:
                parts.append(event.decode())
        closed = _CLOSE.search(self.last)
        if closed:
            parts.append(f"close {int.from_bytes(closed[1], 'big')}")
        return " ".join(parts)


class Siege:
    """All connections of one attacker."""

    def __init__(self, port: int, tally: Tally) -> None:
        self._port = port
        self._tally = tally
        self._poll = select.epoll()
        self._open: dict[int, Hostile] = {}
        #: Those that are still to be opened, for the first time or again.
        self._new: deque[Recipe] = deque()
        self._again: deque[Recipe] = deque()
        self._credit = 0.0
        self._looked = time.monotonic()

    def add(self, recipes: Iterable[Recipe]) -> None:
        """They are opened as soon as it runs."""
        self._new.extend(recipes)

    def run(self, deadline: float) -> None:
        """Until the deadline, by the monotonic clock, or until nothing is left to do."""
        while time.monotonic() < deadline and (self._new or self._again or self._open):
            self._connect_some()
            self._speak()
            self._turn(_TURN_SECONDS)
        for hostile in list(self._open.values()):
            self._tally.left_open += 1
            self._end(hostile)

    def _connect_some(self) -> None:
        now = time.monotonic()
        self._credit = min(self._credit + (now - self._looked) * _AGAIN_PER_SECOND, _AGAIN_AT_ONCE)
        self._looked = now
        for _ in range(min(len(self._new), _CONNECTS_PER_TURN)):
            self._connect(self._new.popleft())
        while self._again and self._credit >= 1:
            self._credit -= 1
            self._connect(self._again.popleft())

    def _connect(self, recipe: Recipe) -> None:
        hostile = Hostile(recipe)
        hostile.sock.connect_ex(("127.0.0.1", self._port))
        self._tally.opened += 1
        self._open[hostile.sock.fileno()] = hostile
        self._poll.register(hostile.sock, select.EPOLLOUT)

    def _speak(self) -> None:
        now = time.monotonic()
        for hostile in list(self._open.values()):
            if now - hostile.began >= hostile.recipe.leaves:
                self._leave(hostile)
            elif hostile.is_connected and hostile.due <= now and not hostile.unsent:
                said = next(hostile.drip, None)
                hostile.due = now + hostile.recipe.every if said else math.inf
                hostile.unsent = memoryview(said or b"")
                self._send(hostile)

    def _turn(self, seconds: float) -> None:
        for fd, events in self._poll.poll(seconds, 512):
            hostile = self._open[fd]
            if events & select.EPOLLOUT and not events & select.EPOLLERR:
                hostile.is_connected = True
                self._send(hostile)
            else:
                self._receive(hostile)

    def _send(self, hostile: Hostile) -> None:
        try:
            while hostile.unsent:
                sent = hostile.sock.send(hostile.unsent)
                self._tally.sent += sent
                hostile.unsent = hostile.unsent[sent:]
        except BlockingIOError:
            pass
        except OSError:
            self._receive(hostile)
            return
        if not hostile.unsent and hostile.recipe.ends and not hostile.has_ended:
            hostile.has_ended = True
            hostile.sock.shutdown(socket.SHUT_WR)
        if not hostile.unsent and hostile.recipe.resets:
            hostile.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._leave(hostile)
            return
        wanted = select.EPOLLIN if hostile.recipe.reads else 0
        self._poll.modify(hostile.sock, wanted | (select.EPOLLOUT if hostile.unsent else 0))

    def _receive(self, hostile: Hostile) -> None:
        try:
            data = hostile.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._tally.received += len(data)
            if len(hostile.first) < _KEPT:
                hostile.first = (hostile.first + data)[:_KEPT]
            hostile.last = (hostile.last + data)[-_KEPT:]
            return
        if hostile.is_connected:
            self._tally.cut.append(time.monotonic() - hostile.began)
        self._leave(hostile)

    def _leave(self, hostile: Hostile) -> None:
        """It is over; perhaps it comes again."""
        if hostile.recipe.again:
            self._again.append(hostile.recipe)
        self._end(hostile)

    def _end(self, hostile: Hostile) -> None:
        del self._open[hostile.sock.fileno()]
        hostile.sock.close()
        if hostile.is_connected:
            self._tally.answers[hostile.answer] += 1
        else:
            self._tally.refused += 1
