"""HTTP limits: urllib, with a bound on everything that the other side may send.

The library reads interim answers and trailers without end, and a deadline never comes while data is
there and nobody else runs; and it follows redirects to anywhere.
"""

import http.client
import io
import ssl
import urllib.error
import urllib.request
from email.message import Message
from functools import cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import gevent

from relay.turn import give_turn

#: What `get` may raise, beside what it is told to raise when it is late.
ERRORS = (OSError, http.client.HTTPException, ValueError)
#: Bytes of head, interim answers and trailers that are read beside a body.
_HEAD_BYTES = 256 << 10
#: What an answer that is no success says of itself is read up to so many bytes, if it comes within so many
#: seconds: it must not keep its status from us.
_REASON_BYTES = 4096
_REASON_SECONDS = 1.0


class TooLongError(OSError):
    """The answer has more bytes than it may."""


class StatusError(OSError):
    """The answer is no success."""

    def __init__(self, status: int, headers: Message, reason: bytes) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.headers = headers
        #: The beginning of its body; empty where that cannot be had.
        self.reason = reason


def get(url: str, seconds: float, most: int, late: Exception) -> tuple[bytes, Message]:
    """A body of at most `most` bytes, and its headers.

    Raises `late` after so many seconds in all, StatusError for every status but 2xx, or another of
    ERRORS. Proxy variables are honoured, but not on loopback. Redirects are not followed.
    """
    proxies: dict[str, str] | None = {} if _is_loopback(url) else None
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler(proxies), _NoRedirects, _Http(most), _Https(most)
    )
    request = urllib.request.Request(url, headers={"User-Agent": "relay"})  # noqa: S310
    with gevent.Timeout(seconds, late):
        try:
            with opener.open(request, timeout=seconds) as answer:
                body = answer.read(most + 1)
                if len(body) > most:
                    raise TooLongError("an answer without end")
                return body, answer.headers
        except urllib.error.HTTPError as error:
            with error:
                raise StatusError(error.code, error.headers, _reason(error)) from error


def _reason(error: urllib.error.HTTPError) -> bytes:
    late = TimeoutError()
    try:
        with gevent.Timeout(_REASON_SECONDS, late):
            return error.read(_REASON_BYTES)
    except ERRORS:
        return b""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Nobody but the configured host is asked: a redirect is an answer that we do not want, and where it
    points to is not even looked at."""

    def http_error_302(self, *_: object) -> None:
        """Never another request."""

    http_error_301 = http_error_303 = http_error_302  # type: ignore[assignment]
    http_error_307 = http_error_308 = http_error_302  # type: ignore[assignment]


class _Http(urllib.request.HTTPHandler):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_bounded(http.client.HTTPConnection, self._most), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        connection = _bounded(http.client.HTTPSConnection, self._most)
        return self.do_open(connection, req, context=_context())


@cache
def _context() -> ssl.SSLContext:
    """Whom we trust. One for all: to read every authority's certificate takes 25 ms of everybody's time."""
    return ssl.create_default_context()


def _bounded(kind: Any, most: int) -> Any:
    """Makes connections of a kind whose answers are bounded."""

    def connect(*address: Any, **options: Any) -> Any:
        connection = kind(*address, **options)
        connection.response_class = respond
        return connection

    def respond(*args: Any, **options: Any) -> http.client.HTTPResponse:
        response = http.client.HTTPResponse(*args, **options)
        raw = response.fp.detach()
        response.fp = io.BufferedReader(_Turns(raw, most + _HEAD_BYTES))
        return response

    return connect


class _Turns(io.RawIOBase):
    """What comes from a socket, up to a limit; others get a turn before each read."""

    def __init__(self, raw: io.RawIOBase, most: int) -> None:
        self._raw = raw
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        give_turn()
        if self._left <= 0:
            raise TooLongError("an answer without end")
        size: int | None = self._raw.readinto(buffer)
        self._left -= size or 0
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
