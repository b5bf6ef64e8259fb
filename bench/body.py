"""Body: undoes what HTTP did to an event stream, as far as it has come."""

import zlib


class Body:
    """The plain bytes of one response: without chunks, and inflated."""

    def __init__(self, head: bytes) -> None:
        """`head`: the response's status line and header fields."""
        fields = head.lower()
        self._is_chunked = b"\r\ntransfer-encoding: chunked" in fields
        is_gzip = b"\r\ncontent-encoding: gzip" in fields
        # 31: a gzip header, then a window of 15 bits.
        self._inflater = zlib.decompressobj(31) if is_gzip else None
        self._held = b""
        self._left = 0

    def feed(self, data: bytes) -> bytes:
        """Plain bytes, as many as these complete."""
        if self._is_chunked:
            data = self._join_chunks(data)
        return self._inflater.decompress(data) if self._inflater else data

    def _join_chunks(self, data: bytes) -> bytes:
        data = self._held + data
        at, pieces = 0, []
        while at < len(data):
            if self._left == 0:
                end = data.find(b"\r\n", at)
                if end < 0:
                    break
                # The CRLF behind a chunk counts as part of it, and is cut off below.
                self._left = int(data[at:end], 16) + 2
                at = end + 2
            part = data[at : at + self._left]
            self._left -= len(part)
            at += len(part)
            pieces.append(part[: len(part) + min(0, self._left - 2)])
        self._held = data[at:]
        return b"".join(pieces)
