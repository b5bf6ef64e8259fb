"""RFC 6455 on the server's side: the reading half of a connection, and the frames of `frames`.

Nothing here writes to a socket. Whatever the protocol has to answer goes as one whole frame to the
`write` of the connection's outbox, so that a pong can never land inside another frame.
"""

import codecs
import hashlib
import zlib
from base64 import b64encode
from collections.abc import Callable

from geventwebsocket.websocket import WebSocket as Base

from relay.server.allowance import Allowance, Overdrawn
from relay.server.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    PING,
    PONG,
    RSV1,
    TEXT,
    close_frame,
    frame,
    text_frames,
    unmask,
)

__all__ = [
    "BINARY",
    "TEXT",
    "Closed",
    "Left",
    "WebSocket",
    "accept_key",
    "close_frame",
    "frame",
    "text_frames",
]

#: Bytes asked of the socket at a time: while idle, and at most inside a large frame.
_READ, _READ_LARGE = 4096, 65536
#: Bytes of a message that cost one unit of the allowance.
UNIT_BYTES = 1024
#: Fragments of a message, and reads until there is a whole one, that cost one unit more.
FRAGMENTS_A_UNIT, READS_A_UNIT = 8, 16
_RSV, _MASKED = 0x70, 0x80
#: The end of a deflated message, which its sender leaves out (RFC 7692, 7.2.1).
_TAIL = b"\x00\x00\xff\xff"

#: What is added to a client's key (RFC 6455, 1.3).
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

_utf8_decoder = codecs.getincrementaldecoder("utf-8")


def accept_key(key: str) -> bytes:
    """The handshake's `Sec-WebSocket-Accept` for its `Sec-WebSocket-Key` (RFC 6455, 4.2.2)."""
    return b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest())


