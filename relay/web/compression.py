"""Compression: answers as gzip for those who take it. Streams and shared answers see to it themselves."""

import zlib

from flask import Request, Response

from relay.turn import stand_in_line
from relay.web.packed import BYTES_PER_TURN, LEVEL, SMALLEST

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
        answer.set_data(_zipped(body))


def _zipped(body: bytes) -> bytes:
    deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, _GZIP)
    blocks = []
    for start in range(0, len(body), BYTES_PER_TURN):
        if start:
            stand_in_line()
        blocks.append(deflater.compress(body[start : start + BYTES_PER_TURN]))
    return b"".join([*blocks, deflater.flush()])
