"""Frame limits: websocket-client, with a bound on everything that the other side may send.

The library reads whatever length a header claims, a handshake without end, and fragments without end;
it never lets others run while data is there; and it follows redirects to anywhere. Nobody else in the
house imports it.
"""

from collections.abc import Callable
from typing import Any, Protocol, cast

import websocket
import websocket._core
from websocket._abnf import continuous_frame, frame_buffer

from relay import url as urls
from relay.exchange import way
from relay.turn import give_turn

#: Bytes of a message, far above the largest frame seen (362 KB). One that claims or comes to more is refused.
MAX_MESSAGE_BYTES = 16 << 20
#: Bytes of the headers that answer a handshake.
MAX_HEAD_BYTES = 64 << 10
#: Bytes of the body behind them: a refusal may be a page for people.
MAX_BODY_BYTES = 1 << 20
#: The library reads headers byte by byte. Reads until others get a turn, and with them the deadline, which
#: never comes while data is there.
READS_PER_TURN = 1024
#: Bytes that are asked of the socket at a time.
READ_BYTES = 64 << 10
#: Frames of any kind until others get a turn.
FRAMES_PER_TURN = 50

ERRORS = (websocket.WebSocketException, OSError, ValueError)
"""What a socket may raise. ValueError: the library trips over a close frame that is not UTF-8."""
BadStatus = websocket.WebSocketBadStatusException
CLOSE = websocket.ABNF.OPCODE_CLOSE


class WebSocket(Protocol):
    """What of the library's socket is used."""

    def getheaders(self) -> dict[str, str] | None:
        """The headers of the answer to the handshake, their names in lower case."""

    def recv_data(self) -> tuple[int, bytes]:
        """The next message, or the end: its opcode, and its payload. Answers pings meanwhile."""

    def send(self, payload: bytes) -> int:
        """Sends a text message."""

    def shutdown(self) -> None:
        """Closes it at once."""


def connect(url: str, seconds: float) -> WebSocket:
    """A WebSocket that stands, and reads no more than the limits allow. Raises one of ERRORS.

    `seconds` bounds each wait for the other side, not all of them together.
    """
    where = urls.read(url)
    host = urls.one_host(where)
    secure = where.scheme == "wss"
    port = host.port or (443 if secure else 80)
    connection = way.connect(host.name, port, secure=secure, seconds=seconds)
    try:
        socket: Any = websocket.create_connection(
            url,
            timeout=seconds,
            socket=connection,
            skip_utf8_validation=True,
            suppress_origin=True,
            redirect_limit=0,
        )
    except BaseException:
        connection.close()
        raise
    socket.settimeout(None)
    socket.frame_buffer = _Frames(socket._recv)
    socket.cont_frame = _Fragments(False, True)
    return cast(WebSocket, socket)


class _Frames(frame_buffer):  # type: ignore[misc]
    """Has a limit, reads ahead where the library asks the kernel for a header's two bytes by
    themselves, and gives others a turn."""

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        super().__init__(receive, True)
        self._ahead = b""
        self._at = 0
        self._frames = 0

    def recv_header(self) -> None:
        """As the library does it, but others get a turn now and then."""
        self._frames += 1
        if self._frames % FRAMES_PER_TURN == 0:
            give_turn()
        first, second = self.recv_strict(2)
        reserved = first >> 6 & 1, first >> 5 & 1, first >> 4 & 1
        self.header = (first >> 7, *reserved, first & 0xF, second >> 7, second & 0x7F)

    def recv_strict(self, bufsize: int) -> bytes:
        if bufsize > MAX_MESSAGE_BYTES:
            raise websocket.WebSocketPayloadException(f"a frame of {bufsize} bytes")
        start, end = self._at, self._at + bufsize
        if end > len(self._ahead):
            parts = [self._ahead[start:]]
            missing = bufsize - len(parts[0])
            while missing > 0:
                parts.append(self.recv(READ_BYTES))
                missing -= len(parts[-1])
            self._ahead = b"".join(parts)
            start, end = 0, bufsize
        self._at = end
        return self._ahead[start:end]


class _Fragments(continuous_frame):  # type: ignore[misc]
    """The same limit for a message that comes in any number of frames."""

    def add(self, frame: websocket.ABNF) -> None:
        super().add(frame)
        if self.cont_data and len(self.cont_data[1]) > MAX_MESSAGE_BYTES:
            raise websocket.WebSocketPayloadException("a message without end")


class _Handshake:
    """A socket while the answer to a handshake is read: with a limit, and turns for others."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._head_left = MAX_HEAD_BYTES
        self._body_left = MAX_BODY_BYTES
        self._reads = 0

    def recv(self, size: int) -> bytes:
        self._reads += 1
        if self._reads % READS_PER_TURN == 0:
            give_turn()
        data: bytes = self._socket.recv(size)
        if size == 1:
            self._head_left -= 1
        else:
            self._body_left -= len(data)
        if min(self._head_left, self._body_left) < 0:
            raise websocket.WebSocketException("a handshake without end")
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)


def _bounded(handshake: Callable[..., Any]) -> Callable[..., Any]:
    return lambda socket, *address, **options: handshake(_Handshake(socket), *address, **options)


# There is no other way in: the library connects and shakes hands in one step.
websocket._core.handshake = _bounded(websocket._core.handshake)
