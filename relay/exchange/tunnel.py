"""Tunnel: a connection through a proxy. Nobody else in the house imports python-socks."""

from base64 import b64encode
from typing import Any, cast

from python_socks import ProxyError, ProxyType
from python_socks.sync import Proxy as SocksProxy

from relay.exchange.dialling import dial
from relay.exchange.failure import said
from relay.exchange.proxies import Proxy

#: Bytes of a proxy's answer, which ends with its headers.
MAX_HEAD_BYTES = 64 << 10

_SOCKS = {
    "socks4": (ProxyType.SOCKS4, False),
    "socks4a": (ProxyType.SOCKS4, True),
    "socks5": (ProxyType.SOCKS5, False),
    "socks5h": (ProxyType.SOCKS5, True),
}


class TunnelError(OSError):
    """The proxy is to blame; the text names it, without user and password."""


def silent(proxy: Proxy) -> TunnelError:
    """What is said of one that let a deadline pass, whether ours or the kernel's."""
    return TunnelError(f"the proxy {proxy.shown} does not answer")


def tunnel(proxy: Proxy, name: str, port: int) -> Any:
    """A socket that leads through the proxy to the host. Raises TunnelError."""
    try:
        sock = dial(proxy.name, proxy.port)
    except TimeoutError as late:
        raise silent(proxy) from late
    except OSError as error:
        raise TunnelError(f"the proxy {proxy.shown} cannot be reached: {said(error)}") from error
    try:
        if proxy.scheme in _SOCKS:
            _ask_socks(proxy, sock, name, port)
        else:
            _ask_http(proxy, sock, name, port)
    except TunnelError:
        sock.close()
        raise
    except TimeoutError as late:
        sock.close()
        raise silent(proxy) from late
    except (OSError, ProxyError, ValueError) as error:
        sock.close()
        raise TunnelError(f"the proxy {proxy.shown} says: {said(error)}") from error
    except BaseException:
        sock.close()
        raise
    return sock


class _Dialled:
    """Stands in python-socks' chain of proxies where the connection to the first of them comes from."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def connect(self, **_: object) -> Any:
        """The connection that there is already."""
        return self._sock


def _ask_socks(proxy: Proxy, sock: Any, name: str, port: int) -> None:
    kind, resolves = _SOCKS[proxy.scheme]
    way = SocksProxy(
        kind,
        proxy.name,
        proxy.port,
        proxy.user or None,
        # With a user and no password at all it fails in ways of its own.
        proxy.password if proxy.user else None,
        rdns=resolves,
        forward=cast(SocksProxy, _Dialled(sock)),
    )
    way.connect(name, port)


def _ask_http(proxy: Proxy, sock: Any, name: str, port: int) -> None:
    """RFC 9110, 9.3.6. python-socks takes the first bytes that come for the whole answer."""
    host = f"[{name}]:{port}" if ":" in name else f"{name}:{port}"
    lines = [f"CONNECT {host} HTTP/1.1", f"Host: {host}", "User-Agent: relay"]
    if proxy.user or proxy.password:
        account = b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {account}")
    sock.sendall("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
    head = _head(sock)
    version, _, rest = head.partition(b" ")
    status = rest[:3].decode("latin-1")
    if not version.startswith(b"HTTP/") or not (status.isascii() and status.isdecimal()):
        raise TunnelError(f"the proxy {proxy.shown} speaks no HTTP")
    if status == "407":
        raise TunnelError(f"the proxy {proxy.shown} wants another user or password (407)")
    if status[0] != "2":
        raise TunnelError(f"the proxy {proxy.shown} refuses the way to {host} with HTTP {status}")


def _head(sock: Any) -> bytes:
    """All up to the empty line. The host says nothing before it is spoken to."""
    head = b""
    while b"\r\n\r\n" not in head:
        data = sock.recv(4096)
        if not data:
            raise OSError("it closed the connection")
        head += data
        if len(head) > MAX_HEAD_BYTES:
            raise OSError("an answer without end")
    return head