class Closed(Exception):
    """The connection is over.

    `code` is the peer's (1005 if it gave none), ours where the peer broke the protocol, or 1006
    for an end without a Close frame (RFC 6455, 7.1.5). Any Close frame due has been queued.
    """

    def __init__(self, code: int, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    @property
    def is_breach(self) -> bool:
        """Whether the peer broke a rule, rather than went."""
        return self.code != 1006


class Left(Closed):
    """The peer has closed it in good order."""

    is_breach = False


class _Message:
    """A message that did not come as one frame in one piece. Exists only until it is whole."""

    __slots__ = (
        "announced", "data", "decoder", "final", "fragments", "inflater", "key", "left", "limit",
    )  # fmt: skip

    def __init__(self, opcode: int, deflated: bool, limit: int) -> None:
        self.decoder = _utf8_decoder() if opcode == TEXT else None
        self.inflater = zlib.decompressobj(-zlib.MAX_WBITS) if deflated else None
        self.limit = limit
        self.data = bytearray()
        #: Payload bytes of all its frames so far, by their headers.
        self.announced = 0
        self.fragments = 0
        # The frame that is arriving: payload bytes to come, their masking key, the last frame?
        self.left = 0
        self.key = b""
        self.final = False

    def begin(self, length: int, key: bytes, final: bool) -> None:
        self.announced += length
        self.fragments += 1
        self.left = length
        self.key = key
        self.final = final

    def add(self, chunk: bytes) -> None:
        """Take payload of the arriving frame. Raises Closed, UnicodeDecodeError or zlib.error."""
        self.left -= len(chunk)
        self._keep(unmask(chunk, self.key))
        if turn := len(chunk) % 4:
            self.key = self.key[turn:] + self.key[:turn]

    def finish(self) -> str | bytes:
        """Give the whole message. Raises what `add` raises."""
        if self.inflater:
            self._keep(_TAIL)
        if self.decoder is None:
            return bytes(self.data)
        self.decoder.decode(b"", final=True)
        return self.data.decode()

    def _keep(self, piece: bytes) -> None:
        if self.inflater:
            room = self.limit - len(self.data)
            piece = self.inflater.decompress(piece, room + 1)
            if len(piece) > room:
                raise Closed(1009, "message too big")
        if self.decoder:
            self.decoder.decode(piece)  # text is refused at its first bad byte
        self.data += piece


class WebSocket(Base):  # type: ignore[misc]  # gevent-websocket has no types
    """The reading half of one connection, for the worker to create when it has shaken hands.

    Idle, it holds two callables and a few numbers: no buffer, no decoder, no inflater, and nothing
    of the HTTP request.
    """

    __slots__ = (
        "_allowance", "_buffer", "_deflate", "_max_fragments", "_max_message", "_message", "_pong",
        "_recv", "_write", "closed",
    )  # fmt: skip

    # What the base would keep of the request, and with it the request's buffers.
    environ = stream = handler = None

    _recv: Callable[[int], bytes] | None
    _write: Callable[[bytes], None] | None
    _message: _Message | None
    _allowance: Allowance | None
    _pong: Callable[[bytes], bool] | None

    def __init__(self, environ: object, stream: object, handler: object) -> None:  # noqa: ARG002
        self._recv = self._write = None
        #: A Close frame has been queued, or none can be.
        self.closed = False

    def __del__(self) -> None:
        """Do nothing: the base sends a Close frame here, whenever the garbage collector runs."""

    def attach(
        self,
        recv: Callable[[int], bytes],
        write: Callable[[bytes], None],
        leftover: bytes = b"",
        *,
        max_message: int,
        allowance: Allowance | None = None,
        max_fragments: int = 128,
        deflate: bool = False,
        pong: Callable[[bytes], bool] | None = None,
    ) -> None:
        """Give the connection its input and its outbox; call it once, before `receive`.

        `recv(n)` blocks until there are 1 to n bytes, returns b"" at the end of the stream and
        may raise TimeoutError. `write` queues whole frames and neither blocks nor raises.
        `leftover` is what arrived behind the handshake. `max_message` bytes bound a message, both
        as it travels and inflated. A message costs one unit of the allowance for each UNIT_BYTES
        that it has begun, inflated, and a control frame costs one; one that comes in many pieces
        costs more. Without an allowance they are free. `deflate`: permessage-deflate was agreed on.
        `pong` is told what each pong carries and says whether it was asked for: then it is free. It does
        not raise.
        """
        self._recv = recv
        self._write = write
        self._buffer = leftover
        self._message = None
        self._max_message = max_message
        self._allowance = allowance
        self._max_fragments = max_fragments
        self._deflate = deflate
        self._pong = pong

    def receive(self) -> str | bytes:
        """Wait for the next whole message: str for text, bytes for binary.

        Pings are answered and a Close frame is echoed on the way. A peer that has spent its
        allowance is made to wait. Raises Closed when the connection
        is over. TimeoutError comes from `recv`; nothing is lost by it and `receive` may be called
        again.
        """
        reads = 0
        try:
            while (message := self._next()) is None:
                self._read()
                reads += 1
                if reads % READS_A_UNIT == 0:
                    self.charge(1)
        except Closed as end:
            self._end(end)
            raise
        except UnicodeDecodeError as error:
            raise self._end(Closed(1007, "text is not UTF-8")) from error
        except zlib.error as error:
            raise self._end(Closed(1007, "message does not inflate")) from error
        return message

    def close(self, code: int = 1000, message: str = "") -> None:
        """Queue a Close frame, once. Go on with `receive` to wait for the peer's."""
        if self._write and not self.closed:
            self._write(close_frame(code, message))
        self.closed = True

    def send_frame(self, message: str | bytes, opcode: int) -> None:
        """Queue one frame; the base's `send` comes here. Raises Closed after a Close frame."""
        if self.closed or self._write is None:
            raise Closed(1006, "already closed")
        self._write(frame(opcode, message.encode() if isinstance(message, str) else message))

    def _end(self, end: Closed) -> Closed:
        if end.code != 1006:
            self.close(end.code, end.reason)
        self.closed = True
        # They belong to the connection's owner, who holds this object: leave it no cycle.
        self._recv = self._write = self._message = self._allowance = self._pong = None
        self._buffer = b""
        return end

    def _read(self) -> None:
        if self._recv is None:
            raise Closed(1006, "already closed")
        left = self._message.left if self._message else 0
        try:
            data = self._recv(min(max(left, _READ), _READ_LARGE))
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed(1006, str(error)) from error
        if not data:
            raise Closed(1006, "end of stream")
        self._buffer += data

    def _next(self) -> str | bytes | None:
        """Take frames out of the buffer until one completes a message; None if they run out."""
        while True:
            message = self._message
            if message is None or not message.left:
                header = self._header()
                if header is None:
                    return None
                first, start, length = header
                buffer = self._buffer
                end = start + length
                key = buffer[start - 4 : start]
                if first & 0x0F >= CLOSE:
                    if len(buffer) < end:
                        return None
                    self._buffer = buffer[end:]
                    self._control(first & 0x0F, unmask(buffer[start:end], key))
                    continue
                if message is None:
                    if first & (FIN | RSV1) == FIN and len(buffer) >= end:
                        # Nearly every message: one frame, already here.
                        self._buffer = buffer[end:]
                        self._spend(length)
                        payload = unmask(buffer[start:end], key)
                        return payload.decode() if first & 0x0F == TEXT else payload
                    deflated = bool(first & RSV1)
                    message = _Message(first & 0x0F, deflated, self._max_message)
                    self._message = message
                message.begin(length, key, bool(first & FIN))
                self._buffer = buffer[start:]
                if message.fragments % FRAGMENTS_A_UNIT == 0:
                    self.charge(1)
            chunk = self._buffer[: message.left]
            self._buffer = self._buffer[message.left :]
            message.add(chunk)
            if message.left:
                return None
            if message.final:
                self._message = None
                whole = message.finish()
                self._spend(len(message.data))
                return whole

    def _header(self) -> tuple[int, int, int] | None:
        """Read the header in front: first byte, size of the header, size of the payload.

        None if it is not all there. A header is judged before anything behind it is read.
        """
        buffer = self._buffer
        size = len(buffer)
        if size < 2:
            return None
        first, second = buffer[0], buffer[1]
        self._judge(first, second)
        start, length = 6, second & 0x7F
        if length == 126:
            start, length = 8, int.from_bytes(buffer[2:4], "big")
        elif length == 127:
            start, length = 14, int.from_bytes(buffer[2:10], "big")
        if size < start:
            return None
        if first & 0x0F < CLOSE:
            message = self._message
            if length + (message.announced if message else 0) > self._max_message:
                raise Closed(1009, "message too big")
            if message and message.fragments >= self._max_fragments:
                raise Closed(1008, "too many fragments")
        return first, start, length

    def _judge(self, first: int, second: int) -> None:
        """Refuse what no client may send at this point (RFC 6455, 5.1 to 5.5)."""
        opcode = first & 0x0F
        if not second & _MASKED:
            raise Closed(1002, "frame is not masked")
        rsv = first & _RSV
        if rsv and not (rsv == RSV1 and self._deflate and opcode in (TEXT, BINARY)):
            raise Closed(1002, "reserved bit")
        if BINARY < opcode < CLOSE or opcode > PONG:
            raise Closed(1002, "reserved opcode")
        if opcode >= CLOSE:
            if not first & FIN or second & 0x7F > 125:
                raise Closed(1002, "control frame fragmented or too long")
        elif (opcode == CONTINUATION) is (self._message is None):
            raise Closed(1002, "fragment out of place")

    def charge(self, units: int) -> None:
        """Take units of the allowance, perhaps after a wait. Raises Closed where it is overdrawn."""
        if self._allowance is not None:
            try:
                self._allowance.spend(units)
            except Overdrawn:
                raise Closed(1008, "too many messages") from None

    def _spend(self, size: int) -> None:
        """Charge for a message or a control frame of so many bytes."""
        self.charge(max(-(-size // UNIT_BYTES), 1))

    def _control(self, opcode: int, payload: bytes) -> None:
        if opcode == PONG and self._pong is not None and self._pong(payload):
            # It was asked for: it costs nothing, and waits for nobody.
            return
        if opcode != CLOSE:
            self._spend(len(payload))
        if opcode == PING and not self.closed:
            self.send_frame(payload, PONG)
        elif opcode == CLOSE:
            if not payload:
                raise Left(1005)
            code = int.from_bytes(payload[:2], "big")
            if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
                raise Closed(1002, "bad close code")  # also where half of it is missing
            raise Left(code, payload[2:].decode())
