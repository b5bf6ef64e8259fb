"""Somebody else writes to our keys and channels: then all is written anew, and nobody fails."""

import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count

import gevent
import msgspec
import pytest
import redis

from relay.batch import Batch, Snapshot, encode_batch
from relay.board import Board
from relay.feed_status import FeedStatus
from relay.ingest import writer
from relay.ingest.intake import Intake
from relay.store import redis_writer
from relay.store.keys import BASE, BATCHES, HEAD, LEASE, LOG, LOST, PRICES, STANDBYS
from relay.store.redis_reader import RedisUpdates
from relay.store.redis_writer import RedisStore
from relay.ticker import Ticker
from tests.long import long_after
from tests.processes import WAIT_SECONDS, RedisServer

Spoil = Callable[[redis.Redis], object]

KEYS = {
    HEAD: "hash",
    BASE: "string",
    LOG: "list",
    LEASE: "string",
    STANDBYS: "zset",
    LOST: "string",
    PRICES: "hash",
}
#: Values that are no text, no number, no MessagePack, or none of the shape that belongs there.
VALUES: list[bytes] = [
    b"",
    b"rubbish",
    b"\xff\xfe",
    b"-1",
    b"nan",
    b"inf",
    b"9" * 5000,
    msgspec.msgpack.encode({"a": [1, 2]}),
    b"\x91" * 200_000,
    b"\x96\xa2e1\x00\x00\x81\xa5state\xa4live\x90" + b"\x91" * 200_000,
    encode_batch(Batch("foreign", 7, 7, FeedStatus("live"), [])),
    msgspec.msgpack.encode(Batch("foreign", 3, 9, FeedStatus("live"), [])),
    msgspec.msgpack.encode(Batch("a\n\nb", 0, 0, FeedStatus("live"), [])),
    msgspec.msgpack.encode(Snapshot("foreign", 7, None, [])),
    msgspec.msgpack.encode(
        Snapshot("foreign", 1, FeedStatus("live"), [(2**60, Ticker("A", "9", "trade"))])
    ),
]
#: The exchange's clock, which no listener's end sets back.
TIMES = count(1)
FIELDS = ("epoch", "version", "feed", "server", "writer", "number", "size", "based", "logged")


def of_type(kind: str, key: str) -> Spoil:
    """Another type than belongs there."""

    def spoil(client: redis.Redis) -> None:
        client.delete(key)
        if kind == "string":
            client.set(key, "x")
        elif kind == "hash":
            client.hset(key, "x", "y")
        elif kind == "list":
            client.rpush(key, "x")
        else:
            client.zadd(key, {"x": 1})

    return spoil


def huge(client: redis.Redis) -> None:
    client.setrange(BASE, 48 << 20, b"x")


def long_list(client: redis.Redis) -> None:
    client.rpush(LOG, *[b"x" * 1000] * 50_000)


def set_last_row(client: redis.Redis, value: bytes) -> None:
    """Where the log has just become a base there is none."""
    if client.exists(LOG):
        client.lset(LOG, -1, value)


def fields(field: str) -> list[Spoil]:
    return [lambda client, value=value: client.hset(HEAD, field, value) for value in VALUES]


def values(key: str) -> list[Spoil]:
    return [lambda client, value=value: client.set(key, value) for value in VALUES]


#: Place: the ways in which it is spoiled.
SPOILED: dict[str, list[Spoil]] = {
    **{f"{field} in the head": fields(field) for field in FIELDS},
    **{key: values(key) for key in (BASE, LEASE, LOST)},
    **{
        f"type of {key}": [
            *(of_type(kind, key) for kind in ("string", "hash", "list", "zset") if kind != own),
            lambda client, key=key: client.delete(key),
        ]
        for key, own in KEYS.items()
    },
    "row": [lambda client, value=value: set_last_row(client, value) for value in VALUES],
    "further row": [lambda client, value=value: client.rpush(LOG, value) for value in VALUES],
    "message": [lambda client, value=value: client.publish(BATCHES, value) for value in VALUES],
    "sizes": [
        huge,
        long_list,
        lambda client: client.hset(HEAD, "feed", b"x" * (8 << 20)),
        lambda client: client.hset(HEAD, mapping={str(number): "x" for number in range(1000)}),
        lambda client: client.zadd(STANDBYS, {"somebody": 9e99}),
    ],
    "order": [
        lambda client: client.rpush(LOG, client.lindex(LOG, -1) or b""),
        lambda client: client.lset(LOG, -1, client.lindex(LOG, 0) or b""),
        lambda client: client.lpop(LOG),
    ],
}


