"""Feed: our one connection to the exchange, and what to do when it fails.

Sources stand in order of preference. The feed reads the first that gives data; while that is not
the first of all, it keeps trying the better ones and goes over when one of them gives data.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

import gevent
import websocket
from gevent.event import Event
from websocket._abnf import frame_buffer

from relay.backoff import Backoff
from relay.batch import FeedStatus
from relay.binance import Note, normalise, silence_seconds, usable_url
from relay.config import SIMULATOR
from relay.ticker import Ticker

log = logging.getLogger(__name__)

#: Name resolution, TCP, TLS and the WebSocket handshake together.
CONNECT_SECONDS = 5.0
#: A connection that has given data for so long was a good one: its source's back-off starts over.
PROVEN_SECONDS = 30.0
#: 403 and 451 are answers, not accidents: asking again sooner changes nothing.
REFUSED_SECONDS = 300.0
#: Far above the largest frame seen, 362 KB; one that claims more is refused before it is read.
MAX_FRAME_BYTES = 16 << 20
#: websocket-client never yields while data is buffered; others get a turn after so many messages.
MESSAGES_PER_TURN = 50
#: The handshake header by which the simulator names itself.
SIMULATOR_HEADER = "x-relay-simulator"


class FeedError(Exception):
    """The connection could not be made, or ended; says why in a few words."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        #: Seconds for which this source need not be tried again.
        self.retry_after = retry_after


class _BoundedFrames(frame_buffer):  # type: ignore[misc]
    """websocket-client reads whatever length a header claims; this one does not."""

    def recv_strict(self, bufsize: int) -> bytes:
        if bufsize > MAX_FRAME_BYTES:
            raise websocket.WebSocketPayloadException(f"a frame of {bufsize} bytes")
        data: bytes = super().recv_strict(bufsize)
        return data


