"""Client: one WebSocket connection of the exchange, from handshake to close."""

import asyncio
import logging
import socket
import struct
import time
from collections import deque
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from websockets.asyncio.server import ServerConnection
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode
from websockets.protocol import Event, State

from relay.simulator import wire
from relay.simulator.control import Subscriptions
from relay.simulator.frame import Frame
from relay.simulator.tally import Tally

log = logging.getLogger(__name__)

#: Messages a client may send within one second, PING and PONG included (BINANCE docs).
MAX_MESSAGES = 5

#: Bytes that may wait for a client that does not read; then it is dropped. Some 25 of the largest
#: all-market frames ever seen (350 KB).
MAX_WAITING = 8 * 2**20

#: Bytes of one fragment under the fault `fragmented`.
_FRAGMENT = 100


@dataclass(frozen=True)
class Lifetime:
    """The clocks of a connection, in seconds (BINANCE docs, web-socket-streams)."""

    ping_interval: float = 20.0
    pong_timeout: float = 60.0
    max_age: float = 86_400.0
    #: From `serverShutdown` to the close that follows it.
    shutdown_notice: float = 10.0


@dataclass(frozen=True)
class Target:
    """What the URL of a handshake asks for."""

    combined: bool
    microseconds: bool
    streams: list[str]

    @classmethod
    def parse(cls, path: str) -> "Target | None":
        """Read `/ws`, `/ws/<s1>/<s2>`, `/stream`, `/stream?streams=<s1>/<s2>`; None is a 404."""
        url = urlsplit(path)
        # Not parse_qs(): the plus sign of `@kline_1d@+08:00` is no space.
        query = dict(pair.partition("=")[::2] for pair in url.query.split("&"))
        first, _, rest = unquote(url.path).lstrip("/").partition("/")
        if first == "stream" and not rest:
            names, combined = unquote(query.get("streams", "")), True
        elif first == "ws":
            names, combined = rest, False
        else:
            return None
        streams = [name for name in names.split("/") if name]
        return cls(combined, query.get("timeUnit", "").upper() == "MICROSECOND", streams)


class Connection(ServerConnection):
    """A connection that tells its client about every frame, pings and pongs included."""

    client: "Client | None" = None

    def data_received(self, data: bytes) -> None:
        # Somebody whom nothing will ever be written to is not heard either, until TCP ends.
        if self.client is None or not self.client.broken_off:
            super().data_received(data)

    def process_event(self, event: Event) -> None:
        if self.client is not None and isinstance(event, WireFrame):
            self.client.arrived(event)
        super().process_event(event)


