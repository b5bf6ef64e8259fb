"""Feed: whether each source of prices can be reached, speaks, and has a REST API and a clock like ours."""

import socket
import time
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

import gevent
import msgspec

from relay import upstream
from relay.check.finding import Finding, doubtful, fine, wrong
from relay.config import SIMULATOR, Config
from relay.exchange import frame_limits, streams
from relay.exchange.api import Api, RestError, decoded
from relay.exchange.connection import CONNECT_SECONDS, refused
from relay.exchange.failure import FeedError, said
from relay.exchange.simulated import HEADER
from relay.url import shown

#: Seconds between the exchange's clock and ours that are noticed.
OFFSET_SECONDS = 2.0
_TIME_PATH = "/api/v3/time"
_PORTS = {"ws": 80, "wss": 443}


class _Time(msgspec.Struct):
    """What the exchange's clock shows, in milliseconds since 1970."""

    serverTime: Annotated[int, msgspec.Meta(ge=0, le=10**15)]  # noqa: N815 - the exchange's name


def look(config: Config) -> Iterator[Finding]:
    """Tries each source, and each REST API, once. One that works is enough."""
    for name, url in upstream.proxies().items():
        yield _proxy(name, url)
    urls = [url for url in config.binance_ws if url != SIMULATOR]
    findings = [_source(config, url) for url in urls]
    works = len(urls) < len(config.sources) or not all(one.grade for one in findings)
    for finding in findings:
        # One that does not work is a nuisance only where another one does.
        yield doubtful(finding.text) if works and finding.grade else finding
    for base in dict.fromkeys(config.binance_rest or map(streams.rest_url, urls)):
        yield from _rest(base)


def _proxy(name: str, url: str) -> Finding:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), CONNECT_SECONDS).close()
    except OSError as error:
        return wrong(f"{name}: the proxy {parts.hostname} cannot be reached: {said(error)}")
    return fine(f"{name}: the exchange is reached by the proxy {parts.hostname}")


def _source(config: Config, url: str) -> Finding:
    parts = urlsplit(url)
    name, place = parts.hostname or "", f"BINANCE_WS: {shown(url)}"
    if not upstream.proxies():
        try:
            socket.getaddrinfo(name, parts.port or _PORTS[parts.scheme])
        except OSError:
            return wrong(f"{place}: the name {name} cannot be resolved")
    dial = streams.plan(url, config.symbols, config.stream).dials[0]
    silence = config.feed_silence_seconds
    try:
        with gevent.Timeout(CONNECT_SECONDS, FeedError("no connection in time")):
            sock = frame_limits.connect(dial.url, CONNECT_SECONDS)
        try:
            for request in streams.requests(dial.subscribe):
                sock.send(request)
            with gevent.Timeout(silence, FeedError(f"connected, but no data for {silence:g} s")):
                began = time.monotonic()
                sock.recv_data()
            kind = ", SIMULATED" if HEADER in (sock.getheaders() or {}) else ""
        finally:
            sock.shutdown()
    except frame_limits.BadStatus as error:
        return wrong(f"{place}: {refused(error)}")
    except (FeedError, *frame_limits.ERRORS) as error:
        return wrong(f"{place}: {said(error)}")
    return fine(f"{place}: data after {time.monotonic() - began:.1f} s{kind}")


def _rest(base: str) -> Iterator[Finding]:
    place = f"BINANCE_REST: {shown(base)}"
    before = time.time()
    try:
        answer = Api(base).get(_TIME_PATH, 1, 1 << 16)
        told = decoded(msgspec.json.Decoder(_Time).decode, answer.body).serverTime / 1000
    except RestError as error:
        yield doubtful(f"{place}: {error}; what is halted, new or gone is not known without it")
        return
    yield fine(f"{place} answers")
    offset = told - (before + time.time()) / 2
    if abs(offset) > OFFSET_SECONDS:
        yield doubtful(f"clock: the exchange's is {offset:+.1f} s from this machine's")
    else:
        yield fine(f"clock: the exchange's is {1000 * offset:+.0f} ms from this machine's")
