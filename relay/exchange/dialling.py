"""Dialling: a TCP connection to whichever address of a name answers first (RFC 8305).

A name has several addresses, and some of them may hang: IPv6 that leads nowhere is common. Each has a short
start before the next one, which does not wait for it to fail.
"""

from itertools import zip_longest
from typing import Any, NamedTuple

import gevent
from gevent import socket
from gevent.queue import Empty, Queue

#: Seconds that an address has before the next one is tried as well (RFC 8305, section 8).
HEAD_START_SECONDS = 0.25
#: Addresses of a name that are tried at most.
MAX_ADDRESSES = 16


class _Address(NamedTuple):
    family: int
    place: Any


class _Race:
    """Attempts that run at the same time."""

    def __init__(self) -> None:
        self._heard: Queue[Any] = Queue()
        self._attempts: list[gevent.Greenlet[..., None]] = []

    def start(self, address: _Address) -> None:
        self._attempts.append(gevent.spawn(self._attempt, address))

    def next(self, seconds: float | None) -> Any:
        """A socket, or the OSError of one that failed; None where neither comes within so many seconds."""
        try:
            return self._heard.get(timeout=seconds)
        except Empty:
            return None

    def end(self) -> None:
        """Ends those that still run; closes what came too late."""
        gevent.killall(self._attempts)
        while not self._heard.empty():
            late = self._heard.get()
            if not isinstance(late, OSError):
                late.close()

    def _attempt(self, address: _Address) -> None:
        sock = None
        try:
            sock = socket.socket(address.family, socket.SOCK_STREAM)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            sock.connect(address.place)
        except BaseException as error:
            if sock is not None:
                sock.close()
            # Whatever the kernel calls it: another address may do.
            if not isinstance(error, OSError):
                raise
            self._heard.put(error)
        else:
            self._heard.put(sock)


def dial(name: str, port: int) -> Any:
    """A connected socket of gevent's, without a time-out.

    Raises OSError: what the first address that failed said. It may wait for ever: the deadline is the
    caller's.
    """
    left, running, failure = _addresses(name, port), 0, None
    race = _Race()
    try:
        while left or running:
            if left:
                race.start(left.pop(0))
                running += 1
            heard = race.next(HEAD_START_SECONDS if left else None)
            if heard is None:
                continue
            running -= 1
            if not isinstance(heard, OSError):
                return heard
            failure = failure or heard
    finally:
        race.end()
    raise failure or OSError("its name has no address")


def _addresses(name: str, port: int) -> list[_Address]:
    """In the order of the resolver, but each family in turn, so that one that leads nowhere costs little."""
    try:
        found = socket.getaddrinfo(name, port, 0, socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("its name is none") from error
    addresses = list(dict.fromkeys(_Address(family, place) for family, *_, place in found))
    first = [one for one in addresses if one.family == addresses[0].family]
    others = [one for one in addresses if one.family != addresses[0].family]
    mixed = [one for pair in zip_longest(first, others) for one in pair if one is not None]
    return mixed[:MAX_ADDRESSES]
