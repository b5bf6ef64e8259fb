"""Streams: where to connect, and what to subscribe to there. Pure.

Facts are from Binance's Spot documentation, web-socket-streams.md; what is undocumented says so.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import msgspec

from relay.ticker import upper

#: A busy stream beside those of single symbols: while it comes, their silence is only quiet.
CANARY = "btcusdt@miniTicker"
#: Streams that one connection may carry.
MAX_STREAMS = 1024
#: Streams that a URL may name. More are subscribed to by messages: a URL's length has a limit that nobody
#: states.
MAX_IN_URL = 100
#: Bytes of a SUBSCRIBE message. Binance cuts off or drops a longer one without a word: undocumented, seen
#: since 2024.
MAX_MESSAGE_BYTES = 4000
#: Spot hosts on which `!ticker@arr` was retired on 2026-03-26: it connects and stays silent.
_SPOT_HOSTS = (
    "stream.binance.com",
    "data-stream.binance.vision",
    "demo-stream.binance.com",
    "stream.testnet.binance.vision",
)
#: Where the REST API is that belongs to a stream host, where that is not the same host.
_REST_HOSTS = {
    "stream.binance.com": "https://api.binance.com",
    "data-stream.binance.vision": "https://data-api.binance.vision",
    "demo-stream.binance.com": "https://demo-api.binance.com",
    "stream.testnet.binance.vision": "https://testnet.binance.vision",
}


class Dial(NamedTuple):
    """One connection: its URL, and the streams to subscribe to once it stands."""

    url: str
    subscribe: tuple[str, ...] = ()
    #: Whether CANARY is among those only to tell quiet from dead.
    canary: bool = False

    @property
    def at_once(self) -> bool:
        """Whether every stream that is wanted begins with the connection, before any message is sent."""
        return len(self.subscribe) <= self.canary


class Plan(NamedTuple):
    """The connections that together carry every stream wanted of one source."""

    dials: list[Dial]
    #: The symbols that were asked for by name, in upper case; none for the whole market.
    symbols: frozenset[str]
    #: A sentence for each thing that is not as it was configured.
    warnings: list[str]


def plan(url: str, symbols: Sequence[str] = (), kind: str = "miniTicker") -> Plan:
    """What to connect to for this URL of BINANCE_WS, with SYMBOLS and STREAM.

    Symbols that are named replace whatever streams the URL names; a URL that names none means the
    whole market.
    """
    parts = urlsplit(url)
    warnings: list[str] = []
    raw, named, query = _streams_of(url)
    if symbols:
        if named and not any(stream.startswith("!") for stream in named):
            warnings.append("SYMBOLS replaces the streams that BINANCE_WS names")
        raw, named = False, [f"{_lower(symbol)}@{kind}" for symbol in symbols]
    elif not named:
        raw, named = False, [f"!{kind}@arr"]
    named = list(dict.fromkeys(_mend(stream, parts.hostname, warnings) for stream in named))
    base = f"{parts.scheme}://{parts.netloc}"
    singles = [stream for stream in named if not stream.startswith("!")]
    canary = len(singles) == len(named) and CANARY not in named
    dials = [
        _dial(base, share, raw, query, canary) for share in _shares(named, MAX_STREAMS - canary)
    ]
    return Plan(dials, frozenset(upper(s.partition("@")[0]) for s in singles), warnings)


def requests(streams: Sequence[str]) -> Iterator[bytes]:
    """SUBSCRIBE messages for these streams, each short enough."""
    share: list[str] = []
    size = number = 0
    for stream in streams:
        length = len(stream.encode()) + 3
        if share and size + length > MAX_MESSAGE_BYTES - 60:
            number += 1
            yield _request(share, number)
            share, size = [], 0
        share.append(stream)
        size += length
    if share:
        yield _request(share, number + 1)


def rest_url(url: str) -> str:
    """Where the REST API is that belongs to this stream URL."""
    parts = urlsplit(url)
    own = f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}"
    return _REST_HOSTS.get(parts.hostname or "", own)


def _lower(symbol: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in symbol)


def _streams_of(url: str) -> tuple[bool, list[str], str]:
    """Whether a URL is of the raw kind, the streams that it names, and what else its query has."""
    parts = urlsplit(url)
    fields = [field for field in parts.query.split("&") if field]
    listed = [field[8:] for field in fields if field.startswith("streams=")]
    query = "&".join(field for field in fields if not field.startswith("streams="))
    raw = parts.path.startswith("/ws")
    names = parts.path[4:] if raw else "/".join(listed)
    return raw, [unquote(name) for name in names.split("/") if name], query


def _mend(stream: str, host: str | None, warnings: list[str]) -> str:
    """The stream to ask for instead; says why if it is another one."""
    if stream == "!ticker@arr" and host in _SPOT_HOSTS:
        warnings.append(
            "!ticker@arr was retired by Binance on 2026-03-26: it connects and delivers nothing;"
            " using !miniTicker@arr instead, which has no bid, ask or change"
        )
        return "!miniTicker@arr"
    symbol, at, kind = stream.partition("@")
    if at and not symbol.startswith("!") and symbol != _lower(symbol):
        warnings.append(f"{symbol} is lower-cased: Binance stays silent on upper-case streams")
        return f"{_lower(symbol)}@{kind}"
    return stream


def _dial(base: str, streams: list[str], raw: bool, query: str, canary: bool) -> Dial:
    extra = (CANARY,) if canary else ()
    path = "/ws" if raw else "/stream"
    if len(streams) > MAX_IN_URL:
        return Dial(_url(base, path, query), (*streams, *extra), canary)
    names = "/".join(quote(stream, safe="!@_+:") for stream in streams)
    if raw:
        return Dial(_url(base, f"/ws/{names}", query), extra, canary)
    fields = f"streams={names}" + (f"&{query}" if query else "")
    return Dial(_url(base, path, fields), extra, canary)


def _url(base: str, path: str, query: str) -> str:
    parts = urlsplit(base)
    return urlunsplit(parts._replace(path=path, query=query))


def _shares(streams: list[str], most: int) -> Iterator[list[str]]:
    for start in range(0, len(streams), most):
        yield streams[start : start + most]


def _request(streams: list[str], number: int) -> bytes:
    return msgspec.json.encode({"method": "SUBSCRIBE", "params": streams, "id": number})
