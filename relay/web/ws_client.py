"""The client behind a WebSocket: it is read as RFC 6455 asks, and what it says is obeyed.

How long its way is, its pongs say. While that is long, it gets only the newest of each symbol, and no more
of that than its way takes.
"""

import _socket
from collections.abc import Callable

import gevent

from relay.clock import SYSTEM, Clock
from relay.fanout.client import LINGER_SECONDS, Client
from relay.fanout.cut import Cut
from relay.fanout.delivery import Delivery
from relay.fanout.news import News
from relay.server.allowance import Allowance
from relay.server.common import Common
from relay.server.frames import PING, TEXT, close_frame, frame
from relay.server.turns import Turns
from relay.server.websocket import Closed, WebSocket
from relay.turn import give_turn
from relay.web.way import NEWCOMER, Way
from relay.web.ws_form import POLICY_VIOLATION

#: The longest message a client may send, in bytes: 512 symbols of 32 characters.
MAX_MESSAGE_BYTES = 32 << 10
#: Units a second that a client may spend: one for a control frame, one for each KiB that a message has begun,
#: and what commands cost: see Commands. A client that has spent them waits.
UNITS_PER_SECOND = 20.0

Obey = Callable[["MessageClient", str | bytes], None]


class MessageClient(Client):
    """A client that may also speak."""

    __slots__ = ("_asked", "_obey", "_turns", "_way", "_websocket", "deflates")

    def __init__(
        self,
        sock: _socket.socket,
        version: int,
        news: News,
        websocket: WebSocket,
        obey: Obey,
        turns: Turns,
        *,
        leftover: bytes,
        deflates: bool,
        common: Common | None = None,
        stall_seconds: float,
        clock: Clock = SYSTEM,
    ) -> None:
        """`obey` is given each message, when `turns` say so; `leftover` is what came behind the handshake;
        `deflates`: whether permessage-deflate was agreed on; `common`: what it and others of the same visitor
        may say."""
        super().__init__(sock, version, news, stall_seconds=stall_seconds, clock=clock)
        self._websocket = websocket
        self._obey = obey
        self._turns = turns
        self.deflates = deflates
        # When it was asked first of the questions it has not answered, by the clock.
        self._asked = 0.0
        self._way = Way()
        websocket.attach(
            self.receive,
            self.write,
            leftover,
            max_message=MAX_MESSAGE_BYTES,
            allowance=Allowance(UNITS_PER_SECOND, common=common, pause=self._hold_back),
            deflate=deflates,
            pong=self._hear_pong,
        )

    def run(self) -> None:
        """See Client. Who begins with the whole market is asked at once how long the way is."""
        if self.cohort.symbols is None:
            self._way.watched = NEWCOMER
            self.unfinished += self._ping()
        super().run()

    def asked(self, since: float) -> None:
        """A heartbeat's ping has gone out in full; it may be answered already."""
        if self._asked <= self.heard:
            self._asked = since
        self._way.note_heartbeat(since)

    def look_at_way(self) -> None:
        """See Client."""
        way = self._way
        if self.leaving:
            return
        if way.has_grown_long(self._clock.monotonic()):
            way.lengthen()
            if self._flusher is None:
                # It is behind until its pong comes.
                self.fall_behind(b"", self.cohort.stands_at(self, self.version))
        elif way.watched and not way.is_asked:
            way.watched -= 1
            self.write(self._ping())

    def overdue(self, seconds: float) -> bytes:
        """See Client."""
        now = self._clock.monotonic()
        is_mute = self._asked > self.heard and now - self._asked >= seconds
        if not is_mute and not (self.waits and self._way.waits(seconds, now)):
            return b""
        return close_frame(POLICY_VIOLATION, f"no pong within {seconds:.0f} s")

    @property
    def waits(self) -> bool:
        """See Client."""
        return self._way.is_long and self._way.is_asked

    def read(self) -> None:
        """Reads and obeys until the peer has gone or is told goodbye."""
        try:
            while True:
                message = self._websocket.receive()
                # Those of others may be here as well.
                self._wait_for_turn()
                if not self.leaving:
                    self._try_to_obey(message)
                    # Its next message may be here already.
                    give_turn()
        except Closed as end:
            if end.is_breach:
                self.note(Cut.BREACH)
            # What is due to be said, a close frame among it, has been written by now.
            self.finish(b"")
            # Closing before the peer has would throw away what it has not read yet.
            with gevent.Timeout(LINGER_SECONDS, False):  # type: ignore[arg-type]
                super().read()

    def pay(self, units: int) -> None:
        """Takes units for the work that a command makes, perhaps after a wait; then it is to be done.
        Raises Closed."""
        self._websocket.charge(units)
        self._wait_for_turn()

    def _wait_for_turn(self) -> None:
        self._turns.wait_as(self.guest, self._turns.commands)

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
        self._way.ask_anew(self.heard)

    def _hear_pong(self, answer: bytes) -> bool:
        """Whether it was asked for."""
        way = self._way
        if not way.hear(answer, self._clock.monotonic()):
            return False
        if self.leaving:
            return True
        if way.is_long and self._flusher is None:
            self.resume(self.version)
            self._count_behind(self.waits or self._flusher is not None)
        elif way.watched == NEWCOMER:
            # At once, so that it goes behind the snapshot.
            self.look_at_way()
        return True

    def _due(self) -> Delivery | None:
        way = self._way
        if self.leaving or not way.is_long:
            return super()._due()
        if way.given:
            if not way.is_asked:
                self.unfinished += self._ping()
            return None
        delivery = super()._due()
        if delivery is not None or self.lacking:
            way.given = True
        else:
            way.shorten()
        return delivery

    def _room_for(self, delivery: Delivery) -> int:
        return delivery.within(self._way.room) if self._way.is_long else len(delivery.data)

    def _ping(self) -> bytes:
        """A ping of its own, to be sent now."""
        return frame(PING, self._way.ask(self._clock.monotonic()))

    def say(self, message: bytes) -> None:
        """Sends a text message of its own."""
        self.write(frame(TEXT, message))
