"""Deflate: compression done once for all who get the same bytes (RFC 1951, RFC 1952).

A deflate stream is a row of blocks. A block may refer back to the last 32 KiB of what came before
it, so two clients can share blocks only if they have the same past; but after a keyframe, where the
compressor forgets its past, anyone may join whose own blocks so far ended on a byte.
"""

import zlib

from relay.clock import Clock

#: A gzip header that promises nothing: no name, no time, unknown system (RFC 1952, 2.3).
GZIP_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
#: deflate's last block, an empty one.
LAST_BLOCK = b"\x03\x00"
#: Seconds between two keyframes, which is how long a newcomer's bytes may have to be made for it alone. A
#: little less than the second at which the whole market comes, so that there every pass is one to join at.
KEYFRAME_SECONDS = 0.9
#: zlib's level. A frame of the whole market takes 1.5 ms and comes to 21 % of its size; level 1 takes
#: 0.8 ms for 24 %, level 6 takes 2.7 ms for 21 %.
LEVEL = 5


class Saved:
    """What compression has saved in this process so far: a difference tells what it saved in between."""

    #: In bytes.
    size = 0


def _compressor() -> "zlib._Compress":
    return zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)


def block(data: bytes) -> bytes:
    """Blocks that refer to nothing before them, and end on a byte."""
    return _compressed(_compressor(), data)


def _compressed(compressor: "zlib._Compress", data: bytes) -> bytes:
    small = compressor.compress(data) + compressor.flush(zlib.Z_SYNC_FLUSH)
    Saved.size += len(data) - len(small)
    return small


class Deflater:
    """Blocks that refer to what this deflater was given since the last keyframe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._compressor = _compressor()
        self._keyframe = clock.monotonic()

    def renew(self, alone: bool) -> bool:
        """True if what follows refers to nothing before, so that others may join.

        That is so each KEYFRAME_SECONDS, and where nobody is there to share the past with.
        """
        now = self._clock.monotonic()
        if not alone and now - self._keyframe < KEYFRAME_SECONDS:
            return False
        self._compressor = _compressor()
        self._keyframe = now
        return True

    def block(self, data: bytes) -> bytes:
        """Blocks that end on a byte."""
        return _compressed(self._compressor, data)
