"""Connection: one WebSocket to the exchange, read in a greenlet of its own.

Only tickers prove that it lives: pings are answered and acknowledgements noted, but neither counts.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import gevent
import websocket
from websocket._abnf import continuous_frame, frame_buffer

from relay.exchange.messages import Message, Note, normalise
from relay.exchange.streams import CANARY, Dial, requests
from relay.ticker import Ticker, upper

log = logging.getLogger(__name__)

#: Name resolution, TCP, TLS and the WebSocket handshake together.
CONNECT_SECONDS = 5.0
#: 403 and 451 are answers, not accidents: asking again sooner changes nothing.
REFUSED_SECONDS = 300.0
#: Far above the largest frame seen, 362 KB; a message that claims or comes to more is refused.
MAX_MESSAGE_BYTES = 16 << 20
READ_BYTES = 64 << 10
#: websocket-client never yields while data is buffered; others get a turn after so many messages.
MESSAGES_PER_TURN = 50
#: Between two control messages: Binance takes five a second, and a pong may be one of them.
CONTROL_SECONDS = 0.26
#: A symbol's stream that delivers, on an exchange without the canary, may be silent for so many times as
#: long: nothing tells then whether it is quiet or dead.
QUIET_FACTOR = 6
#: The handshake header by which the simulator names itself.
SIMULATOR_HEADER = "x-relay-simulator"

_CANARY_SYMBOL, _CANARY_EVENT = upper(CANARY.partition("@")[0]), "24hrMiniTicker"


class FeedError(Exception):
    """The connection could not be made, or ended; says why in a few words."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        #: Seconds for which this source need not be tried again.
        self.retry_after = retry_after


class Receiver(Protocol):
    """Who is told what becomes of a connection."""

    def take(self, connection: "Connection", tickers: list[Ticker]) -> None:
        """Data has come; of a canary's, no tickers."""

    def retire(self) -> None:
        """The exchange has announced that it will close the connection."""

    def end(self, error: FeedError) -> None:
        """The connection is over."""


class _Frames(frame_buffer):  # type: ignore[misc]
    """websocket-client reads whatever length a header claims, and asks the kernel for a header's two
    bytes by themselves; this one has a limit, and reads ahead."""

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        super().__init__(receive, True)
        self._ahead = b""
        self._at = 0

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
    """The same for a message that comes in any number of frames."""

    def add(self, frame: websocket.ABNF) -> None:
        super().add(frame)
        if self.cont_data and len(self.cont_data[1]) > MAX_MESSAGE_BYTES:
            raise websocket.WebSocketPayloadException("a message without end")


