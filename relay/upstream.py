"""Upstream: what a URL of the exchange's, or of a proxy on the way there, may look like.

Each raises ValueError, whose text says what kind of mistake it is and holds nothing of the URL.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

from relay import url as urls

#: The variables that name a proxy on the way to the exchange. A name in lower case wins over its double.
PROXIES = ("https_proxy", "http_proxy", "all_proxy")
_PROXY_SCHEMES = ("http", "socks5", "socks5h", "socks4", "socks4a")

_STREAM_PATH = re.compile(r"(?:/|/ws(?:/.*)?|/stream/?)?", re.S)


def check_streams(text: str) -> None:
    """A URL of BINANCE_WS."""
    url = urls.read(text)
    urls.must_have_scheme(url, ("ws", "wss"))
    urls.must_have_no_account(url)
    urls.one_host(url)
    if not _STREAM_PATH.fullmatch(url.path):
        raise ValueError("its path is none of /ws, /ws/<streams> and /stream")
    if any("@" in value for name, value in url.query if name != "streams"):
        raise ValueError("its query holds an @ outside of streams: percent-encode it, as %40")


def check_rest(text: str) -> None:
    """A URL of BINANCE_REST."""
    url = urls.read(text)
    urls.must_have_scheme(url, ("http", "https"))
    urls.must_have_no_account(url)
    urls.one_host(url)
    if "@" in url.path or url.query:
        raise ValueError("an @ in its path, and a query, are not supported here")


def check_proxy(text: str) -> None:
    """The URL of a proxy."""
    url = urls.read(text)
    urls.must_have_scheme(url, _PROXY_SCHEMES)
    urls.one_host(url)
    if url.path not in ("", "/") or url.query:
        raise ValueError("it has a path: percent-encode a / or ? of a user or a password")


def proxies(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The variables that name a proxy for us, with what they name."""
    both = [spelled for name in PROXIES for spelled in (name, name.upper())]
    return {name: environ[name] for name in both if environ.get(name, "").strip()}


def value_of(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """What a variable that is written in lower or in upper case says; empty where it says nothing."""
    return environ.get(name, "").strip() or environ.get(name.upper(), "").strip()


def check_authorities(environ: Mapping[str, str] = os.environ) -> None:
    """What SSL_CERT_FILE names, if it is set: without a word, nobody would be trusted."""
    path = environ.get("SSL_CERT_FILE", "")
    if path and not Path(path).is_file():
        raise ValueError("it names no file that is there")
