"""Stamps: a short stream of events that say when they were sent, and end. A self-test measures with them."""

import _socket
from collections.abc import Callable
from typing import NamedTuple

import gevent
import msgspec

from relay.fanout.door import Full
from relay.fanout.encoding import Form
from relay.fanout.hub import Hub
from relay.server.frames import TEXT, close_frame, frame
from relay.server.visitors import Visitor
from relay.web.farewell import Farewell
from relay.web.sse_form import EventStream
from relay.web.ws_form import Messages

#: Streams of one worker at a time.
MAX_TESTS = 20
#: Bytes that fill each event up to the size of a usual update.
PADDING = "." * 200
#: Seconds until the socket is closed behind a stream's end: what its peer still says would reset it.
LINGER_SECONDS = 1.0
#: RFC 6455, 7.4.1.
NORMAL = 1000


class Pace(NamedTuple):
    """How many events, and the seconds between two of them."""

    events: int
    seconds: float


class Wire(NamedTuple):
    """How a transport says things."""

    event: Callable[[bytes], bytes]
    end: bytes
    #: What says that a stream may not begin.
    form: Form


def sse_wire(chunked: bool) -> Wire:
    """As /events does."""
    form = EventStream("price", batch=False, chunked=chunked)
    return Wire(lambda data: form.event("stamp", data), form.end("done", b"{}"), form)


WS_WIRE = Wire(lambda data: frame(TEXT, data), close_frame(NORMAL), Messages("price", batch=False))


class Stamps:
    """Sends such streams, not too many at a time."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._farewell = Farewell()
        self._running = 0

    def check(self) -> None:
        """Raises Full while there are too many."""
        if self._running >= MAX_TESTS:
            self._hub.door.refusals.count("SELF_TESTS")
            raise Full("too many self-tests run at present")

    def send(self, sock: _socket.socket, pace: Pace, wire: Wire, visitor: Visitor) -> None:
        """Sends one, if it may begin, and closes the socket. Nobody is waited for: a peer that does not read
        is left alone."""
        door = self._hub.door
        try:
            self.check()
            door.let_in(visitor)
        except Full as full:
            self._farewell.say(sock, self._hub.refusal(wire.form, full))
            return
        self._running += 1
        try:
            for number in range(1, pace.events + 1):
                if number > 1:
                    gevent.sleep(pace.seconds)
                sock.send(wire.event(self._stamp(number, pace.events)))
            sock.send(wire.end)
            sock.shutdown(_socket.SHUT_WR)
            gevent.sleep(LINGER_SECONDS)
        except OSError:
            # It has gone, or has not read a few hundred bytes in all that time.
            pass
        finally:
            self._running -= 1
            door.let_out(visitor)
            sock.close()

    def _stamp(self, number: int, events: int) -> bytes:
        time = self._hub.clock.wall_ms()
        return msgspec.json.encode(
            {"number": number, "of": events, "time": time, "padding": PADDING}
        )
