"""Seal: shows that bytes were written by somebody who knows RELAY_SECRET.

What is sealed is a mark, an HMAC-SHA256 and the bytes as they were. Epoch and version are among the bytes,
so that nothing can be passed off as newer than it is. Each kind of bytes has a key of its own, so that one
cannot be passed off as another.
"""

import hmac
from typing import Protocol

#: No MessagePack and no JSON begins so.
MARK = b"\xc1S1"
_ALGORITHM = "sha256"
_BODY = len(MARK) + 32


class BadSeal(ValueError):
    """These bytes are not sealed as ours are; the text says in what way."""


class Seal(Protocol):
    """What all who write to a store, and all who read it, agree on."""

    @property
    def proves(self) -> bool:
        """Whether what is opened was written by one of us for sure."""

    def close(self, kind: str, data: bytes, place: str = "") -> bytes:
        """The bytes as they may be given away. They hold for the same kind and place only."""

    def open(self, kind: str, data: bytes, place: str = "") -> memoryview | bytes:
        """The bytes as they were. Raises BadSeal."""


class NoSeal:
    """Without a secret everything is as it is."""

    proves = False

    def close(self, _kind: str, data: bytes, _place: str = "") -> bytes:
        """See Seal."""
        return data

    def open(self, _kind: str, data: bytes, _place: str = "") -> bytes:
        """See Seal."""
        if data.startswith(MARK):
            raise BadSeal("it is signed, but RELAY_SECRET is not set here")
        return data


class SecretSeal:
    """With a secret, which all listeners and workers share."""

    proves = True

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._keys: dict[str, bytes] = {}

    def close(self, kind: str, data: bytes, place: str = "") -> bytes:
        """See Seal."""
        return b"".join((MARK, self._code(kind, data, place), data))

    def open(self, kind: str, data: bytes, place: str = "") -> memoryview:
        """See Seal."""
        if not data.startswith(MARK):
            raise BadSeal("it is not signed, though RELAY_SECRET is set here")
        body = memoryview(data)[_BODY:]
        if not hmac.compare_digest(data[len(MARK) : _BODY], self._code(kind, body, place)):
            raise BadSeal("it is signed with another RELAY_SECRET, or was changed")
        return body

    def _code(self, kind: str, data: bytes | memoryview, place: str) -> bytes:
        purpose = f"{kind} {place}"
        key = self._keys.get(kind) if not place else None
        if key is None:
            key = hmac.digest(self._secret, purpose.encode(), _ALGORITHM)
            if not place:
                self._keys[kind] = key
        return hmac.digest(key, data, _ALGORITHM)


def seal_of(secret: str) -> Seal:
    """The seal for this secret; without one, what is sealed is the bytes alone."""
    return SecretSeal(secret) if secret else NoSeal()
