"""Connection: one WebSocket to the exchange, read in a greenlet of its own.

It passes messages on as they came, and does not know what they mean: whether one proves that the
connection lives, its receiver says. Pings are answered and prove nothing.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import gevent

from relay.clock import SYSTEM, Clock
from relay.exchange import frame_limits
from relay.exchange.failure import (
    REFUSED_SECONDS,
    FeedError,
    UnexpectedError,
    retry_after,
    said,
)
from relay.exchange.simulated import HEADER
from relay.exchange.streams import Dial, requests
from relay.redaction import redacted
from relay.turn import give_turn

#: Seconds for name resolution, TCP, TLS and the WebSocket handshake together.
CONNECT_SECONDS = 5.0
#: Seconds between two control messages: Binance takes five a second, and a pong may be one of them.
CONTROL_SECONDS = 0.26
#: Seconds of reading after which everything else has a turn.
TURN_SECONDS = 0.005


class Receiver(Protocol):
    """What is told of a connection."""

    def take(self, connection: "Connection", message: bytes, received: int) -> None:
        """A message came, at `received` nanoseconds since 1970. A FeedError ends the connection."""

    def end(self, error: FeedError) -> None:
        """The connection is over."""

    def instead(self, connection: "Connection") -> str:
        """What has come since the last data, in words; empty if nothing has."""


class Connection:
    """Connects, subscribes, reads, and ends when there is silence.

    Whatever goes wrong, expected or not, ends it with a FeedError, and nothing else.
    """

    def __init__(
        self, dial: Dial, silence: float, receiver: Receiver, clock: Clock = SYSTEM
    ) -> None:
        """`silence`: seconds without data, from the start on, after which it is dead."""
        self.simulated = False
        #: When data came last, by the monotonic clock; before that, when the connection was made.
        self.heard = clock.monotonic()
        self._took = self.heard
        #: Whether all its streams were asked for.
        self.subscribed = dial.at_once
        #: Seconds that it may go without data.
        self.limit = silence
        self._dial = dial
        self._silence = silence
        self._receiver = receiver
        self._clock = clock
        self._socket: frame_limits.WebSocket | None = None
        self._greenlet = gevent.spawn(self._run)
        self._helpers = [gevent.spawn(self._help, self._watch)]

    def hear(self, factor: int) -> None:
        """The message just taken was data; until more, `factor` times the usual silence may pass."""
        self.heard = self._took
        self.limit = self._silence * factor

    def close(self) -> None:
        """Ends it; its receiver is not told."""
        self._greenlet.kill(block=False)

    def _run(self) -> None:
        try:
            self._connect()
            self._helpers.append(gevent.spawn(self._help, self._subscribe))
            self._read()
        except FeedError as error:
            self._receiver.end(error)
        except Exception as error:  # noqa: BLE001 - it supervises: its end would be a silent one
            self._receiver.end(_unexpected(error))
        finally:
            gevent.killall(self._helpers, block=False)
            if self._socket is not None:
                with suppress(*frame_limits.ERRORS):
                    self._socket.shutdown()

    def _help(self, run: Callable[[], None]) -> None:
        """A helper's failure is the connection's."""
        try:
            run()
        except FeedError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - see _run
            self._fail(_unexpected(error))

    def _connect(self) -> None:
        late = FeedError(f"no connection within {CONNECT_SECONDS:g} s", cause="late")
        try:
            with gevent.Timeout(CONNECT_SECONDS, late):
                self._socket = frame_limits.connect(self._dial.url, CONNECT_SECONDS)
        except frame_limits.BadStatus as error:
            raise refused(error) from error
        except frame_limits.ERRORS as error:
            raise FeedError(said(error)) from error
        self.simulated = HEADER in (self._socket.getheaders() or {})

    def _subscribe(self) -> None:
        assert self._socket is not None  # noqa: S101 - for the type checker
        for request in requests(self._dial.subscribe):
            try:
                self._socket.send(request)
            except frame_limits.ERRORS as error:
                raise FeedError(said(error)) from error
            gevent.sleep(CONTROL_SECONDS)
        self.subscribed = True

    def _read(self) -> None:
        clock, take = self._clock, self._receiver.take
        turned = clock.monotonic()
        while True:
            message = self._receive()
            self._took = clock.monotonic()
            if self._took - self.heard >= self.limit:
                # After a sleep of the machine old data may still lie in the kernel: it proves nothing.
                raise self._silent()
            take(self, message, clock.wall_ns())
            if self._took - turned >= TURN_SECONDS:
                # Where messages wait, nothing else would run until all of them are read.
                turned = self._took
                give_turn()

    def _receive(self) -> bytes:
        assert self._socket is not None  # noqa: S101 - for the type checker
        try:
            opcode, data = self._socket.recv_data()
        except frame_limits.ERRORS as error:
            raise FeedError(said(error)) from error
        if opcode == frame_limits.CLOSE:
            raise FeedError(f"closed by the exchange: {_close_reason(data)}", cause="closed")
        return bytes(data)

    def _watch(self) -> None:
        """Ends the connection for silence, wherever the reader stands, also within a frame."""
        while True:
            left = self.heard + self.limit - self._clock.monotonic()
            if left <= 0:
                raise self._silent()
            gevent.sleep(min(left, self._silence))

    def _silent(self) -> FeedError:
        instead = self._receiver.instead(self)
        return FeedError(
            f"connected, but no data for {self.limit:g} s" + (f" ({instead})" if instead else ""),
            cause="silent",
        )

    def _fail(self, error: FeedError) -> None:
        self._greenlet.kill(error, block=False)


def _unexpected(error: Exception) -> UnexpectedError:
    failure = UnexpectedError(f"unexpected: {redacted(repr(error))}"[:200])
    failure.__cause__ = error
    return failure


def refused(error: frame_limits.BadStatus) -> FeedError:
    """What an answer that is no handshake means, and for how long."""
    status = error.status_code
    if status in (403, 451):
        return FeedError(
            f"refused with HTTP {status}: not served from here", REFUSED_SECONDS, "refused"
        )
    if 300 <= status < 400:
        return FeedError(
            f"redirected with HTTP {status}, which is not followed", REFUSED_SECONDS, "refused"
        )
    return FeedError(f"refused with HTTP {status}", retry_after(error.resp_headers), "refused")


def _close_reason(data: object) -> str:
    payload = bytes(getattr(data, "data", data) or b"")  # type: ignore[call-overload]
    if len(payload) < 2:
        return "no code"
    return f"{int.from_bytes(payload[:2], 'big')} {payload[2:].decode(errors='replace')}".strip()
