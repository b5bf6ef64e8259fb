"""Proxies: whether there is one on the way to a host, as the environment says."""

import os
from collections.abc import Callable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib import request

from relay import url as urls
from relay.upstream import value_of

_PORTS = {"http": 80}
_SOCKS_PORT = 1080
# Its types do not know it.
_bypass: Callable[[str, Mapping[str, str]], bool] = request.proxy_bypass_environment  # type: ignore[attr-defined]


class Proxy(NamedTuple):
    """A server that passes connections on."""

    #: http, socks4, socks4a, socks5 or socks5h: those that end in a letter resolve names themselves, and so
    #: does http.
    scheme: str
    name: str
    port: int
    #: Empty where it wants none.
    user: str
    password: str

    @property
    def shown(self) -> str:
        """What anybody may read of it."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"{name}:{self.port}"


def proxy_for(
    name: str, port: int, *, secure: bool, environ: Mapping[str, str] = os.environ
) -> Proxy | None:
    """The proxy on the way to this host, if there is one. Loopback is always reached without.

    Raises ValueError for a proxy that makes no sense.
    """
    own = value_of("https_proxy" if secure else "http_proxy", environ)
    found = own or value_of("all_proxy", environ)
    if not found or _is_near(name, port, value_of("no_proxy", environ)):
        return None
    url = urls.read(found)
    host = urls.one_host(url)
    return Proxy(
        url.scheme,
        host.name,
        host.port or _PORTS.get(url.scheme, _SOCKS_PORT),
        url.user,
        url.password,
    )


def _is_near(name: str, port: int, no_proxy: str) -> bool:
    """Whether it is this machine, or among those that no_proxy names: names and what ends in them, hosts
    with a port, addresses, networks, or *."""
    if name == "localhost" or _bypass(f"{name}:{port}", {"no": no_proxy}):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or any(address in net for net in _networks(no_proxy))


def _networks(no_proxy: str) -> list[IPv4Network | IPv6Network]:
    networks: list[IPv4Network | IPv6Network] = []
    for one in no_proxy.split(","):
        try:
            networks.append(ip_network(one.strip(), strict=False))
        except ValueError:
            continue
    return networks
