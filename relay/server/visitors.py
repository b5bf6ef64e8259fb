"""Visitors: who asks, by address or by token; what each holds, and how fast it may ask.

An address says little of a person, but it is what a stranger cannot make more of. An IPv6 network of 64
bits counts as one, since that is what one customer gets (RFC 6177).
"""

import time
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

from relay.server.bounds import UNBOUNDED, Bounds
from relay.server.bucket import Bucket
from relay.server.common import Common
from relay.server.waiting import Waiting

#: The key under which a view finds the Visitor in the WSGI environ.
KEY = "relay.server.visitor"
#: Visitors that are remembered; those that hold nothing and spent nothing lately are forgotten first.
MAX_VISITORS = 100_000
#: Seconds' worth of requests, or of opens, that may come at once.
BURST_SECONDS = 4.0


class Visitor:
    """What one of them holds at the moment, what it has spent, and what it may."""

    __slots__ = (
        "address",
        "bounds",
        "commands",
        "connections",
        "guesses",
        "opens",
        "requests",
        "streams",
        "symbols",
        "waiting",
    )

    def __init__(self, address: str, bounds: Bounds = UNBOUNDED) -> None:
        #: As a person reads it; nothing for a peer on a Unix socket.
        self.address = address
        self.bounds = bounds
        #: Connections at the moment that are no streams.
        self.connections = 0
        #: Those of them that wait for the client; None where it has no connections.
        self.waiting: Waiting | None = None
        self.streams = 0
        #: Symbols that its streams name, each list that nobody named before it counted once.
        self.symbols = 0
        self.opens = Bucket()
        self.requests = Bucket()
        #: Wrong tokens and tickets.
        self.guesses = Bucket()
        #: What all its WebSockets may say; None until one of them does.
        self.commands: Common | None = None

    def is_idle(self, now: float) -> bool:
        """Whether nothing is lost where it is forgotten."""
        return (
            not self.connections
            and not self.streams
            and not self.symbols
            and self.opens.is_full(now)
            and self.requests.is_full(now)
            and self.guesses.is_full(now)
            and (self.commands is None or self.commands.is_full(now))
        )


class Visitors:
    """All visitors of a worker."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        is_proxy: Callable[[str], bool] = lambda _: False,
        bounds: Bounds = UNBOUNDED,
    ) -> None:
        """`clock()` is in seconds and never goes back. `is_proxy(address)`: it is that of a
        proxy, which has no limits for what it asks itself; all others have these `bounds`."""
        self._clock = clock
        self._is_proxy = is_proxy
        self._bounds = bounds
        self._known: dict[str, Visitor] = {}

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._known)

    def find(self, address: str) -> Visitor:
        """The visitor at an address: IPv4, IPv6, or whatever a trusted proxy says."""
        name = network(address)
        visitor = self._known.get(name)
        if visitor is None:
            self._forget_some()
            bounds = UNBOUNDED if self._is_proxy(address) else self._bounds
            visitor = self._known[name] = Visitor(name, bounds)
        return visitor

    def _forget_some(self) -> None:
        """Keep the number below MAX_VISITORS, by letting the idle ones go."""
        if len(self._known) < MAX_VISITORS:
            return
        now = self._clock()
        for name in [name for name, visitor in self._known.items() if visitor.is_idle(now)]:
            del self._known[name]


def network(address: str) -> str:
    """What counts as one address: IPv4 as it is, also where it is mapped into IPv6; else the /64."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{IPv6Address(int(found) >> 64 << 64)}/64"
