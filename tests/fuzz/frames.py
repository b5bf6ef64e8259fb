"""WebSocket: what a client's frames say, whole and in pieces, and which compression its header asks for."""

import zlib

from relay.server.negotiation import negotiate
from relay.server.websocket import Closed, WebSocket
from tests.fuzz.target import Target, pieces

_LIMIT = 4096
_FRAGMENTS = 16
#: Close codes for breaches of the protocol.
_REFUSALS = {1002, 1007, 1008, 1009}
#: What we may answer to a wish for compression, between semicolons.
_GRANTED = {
    "permessage-deflate",
    "client_no_context_takeover",
    "server_no_context_takeover",
    "server_max_window_bits=15",
}

Heard = tuple[list[str | bytes], bytes, int]


def check_frames(data: bytes) -> None:
    """A byte that says whether compression was agreed on, two that say how the rest is cut."""
    deflate, sizes, data = bool(data[:1].strip(b"\0")), data[1:3], data[3:]
    whole, parted = _hear(data, b"", deflate), _hear(data, sizes, deflate)
    messages, written, code = whole
    assert messages == parted[0], "other messages in pieces"
    if deflate and code in _REFUSALS:
        # Which of two things that are wrong is seen first depends on how far the inflater got.
        assert parted[2] in _REFUSALS
    else:
        assert whole == parted, "another result in pieces"
    assert all(len(m.encode() if isinstance(m, str) else m) <= _LIMIT for m in messages)
    # A pong for a ping at most, and one close frame: never more than was said, and a reason.
    assert len(written) <= len(data) + 127
    assert code in {*_REFUSALS, 1005, 1006} or 1000 <= code <= 4999


def _hear(data: bytes, sizes: bytes, deflate: bool) -> Heard:
    """All that a connection makes of it: its messages, what it writes, its last word."""
    written: list[bytes] = []
    source = pieces(data, sizes)
    held = b""

    def recv(size: int) -> bytes:
        nonlocal held
        held = held or next(source, b"")
        piece, held = held[:size], held[size:]
        return piece

    websocket = WebSocket({}, None, None)
    websocket.attach(
        recv, written.append, max_message=_LIMIT, max_fragments=_FRAGMENTS, deflate=deflate
    )
    messages: list[str | bytes] = []
    while True:
        try:
            messages.append(websocket.receive())
        except Closed as closed:
            return messages, b"".join(written), closed.code


def check_negotiation(data: bytes) -> None:
    """The header as WSGI has it."""
    offers = data.decode("latin-1")
    agreed = negotiate(offers)
    assert agreed == negotiate(offers), "another result the second time"
    if agreed is None:
        return
    granted = [part.strip() for part in agreed.response.split(";")]
    assert set(granted) <= _GRANTED
    assert len(granted) == len(set(granted))
    # What was granted may be asked for again, but for what only a client may say of itself.
    assert negotiate(agreed.response) == agreed


def _frame(first: int, payload: bytes, key: bytes = b"\x37\xfa\x21\x3d") -> bytes:
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    masked = bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))
    return bytes([first]) + length + key + masked


def _deflated(payload: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


_PLAIN = b"\x00\x00\x00"
_DEFLATING = b"\x01\x04\x00"
FRAMES = Target(
    "frames",
    check_frames,
    seeds=(
        _PLAIN + _frame(0x81, b'{"op":"ping"}') + _frame(0x89, b"x") + _frame(0x88, b"\x03\xe8bye"),
        _PLAIN + _frame(0x01, "币".encode()[:2]) + _frame(0x89, b"") + _frame(0x80, b"\x81"),
        _PLAIN + _frame(0x82, b"y" * 300) + _frame(0x8A, b"") + _frame(0x88, b""),
        _DEFLATING + _frame(0xC1, _deflated(b"hello" * 20)) + _frame(0xC2, _deflated(b"")),
        _DEFLATING + _frame(0x41, _deflated(b"hello")[:4]) + _frame(0x80, _deflated(b"hello")[4:]),
        _DEFLATING + _frame(0xC1, _deflated(b"\0" * 100_000)),
    ),
    words=(
        *(_frame(0x81, b"a"), _frame(0x01, b"a"), _frame(0x80, b"a"), _frame(0x00, b"a")),
        *(
            _frame(0x89, b"p" * 125),
            _frame(0x88, b"\x03\xe9"),
            _frame(0x88, b"\x07"),
            _frame(0x8A, b""),
        ),
        *(_frame(0xC1, _deflated(b"z" * 5000)), _frame(0xC1, b"\xff\xff"), _frame(0x81, b"\xff")),
        *(
            b"\x81\xfe\xff\xff",
            b"\x81\xff" + b"\xff" * 8,
            b"\x82\xff" + b"\0" * 8,
            b"\x01\x80\0\0\0\0",
        ),
    ),
)
NEGOTIATION = Target(
    "negotiation",
    check_negotiation,
    seeds=(
        b"permessage-deflate; client_max_window_bits, permessage-deflate",
        b'permessage-deflate; server_max_window_bits="15"; server_no_context_takeover',
        b"x-webkit-deflate-frame, , permessage-deflate;client_max_window_bits=10",
    ),
    words=(
        *(b"permessage-deflate", b"client_max_window_bits", b"server_max_window_bits"),
        *(b"server_no_context_takeover", b"client_no_context_takeover", b"=15", b"=8", b'="15"'),
        *(b";", b",", b" ", b"\t", b"=", b'"', b'\\"', b"\\", b"\xe9", b" \t" * 50, b"a" * 200),
    ),
)
