"""Forwarded: who is behind a proxy, as far as the proxy is trusted.

X-Forwarded-For is a list to which each proxy adds whom it heard. Only what a trusted proxy added counts: so
it is read from its end, and the first address that is no trusted proxy's is the client's.
"""

from collections.abc import Collection
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


class Proxies:
    """Which peers are proxies whose word counts: FORWARDED_ALLOW_IPS."""

    def __init__(self, trusted: Collection[str]) -> None:
        """Addresses, networks (`10.0.0.0/8`), or "*" for everybody. Raises ValueError."""
        self._everybody = "*" in trusted
        self._networks: list[Network] = [ip_network(one) for one in trusted if one != "*"]

    def trusts(self, address: str) -> bool:
        """Whether its word counts. A peer on a Unix socket has no address, and is trusted: only this
        machine has it."""
        return self._everybody or self.names(address)

    def names(self, address: str) -> bool:
        """Whether it is trusted because it is named, or has none: not because everybody is."""
        if not address:
            return True
        try:
            found = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None)
        return any((mapped or found) in network for network in self._networks)

    def client(self, peer: str, forwarded_for: str) -> str:
        """The client's address: the peer's own, unless that is a trusted proxy that says whom it heard."""
        address = peer
        for said in reversed(forwarded_for.split(",")):
            if not self.trusts(address):
                break
            heard = _address(said)
            if not heard:
                break
            address = heard
        return address


def scheme(forwarded_proto: str) -> str:
    """How the client spoke to the first trusted proxy: "https", or "http" where that does not say so."""
    return "https" if forwarded_proto.rpartition(",")[2].strip(" \t").lower() == "https" else "http"


def _address(text: str) -> str:
    """An address as proxies write it, with or without a port; nothing where it is none."""
    text = text.strip(" \t")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        # A zone (RFC 4007) means nothing here, and may be as long as somebody likes.
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return ""
