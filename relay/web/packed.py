"""Packed: an answer's bytes, compressed at most once for all who ask for the same.

An answer is made anew each second, though most of it stays as it was. So its parts are deflated one by one,
each on its own (RFC 1951: a full flush ends at a byte), and a long part that comes again is not deflated
again.
"""

import zlib

from gevent.lock import BoundedSemaphore

from relay.fanout.checksum import NOTHING, Checksum
from relay.fanout.deflate import GZIP_HEADER, LAST_BLOCK
from relay.history.cache import Cache
from relay.turn import stand_in_line

#: Level of deflate: the fastest. Of 1,440 candles it makes 58 KB in 1.3 ms; level 6 makes 49 KB in 5 ms.
LEVEL = 1
#: Bytes that are compressed between two turns of everything else: about half a millisecond of work.
BYTES_PER_TURN = 64 << 10
#: Answers below this many bytes are not worth it.
SMALLEST = 1000
#: Bytes from which a part is kept as deflated, and bytes of all of them that one worker keeps.
LONG_BYTES = 4 << 10
KEPT_BYTES = 8 << 20


class Packer:
    """Deflates parts, and keeps the long ones."""

    def __init__(self, most_bytes: int = KEPT_BYTES) -> None:
        self._kept: Cache[bytes] = Cache(most_bytes)
        # Whoever wants what is just being deflated waits for it.
        self._deflating = BoundedSemaphore(1)

    def deflated(self, part: bytes) -> bytes:
        """The part as deflated blocks that need nothing before them. Gives turns."""
        if len(part) < LONG_BYTES:
            return _deflated(part)
        key = hash(part), len(part)
        with self._deflating:
            kept = self._kept.get(key)
            if kept is None:
                kept = _deflated(part)
                self._kept.put(key, kept, len(kept) + 200)
        return kept


class Packed:
    """A body in parts, and the same as gzip from the first time that somebody wants it."""

    def __init__(self, packer: Packer, *parts: bytes) -> None:
        self._packer = packer
        #: They are never joined: whoever waits for a slow client holds what all others do.
        self.parts = parts
        self.size = sum(map(len, parts))
        self._gzip = b""

    @property
    def tag(self) -> str:
        """The same for the same bytes."""
        return f"{self._checksum.crc:08x}{self.size:x}"

    def gzip(self) -> bytes:
        """The body compressed. Gives turns."""
        if not self._gzip:
            deflated = [self._packer.deflated(part) for part in self.parts]
            end = [LAST_BLOCK, self._checksum.trailer]
            self._gzip = b"".join([GZIP_HEADER, *deflated, *end])
        return self._gzip

    @property
    def _checksum(self) -> Checksum:
        return NOTHING.over(self.parts)


def compressed_by_turns(body: bytes, window: int, flush: int) -> bytes:
    """The body by zlib, with this window and this last flush. Gives turns."""
    deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, window)
    blocks = []
    for start in range(0, len(body), BYTES_PER_TURN):
        if start:
            stand_in_line()
        blocks.append(deflater.compress(body[start : start + BYTES_PER_TURN]))
    return b"".join([*blocks, deflater.flush(flush)])


def _deflated(part: bytes) -> bytes:
    return compressed_by_turns(part, -zlib.MAX_WBITS, zlib.Z_FULL_FLUSH)
