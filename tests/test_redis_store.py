"""The Redis store against a real Redis."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import gevent
import pytest

from relay.batch import Batch, Snapshot, encode_batch
from relay.feed_status import FeedStatus
from relay.store import redis_writer as redis_store
from relay.store.connect import connect
from relay.store.contract import LeaseHeld, SnapshotLost, StoreRefuses, StoreUnavailable
from relay.store.held import load
from relay.store.keys import BASE, BATCHES, HEAD, LEASE, LOG, PRICES, UPDATES
from relay.store.redis_reader import RedisUpdates
from relay.store.redis_writer import RedisStore
from relay.store.seal import NoSeal
from relay.ticker import Ticker
from tests.processes import RedisServer

LIVE = FeedStatus("live", source="wss://x")


@pytest.fixture
def store(redis_server: RedisServer) -> RedisStore:
    """One that holds the lease."""
    store = RedisStore(redis_server.url)
    store.open()
    return store


@pytest.fixture
def updates(redis_server: RedisServer) -> Iterator[Iterator[Snapshot | Batch | FeedStatus]]:
    """What a worker hears."""
    items = RedisUpdates(redis_server.url).listen()
    yield items
    items.close()  # type: ignore[attr-defined]


def update(symbol: str, price: str) -> Ticker:
    return Ticker(symbol, price, "trade", 1)


def held(redis_server: RedisServer) -> dict[str, str]:
    """What a worker that starts now would find."""
    found = load(connect(redis_server.url), NoSeal())
    assert found is not None
    return {ticker.symbol: ticker.price for _, ticker in found.snapshot.entries}


def batch(previous: int, *updates: Ticker, epoch: str = "e1") -> Batch:
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


@pytest.mark.parametrize("pattern", [False, True])
def test_a_large_frame_is_published_update_by_update_to_whoever_listens(
    pattern: bool, redis_server: RedisServer, store: RedisStore
) -> None:
    store.write(batch(0, *(update(f"S{i}", "0") for i in range(100))))
    subscription = redis_server.client.pubsub(ignore_subscribe_messages=True)
    if pattern:
        subscription.psubscribe("prices:*")
    else:
        subscription.subscribe(UPDATES)
    # So that it has been subscribed to before the write.
    subscription.get_message(timeout=5)
    store.write(batch(100, *(update(f"S{i}", str(i)) for i in range(100))))
    heard = [subscription.get_message(timeout=5) for _ in range(100)]
    assert [message["data"] for message in heard if message] == [
        f'{{"symbol":"S{i}","price":"{i}"}}' for i in range(100)
    ]


def test_a_frame_larger_than_luas_stack_is_written_whole(
    redis_server: RedisServer, store: RedisStore
) -> None:
    store.write(batch(0, *(update(f"S{i}", str(i)) for i in range(9000))))
    assert redis_server.client.hlen(PRICES) == len(held(redis_server)) == 9000


def late(store: RedisStore, batch: Batch, number: int) -> None:
    """The same batch over again, as a Redis that was asleep may still have it in a closed connection."""
    newest, store._number = store._number, number - 1
    # What it is told, nobody reads any more.
    with suppress(LeaseHeld):
        store.write(batch)
    store._number = newest


def test_a_batch_that_comes_twice_or_late_counts_once(
    redis_server: RedisServer, store: RedisStore
) -> None:
    first, second = batch(0, update("A", "1")), batch(1, update("A", "2"))
    store.write(first)
    late(store, first, 1)
    store.write(second)
    late(store, second, 2)
    late(store, first, 1)
    assert redis_server.client.hget(HEAD, "version") == "2"
    assert redis_server.client.hgetall(PRICES) == held(redis_server) == {"A": "2"}


def test_a_removed_symbol_leaves_the_hash_and_is_remembered(
    redis_server: RedisServer, store: RedisStore
) -> None:
    store.write(batch(0, update("A", "1"), update("B", "2")))
    store.write(batch(2, update("A", "")))
    assert redis_server.client.hgetall(PRICES) == {"B": "2"}
    assert held(redis_server) == {"A": "", "B": "2"}


def test_a_long_log_is_replaced_by_what_it_amounts_to(
    redis_server: RedisServer, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "LOG_BYTES", 500)
    client = redis_server.client
    store.write(batch(0, update("B", "7")))
    lengths = []
    for version in range(1, 40):
        store.write(batch(version, update("A", str(version))))
        assert held(redis_server) == {"A": str(version), "B": "7"}
        lengths.append(client.llen(LOG))
    assert max(lengths) < 10
    found = load(connect(redis_server.url), NoSeal())
    assert found is not None
    assert sorted((given, ticker.symbol) for given, ticker in found.snapshot.entries) == [
        (1, "B"),
        (40, "A"),
    ]


@pytest.mark.parametrize("key", [PRICES, BASE, LOG])
def test_state_that_was_evicted_is_noticed_at_the_next_write(
    key: str, redis_server: RedisServer, store: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_store, "LOG_BYTES", 0)
    store.write(batch(0, update("A", "1")))
    monkeypatch.setattr(redis_store, "LOG_BYTES", 1 << 20)
    store.write(batch(1, update("B", "1")))
    assert redis_server.client.delete(key)
    with pytest.raises(SnapshotLost):
        store.write(batch(2, update("B", "2")))


def test_what_does_not_follow_on_the_stored_version_is_refused(
    redis_server: RedisServer, store: RedisStore
) -> None:
    store.write(batch(0, update("A", "1")))
    for stray in (batch(7, update("A", "3")), batch(1, update("A", "3"), epoch="e2")):
        with pytest.raises(SnapshotLost):
            store.write(stray)
    assert redis_server.client.hget(PRICES, "A") == "1"


def test_a_flushed_redis_is_noticed_at_the_next_write(
    redis_server: RedisServer, store: RedisStore
) -> None:
    store.write(batch(0, update("A", "1")))
    redis_server.client.flushall()
    with pytest.raises(SnapshotLost):
        store.write(batch(1, update("A", "2")))


def test_a_new_epoch_replaces_everything(redis_server: RedisServer, store: RedisStore) -> None:
    store.write(batch(0, update("OLD", "1")))
    store.write(batch(0, update("NEW", "2"), epoch="e2"))
    assert redis_server.client.hgetall(PRICES) == {"NEW": "2"}
    assert held(redis_server) == {"NEW": "2"}


def test_only_the_holder_of_the_lease_writes(redis_server: RedisServer, store: RedisStore) -> None:
    store.write(batch(0, update("A", "1")))
    other = RedisStore(redis_server.url)
    with pytest.raises(LeaseHeld):
        other.open()
    with pytest.raises(LeaseHeld):
        other.write(batch(1, update("A", "2")))
    assert store.write(batch(1)) == 1
    store.release()
    position = other.open()
    assert position is not None
    assert (position.snapshot.epoch, position.snapshot.version, position.intact) == ("e1", 1, True)
    assert [ticker.price for _, ticker in position.snapshot.entries] == ["1"]
    assert 0 < redis_server.client.pttl(LEASE) <= redis_store.LEASE_MILLISECONDS
    assert other.write(batch(1)) == 0


def test_what_was_on_its_way_when_the_lease_was_given_up_takes_it_back_for_nobody(
    redis_server: RedisServer, store: RedisStore
) -> None:
    store.write(batch(0, update("A", "1")))
    token = store._token
    store.release()
    with pytest.raises(LeaseHeld, match="given up"):
        store.write(batch(1, update("A", "2")))
    store._token = token
    with pytest.raises(LeaseHeld, match="nobody"):
        store.write(batch(1, update("A", "2")))
    assert redis_server.client.get(LEASE) is None
    assert held(redis_server) == {"A": "1"}
    position = store.open()
    assert position is not None
    assert (position.snapshot.version, position.intact) == (1, True)
    assert store.write(batch(1, update("A", "2"))) == 0


def test_who_lost_the_lease_while_it_slept_writes_nothing_though_nobody_holds_it_now(
    redis_server: RedisServer, store: RedisStore
) -> None:
    store.write(batch(0, update("A", "1")))
    store.release()
    other = RedisStore(redis_server.url)
    other.open()
    other.write(batch(1, update("A", "2")))
    other.release()
    for stray in (batch(1, update("A", "0")), batch(0, update("A", "0"), epoch="e2")):
        with pytest.raises(LeaseHeld):
            store.write(stray)
    assert held(redis_server) == {"A": "2"}
    position = store.open()
    assert position is not None
    assert position.snapshot.version == 2


def test_a_state_of_another_layout_is_replaced(
    redis_server: RedisServer, store: RedisStore
) -> None:
    redis_server.client.hset(HEAD, mapping={"epoch": "e0", "version": 7})
    redis_server.client.hset(PRICES, "OLD", "1")
    with pytest.raises(SnapshotLost):
        store.write(batch(7, update("A", "1"), epoch="e0"))
    store.write(batch(0, update("A", "1")))
    assert redis_server.client.hgetall(PRICES) == held(redis_server) == {"A": "1"}


def test_a_state_copied_to_another_server_is_known_to_be_a_copy(
    redis_server: RedisServer, store: RedisStore
) -> None:
    store.write(batch(0, update("A", "1")))
    redis_server.client.hset(HEAD, "server", "another")
    position = store.open()
    assert position is not None
    assert not position.intact


def test_what_a_restarted_server_was_given_anew_is_no_copy(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        store = RedisStore(server.url)
        store.open()
        store.write(batch(0, update("A", "1")))
        server.kill()
        server.start()
        with pytest.raises(SnapshotLost):
            store.write(batch(1, update("A", "2")))
        store.write(batch(0, update("A", "2"), epoch="e2"))
        store.release()
        position = RedisStore(server.url).open()
        assert position is not None
        assert position.intact


def test_workers_hear_of_a_store_that_takes_no_writes(
    redis_server: RedisServer, store: RedisStore, updates: Iterator[Snapshot | Batch | FeedStatus]
) -> None:
    store.write(batch(0, update("A", "1")))
    assert isinstance(next(updates), Snapshot)
    redis_server.client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreRefuses, match="out of memory"):
            store.write(batch(1, update("A", "2")))
        store.tell(FeedStatus("stale", reason="redis: OOM"))
        assert next(updates) == FeedStatus("stale", reason="redis: OOM")
    finally:
        redis_server.client.config_set("maxmemory", 0)
    store.write(batch(1, update("A", "2")))
    heard = next(updates)
    assert isinstance(heard, Batch)
    assert heard.version == 2


def test_without_redis_both_sides_say_so(tmp_path: Path) -> None:
    store = RedisStore("redis://127.0.0.1:1")
    with pytest.raises(StoreUnavailable):
        store.open()
    with pytest.raises(StoreUnavailable):
        store.write(batch(0))


def test_a_worker_hears_the_state_first_and_then_each_batch(
    store: RedisStore, updates: Iterator[Snapshot | Batch | FeedStatus]
) -> None:
    store.write(batch(0, update("A", "1"), update("B", "2")))
    state = next(updates)
    assert isinstance(state, Snapshot)
    assert (state.version, sorted(u.symbol for _, u in state.entries)) == (2, ["A", "B"])
    store.write(batch(2, update("A", "3")))
    heard = next(updates)
    assert isinstance(heard, Batch)
    assert (heard.previous, heard.updates[0].price) == (2, "3")


def test_after_a_gap_a_worker_hears_the_whole_state(
    redis_server: RedisServer, store: RedisStore, updates: Iterator[Snapshot | Batch | FeedStatus]
) -> None:
    store.write(batch(0, update("A", "1")))
    assert isinstance(next(updates), Snapshot)
    # Three that the subscription never delivers, for somebody else's says it follows on them.
    redis_server.client.publish(BATCHES, encode_batch(batch(3, update("A", "x"))))
    found = next(updates)
    assert isinstance(found, Snapshot)
    assert (found.version, found.entries[0][1].price) == (1, "1")


def test_what_somebody_else_wrote_is_not_believed_and_then_replaced(
    redis_server: RedisServer, store: RedisStore, updates: Iterator[Snapshot | Batch | FeedStatus]
) -> None:
    store.write(batch(0, update("A", "1")))
    client = redis_server.client
    assert isinstance(next(updates), Snapshot)
    client.publish(BATCHES, "rubbish")
    client.rpush(LOG, "rubbish")
    with pytest.raises(SnapshotLost):
        held(redis_server)
    with pytest.raises(SnapshotLost):
        store.write(batch(1, update("A", "2")))
    store.write(batch(0, update("A", "2"), epoch="e2"))
    items = (next(updates) for _ in range(9))
    assert any(not isinstance(item, FeedStatus) and item.epoch == "e2" for item in items)
    assert held(redis_server) == {"A": "2"}


def test_a_worker_survives_its_redis(
    redis_server: RedisServer, store: RedisStore, updates: Iterator[Snapshot | Batch | FeedStatus]
) -> None:
    store.write(batch(0, update("A", "1")))
    next(updates)
    redis_server.kill()
    redis_server.start()
    writing = gevent.spawn_later(0.5, store.write, batch(0, update("A", "2"), epoch="e2"))
    heard = next(updates)
    writing.join()
    assert heard.epoch == "e2"
