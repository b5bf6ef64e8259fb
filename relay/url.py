"""Url: a URL of the settings, read strictly, and how it is said where anybody may read along.

A URL that two readers understand differently connects to another place than was meant, with a part of the
password for a port or a name. So what is not as RFC 3986 writes it is an error, and an error never repeats
the value.
"""

import re
from base64 import b64encode
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv6Address
from typing import NamedTuple
from urllib.parse import unquote

#: What stands for a part that is not said.
HIDDEN = "…"
#: Characters of the longest part of a path that is said. A listen key has 60, a symbol at most 32.
MAX_SAID = 32

# RFC 3986, appendix B. It matches everything that has a scheme and an authority.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#(.*))?", re.S)
#: RFC 3986, 3.2.1.
_USERINFO = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*")
_ESCAPES = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*", re.S)
_HOST = re.compile(r"([A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\])(?::(.*))?")
_PORT = re.compile(r"[0-9]{1,5}")


class Host(NamedTuple):
    """A server."""

    #: A name, or an address; of IPv6 without brackets.
    name: str
    #: None where none is given.
    port: int | None


class Url(NamedTuple):
    """The parts of a URL: `scheme://user:password@host:port,host:port/path?name=value`."""

    #: In lower case.
    scheme: str
    #: Decoded; empty where there is none.
    user: str
    password: str
    hosts: tuple[Host, ...]
    #: As it was written.
    path: str
    #: As they were written, in their order.
    query: tuple[tuple[str, str], ...]


def read(text: str) -> Url:
    """The parts of a URL. It may name no host or several: what is needed, the caller knows.

    Raises ValueError, whose text says what kind of mistake it is and holds nothing of the URL.
    """
    if not text.isprintable() or " " in text:
        raise ValueError("it holds a blank, or what cannot be printed: percent-encode it")
    found = _URL.fullmatch(text)
    if found is None:
        raise ValueError("it is no URL: scheme://host comes first")
    scheme, authority, path, query, fragment = found.groups()
    if fragment is not None:
        raise ValueError("it holds a #: in a user or a password percent-encode it, as %23")
    if not _ESCAPES.fullmatch(text):
        raise ValueError("it holds a % without two hexadecimal digits: percent-encode it, as %25")
    account, _, hosts = authority.rpartition("@")
    if not _USERINFO.fullmatch(account):
        raise ValueError("user or password hold what a URL cannot: percent-encode it, @ as %40")
    user, _, password = account.partition(":")
    return Url(
        scheme.lower(),
        unquote(user),
        unquote(password),
        tuple(_host(host) for host in hosts.split(",")) if hosts else (),
        path,
        tuple(_field(field) for field in query.split("&")) if query else (),
    )


@lru_cache(maxsize=128)
def shown(text: str) -> str:
    """A URL of the exchange as anybody may read it: scheme, hosts, path, and what else is no secret.

    Without user and password. Parts of the path that are no streams may be keys, as may be the values of
    the query: of them the streams alone are said.
    """
    try:
        url = read(text)
    except ValueError:
        return HIDDEN
    hosts = ",".join(_said(host) for host in url.hosts)
    query = "&".join(f"{name}={_parts(value)}" for name, value in url.query if name == "streams")
    more = HIDDEN if any(name != "streams" for name, _ in url.query) else ""
    fields = "&".join(filter(None, (query, more)))
    return f"{url.scheme}://{hosts}{_parts(url.path)}" + (f"?{fields}" if fields else "")


def secrets(text: str) -> set[str]:
    """What of a URL nobody may read: as it is written, as it is meant, and as HTTP sends it."""
    found = _URL.fullmatch(text)
    if found is None:
        return set()
    _, authority, path, query, fragment = found.groups()
    user, colon, password = authority.rpartition("@")[0].partition(":")
    parts = {password if colon else user, fragment or ""}
    if colon:
        parts.add(
            b64encode(unquote(f"{user}:{password}").encode("utf-8", "surrogateescape")).decode()
        )
    parts.update(part for part in path.split("/") if _is_hidden(part))
    for field in (query or "").split("&"):
        name, _, value = field.partition("=")
        parts.update(filter(_is_hidden, value.split("/")) if name == "streams" else {value})
    return {form for part in parts for form in (part, unquote(part)) if form}


def one_host(url: Url) -> Host:
    """Its only host. Raises ValueError, as `read` does."""
    if len(url.hosts) != 1:
        raise ValueError("it names several hosts" if url.hosts else "it names no host")
    return url.hosts[0]


def must_have_scheme(url: Url, schemes: Sequence[str]) -> None:
    """Raises ValueError, as `read` does, for another scheme than these."""
    if url.scheme not in schemes:
        raise ValueError("it is no " + " or ".join(f"{scheme}://" for scheme in schemes) + " URL")


def must_have_no_account(url: Url) -> None:
    """Raises ValueError, as `read` does, for a URL with user or password."""
    if url.user or url.password:
        raise ValueError("user and password are not supported here")


def _host(text: str) -> Host:
    found = _HOST.fullmatch(text)
    if found is None:
        raise ValueError(
            "what comes before the path is no host: "
            "percent-encode a / ? # or @ of a user or a password"
        )
    name, port = found.groups()
    if name.startswith("["):
        try:
            IPv6Address(name[1:-1])
        except ValueError:
            raise ValueError("the host in brackets is no IPv6 address") from None
    if port is None:
        return Host(name.strip("[]"), None)
    if not _PORT.fullmatch(port):
        raise ValueError(
            "the port is no number: percent-encode a / ? # or @ of a user or a password"
        )
    if not 0 < int(port) < 65536:
        raise ValueError("the port is none: there are 1 to 65535")
    return Host(name.strip("[]"), int(port))


def _field(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError("the query is no list of name=value")
    return name, value


def _said(host: Host) -> str:
    name = f"[{host.name}]" if ":" in host.name else host.name
    return name if host.port is None else f"{name}:{host.port}"


def _parts(path: str) -> str:
    """What may be said of the parts of a path, or of a list of streams."""
    return "/".join(HIDDEN if _is_hidden(part) else part for part in path.split("/"))


def _is_hidden(part: str) -> bool:
    """Whether a part of a path may be a key. A stream has an @, the market's a ! before it."""
    if part in ("", "ws", "stream"):
        return False
    pieces = unquote(part).split("@")
    return len(pieces) < 2 or any(len(piece) > MAX_SAID for piece in pieces)