class Connection:
    """Connects, subscribes, reads, and ends when there is silence."""

    def __init__(
        self,
        dial: Dial,
        silence: float,
        receiver: Receiver,
        notes: Counter[Note],
        tap: Callable[[bytes, int], None] | None = None,
    ) -> None:
        """`silence`: seconds without data, from the start on, after which it is dead. `tap` is given
        every message as it came, and when, in nanoseconds since 1970."""
        self.simulated = False
        #: When data came last, by the monotonic clock; before that, when the connection was begun.
        self.heard = time.monotonic()
        self._delivers = False
        self._canary_sings = False
        self._dial = dial
        self._silence = silence
        self._receiver = receiver
        self._notes = notes
        self._tap = tap
        self._socket: websocket.WebSocket | None = None
        self._greenlet = gevent.spawn(self._run)
        self._helpers = [gevent.spawn(self._watch)]

    @property
    def limit(self) -> float:
        """Seconds that it may go without data."""
        unsure = self._dial.canary and self._delivers and not self._canary_sings
        return self._silence * (QUIET_FACTOR if unsure else 1)

    def close(self) -> None:
        """Ends it; nobody is told."""
        self._greenlet.kill(block=False)

    def _run(self) -> None:
        try:
            self._connect()
            self._helpers.append(gevent.spawn(self._subscribe))
            self._read()
        except FeedError as error:
            self._receiver.end(error)
        finally:
            gevent.killall(self._helpers, block=False)
            if self._socket is not None:
                with suppress(OSError, websocket.WebSocketException):
                    self._socket.shutdown()

    def _connect(self) -> None:
        late = FeedError(f"no connection within {CONNECT_SECONDS:g} s")
        try:
            with gevent.Timeout(CONNECT_SECONDS, late):
                self._socket = websocket.create_connection(
                    self._dial.url,
                    timeout=CONNECT_SECONDS,
                    skip_utf8_validation=True,
                    suppress_origin=True,
                )
        except websocket.WebSocketBadStatusException as error:
            raise _refused(error) from error
        except (websocket.WebSocketException, OSError, ValueError) as error:
            raise FeedError(_said(error)) from error
        self._socket.settimeout(None)
        self._socket.frame_buffer = _Frames(self._socket._recv)
        self._socket.cont_frame = _Fragments(False, True)
        self.simulated = SIMULATOR_HEADER in self._socket.getheaders()

    def _subscribe(self) -> None:
        assert self._socket is not None  # noqa: S101 - for the type checker
        for request in requests(self._dial.subscribe):
            try:
                self._socket.send(request)
            except (websocket.WebSocketException, OSError) as error:
                self._fail(FeedError(_said(error)))
                return
            gevent.sleep(CONTROL_SECONDS)

    def _read(self) -> None:
        read = 0
        while True:
            data = self._receive()
            now = time.time_ns()
            if self._tap is not None:
                self._tap(data, now)
            message = normalise(data, now // 1_000_000)
            if message.notes:
                self._note(message)
            if message.tickers:
                self.heard = time.monotonic()
                self._receiver.take(self, self._wanted(message.tickers))
            read += 1
            if read % MESSAGES_PER_TURN == 0:
                gevent.sleep(0)

    def _receive(self) -> bytes:
        assert self._socket is not None  # noqa: S101 - for the type checker
        try:
            opcode, data = self._socket.recv_data()
        except (websocket.WebSocketException, OSError, ValueError) as error:
            # ValueError: the library trips over a close frame that is not UTF-8.
            raise FeedError(_said(error)) from error
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise FeedError(f"closed by the exchange: {_close_reason(data)}")
        return bytes(data)

    def _note(self, message: Message) -> None:
        self._notes.update(message.notes)
        if Note.ERROR in message.notes:
            # The only thing we ever ask for is a subscription.
            raise FeedError(f"the exchange says: {message.detail}")
        if Note.SHUTDOWN in message.notes:
            self._receiver.retire()

    def _wanted(self, tickers: list[Ticker]) -> list[Ticker]:
        if not self._dial.canary:
            return tickers
        wanted = [t for t in tickers if (t.symbol, t.stream) != (_CANARY_SYMBOL, _CANARY_EVENT)]
        self._canary_sings |= len(wanted) < len(tickers)
        self._delivers |= bool(wanted)
        return wanted

    def _watch(self) -> None:
        """Ends the connection for silence, wherever the reader stands, also within a frame."""
        while True:
            limit = self.limit
            left = self.heard + limit - time.monotonic()
            if left <= 0:
                self._fail(FeedError(f"connected, but no data for {limit:g} s"))
                return
            gevent.sleep(min(left, self._silence))

    def _fail(self, error: FeedError) -> None:
        self._greenlet.kill(error, block=False)


def _refused(error: websocket.WebSocketBadStatusException) -> FeedError:
    status = error.status_code
    if status in (403, 451):
        return FeedError(f"refused with HTTP {status}: not served from here", REFUSED_SECONDS)
    asked = (error.resp_headers or {}).get("retry-after", "")
    return FeedError(f"refused with HTTP {status}", float(asked) if asked.isdigit() else 0.0)


def _said(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return text[:200]


def _close_reason(data: object) -> str:
    payload = bytes(getattr(data, "data", data) or b"")  # type: ignore[call-overload]
    if len(payload) < 2:
        return "no code"
    return f"{int.from_bytes(payload[:2], 'big')} {payload[2:].decode(errors='replace')}".strip()
