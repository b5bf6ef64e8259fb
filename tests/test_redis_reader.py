"""The reader's side of the Redis store, with a Redis that a test plays, and a clock that it sets."""

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from redis.exceptions import TimeoutError as RedisTimeout

from relay.absences import Absences
from relay.batch import STALE_SECONDS, Batch, Snapshot
from relay.feed_status import FeedStatus
from relay.store.contract import LeaseHeld, SnapshotLost, StoreUnavailable
from relay.store.redis_reader import RedisUpdates, _OwnPause
from relay.store.redis_writer import RedisStore
from relay.ticker import Ticker
from tests.clocks import SetClock
from tests.closing import Closing
from tests.exchange import Simulator
from tests.processes import Gunicorn, Listener, RedisServer
from tests.streams import EventSource

LIVE = FeedStatus("live")

#: Whole answers of another shape than Redis gives, and what is no answer at all.
ODD = [
    b"+OK\r\n",
    b":7\r\n",
    b"$-1\r\n",
    b"*-1\r\n",
    b"*0\r\n",
    b"*1\r\n$2\r\n\xff\xfe\r\n",
    b"*3\r\n:1\r\n:2\r\n:3\r\n",
    b"*3\r\n$7\r\nmessage\r\n:2\r\n*0\r\n",
    b"*2\r\n$7\r\nwritten\r\n$3\r\nall\r\n",
    b"*2\r\n$4\r\nheld\r\n:5\r\n",
    b"*7\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n",
    b"*7\r\n$0\r\n\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n",
    b"*1\r\n" * 5000 + b":1\r\n",
    b"-ERR on purpose\r\n",
    b"-NOSCRIPT on purpose\r\n",
    b"-WRONGTYPE on purpose\r\n",
    b"-\xff\r\n",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"$99999999999999999999\r\n",
    b":" + b"9" * 5000 + b"\r\n",
    b"%1\r\n+a\r\n+b\r\n",
    b"",
]


