"""Compression: answers as gzip for those who take it. Streams and shared answers see to it themselves."""

import zlib

from flask import Request, Response

from relay.web.packed import SMALLEST, compressed_by_turns

#: What is text, and made for one request alone.
TYPES = frozenset(
    {"text/html", "text/plain", "text/csv", "application/json", "application/x-ndjson"}
)
#: zlib's name for a stream in gzip's frame with the largest window.
_GZIP = 16 + zlib.MAX_WBITS


def is_to_be_zipped(request: Request, size: int) -> bool:
    """Whether a body of so many bytes is sent as gzip: where the client takes that no less gladly than the
    plain form, and it is worth it, or the client refuses the plain form."""
    accepted = request.accept_encodings
    gzip = accepted["gzip"]
    qualities = {name.lower(): quality for name, quality in accepted}
    plain = qualities.get("identity", 0.0 if qualities.get("*") == 0 else None)
    if gzip <= 0 or (plain is not None and plain > gzip):
        return False
    return plain == 0 or size >= SMALLEST


def compress(request: Request, answer: Response) -> None:
    """Compresses the answer, if it is worth it and nobody has yet. Gives turns."""
    if answer.mimetype not in TYPES or answer.is_streamed or "Content-Encoding" in answer.headers:
        return
    answer.vary.add("Accept-Encoding")
    body = answer.get_data()
    if is_to_be_zipped(request, len(body)):
        answer.headers["Content-Encoding"] = "gzip"
        answer.set_data(compressed_by_turns(body, _GZIP, zlib.Z_FINISH))
