"""Client: one connection's socket, and what it has been given.

Its greenlet only reads: that is how a vanished client is noticed at once, also while nothing is
published. What is owed to it is written by its cohort without waiting. Only when the socket does not
take all of that does a second, short-lived greenlet finish the write, ask what has changed
meanwhile, and bring the client back to its cohort.
"""

import _socket
import logging
import math
import socket
import struct
import time
from typing import TYPE_CHECKING

import gevent

if TYPE_CHECKING:
    from relay.fanout.cohort import Cohort
    from relay.fanout.hub import Hub

log = logging.getLogger(__name__)

#: libev's names for what a watcher waits for.
_READ, _WRITE = 1, 2
#: What the kernel may hold unsent for a slow client: little, so that prices wait where newer ones can
#: replace them. Linux: tcp(7), TCP_NOTSENT_LOWAT.
UNSENT_BYTES = 32 << 10
#: What a client's own questions may add to its unfinished write: pongs, errors, prices asked for.
MAX_UNFINISHED = 256 << 10
#: A client that was told goodbye has so long to close its end.
LINGER_SECONDS = 2.0


class Client:
    """A connection taken over from the web server. This one only listens; a subclass may also obey."""

    __slots__ = (
        "_flusher",
        "_told",
        "cohort",
        "ends_at",
        "heard",
        "hub",
        "joined",
        "leaving",
        "send",
        "sock",
        "unfinished",
        "version",
    )

    cohort: "Cohort"

    def __init__(self, hub: "Hub", sock: _socket.socket, version: int) -> None:
        """`sock` is non-blocking; `version` is where the client stands already, 0 for nowhere."""
        self.hub = hub
        self.sock = sock
        #: The C method itself: the fan-out calls nothing else.
        self.send = sock.send
        #: What the client has once `unfinished` is sent, while it is not live.
        self.version = version
        self.unfinished = b""
        #: The cohort's pass at which it became live.
        self.joined = 0
        #: Nothing but `unfinished` will be sent any more.
        self.leaving = False
        #: When it is to be sent away to come back elsewhere, by the monotonic clock.
        self.ends_at = math.inf
        #: When it last said anything.
        self.heard = time.monotonic()
        self._told = -1
        self._flusher: gevent.Greenlet[[], None] | None = None
        if hasattr(socket, "TCP_NOTSENT_LOWAT") and sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)

    def run(self) -> None:
        """The connection's life, from here to its end. Needs a greenlet of its own."""
        try:
            self.start()
            self.read()
        finally:
            self.hub.leave(self)
            if self._flusher is not None:
                self._flusher.kill()
            self.sock.close()

    def start(self) -> None:
        """Gives the client what it lacks and makes it live."""
        if not self.catch_up():
            self._flush_later()

    def too_quiet(self, seconds: float) -> bytes:  # noqa: ARG002
        """What to end it with if it had to say something within `seconds` and did not; or nothing."""
        return b""

    def read(self) -> None:
        """Reads until the peer has gone. What it says is nobody's business here."""
        while self.receive(4096):
            pass

    def receive(self, size: int, seconds: float | None = None) -> bytes:
        """Bytes from the peer, waiting for them; none when it has gone. Raises TimeoutError."""
        while True:
            try:
                data = self.sock.recv(size)
                self.heard = time.monotonic()
                return data
            except BlockingIOError:
                if not self._wait(_READ, seconds):
                    raise TimeoutError from None
            except OSError:
                return b""

    def write(self, data: bytes) -> None:
        """Sends bytes of the client's own, after whatever is unfinished."""
        if self.leaving:
            return
        if self._flusher is not None:
            self._queue(data)
            return
        try:
            sent = self.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.lost()
            return
        if sent < len(data):
            self.fall_behind(data[sent:], self.cohort.settled)

    def fall_behind(self, unfinished: bytes, version: int) -> None:
        """Takes the client out of the fan-out until it has sent this and caught up."""
        self.cohort.drop(self)
        self.unfinished = unfinished
        self.version = version
        self._told = -1
        self._flush_later()

    def catch_up(self) -> bool:
        """Sends what can be sent without waiting; False while the socket takes no more.

        In this order: what is unfinished, how the feed is, and what changed since `version`, until
        there is nothing that the live members of the cohort have and this one has not.
        """
        cohort = self.cohort
        while True:
            if self.unfinished:
                self.unfinished = self.unfinished[self._send(self.unfinished) :]
                if self.unfinished:
                    return False
            if self.leaving:
                self._end_output()
                return True
            if self._told != self.hub.told:
                self._told = self.hub.told
                self.unfinished = self.hub.status_for(self)
            elif cohort.may_join(self.version):
                cohort.join(self)
                return True
            else:
                delivery = cohort.missing(self.version)
                if delivery is None:
                    self.version = self.hub.board.version
                    continue
                sent = self._send(delivery.data)
                self.unfinished, self.version = delivery.rest(sent, self.version)
                if sent < len(delivery.data):
                    return False

    @property
    def stands_at(self) -> int:
        """The version that the client is sure to have, once `unfinished` is sent."""
        return self.version if self._flusher is not None else self.cohort.settled

    def move(self, cohort: "Cohort", version: int, first: bytes) -> None:
        """Goes over to another cohort, standing at `version`; `first` is sent before anything else."""
        if self.leaving:
            return
        self.cohort = cohort
        self.version = version
        self._told = self.hub.told
        self._queue(first)
        if self._flusher is None and not self.catch_up():
            self._flush_later()

    def finish(self, last: bytes) -> None:
        """Sends `last` after what is unfinished, then ends the connection in good order."""
        if self.leaving:
            return
        self.cohort.drop(self)
        self.leaving = True
        self.unfinished += last
        if self._flusher is None:
            self.catch_up()
            self._flush_later()

    def cut(self, why: str) -> None:
        """Ends the connection at once; what the kernel still holds for it is thrown away."""
        log.info("cut a client: %s", why)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.lost()

    def lost(self) -> None:
        """The connection is gone: out of the fan-out, and its greenlet shall see the end."""
        self.cohort.drop(self)
        self.leaving = True
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("the peer was quicker")

    def _queue(self, data: bytes) -> None:
        self.unfinished += data
        if len(self.unfinished) > MAX_UNFINISHED:
            self.cut("it asks for more than it reads")

    def _send(self, data: bytes) -> int:
        """How many bytes the socket took."""
        try:
            return self.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            self.lost()
            return len(data)

    def _flush_later(self) -> None:
        self._flusher = gevent.spawn(self._flush)

    def _flush(self) -> None:
        try:
            while not self.catch_up():
                if not self._wait(_WRITE, self.hub.stall_seconds):
                    self.cut(f"it took no byte for {self.hub.stall_seconds:g} s")
                    return
            if self.leaving:
                gevent.sleep(LINGER_SECONDS)
                self.lost()
        finally:
            self._flusher = None

    def _end_output(self) -> None:
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            log.debug("the peer was quicker")

    def _wait(self, events: int, seconds: float | None) -> bool:
        """Waits until the socket is ready; False if it is not within `seconds`."""
        hub = gevent.get_hub()
        watcher = hub.loop.io(self.sock.fileno(), events)
        try:
            with gevent.Timeout(seconds, False):  # type: ignore[arg-type]
                hub.wait(watcher)
                return True
        finally:
            watcher.close()
        return False
