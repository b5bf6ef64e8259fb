"""Way: a connection to the exchange, for stream and REST alike: every address, proxies, TLS."""

from functools import cache
from typing import Any

import gevent
from gevent import ssl

from relay.exchange.dialling import dial
from relay.exchange.proxies import Proxy, proxy_for
from relay.exchange.tunnel import silent, tunnel

#: The part of the caller's time that a proxy has: it is the culprit then, not the exchange.
_PROXYS_SHARE = 0.8


def connect(name: str, port: int, *, secure: bool, seconds: float) -> Any:
    """A socket of gevent's that stands, with a time-out of so many seconds for each wait.

    Raises OSError or ValueError. The deadline for all of it is the caller's, in as many seconds.
    """
    proxy = proxy_for(name, port, secure=secure)
    sock = dial(name, port) if proxy is None else _through(proxy, name, port, seconds)
    try:
        sock.settimeout(seconds)
        return trust().wrap_socket(sock, server_hostname=name) if secure else sock
    except BaseException:
        sock.close()
        raise


@cache
def trust() -> ssl.SSLContext:
    """Whom we trust: the system's authorities, or those in SSL_CERT_FILE. One for all: to read every
    authority's certificate takes 25 ms of everybody's time."""
    return ssl.create_default_context()


def _through(proxy: Proxy, name: str, port: int, seconds: float) -> Any:
    deadline = gevent.Timeout(seconds * _PROXYS_SHARE)
    try:
        with deadline:
            return tunnel(proxy, name, port)
    except gevent.Timeout as late:
        if late is not deadline:
            raise
        raise silent(proxy) from None
