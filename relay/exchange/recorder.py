"""Recorder: what the exchange sent, as it came, in files that the simulator can replay.

A line is the receive time in nanoseconds since 1970, a space, and the message. Files are gzip, named
after the time they were begun, and rotate; the oldest go when there are too many bytes.
"""

import logging
import os
import zlib
from contextlib import suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from relay.clock import SYSTEM, Clock

log = logging.getLogger(__name__)

#: Files that a whole recording is cut into, so that dropping one loses little.
FILES = 16
#: Nanoseconds after which what was compressed so far is brought into a state that can be read: what a
#: crash may cost.
FLUSH_NANOSECONDS = 1_000_000_000
#: Seconds until a recording that failed is tried again.
RETRY_SECONDS = 60.0
#: The fastest level of zlib: at 30,000 messages a second the others would cost a core.
_LEVEL = 1
_GZIP = 31  # zlib's wbits for gzip
#: What a disk may do to us, or a clock that is no clock.
_FAILURES = (OSError, ValueError, OverflowError, zlib.error)


class Recorder:
    """Takes messages, and keeps the newest of them."""

    def __init__(self, directory: Path, limit: int, clock: Clock = SYSTEM) -> None:
        """`limit`: bytes that all files together may have. Raises OSError if nothing can be kept."""
        self._directory = directory
        self._limit = limit
        self._clock = clock
        self._size = 0
        self._flushed = 0
        self._file: FileIO | None = None
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        # Whether nothing is kept at present, and when to try again, by the monotonic clock.
        self._failed = False
        self._retry_at = 0.0
        self._open_file(clock.wall_ns())

    def take(self, message: bytes, received: int) -> None:
        """Keeps a message.

        Never raises: where a message cannot be kept, the recording ends, which is logged, and is tried
        again after RETRY_SECONDS.
        """
        if self._file is None and self._clock.monotonic() < self._retry_at:
            return
        try:
            if self._file is None:
                self._open_file(received)
            self._keep(message, received)
        except _FAILURES as error:
            self._fail(error)

    def close(self) -> None:
        """Ends the file in good order, or says why that cannot be."""
        try:
            self._end_file()
        except _FAILURES as error:
            self._fail(error)

    def _keep(self, message: bytes, received: int) -> None:
        if b"\n" in message:
            message = message.replace(b"\n", b" ")
        self._write(self._deflate.compress(b"%d %b\n" % (received, message)))
        # A clock that is set back must not put this off for as long.
        if not 0 <= received - self._flushed <= FLUSH_NANOSECONDS:
            self._flushed = received
            self._flush()
            if self._size > self._limit // FILES:
                self._end_file()
                self._open_file(received)

    def _flush(self) -> None:
        """What was kept so far can be read from here on, if its file is still there."""
        self._write(self._deflate.flush(zlib.Z_SYNC_FLUSH))
        if self._file is not None and os.fstat(self._file.fileno()).st_nlink == 0:
            raise FileNotFoundError("its file is gone")
        if self._failed:
            log.warning("recording again")
            self._failed = False

    def _fail(self, error: Exception) -> None:
        """One line when a recording ends, none for each attempt that fails as well."""
        if not self._failed:
            log.error("the recording ends: %s; next try in %.0f s", error, RETRY_SECONDS)
        self._failed = True
        self._retry_at = self._clock.monotonic() + RETRY_SECONDS
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            if self._size == 0:
                with suppress(OSError):
                    Path(str(self._file.name)).unlink()
            self._file = None

    def _write(self, data: bytes) -> None:
        assert self._file is not None  # noqa: S101 - for the type checker
        self._size += len(data)
        left = memoryview(data)
        while left:
            # A disk that is nearly full takes a part.
            left = left[self._file.write(left) or 0 :]

    def _end_file(self) -> None:
        if self._file is not None:
            self._write(self._deflate.flush())
            self._file.close()
            self._file = None

    def _open_file(self, received: int) -> None:
        """A new file, and room for it."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._make_room()
        name = datetime.fromtimestamp(received / 1e9, UTC).strftime("%Y%m%dT%H%M%S.%fZ.jsonl.gz")
        self._file = (self._directory / name).open("xb", buffering=0)
        self._deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        self._size = 0
        self._flushed = received

    def _make_room(self) -> None:
        recordings = sorted(self._directory.glob("*.jsonl.gz"))
        sizes = {path: path.stat().st_size for path in recordings}
        while recordings and sum(sizes.values()) > self._limit - self._limit // FILES:
            oldest = recordings.pop(0)
            del sizes[oldest]
            oldest.unlink()