class Client:
    """Subscriptions, limits and clocks of one connection. Writing never waits."""

    def __init__(
        self, connection: Connection, target: Target, lifetime: Lifetime, tally: Tally
    ) -> None:
        self.connection = connection
        self.target = target
        self.subscriptions = Subscriptions(target.combined)
        self.fragmented = False
        self.over_limit = False  # nothing that it says counts any more
        self.broken_off = False
        self._lifetime = lifetime
        self._tally = tally
        self._frozen = False
        self._arrivals: deque[float] = deque(maxlen=MAX_MESSAGES + 1)
        self._pings: set[bytes] = set()  # sent and unanswered
        self._pong_due: float | None = None
        self._closing: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._written: list[bytes] = []  # in this turn of the loop

    def offer(self, frame: Frame) -> bytes:
        """Return the form of a frame that this connection wants."""
        return frame.form(self.subscriptions.combined, self.target.microseconds)

    def write(self, message: bytes, text: bool = True) -> None:
        """Send one message, together with all others that are written in this turn of the loop."""
        if self._frozen:
            return
        if not self._written:
            self._loop.call_soon(self.flush)
        if text and self.fragmented:
            self._written += _fragments(message)
        else:
            self._written.append(wire.encode(message, wire.Kind.TEXT if text else wire.Kind.BINARY))

    def flush(self) -> None:
        """Hand what was written to TCP; a client that has let too much pile up is dropped."""
        written, self._written = self._written, []
        transport = self.connection.transport
        if self.connection.protocol.state is not State.OPEN or transport.is_closing():
            return
        # Past the library, which would spend more on a small frame than the rest of the way costs.
        transport.write(b"".join(written))
        if transport.get_write_buffer_size() > MAX_WAITING:
            log.warning("dropped a client that does not read: %s", self.connection.id)
            transport.abort()

    def close(self, code: int, reason: str) -> None:
        """Begin to close, without waiting for the client's half of it."""
        if self._closing is None and not self._frozen:
            self.flush()
            self._closing = asyncio.create_task(self.connection.close(code, reason))

    def reset(self) -> None:
        """End the connection with an RST, as a crashed or overloaded machine does."""
        peer = self.connection.transport.get_extra_info("socket")
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.transport.abort()

    def freeze(self, frozen: bool) -> None:
        """Stop (or resume) reading and writing; the peer sees an open, silent TCP connection."""
        if frozen == self._frozen or self.broken_off or self.connection.transport.is_closing():
            return
        self.flush()
        self._frozen = frozen
        self._pong_due = None
        if frozen:
            self.connection.transport.pause_reading()
        else:
            self.connection.transport.resume_reading()

    def break_off(self, message: bytes) -> None:
        """Send one message up to the middle of its payload, and nothing ever after."""
        if self._frozen:
            return
        self.flush()
        head = wire.header(len(message))
        self.connection.transport.write(head + message[: len(message) // 2])
        self._frozen = self.broken_off = True
        self._pong_due = None

    def arrived(self, frame: WireFrame) -> None:
        """Count a frame from the client; one too many within a second ends the connection."""
        if frame.opcode is Opcode.CLOSE:
            return
        if frame.opcode is Opcode.PONG and bytes(frame.data) in self._pings:
            self._pings.clear()
            self._pong_due = None
        self._arrivals.append(time.monotonic())
        if len(self._arrivals) > MAX_MESSAGES and self._arrivals[-1] - self._arrivals[0] < 1.0:
            self.expel("Too many requests")

    def expel(self, reason: str) -> None:
        """Close, because a limit was exceeded."""
        if not self.over_limit:
            self.over_limit = True
            self._tally.too_many += 1
            self.close(1008, reason)

    def shut_down(self) -> None:
        """Announce the end with `serverShutdown`, in the shape this connection has."""
        payload = b'{"e":"serverShutdown","E":%d}' % (time.time_ns() // 1_000_000)
        self.write(self.offer(Frame("!serverShutdown", payload)))

    async def keep(self) -> None:
        """Ping, watch for pongs, and end the connection when its time has come."""
        life = self._lifetime
        ping_at = time.monotonic() + life.ping_interval
        close_at = time.monotonic() + life.max_age
        warn_at: float | None = close_at - life.shutdown_notice
        while self.connection.protocol.state is State.OPEN:
            due = [t for t in (close_at, ping_at, warn_at, self._pong_due) if t is not None]
            await asyncio.sleep(max(0.0, min(due) - time.monotonic()))
            now = time.monotonic()
            if now >= close_at:
                self.close(1001, "")
                return
            if self._pong_due is not None and now >= self._pong_due:
                self.close(1008, "Pong timeout")
                return
            if warn_at is not None and now >= warn_at:
                warn_at = None
                self.shut_down()
            if now >= ping_at:
                ping_at = now + life.ping_interval
                self._ping(pong_due=now + life.pong_timeout)

    def _ping(self, pong_due: float) -> None:
        protocol = self.connection.protocol
        if self._frozen or protocol.state is not State.OPEN:
            return
        if self._pong_due is None:
            self._pong_due = pong_due
        payload = str(time.time_ns() // 1_000_000).encode()
        self._pings.add(payload)
        protocol.send_ping(payload)
        self.connection.send_data()


def _fragments(message: bytes) -> list[bytes]:
    pieces = [message[i : i + _FRAGMENT] for i in range(0, len(message), _FRAGMENT)] or [b""]
    kinds = [wire.Kind.TEXT] + [wire.Kind.CONTINUATION] * (len(pieces) - 1)
    last = len(pieces) - 1
    return [
        wire.encode(piece, kind, final=number == last)
        for number, (piece, kind) in enumerate(zip(pieces, kinds, strict=True))
    ]
