"""The client behind a WebSocket: it is read as RFC 6455 asks, and what it says is obeyed."""

import _socket
from collections.abc import Callable

import gevent

from relay.clock import SYSTEM, Clock
from relay.fanout.client import LINGER_SECONDS, Client
from relay.fanout.news import News
from relay.server.allowance import Allowance
from relay.server.common import Common
from relay.server.frames import TEXT, close_frame, frame
from relay.server.websocket import Closed, WebSocket
from relay.turn import give_turn
from relay.web.ws_form import POLICY_VIOLATION

#: The longest message a client may send, in bytes: 512 symbols of 32 characters.
MAX_MESSAGE_BYTES = 32 << 10
#: Units a second that a client may spend: one for a control frame, one for each KiB that a message has begun,
#: and what commands cost: see Commands. A client that has spent them waits.
UNITS_PER_SECOND = 20.0

Obey = Callable[["MessageClient", str | bytes], None]


class MessageClient(Client):
    """A client that may also speak."""

    __slots__ = ("_asked", "_obey", "_websocket", "deflates")

    def __init__(
        self,
        sock: _socket.socket,
        version: int,
        news: News,
        websocket: WebSocket,
        obey: Obey,
        *,
        leftover: bytes,
        deflates: bool,
        common: Common | None = None,
        stall_seconds: float,
        clock: Clock = SYSTEM,
    ) -> None:
        """`obey` is given each message; `leftover` is what came behind the handshake; `deflates`: whether
        permessage-deflate was agreed on; `common`: what it and others of the same visitor may say."""
        super().__init__(sock, version, news, stall_seconds=stall_seconds, clock=clock)
        self._websocket = websocket
        self._obey = obey
        self.deflates = deflates
        # When it was asked first of the questions it has not answered, by the clock.
        self._asked = 0.0
        websocket.attach(
            self.receive,
            self.write,
            leftover,
            max_message=MAX_MESSAGE_BYTES,
            allowance=Allowance(UNITS_PER_SECOND, common=common, pause=self._hold_back),
            deflate=deflates,
        )

    def asked(self) -> None:
        """A heartbeat's ping has gone out in full."""
        if self._asked <= self.heard:
            self._asked = self._clock.monotonic()

    def overdue(self, seconds: float) -> bytes:
        """See Client."""
        if self._asked <= self.heard or self._clock.monotonic() - self._asked < seconds:
            return b""
        return close_frame(POLICY_VIOLATION, f"no pong within {seconds:.0f} s")

    def read(self) -> None:
        """Reads and obeys until the peer has gone or is told goodbye."""
        try:
            while True:
                message = self._websocket.receive()
                if not self.leaving:
                    self._try_to_obey(message)
                    # Its next message may be here already, and those of others as well.
                    give_turn()
        except Closed:
            # What is due to be said, a close frame among it, has been written by now.
            self.finish(b"")
            # Closing before the peer has would throw away what it has not read yet.
            with gevent.Timeout(LINGER_SECONDS, False):  # type: ignore[arg-type]
                super().read()

    def pay(self, units: int) -> None:
        """Takes units for the work that a command makes, perhaps after a wait. Raises Closed."""
        self._websocket.charge(units)

    def _try_to_obey(self, message: str | bytes) -> None:
        try:
            self._obey(self, message)
        except Closed as breach:
            self._websocket.close(breach.code, breach.reason)
            raise

    def _hold_back(self, seconds: float) -> None:
        gevent.sleep(seconds)
        if self.leaving:
            raise Closed(1006, "nobody needs to hear it any more")
        # What it said meanwhile is not read yet, perhaps the answer that it was asked for.
        self.heard = self._clock.monotonic()

    def say(self, message: bytes) -> None:
        """Sends a text message of its own."""
        self.write(frame(TEXT, message))
