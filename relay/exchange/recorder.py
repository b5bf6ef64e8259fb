"""Recorder: what the exchange sent, as it came, in files that the simulator can replay.

A line is the receive time in nanoseconds since 1970, a space, and the message. Files are gzip, named
after the time they were begun, and rotate; the oldest go when there are too many bytes.
"""

import logging
import zlib
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from relay.clock import SYSTEM, Clock

log = logging.getLogger(__name__)

#: The whole is cut into so many files, so that dropping one loses little.
FILES = 16
#: So often what was compressed so far is brought into a state that can be read, in nanoseconds: what
#: a crash may cost.
FLUSH_NANOSECONDS = 1_000_000_000
#: Of zlib's levels the fastest: at 30,000 messages a second the others would cost a core.
_LEVEL = 1
_GZIP = 31  # zlib's wbits for gzip


class Recorder:
    """Takes messages, keeps the newest so many bytes of them."""

    def __init__(self, directory: Path, limit: int, clock: Clock = SYSTEM) -> None:
        """`limit`: bytes that all files together may have. Raises OSError if nothing can be kept."""
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._limit = limit
        self._size = 0
        self._flushed = 0
        self._file: FileIO | None = None
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._open_file(clock.wall_ns())

    def take(self, message: bytes, received: int) -> None:
        """Keeps a message. One that cannot be kept, since the disk is full, ends the recording."""
        if self._file is None:
            return
        if b"\n" in message:
            message = message.replace(b"\n", b" ")
        try:
            self._write(self._deflate.compress(b"%d %b\n" % (received, message)))
            if received - self._flushed > FLUSH_NANOSECONDS:
                self._flushed = received
                self._write(self._deflate.flush(zlib.Z_SYNC_FLUSH))
                if self._size > self._limit // FILES:
                    self.close()
                    self._open_file(received)
        except OSError as error:
            log.error("the recording ends: %s", error)
            self._file.close()
            self._file = None

    def close(self) -> None:
        """Ends the file in good order."""
        if self._file is not None:
            self._write(self._deflate.flush())
            self._file.close()
            self._file = None

    def _write(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101 - for the type checker
        if data:
            self._size += len(data)
            self._file.write(data)

    def _open_file(self, received: int) -> None:
        """A new file, and room for it."""
        recordings = sorted(self._directory.glob("*.jsonl.gz"))
        sizes = {path: path.stat().st_size for path in recordings}
        while recordings and sum(sizes.values()) > self._limit - self._limit // FILES:
            oldest = recordings.pop(0)
            del sizes[oldest]
            oldest.unlink()
        name = datetime.fromtimestamp(received / 1e9, UTC).strftime("%Y%m%dT%H%M%S.%fZ.jsonl.gz")
        self._file = (self._directory / name).open("xb", buffering=0)
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._size = 0
        self._flushed = received
