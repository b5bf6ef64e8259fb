"""Wire: a message as a server puts it on TCP (RFC 6455, 5.2): unmasked, uncompressed."""

import struct
from enum import IntEnum


class Kind(IntEnum):
    """Opcodes of what carries data."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2


def encode(payload: bytes, kind: Kind = Kind.TEXT, *, final: bool = True) -> bytes:
    """Return one frame, header and payload."""
    return header(len(payload), kind, final=final) + payload


def header(size: int, kind: Kind = Kind.TEXT, *, final: bool = True) -> bytes:
    """Return the header of a frame whose payload has `size` bytes."""
    first = kind | 0x80 if final else kind
    if size < 126:
        return bytes((first, size))
    if size < 2**16:
        return struct.pack("!BBH", first, 126, size)
    return struct.pack("!BBQ", first, 127, size)


def is_text(payload: bytes) -> bool:
    """Return whether a payload may travel in a text frame: is UTF-8."""
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
