"""Sent: an answer that is shared by all who ask for the same, as one of them gets it."""

from flask import Request, Response

from relay.web.compression import is_to_be_zipped
from relay.web.packed import Packed

#: How long whoever likes may keep an answer: one that will never change, an incomplete one.
SETTLED, INCOMPLETE = "public, max-age=86400", "no-store"
#: What moves is given for a second, and not after that, even where a cache cannot ask (RFC 9111, 5.2.2.2).
MOVING = "public, max-age=1, must-revalidate"


def sent(request: Request, packed: Packed, tag: str, cache: str, content_type: str) -> Response:
    """The answer, or 304 where the client holds it; as gzip where the client takes that. Gives turns."""
    answer = Response(content_type=content_type)
    answer.headers["Cache-Control"] = cache
    answer.headers["ETag"] = f'W/"{tag}"'
    answer.headers["Vary"] = "Accept-Encoding, Accept"
    if "If-None-Match" in request.headers and request.if_none_match.contains_weak(tag):
        answer.status_code = 304
        return answer
    fill(request, answer, packed)
    return answer


def fill(request: Request, answer: Response, packed: Packed) -> None:
    """Gives an answer its body: as gzip where the client takes that. Gives turns."""
    if is_to_be_zipped(request, packed.size):
        answer.headers["Content-Encoding"] = "gzip"
        answer.set_data(packed.gzip())
    else:
        answer.response = packed.parts
        answer.content_length = packed.size


def tell(
    answer: Response, resume_id: str, reason: str = "", *, is_complete: bool, is_simulated: bool
) -> None:
    """Says in the headers what a table of the past has no room for."""
    told = {
        "Relay-Id": resume_id,
        "Relay-Complete": "true" if is_complete else "false",
        "Relay-Simulated": "true" if is_simulated else "false",
    }
    if reason:
        told["Relay-Reason"] = _printable(reason)
    answer.headers.extend(told)
    answer.headers["Access-Control-Expose-Headers"] = ", ".join(told)


def _printable(text: str) -> str:
    """The text as a header can hold it."""
    return "".join(c if " " <= c <= "~" else "?" for c in text)