class OddRedis(Closing):
    """Answers whatever it is asked with the same bytes; closes the connection where there are none."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._over = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        try:
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._answer_all, args=(connection,), daemon=True).start()
        except OSError:
            return

    def _answer_all(self, connection: socket.socket) -> None:
        with connection:
            try:
                while self._answer and connection.recv(65536):
                    connection.sendall(self._answer)
            except OSError:
                return


class Hasty(SetClock):
    """Whenever it is asked, another second has passed."""

    def monotonic(self) -> float:  # type: ignore[override]
        self.advance(1)
        return super().monotonic()


class EnoughTrouble(Exception):
    """What was to be seen was seen."""


class Troubled(RedisUpdates):
    """Ends when it has had trouble twice."""

    troubles = 0

    def _have_problem(self, kind: str, why: str = "") -> None:
        super()._have_problem(kind, why)
        self.troubles += 1
        if self.troubles == 2:
            raise EnoughTrouble


@pytest.mark.parametrize("answer", ODD, ids=lambda answer: repr(answer[:20]))
def test_no_answer_ends_a_reader(answer: bytes) -> None:
    with OddRedis(answer) as redis:
        updates = Troubled(redis.url, clock=Hasty())
        with pytest.raises(EnoughTrouble):
            next(updates.listen())
        assert updates.problem.startswith(("redis: ", "listener: "))


@pytest.mark.parametrize("answer", ODD, ids=lambda answer: repr(answer[:20]))
def test_no_answer_makes_a_writer_raise_what_it_does_not_promise(answer: bytes) -> None:
    with OddRedis(answer) as redis:
        store = RedisStore(redis.url)
        for _ in range(3):
            with pytest.raises((StoreUnavailable, LeaseHeld)):
                store.open()
            with pytest.raises((StoreUnavailable, LeaseHeld, SnapshotLost)):
                store.write(Batch("e1", 0, 1, LIVE, [Ticker("A", "1", "trade")]))
        store.tell(LIVE)
        store.release()


class TricklingRedis(OddRedis):
    """Begins an answer that never ends, a byte at a time."""

    def _answer_all(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"+")
            while not self._over.wait(0.2):
                connection.sendall(b"O")


def test_an_answer_that_trickles_in_for_ever_hangs_nobody() -> None:
    with (
        TricklingRedis(b"") as redis,
        Listener(REDIS_URL=redis.url, BINANCE_WS="ws://127.0.0.1:1") as listener,
        Gunicorn(REDIS_URL=redis.url) as relay,
    ):
        listener.wait_for_line("the store is away: Redis does not answer in time")
        relay.wait_for_line("redis: Redis does not answer in time")
        assert relay.ready()["reason"] == "redis: Redis does not answer in time"


@pytest.fixture
def store(redis_server: RedisServer) -> RedisStore:
    store = RedisStore(redis_server.url)
    store.open()
    return store


def batch(version: int, price: str) -> Batch:
    return Batch("e1", version - 1, version, LIVE, [Ticker("A", price, "trade")])


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def updates(
    redis_server: RedisServer, clock: SetClock
) -> Iterator[Iterator[Snapshot | Batch | FeedStatus]]:
    items = RedisUpdates(redis_server.url, clock=clock).listen()
    yield items
    items.close()  # type: ignore[attr-defined]


def test_what_waited_while_the_machine_slept_is_not_taken_for_news(
    store: RedisStore, updates: Iterator[Snapshot | Batch | FeedStatus], clock: SetClock
) -> None:
    store.write(batch(1, "1"))
    assert isinstance(next(updates), Snapshot)
    store.write(batch(2, "2"))
    assert isinstance(next(updates), Batch)
    store.write(batch(3, "3"))
    store.write(batch(4, "4"))
    clock.advance(60)
    # Both are there to be read. What is held says the same, and is no sign of life.
    held = next(updates)
    assert isinstance(held, Snapshot)
    assert held.version == 4
    store.write(batch(5, "5"))
    fresh = next(updates)
    assert isinstance(fresh, Batch)
    assert fresh.version == 5


def test_a_dead_listener_is_one_line_in_the_log(
    store: RedisStore,
    redis_server: RedisServer,
    clock: SetClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    updates = RedisUpdates(redis_server.url, clock=clock)
    items = updates.listen()
    store.write(batch(1, "1"))
    next(items)
    for _ in range(3):
        clock.advance(STALE_SECONDS)
        assert isinstance(next(items), Snapshot)
    assert [record.message for record in caplog.records] == ["listener: no beat from it"]
    store.write(batch(2, "2"))
    assert isinstance(next(items), Batch)
    assert updates.problem == ""
    assert len(caplog.records) == 2
    items.close()  # type: ignore[attr-defined]


class _Late:
    """A subscription whose messages come, though this process was stopped while it asked for them."""

    def __init__(self, clock: SetClock, seconds: float, error: Exception | None) -> None:
        self._clock = clock
        self._seconds = seconds
        self._error = error

    def get_message(self, timeout: float) -> None:
        del timeout
        self._clock.advance(self._seconds)
        if self._error is not None:
            raise self._error


@pytest.mark.parametrize("seconds", [1.5, 3.5, 10.0])
@pytest.mark.parametrize("error", [None, RedisTimeout("no whole answer")])
def test_its_own_pause_is_not_blamed_on_redis_or_the_listener(
    error: Exception | None, seconds: float
) -> None:
    clock = SetClock()
    absences = Absences(clock)
    absences.look()
    updates = RedisUpdates("redis://127.0.0.1:1", away=absences.since, clock=clock)
    with pytest.raises(_OwnPause):
        next(updates._follow(_Late(clock, seconds, error)))  # type: ignore[arg-type]
    assert updates.problem == ""


def test_a_worker_that_was_stopped_says_so_and_blames_nobody(redis_server: RedisServer) -> None:
    with (
        Simulator("--symbols", "20", "--activity", "1") as simulator,
        Listener(REDIS_URL=redis_server.url, BINANCE_WS=simulator.url),
        Gunicorn(REDIS_URL=redis_server.url) as relay,
        EventSource(relay.port) as stream,
    ):
        stream.wait_for_event("status", state="live")
        [worker] = relay.worker_pids()
        os.kill(worker, signal.SIGSTOP)
        # Only time makes prices old.
        threading.Event().wait(STALE_SECONDS + 0.5)
        said = len(relay.output)
        os.kill(worker, signal.SIGCONT)
        relay.wait_for_line("prices are SIMULATED", said)
        logged = "".join(relay.output[said:])
        assert "prices are stale: worker: it did not run for 4 s, and is checking" in logged
        assert "listener: " not in logged
        assert "redis: " not in logged
