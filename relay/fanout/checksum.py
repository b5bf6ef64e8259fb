"""Checksum: what the end of a gzip stream has to say of all that came before it (RFC 1952, 2.3.1).

Clients share their bytes, but not where they began. CRC-32 is linear: the sum of two parts follows from those
of each and the second one's length, as zlib's crc32_combine has it, which Python's zlib leaves out.
"""

import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple

#: CRC-32's polynomial, reflected: the highest power stands in the lowest bit.
_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31
#: Up to so many bytes zlib itself is the quickest way: it is given as many zeros.
_ZEROS = memoryview(bytes(4 << 10))
_TRAILER = struct.Struct("<II")


class Checksum(NamedTuple):
    """The CRC-32 and the number of some bytes."""

    crc: int = 0
    size: int = 0

    def over(self, more: Iterable[bytes]) -> "Checksum":
        """That of these bytes and of more, which are at hand."""
        crc, size = self
        for part in more:
            crc = zlib.crc32(part, crc)
            size += len(part)
        return Checksum(crc, size)

    def then(self, more: "Checksum") -> "Checksum":
        """That of these bytes and more behind them."""
        return Checksum(shifted(self.crc, more.size) ^ more.crc, self.size + more.size)

    @property
    def trailer(self) -> bytes:
        """What stands behind a gzip stream's last block."""
        return _TRAILER.pack(self.crc, self.size & 0xFFFFFFFF)


#: Of no bytes at all.
NOTHING = Checksum()


class Summed(bytes):
    """Bytes on the wire that know what they are once they are inflated."""

    said: bytes

    @classmethod
    def of(cls, wire: bytes, said: bytes) -> "Summed":
        """`said`: what they are then."""
        summed = cls(wire)
        summed.said = said
        return summed

    @property
    def checksum(self) -> Checksum:
        """Of what they say."""
        return NOTHING.over([self.said])


def said_by(pieces: Iterable[bytes]) -> list[bytes]:
    """What these say; nothing where nobody will ask for its checksum."""
    return [piece.said for piece in pieces if isinstance(piece, Summed)]


def checksum_of(data: bytes) -> Checksum:
    """Of what these bytes say; of nothing where nobody will ask."""
    return data.checksum if isinstance(data, Summed) else NOTHING


class Tally:
    """What one client was given in all: by itself, and with its cohort, of which the cohort keeps a total."""

    __slots__ = ("_joined", "_own")

    def __init__(self, given: Checksum) -> None:
        self._own = given
        # The cohort's total when the client joined; None while it gets nothing from there.
        self._joined: Checksum | None = None

    def add(self, more: Checksum) -> None:
        """It was given these by itself."""
        self._own = self._own.then(more)

    def join(self, total: Checksum) -> None:
        """From here on it gets what the cohort gets."""
        self._joined = total

    def part(self, total: Checksum) -> None:
        """It has got what the cohort got up to this total, and gets no more."""
        self._own = self.given(total)
        self._joined = None

    def given(self, total: Checksum) -> Checksum:
        """All of it, if it has what the cohort got up to this total."""
        own, joined = self._own, self._joined
        if joined is None:
            return own
        size = total.size - joined.size
        return Checksum(shifted(own.crc ^ joined.crc, size) ^ total.crc, own.size + size)


def shifted(crc: int, size: int) -> int:
    """A CRC's share in that of its bytes with `size` others behind them."""
    if size <= len(_ZEROS):
        zeros = _ZEROS[:size]
        return zlib.crc32(zeros, crc) ^ zlib.crc32(zeros)
    power = 0
    while size and crc:
        if size & 1:
            crc = _product(_powers(power), crc)
        size >>= 1
        power += 1
    return crc


_known_powers = [1 << 23]


def _powers(number: int) -> int:
    """x to the power of 8 · 2^number, modulo the polynomial."""
    while len(_known_powers) <= number:
        last = _known_powers[-1]
        _known_powers.append(_product(last, last))
    return _known_powers[number]


def _product(one: int, other: int) -> int:
    """Two polynomials multiplied, modulo CRC-32's."""
    product = 0
    bit = _ONE
    while one:
        if one & bit:
            product ^= other
            one ^= bit
        bit >>= 1
        other = (other >> 1) ^ _POLYNOMIAL if other & 1 else other >> 1
    return product