class Connection:
    """One WebSocket to the exchange."""

    def __init__(self, url: str, silence: float, notes: Counter[Note]) -> None:
        """Connects; raises FeedError. `silence`: seconds without data after which it is dead."""
        self.url = url
        self.silence = silence
        self._notes = notes
        late = FeedError(f"no connection within {CONNECT_SECONDS:g} s")
        try:
            with gevent.Timeout(CONNECT_SECONDS, late):
                self._socket = websocket.create_connection(
                    url, timeout=CONNECT_SECONDS, skip_utf8_validation=True, suppress_origin=True
                )
        except websocket.WebSocketBadStatusException as error:
            raise _refused(error) from error
        except (websocket.WebSocketException, OSError, ValueError) as error:
            raise FeedError(_said(error)) from error
        self._socket.settimeout(None)
        self._socket.frame_buffer = _BoundedFrames(self._socket._recv, True)
        self.simulated = SIMULATOR_HEADER in self._socket.getheaders()

    def close(self) -> None:
        """Drops the connection at once; whoever reads it gets a FeedError."""
        with suppress(OSError, websocket.WebSocketException):
            self._socket.shutdown()

    def batches(self) -> Iterator[list[Ticker]]:
        """Tickers as they arrive, a list for each message that holds any.

        Raises FeedError when the connection ends or gives no data for `silence` seconds. Pings and
        acknowledgements are not data: only tickers prove that the feed lives.
        """
        read = 0
        deadline = time.monotonic() + self.silence
        silent = FeedError(f"connected, but no data for {self.silence:g} s")
        while True:
            with gevent.Timeout(max(deadline - time.monotonic(), 0.001), silent):
                data = self._read()
            message = normalise(data, time.time_ns() // 1_000_000)
            for note in message.notes:
                self._notes[note] += 1
            if Note.ERROR in message.notes:
                log.warning("the exchange says: %s", message.detail)
            if message.tickers:
                deadline = time.monotonic() + self.silence
                yield message.tickers
            if Note.SHUTDOWN in message.notes:
                raise FeedError("the exchange announced a shutdown of this server")
            read += 1
            if read % MESSAGES_PER_TURN == 0:
                gevent.sleep(0)

    def _read(self) -> bytes:
        try:
            opcode, data = self._socket.recv_data()
        except (websocket.WebSocketException, OSError, ValueError) as error:
            # ValueError: the library trips over a close frame that is not UTF-8.
            raise FeedError(_said(error)) from error
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise FeedError(f"closed by the exchange: {_close_reason(data)}")
        return bytes(data)


class _Source:
    """One URL of the list, and when it may be tried again."""

    def __init__(self, url: str, rank: int) -> None:
        self.url = url
        self.rank = rank
        self.not_before = 0.0
        self._backoff = Backoff()
        self._said = ""

    def failed(self, error: FeedError) -> None:
        wait = max(self._backoff.next(), error.retry_after)
        self.not_before = time.monotonic() + wait
        # The same failure over and over is said once.
        level = logging.DEBUG if str(error) == self._said else logging.WARNING
        self._said = str(error)
        log.log(level, "%s failed: %s; next try in %.1f s", self.url, error, wait)

    def proved(self) -> None:
        self._backoff.reset()
        self._said = ""


class _Opened:
    """A connection that has given its first tickers."""

    def __init__(self, source: _Source, connection: Connection) -> None:
        self.source = source
        self.connection = connection
        self.rest = connection.batches()
        try:
            self.first = next(self.rest)
        except FeedError:
            connection.close()
            raise


class Feed:
    """Keeps one source flowing into `offer`."""

    def __init__(
        self,
        sources: Sequence[str],
        offer: Callable[[list[Ticker]], None],
        begin: Callable[[bool], None],
        *,
        silence: float | None = None,
        simulator: Callable[[], str] | None = None,
    ) -> None:
        """`offer` takes tickers; `begin` is told before the first ones of a connection whether they
        are simulated. `silence` in seconds overrides each URL's own; `simulator` starts one and
        returns its URL, for the entry `simulator:`.
        """
        self._sources = [_Source(url, rank) for rank, url in enumerate(sources)]
        self._offer = offer
        self._begin = begin
        self._silence = silence
        self._simulator = simulator
        #: How many messages, or entries of one, gave no ticker, and why.
        self.notes: Counter[Note] = Counter()
        self._current: Connection | None = None
        self._better: _Opened | None = None
        self._heard: float | None = None
        self._reason = "not connected yet"
        self._trying = sources[0]
        # Of the newest tickers: they stay what they are when the connection is gone.
        self._simulated = False
        self._stopped = Event()

    def status(self) -> FeedStatus:
        """What to tell everybody downstream, now."""
        age = None if self._heard is None else round(time.monotonic() - self._heard, 3)
        current = self._current
        if current is None:
            return FeedStatus("down", self._simulated, self._trying, age, self._reason)
        if age is not None and age > current.silence / 2:
            reason = f"no data for {age:.0f} s"
            return FeedStatus("stale", current.simulated, current.url, age, reason)
        return FeedStatus("live", current.simulated, current.url, age)

    def run(self) -> None:
        """Reads for ever, or until `stop`. Needs a greenlet of its own."""
        while not self._stopped.is_set():
            opened = self._take_better() or self._first_that_opens()
            if opened is not None:
                self._read(opened)

    def stop(self) -> None:
        """Ends `run` and the connection."""
        self._stopped.set()
        if self._current is not None:
            self._current.close()

    def _take_better(self) -> _Opened | None:
        better, self._better = self._better, None
        return better

    def _first_that_opens(self) -> _Opened | None:
        for source in self._sources:
            if source.not_before <= time.monotonic() and not self._stopped.is_set():
                opened = self._try(source)
                if opened is not None:
                    return opened
        soonest = min(source.not_before for source in self._sources)
        self._stopped.wait(max(soonest - time.monotonic(), 0.01))
        return None

    def _try(self, source: _Source) -> _Opened | None:
        if self._current is None:
            self._trying = source.url
        try:
            return _Opened(source, self._connect(source))
        except FeedError as error:
            source.failed(error)
            if self._current is None:
                self._reason = str(error)
            return None

    def _connect(self, source: _Source) -> Connection:
        url = source.url
        if url == SIMULATOR:
            if self._simulator is None:
                raise FeedError("no simulator can be started here", REFUSED_SECONDS)
            url = self._simulator()
        url, warnings = usable_url(url)
        for warning in warnings:
            log.warning("%s: %s", source.url, warning)
        return Connection(url, self._silence or silence_seconds(url), self.notes)

    def _read(self, opened: _Opened) -> None:
        connection, source = opened.connection, opened.source
        self._current = connection
        self._simulated = connection.simulated
        log.log(
            logging.WARNING if connection.simulated else logging.INFO,
            "%s from %s",
            "SIMULATED prices" if connection.simulated else "prices",
            connection.url,
        )
        self._begin(connection.simulated)
        scout = gevent.spawn(self._look_for_better, source.rank)
        since = time.monotonic()
        try:
            self._pass_on(opened.first)
            for tickers in opened.rest:
                self._pass_on(tickers)
                if time.monotonic() - since > PROVEN_SECONDS:
                    source.proved()
        except FeedError as error:
            if self._better is None and not self._stopped.is_set():
                source.failed(error)
                self._reason = str(error)
        finally:
            scout.kill()
            connection.close()
            self._current = None

    def _pass_on(self, tickers: list[Ticker]) -> None:
        self._heard = time.monotonic()
        self._offer(tickers)

    def _look_for_better(self, rank: int) -> None:
        better = self._sources[:rank]
        while better and not self._stopped.is_set():
            for source in better:
                if source.not_before > time.monotonic():
                    continue
                self._better = self._try(source)
                if self._better is not None and self._current is not None:
                    log.info("going over to %s", source.url)
                    self._current.close()
                    return
            soonest = min(source.not_before for source in better)
            gevent.sleep(max(soonest - time.monotonic(), 0.1))


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