class Over(Exception):
    """The test has seen enough."""


class Worker(RedisUpdates):
    """What a worker holds, read in a thread of its own."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.board = Board()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.over = False
        self.thread.start()

    def _read(self) -> None:
        with suppress(Over):
            for item in self.listen():
                if isinstance(item, Snapshot):
                    self.board.load(item)
                elif isinstance(item, Batch):
                    self.board.apply(item)
                if self.over:
                    return

    def _have_problem(self, kind: str, why: str = "") -> None:
        super()._have_problem(kind, why)
        if self.over:
            raise Over

    @property
    def prices(self) -> dict[str, str]:
        return {ticker.symbol: ticker.price for ticker in self.board.tickers()}


class Leader:
    """A writer that holds the lease, and is given another price of NEXT whenever it is asked."""

    def __init__(self, url: str) -> None:
        self.store = RedisStore(url)
        self.intake = Intake()
        made = writer.Writer(self.store, self.intake, lambda: FeedStatus("live"))
        made.use(False)
        self.tick(A="1", B="2")
        self.greenlet = gevent.spawn(made.run)

    def tick(self, **prices: str) -> None:
        time = next(TIMES)
        self.intake.offer(
            [Ticker(symbol, price, "24hrMiniTicker", 0, time) for symbol, price in prices.items()]
        )

    def stop(self) -> None:
        self.greenlet.kill()
        self.store.release()


@pytest.fixture(autouse=True)
def _short_log_and_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that there is a base, and a few rows after it."""
    monkeypatch.setattr(redis_writer, "LOG_BYTES", 400)
    monkeypatch.setattr(writer, "STANDBY_SECONDS", 0.01)


@pytest.fixture
def raw(redis_server: RedisServer) -> redis.Redis:
    """A client that does not read what it gets as text."""
    return redis.Redis(port=redis_server.port)


def fill(leader: Leader, raw: redis.Redis) -> None:
    """Writes until there is a base, and more than one row after it; as if long after the last time."""
    raw.delete(LOST)
    for number in range(1000):
        leader.tick(NEXT=str(number))
        gevent.sleep(0.001)
        if raw.exists(BASE) and raw.llen(LOG) > 1:
            return
    raise AssertionError("never a base and a log")


def agree(leader: Leader, worker: Worker, raw: redis.Redis) -> None:
    """Goes on writing until the worker and the hash hold what was written."""
    for number in range(10_000):
        price = str(number)
        leader.tick(NEXT=price)
        gevent.sleep(0.005)
        wanted = {"A": "1", "B": "2", "NEXT": price}
        stored = {field.decode(): value.decode() for field, value in hash_of(raw).items()}
        if wanted == stored:
            for _ in range(20):
                if worker.prices == wanted:
                    return
                gevent.sleep(0.005)
        assert number * 0.005 < WAIT_SECONDS, (worker.prices, worker.problem, stored)
        assert not leader.greenlet.ready(), leader.greenlet.exception
        assert worker.thread.is_alive()


def hash_of(raw: redis.Redis) -> dict[bytes, bytes]:
    return raw.hgetall(PRICES) if raw.type(PRICES) == b"hash" else {}


@pytest.mark.parametrize("place", long_after(6, SPOILED))
def test_a_leading_listener_and_a_new_worker_survive_a_spoiled(
    place: str, redis_server: RedisServer, raw: redis.Redis
) -> None:
    leader = Leader(redis_server.url)
    for spoil in SPOILED[place]:
        fill(leader, raw)
        spoil(raw)
        worker = Worker(redis_server.url)
        agree(leader, worker, raw)
        worker.over = True
    leader.stop()


@pytest.mark.parametrize("place", long_after(6, SPOILED))
def test_a_new_listener_and_a_worker_that_was_there_survive_a_spoiled(
    place: str, redis_server: RedisServer, raw: redis.Redis
) -> None:
    worker = Worker(redis_server.url)
    for spoil in SPOILED[place]:
        leader = Leader(redis_server.url)
        fill(leader, raw)
        agree(leader, worker, raw)
        leader.stop()
        spoil(raw)
        leader = Leader(redis_server.url)
        agree(leader, worker, raw)
        leader.stop()
    worker.over = True
