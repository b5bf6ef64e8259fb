"""WebSocket frames from server to client (RFC 6455, 5.2): unmasked, so the same bytes serve all."""

from collections.abc import Iterable

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

#: The first byte's bits: the last frame of a message, a deflated message (RFC 7692, 6).
FIN, RSV1 = 0x80, 0x40


def _header(first: int, size: int) -> bytes:
    if size < 126:
        return bytes((first, size))
    if size < 65536:
        return bytes((first, 126)) + size.to_bytes(2, "big")
    return bytes((first, 127)) + size.to_bytes(8, "big")


#: Headers of whole text messages by payload size, as far as updates reach.
_TEXT_HEADERS = [_header(FIN | TEXT, size) for size in range(1024)]


def frame(opcode: int, payload: bytes, rsv1: bool = False) -> bytes:
    """Make one whole, unmasked frame (RFC 6455, 5.2); `rsv1` marks a deflated message."""
    return _header(FIN | opcode | (RSV1 if rsv1 else 0), len(payload)) + payload


def text_frames(payloads: Iterable[bytes]) -> bytes:
    """Make one text message of each payload, joined for a single send."""
    payloads = list(payloads)
    table = _TEXT_HEADERS
    # Two slice assignments and a local name: every step here is paid per update and cohort.
    try:
        headers = [table[len(payload)] for payload in payloads]
    except IndexError:
        headers = [_header(FIN | TEXT, len(payload)) for payload in payloads]
    parts = [b""] * (2 * len(payloads))
    parts[::2] = headers
    parts[1::2] = payloads
    return b"".join(parts)


def close_frame(code: int, reason: str = "") -> bytes:
    """Make a Close frame; the reason is cut, between characters, to the 123 bytes there are.

    1005 means "no code given" and makes the empty frame.
    """
    if code == 1005:
        return frame(CLOSE, b"")
    text = reason.encode("utf-8", "replace")[:123].decode("utf-8", "ignore").encode()
    return frame(CLOSE, code.to_bytes(2, "big") + text)


def unmask(payload: bytes, key: bytes) -> bytes:
    """Undo a client's masking (RFC 6455, 5.3), as one XOR of two large numbers."""
    size = len(payload)
    mask = (key * (size // 4 + 1))[:size]
    number = int.from_bytes(payload, "little") ^ int.from_bytes(mask, "little")
    return number.to_bytes(size, "little")
