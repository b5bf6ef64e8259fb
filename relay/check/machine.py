"""Machine: whether the addresses are free, and what this process may open."""

import errno
import socket
from collections.abc import Callable, Collection, Iterator

from relay.amount import amount
from relay.check import neighbour
from relay.check.finding import Finding, doubtful, fine, wrong
from relay.config import Config
from relay.descriptors import CONNECTIONS, Share, raise_limit, share

#: What answers at an address already, in a few words; empty where it is none of ours.
Ask = Callable[[str, int, Collection[str]], str]


def look(config: Config) -> Iterator[Finding]:
    """The listening addresses and the file limit."""
    tokens = config.operator_tokens.values()
    yield _address("PORT", "relay", config.host, config.port, neighbour.relay_at, tokens)
    if config.metrics_port:
        yield _metrics_port(config, tokens)
    yield _descriptors(config.max_clients)


def _metrics_port(config: Config, tokens: Collection[str]) -> Finding:
    port = config.metrics_port
    if config.in_process:
        return fine("METRICS_PORT: not used in-process, since there is no listener")
    if port == config.port:
        return doubtful("METRICS_PORT: the same as PORT, so both cannot run on one machine")
    ask = neighbour.listener_at
    return _address("METRICS_PORT", "listener", config.host, port, ask, tokens)


def _address(
    setting: str, what: str, host: str, port: int, ask: Ask, tokens: Collection[str]
) -> Finding:
    """Whether `what` can listen there; that another one does already is no fault."""
    place = f"HOST, {setting}"
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
        if error.errno == errno.EADDRINUSE and (said := ask(host, port, tokens)):
            return fine(f"{place}: a {what} answers at {host} port {port} already: {said}")
        return wrong(f"{place}: cannot listen on {host} port {port}: {error.strerror}")
    return fine(f"{place}: {host} port {port} is free")


def _descriptors(streams: int) -> Finding:
    limit = raise_limit()
    fitting = share(limit, Share(CONNECTIONS, streams))
    if fitting.streams < streams:
        return doubtful(
            f"{limit} open files are allowed (ulimit -n): "
            f"a worker serves {amount(fitting.streams, 'stream')}, not {streams} (MAX_CLIENTS)"
        )
    return fine(
        f"open files: {min(limit, 1 << 30)} are allowed, enough for {amount(streams, 'stream')} a worker"
    )
