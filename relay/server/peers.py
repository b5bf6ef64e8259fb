"""Peers: who is at the other end of the connections that are no streams, and how many each address has.

An address that has all it may gets another one in exchange for its own that has waited longest. So where
many people share an address, one of them who only holds connections shuts nobody out.
"""

import logging
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from relay.complaint import Complaint
from relay.server.forwarded import Proxies
from relay.server.visitors import Visitor, Visitors
from relay.server.waiting import Waiting

log = logging.getLogger("geventwebsocket")

#: Seconds that a connection has waited at least before it gives way to another one of its address. So an
#: address that opens them without end costs little: most are closed as soon as they are accepted.
GIVE_WAY_SECONDS = 0.5


class Peer(NamedTuple):
    """The other end of a connection."""

    #: Its IP address; nothing on a Unix socket.
    address: str
    port: str
    #: Whether it is a proxy whose word on who asks counts.
    is_trusted: bool
    #: Who is behind it, unless it is a proxy that speaks for somebody else.
    visitor: Visitor


class Peers:
    """Counts connections by the peer's address. A trusted proxy has no bound but that of the worker."""

    def __init__(
        self,
        visitors: Visitors,
        proxies: Proxies,
        most: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`most` connections at a time for each address; 0 is no limit. `clock()` is in seconds and never
        goes back."""
        self._clock = clock
        self._visitors = visitors
        self._proxies = proxies
        self._most = most
        self._refusals = Complaint(log, clock)

    @property
    def refused(self) -> int:
        """How many connections were closed as soon as they were accepted."""
        return self._refusals.times

    def enter(self, address: Any) -> Peer | None:
        """A connection was accepted from there: who that is, or None where it has too many already.

        `address` is what accept(2) says. Where it gives a Peer, `leave` must follow.
        """
        host, port = (address[0], str(address[1])) if isinstance(address, tuple) else ("", "")
        visitor = self._visitors.find(host)
        is_trusted = self._proxies.trusts(host)
        if not self._has_room(visitor, is_trusted=is_trusted):
            waiting = visitor.waiting
            if waiting is None or not waiting.give_up_one(GIVE_WAY_SECONDS):
                self._refusals.make(
                    "refused a connection from %s, which has %d that are no streams "
                    "(ADDRESS_CONNECTIONS; behind a proxy set FORWARDED_ALLOW_IPS)",
                    visitor.address,
                    visitor.connections,
                )
                return None
        visitor.connections += 1
        if visitor.waiting is None:
            visitor.waiting = Waiting(self._clock)
        return Peer(host, port, is_trusted, visitor)

    def has_room(self, peer: Peer) -> bool:
        """Whether its address may have one more connection."""
        return self._has_room(peer.visitor, is_trusted=peer.is_trusted)

    def _has_room(self, visitor: Visitor, *, is_trusted: bool) -> bool:
        return is_trusted or not self._most or visitor.connections < self._most

    def leave(self, peer: Peer) -> None:
        """Its connection is closed, or has become a stream."""
        visitor = peer.visitor
        visitor.connections -= 1
        if not visitor.connections:
            visitor.waiting = None
