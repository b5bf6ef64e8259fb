"""The head of a request: the line and the header fields before the body (RFC 9112, 2 to 6).

Whatever two readers could understand differently is refused: bare line feeds, folded lines, two
lengths. Behind a proxy such a request could be one here and two there.
"""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

#: Bytes of the request line or of a header field, bytes of the whole head, and header fields at most.
MAX_LINE, MAX_HEAD, MAX_FIELDS = 8192, 32768, 100
#: The end of a head.
END = b"\r\n\r\n"

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_NAME = re.compile(_WORD)
_LINE = re.compile(rf"({_WORD}) ([!-~\x80-\xff]+) (HTTP/1\.[01])")
#: Control characters but for tab, CR and LF: none may stand in a head.
_CONTROLS = bytes({*range(32), 127} - {*b"\t\r\n"})
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
#: What stands before the path where the target is a whole URL (RFC 9112, 3.2.2).
_AUTHORITY = re.compile(r"https?://([^/?#]+)", re.IGNORECASE)
#: Longest name of a header field whose key is remembered, in characters.
_MAX_REMEMBERED = 64


class BadHead(Exception):
    """The request is refused; `status` is the answer's, the text says why."""

    def __init__(self, why: str, status: str = "400 Bad Request") -> None:
        super().__init__(why)
        self.status = status


class Head(NamedTuple):
    """What a request says before its body."""

    method: str
    #: Path and query as they came.
    target: str
    #: HTTP/1.0 or HTTP/1.1.
    version: str
    #: The header fields under the names that WSGI gives them (PEP 3333): HTTP_ACCEPT, CONTENT_TYPE.
    fields: dict[str, str]

    @property
    def has_body(self) -> bool:
        """Whether bytes follow that are not the next request."""
        length = self.fields.get("CONTENT_LENGTH")
        if length is None:
            return "HTTP_TRANSFER_ENCODING" in self.fields
        return length.strip("0") != ""

    @property
    def keeps_connection(self) -> bool:
        """Whether another request may follow on the connection (RFC 9112, 9.3)."""
        wish = self.fields.get("HTTP_CONNECTION")
        if wish is None:
            return self.version == "HTTP/1.1"
        options = [option.strip(" \t") for option in wish.lower().split(",")]
        return "close" not in options and (self.version == "HTTP/1.1" or "keep-alive" in options)


def check_beginning(data: bytes) -> None:
    """Judge the beginning of a head before its end has come; raises BadHead."""
    if not b"!" <= data[:1] <= b"~":
        raise BadHead("no text: perhaps TLS")
    if data.count(b"\n") != data.count(b"\r\n"):
        raise BadHead("a bare line end")
    _check_size(data)


def _check_size(data: bytes) -> None:
    if len(data) <= MAX_LINE:
        return
    if data.find(b"\r\n", 0, MAX_LINE + 2) < 0:
        raise BadHead("the request line is too long", "414 URI Too Long")
    if len(data) > MAX_HEAD or max(map(len, data.split(b"\r\n"))) > MAX_LINE:
        raise BadHead("the head is too long", "431 Request Header Fields Too Large")


def parse(data: bytes) -> Head:
    """Read a whole head, without END; raises BadHead."""
    _check_size(data)
    line, *lines = data.decode("latin-1").split("\r\n")
    # Counting and deleting are several times as fast as a search for the odd one out.
    if not len(lines) == data.count(b"\n") == data.count(b"\r"):
        raise BadHead("a bare line end")
    if len(data.translate(None, _CONTROLS)) != len(data):
        raise BadHead("a control character")
    found = _LINE.fullmatch(line)
    if found is None:
        raise BadHead("no request line of HTTP/1.0 or HTTP/1.1")
    if len(lines) > MAX_FIELDS:
        raise BadHead("too many header fields", "431 Request Header Fields Too Large")
    method, target, version = found.groups()
    fields = _read_fields(lines)
    _judge(fields, version)
    if target[0] != "/" and target != "*":
        target = _own_target(target, fields)
    return Head(method, target, version, fields)


def split_target(target: str) -> tuple[str, str]:
    """Path, unquoted as PEP 3333 wants it, and query."""
    path, _, query = target.partition("?")
    return (unquote(path, "latin-1") if "%" in path else path), query


def _read_fields(lines: list[str]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        key = _key(name) if len(name) <= _MAX_REMEMBERED else _key.__wrapped__(name)
        if not key or not colon:
            raise BadHead("a line that is no header field")
        if "_" in name:
            # It would be taken for the one with hyphens.
            continue
        value = value.strip(" \t")
        if key not in fields:
            fields[key] = value
        elif key in _SINGLE:
            raise BadHead(f"{name} twice")
        else:
            # RFC 9110, 5.3; RFC 9113, 8.2.3 for cookies.
            fields[key] += ("; " if key == "HTTP_COOKIE" else ", ") + value
    return fields


@lru_cache(512)
def _key(name: str) -> str:
    """WSGI's name of a header field; nothing where it is none (RFC 9110, 5.1)."""
    if not _NAME.fullmatch(name):
        return ""
    key = name.upper().replace("-", "_")
    return key if key in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{key}"


#: Fields of which a request may have one.
_SINGLE = {"CONTENT_LENGTH", "CONTENT_TYPE", "HTTP_HOST", "HTTP_TRANSFER_ENCODING"}


def _judge(fields: dict[str, str], version: str) -> None:
    """Refuse what leaves open where the body ends, or whom the request is for."""
    if "HTTP_HOST" not in fields and version == "HTTP/1.1":
        raise BadHead("no Host")
    length = fields.get("CONTENT_LENGTH")
    if length is not None and not _LENGTH.fullmatch(length):
        raise BadHead("Content-Length is no number")
    coding = fields.get("HTTP_TRANSFER_ENCODING")
    if coding is not None:
        if coding.lower() != "chunked":
            raise BadHead("a Transfer-Encoding other than chunked")
        if length is not None or version == "HTTP/1.0":
            raise BadHead("Transfer-Encoding with Content-Length, or in HTTP/1.0")


def _own_target(target: str, fields: dict[str, str]) -> str:
    """Path and query of a whole URL. Its authority would count more than Host (RFC 9112, 3.2.2), so one
    that is another is refused: whoever routed the request by Host took it for another site's."""
    found = _AUTHORITY.match(target)
    if found is None:
        raise BadHead("the target is neither a path nor a URL")
    if fields.setdefault("HTTP_HOST", found[1]).lower() != found[1].lower():
        raise BadHead("the target and Host differ")
    rest = target[found.end() :]
    return rest if rest.startswith("/") else f"/{rest}"
