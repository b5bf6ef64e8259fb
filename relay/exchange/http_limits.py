"""HTTP limits: http.client, with a bound on everything that the other side may send.

The library reads interim answers and trailers without end, and a deadline never comes while data is
there and nobody else runs.
"""

import http.client
import io
from email.message import Message
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import gevent

from relay.exchange import way
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
    ERRORS. A redirect is an answer that we do not want: nobody but the configured host is asked.
    """
    where = urlsplit(url)
    secure = where.scheme == "https"
    connection = _connection(where.hostname or "", where.port, secure, most)
    path = urlunsplit(("", "", where.path or "/", where.query, ""))
    with gevent.Timeout(seconds, late):
        try:
            connection.sock = way.connect(
                connection.host, connection.port, secure=secure, seconds=seconds
            )
            connection.request("GET", path, headers={"User-Agent": "relay", "Connection": "close"})
            with connection.getresponse() as answer:
                if not 200 <= answer.status < 300:
                    raise StatusError(answer.status, answer.headers, _reason(answer))
                body = answer.read(most + 1)
                if len(body) > most:
                    raise TooLongError("an answer without end")
                return body, answer.headers
        finally:
            connection.close()


def _reason(answer: http.client.HTTPResponse) -> bytes:
    late = TimeoutError()
    try:
        with gevent.Timeout(_REASON_SECONDS, late):
            return answer.read(_REASON_BYTES)
    except ERRORS:
        return b""


def _connection(name: str, port: int | None, secure: bool, most: int) -> http.client.HTTPConnection:
    """A connection that is not made yet, and whose answers are bounded."""

    def respond(*args: Any, **options: Any) -> http.client.HTTPResponse:
        response = http.client.HTTPResponse(*args, **options)
        raw = response.fp.detach()
        response.fp = io.BufferedReader(_Turns(raw, most + _HEAD_BYTES))
        return response

    connection = http.client.HTTPConnection(name, port or (443 if secure else 80))
    # Which port need not be said to the host.
    connection.default_port = 443 if secure else 80
    connection.response_class = respond  # type: ignore[assignment]
    return connection


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
