"""The Redis store against a real Redis."""

import json
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest

from relay.batch import Batch, FeedStatus, State, Update
from relay.store.redis import BATCHES, HEAD, LEASE, PRICES, STATE, UPDATES, RedisStore
from relay.ticker import Ticker
from relay.writer import LeaseHeld, StateLost, StoreUnavailable
from tests.processes import RedisServer

LIVE = FeedStatus("live", source="wss://x")


@pytest.fixture
def store(redis_server: RedisServer) -> RedisStore:
    return RedisStore(redis_server.url)


@pytest.fixture
def updates(redis_server: RedisServer) -> Iterator[Iterator[State | Batch]]:
    """What a worker hears."""
    items = RedisStore(redis_server.url).listen()
    yield items
    items.close()  # type: ignore[attr-defined]


def update(symbol: str, price: str) -> Update:
    ticker = Ticker(symbol, price, "trade", 1)
    return Update(
        symbol,
        price,
        json.dumps({"symbol": symbol, "price": price, "event": ticker.event, "received_time": 1}),
    )


def batch(previous: int, *updates: Update, epoch: str = "e1") -> Batch:
    return Batch(epoch, previous, previous + len(updates), LIVE, list(updates))


def test_state_version_and_both_channels_change_together(
    redis_server: RedisServer, store: RedisStore
) -> None:
    client = redis_server.client
    subscription = client.pubsub(ignore_subscribe_messages=True)
    subscription.subscribe(UPDATES)
    store.write(batch(0, update("BTCUSDT", "67123.45000000"), update("币安人生USDT", "0.10")))
    assert client.hgetall(PRICES) == {"BTCUSDT": "67123.45000000", "币安人生USDT": "0.10"}
    assert client.hget(HEAD, "version") == "2"
    said = []
    while len(said) < 2:
        message = subscription.get_message(timeout=5)
        if message:
            said.append(message["data"])
    assert said == [
        '{"symbol":"BTCUSDT","price":"67123.45000000"}',
        '{"symbol":"币安人生USDT","price":"0.10"}',
    ]


def test_a_frame_larger_than_luas_stack_is_written_whole(
    redis_server: RedisServer, store: RedisStore
) -> None:
    store.write(batch(0, *(update(f"S{i}", str(i)) for i in range(9000))))
    assert redis_server.client.hlen(PRICES) == redis_server.client.hlen(STATE) == 9000


def test_the_same_batch_twice_counts_once(redis_server: RedisServer, store: RedisStore) -> None:
    store.write(batch(0, update("A", "1")))
    store.write(batch(0, update("A", "1")))
    store.write(batch(1, update("A", "2")))
    assert redis_server.client.hget(HEAD, "version") == "2"


def test_what_does_not_follow_on_the_stored_version_is_refused(
    redis_server: RedisServer, store: RedisStore
) -> None:
    store.write(batch(0, update("A", "1")))
    for stray in (batch(7, update("A", "3")), batch(1, update("A", "3"), epoch="e2")):
        with pytest.raises(StateLost):
            store.write(stray)
    assert redis_server.client.hget(PRICES, "A") == "1"


def test_a_flushed_redis_is_noticed_at_the_next_write(
    redis_server: RedisServer, store: RedisStore
) -> None:
    store.write(batch(0, update("A", "1")))
    redis_server.client.flushall()
    with pytest.raises(StateLost):
        store.write(batch(1, update("A", "2")))


def test_a_new_epoch_replaces_everything(redis_server: RedisServer, store: RedisStore) -> None:
    store.write(batch(0, update("OLD", "1")))
    store.write(batch(0, update("NEW", "2"), epoch="e2"))
    assert redis_server.client.hgetall(PRICES) == {"NEW": "2"}
    assert redis_server.client.hkeys(STATE) == ["NEW"]


def test_only_the_holder_of_the_lease_writes(redis_server: RedisServer, store: RedisStore) -> None:
    store.open()
    store.write(batch(0, update("A", "1")))
    other = RedisStore(redis_server.url)
    with pytest.raises(LeaseHeld):
        other.open()
    with pytest.raises(LeaseHeld):
        other.write(batch(1, update("A", "2")))
    store.release()
    position = other.open()
    assert position is not None
    assert (position.epoch, position.version, position.simulated) == ("e1", 1, False)
    assert [ticker.price for ticker in position.tickers] == ["1"]
    assert 0 < redis_server.client.pttl(LEASE) <= 5000


def test_without_redis_both_sides_say_so(tmp_path: Path) -> None:
    store = RedisStore("redis://127.0.0.1:1")
    with pytest.raises(StoreUnavailable):
        store.open()
    with pytest.raises(StoreUnavailable):
        store.write(batch(0))


def test_a_worker_hears_the_state_first_and_then_each_batch(
    store: RedisStore, updates: Iterator[State | Batch]
) -> None:
    store.write(batch(0, update("A", "1"), update("B", "2")))
    state = next(updates)
    assert isinstance(state, State)
    assert (state.version, sorted(u.symbol for _, u in state.entries)) == (2, ["A", "B"])
    store.write(batch(2, update("A", "3")))
    heard = next(updates)
    assert isinstance(heard, Batch)
    assert (heard.previous, heard.updates[0].price) == (2, "3")


def test_after_a_gap_a_worker_hears_the_whole_state(
    redis_server: RedisServer, store: RedisStore, updates: Iterator[State | Batch]
) -> None:
    store.write(batch(0, update("A", "1")))
    assert isinstance(next(updates), State)
    redis_server.client.hset(HEAD, "version", 5)
    store.write(batch(5, update("A", "6")))
    state = next(updates)
    assert isinstance(state, State)
    assert (state.version, state.entries[0][1].price) == (6, "6")


def test_what_somebody_else_wrote_is_ignored(
    redis_server: RedisServer, store: RedisStore, updates: Iterator[State | Batch]
) -> None:
    store.write(batch(0, update("A", "1")))
    client = redis_server.client
    client.hset(PRICES, "FOREIGN", "1")
    for row in ("", "rubbish", "x 1 {}", b"\xff\xfe"):
        client.hset(STATE, "FOREIGN", row)
        state = RedisStore(redis_server.url)._load()
        assert state is not None
        assert [u.symbol for _, u in state.entries] == ["A"]
    client.publish(BATCHES, "rubbish")
    assert isinstance(next(updates), State)
    store.write(batch(1, update("A", "2")))
    items = (next(updates) for _ in range(9))
    assert any(isinstance(item, Batch) and item.version == 2 for item in items)


def test_a_worker_survives_its_redis(
    redis_server: RedisServer, store: RedisStore, updates: Iterator[State | Batch]
) -> None:
    store.write(batch(0, update("A", "1")))
    next(updates)
    redis_server.kill()
    redis_server.start()
    writing = gevent.spawn_later(0.5, store.write, batch(0, update("A", "2"), epoch="e2"))
    heard = next(updates)
    writing.join()
    assert heard.epoch == "e2"
