"""Machine: whether the address is free, and what this process may open."""

import socket
from collections.abc import Iterator

from relay.check.finding import Finding, doubtful, fine, wrong
from relay.config import Config
from relay.descriptors import CONNECTIONS, Share, raise_limit, share


def look(config: Config) -> Iterator[Finding]:
    """The listening address and the file limit."""
    yield _address(config.host, config.port)
    yield _descriptors(config.max_clients)


def _address(host: str, port: int) -> Finding:
    try:
        family, kind, number, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        return wrong(f"HOST: {host[:80]!r} is no address of this machine (conda sets HOST)")
    try:
        with socket.socket(family, kind, number) as sock:
            # As gunicorn does: what lingers of an earlier server is no hindrance.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(address)
    except OSError as error:
        return wrong(f"HOST, PORT: cannot listen on {host} port {port}: {error.strerror}")
    return fine(f"HOST, PORT: {host} port {port} is free")


def _descriptors(streams: int) -> Finding:
    limit = raise_limit()
    fitting = share(limit, Share(CONNECTIONS, streams))
    if fitting.streams < streams:
        return doubtful(
            f"{limit} open files are allowed (ulimit -n): "
            f"a worker serves {fitting.streams} streams, not {streams} (MAX_CLIENTS)"
        )
    return fine(
        f"open files: {min(limit, 1 << 30)} are allowed, enough for {streams} streams a worker"
    )
