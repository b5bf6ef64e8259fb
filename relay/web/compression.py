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


def compress(request: Request, answer: Response) -> None:
    """Compresses the answer, if it is worth it and nobody has yet. Gives turns."""
    if answer.mimetype not in TYPES or answer.is_streamed or "Content-Encoding" in answer.headers:
        return
    answer.vary.add("Accept-Encoding")
    body = answer.get_data()
    if len(body) >= SMALLEST and request.accept_encodings["gzip"] > 0:
        answer.headers["Content-Encoding"] = "gzip"
        answer.set_data(compressed_by_turns(body, _GZIP, zlib.Z_FINISH))
