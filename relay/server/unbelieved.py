"""Unbelieved: a proxy that says whom it asks for, and that nobody has named in FORWARDED_ALLOW_IPS.

All that it serves share the limits of one address then, and whoever runs the relay hears of it from angry
people. So it is said in the log as soon as there are many of them.
"""

import logging
import time
from collections.abc import Callable
from ipaddress import ip_address

from relay.complaint import Complaint
from relay.server.peers import Peer

log = logging.getLogger("geventwebsocket")

#: Streams of one address from which on it is taken for a proxy. A stranger may send the header as well.
MANY_STREAMS = 10


class Unbelieved:
    """Looks at who says that it asks for somebody else."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._complaint = Complaint(log, clock)

    def note(self, peer: Peer) -> None:
        """A peer that is not trusted has sent an X-Forwarded-For. Only one of a private network, where
        proxies are, can be meant."""
        if peer.visitor.streams >= MANY_STREAMS and _is_private(peer.address):
            self._complaint.make(
                "%s has %d streams, and sends an X-Forwarded-For that is not believed: if it is your proxy, "
                "name it in FORWARDED_ALLOW_IPS, or all behind it share the limits of one address",
                peer.address,
                peer.visitor.streams,
            )


def _is_private(address: str) -> bool:
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return (getattr(found, "ipv4_mapped", None) or found).is_private
