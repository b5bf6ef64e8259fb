"""Lines: of a file that may be gzipped, in one member or many, and may have been cut off."""

import logging
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

log = logging.getLogger(__name__)

_MAGIC = b"\x1f\x8b"

#: `wbits` of a gzip member, for zlib.
_GZIP = 31

#: Compressed bytes unpacked at a time: what is lost where a file is broken is at most one such piece.
_PIECE = 2**10


def lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file without their line ends, a few at a time in memory.

    Of a gzip file whose writer was killed come all lines up to the cut, but not the one it cut.
    """
    with path.open("rb") as file:
        packed = file.read(len(_MAGIC)) == _MAGIC
        file.seek(0)
        if packed:
            yield from _unpacked(file)
        else:
            yield from (line.rstrip(b"\n") for line in file)


def _unpacked(file: BinaryIO) -> Iterator[bytes]:
    rest = b""
    unpacker = None  # while inside a member
    try:
        while piece := file.read(_PIECE):
            while piece:
                unpacker = unpacker or zlib.decompressobj(_GZIP)
                whole = (rest + unpacker.decompress(piece)).split(b"\n")
                rest = whole.pop()
                yield from whole
                piece = unpacker.unused_data
                if unpacker.eof:
                    unpacker = None
    except zlib.error as error:
        log.warning("%s is broken, and is read up to there: %s", file.name, error)
    else:
        if unpacker is not None:
            log.warning("%s is cut off, and is read up to there", file.name)
        elif rest:
            yield rest
