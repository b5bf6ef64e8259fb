"""The head of a request: as it comes, in pieces, and as two other parsers read it."""

import io
import time
from types import SimpleNamespace
from typing import Any

import h11
from gunicorn.config import Config
from gunicorn.http.message import Request

from relay.server.connection import Connection
from relay.server.head import END, MAX_FIELDS, MAX_HEAD, BadHead, Head, parse, split_target
from relay.server.waiting import Waiting
from tests.fuzz.target import Target, cut

_GUNICORN = Config()
_PEER = ("192.0.2.1", 1)


def check(data: bytes) -> None:
    """The first four bytes say how the rest is cut into pieces."""
    sizes, data = data[:4], data[4:].lstrip(b"\r\n")
    whole = _read(data)
    assert whole == _read(data), "another result the second time"
    parted = _read_from_connection(data, sizes)
    # A refusal may come before the end has, and then for another reason.
    assert parted == whole or (isinstance(parted, str) and not isinstance(whole, Head)), (
        "another result in pieces"
    )
    if isinstance(whole, Head):
        _judge(whole)
        _compare(whole, _as_h11(data))
        _compare(whole, _as_gunicorn(data))


def _read(data: bytes) -> Head | str | None:
    """The head, the status of the refusal, or None where it has no end yet."""
    head, end, _ = data.partition(END)
    if not end:
        return None
    try:
        return parse(head)
    except BadHead as refused:
        return refused.status


class _Socket:
    """Brings the pieces, then the end of the stream."""

    def __init__(self, data: bytes, sizes: bytes) -> None:
        self._pieces = cut(data, sizes)

    def recv(self, _size: int) -> bytes:
        return next(self._pieces, b"")


def _read_from_connection(data: bytes, sizes: bytes) -> Head | str | None:
    sock: Any = _Socket(data, sizes)
    connection = Connection(sock, Waiting(), Waiting())
    deadline = time.monotonic() + 60
    try:
        if not connection.wait_for_first(deadline):
            return None
        return parse(connection.read_head(deadline))
    except BadHead as refused:
        return refused.status
    except ConnectionResetError:
        return None


def _judge(head: Head) -> None:
    assert len(head.fields) <= MAX_FIELDS
    assert sum(map(len, head.fields.values())) <= 2 * MAX_HEAD
    said = [head.method, head.target, head.version, *head.fields, *head.fields.values()]
    assert not any(c in text for text in said for c in "\r\n\0"), "a line end got through"
    assert head.target.startswith("/") or head.target == "*"
    length, coding = map(head.fields.get, ("CONTENT_LENGTH", "HTTP_TRANSFER_ENCODING"))
    assert length is None or (length.isascii() and length.isdigit() and coding is None)
    assert coding is None or coding.lower() == "chunked"
    path, query = split_target(head.target)
    assert "?" not in head.target or query == head.target.partition("?")[2]
    assert path.isascii() or path.encode("latin-1")


class _Reading(SimpleNamespace):
    """What another parser makes of the same head."""

    method: str
    target: str
    fields: dict[str, str]
    has_body: bool


def _as_h11(data: bytes) -> _Reading | None:
    server = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    server.receive_data(data)
    try:
        event = server.next_event()
    except h11.RemoteProtocolError:
        return None
    if not isinstance(event, h11.Request):
        return None
    pairs = [(name.decode(), value.decode("latin-1")) for name, value in event.headers]
    fields = _wsgi(pairs)
    length = fields.get("CONTENT_LENGTH", "0")
    has_body = "HTTP_TRANSFER_ENCODING" in fields or int(length) > 0
    target = event.target.decode("latin-1")
    return _Reading(method=event.method.decode(), target=target, fields=fields, has_body=has_body)


def _as_gunicorn(data: bytes) -> _Reading | None:
    try:
        request = Request(_GUNICORN, _Unreader(data), _PEER)
    # Its refusals have no common base but this; a bug of its own is none of ours.
    except Exception:  # noqa: BLE001
        return None
    fields = _wsgi(request.headers)
    body = request.body.reader if request.body is not None else None
    has_body = "HTTP_TRANSFER_ENCODING" in fields or bool(getattr(body, "length", 0))
    return _Reading(method=request.method, target=request.uri, fields=fields, has_body=has_body)


class _Unreader:
    """What gunicorn reads from."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int | None = None) -> bytes:
        return self._data.read(-1 if size is None else size)

    def unread(self, data: bytes) -> None:
        self._data = io.BytesIO(data + self._data.read())


def _wsgi(pairs: list[tuple[str, str]]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in pairs:
        if "_" in name:
            continue
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{key}"
        if key in fields:
            fields[key] += ("; " if key == "HTTP_COOKIE" else ", ") + value
        else:
            fields[key] = value
    return fields


def _compare(ours: Head, theirs: _Reading | None) -> None:
    """Where both accept it, both must mean the same."""
    if theirs is None:
        return
    assert ours.method == theirs.method
    assert ours.has_body == theirs.has_body, "two lengths of one request"
    is_url = not theirs.target.startswith("/") and theirs.target != "*"
    fields = dict(ours.fields)
    if "HTTP_TRANSFER_ENCODING" in fields:
        # h11 gives it in lower case.
        fields["HTTP_TRANSFER_ENCODING"] = theirs.fields["HTTP_TRANSFER_ENCODING"] = "chunked"
    if is_url:
        assert theirs.target.endswith(ours.target.lstrip("/")), (ours.target, theirs.target)
        # A whole URL names the host.
        fields.pop("HTTP_HOST", None)
        theirs.fields.pop("HTTP_HOST", None)
    else:
        assert ours.target == theirs.target
    assert fields == theirs.fields


_HEAD = b"GET /events?symbols=BTCUSDT HTTP/1.1\r\nHost: relay\r\n"
TARGET = Target(
    "head",
    check,
    seeds=(
        b"\x00\x00\x10\x05" + _HEAD + END,
        b"\x05\x11\x40\xff" + _HEAD + b"Accept: a\r\nAccept: b\r\nCookie: a=1\r\nCookie: b=2" + END,
        b"\xff\x03\x00\x00POST http://relay:80/x?y HTTP/1.1\r\nHost: y\r\nContent-Length: 12" + END,
        b"\x01\x00\x22\x01POST / HTTP/1.1\r\nHost: y\r\nTransfer-Encoding: chunked"
        + END
        + b"1\r\nx",
        b"\xff\xff\xff\xffHEAD /%ff%00?%20 HTTP/1.0\r\nConnection: keep-alive\r\nX_Y: 1\r\nX-Y: \xe9"
        + END,
    ),
    words=(
        *(b"GET ", b"POST ", b"OPTIONS * ", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.9", b"http://a"),
        *(b"\r\n", b"\n", b"\r", END, b": ", b":", b" ", b"\t", b"\0", b"_", b"%0a", b"\x80"),
        *(
            b"Host: a\r\n",
            b"Content-Length: 0\r\n",
            b"Content-Length: +1\r\n",
            b"Content-Length: 5\r\n",
        ),
        *(
            b"Transfer-Encoding: chunked\r\n",
            b"Transfer-Encoding: x, chunked\r\n",
            b"Expect: x\r\n",
        ),
        *(b"A: b\r\n" * 99, b"x" * 8192, b"Upgrade: h2c\r\nConnection: Upgrade\r\n"),
    ),
)
