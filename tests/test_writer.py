"""The writer gives versions, keeps the newest, and survives whatever its store does."""

from collections.abc import Iterator

import gevent
import pytest
from gevent.queue import SimpleQueue

from relay.batch import Batch, FeedStatus
from relay.ticker import Ticker
from relay.writer import MAX_PENDING, LeaseHeld, Position, StateLost, StoreUnavailable, Writer


class ScriptedStore:
    """A store at the writer's seam that answers as told: real ones are in test_redis_store.py."""

    def __init__(self, position: Position | None = None) -> None:
        self.position = position
        self.failures: list[Exception] = []
        self.batches: SimpleQueue[Batch] = SimpleQueue()

    def open(self) -> Position | None:
        return self.position

    def write(self, batch: Batch) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if batch.updates:
            self.batches.put(batch)

    def next(self) -> Batch:
        return self.batches.get(timeout=10)


@pytest.fixture
def store() -> ScriptedStore:
    return ScriptedStore()


@pytest.fixture
def writer(store: ScriptedStore) -> Iterator[Writer]:
    writer = Writer(store)
    greenlet = gevent.spawn(writer.run, lambda: FeedStatus("live"))
    yield writer
    greenlet.kill()


def ticker(symbol: str, price: str, event_time: int | None = 1, **more: str) -> Ticker:
    return Ticker(symbol, price, more.pop("event", "trade"), 0, event_time, **more)


def prices(batch: Batch) -> dict[str, str]:
    return {update.symbol: update.price for update in batch.updates}


def test_every_update_gets_the_next_version(store: ScriptedStore, writer: Writer) -> None:
    writer.offer([ticker("A", "1"), ticker("B", "2")])
    first = store.next()
    assert (first.previous, first.version) == (0, 2)
    writer.offer([ticker("A", "3", 2)])
    second = store.next()
    assert (second.epoch, second.previous, second.version) == (first.epoch, 2, 3)


def test_each_update_is_written_while_the_store_keeps_up(
    store: ScriptedStore, writer: Writer
) -> None:
    for time in range(100):
        writer.offer([ticker("A", str(time), time)])
    assert [update.price for update in store.next().updates] == [str(time) for time in range(100)]


def test_what_waits_too_long_for_the_store_is_conflated(
    store: ScriptedStore, writer: Writer
) -> None:
    for time in range(3 * MAX_PENDING):
        writer.offer([ticker("A", str(time), time), ticker("B", "1")])
    batch = store.next()
    assert prices(batch) == {"A": str(3 * MAX_PENDING - 1), "B": "1"}
    assert len(batch.updates) <= MAX_PENDING


def test_older_and_repeated_tickers_are_dropped(store: ScriptedStore, writer: Writer) -> None:
    writer.offer([ticker("A", "5", 50)])
    store.next()
    writer.offer([ticker("A", "4", 49), ticker("A", "5", 50)])
    assert writer.dropped == 2
    writer.offer([ticker("A", "6", 50)])
    assert prices(store.next()) == {"A": "6"}


def test_a_trade_does_not_lose_the_days_figures(store: ScriptedStore, writer: Writer) -> None:
    writer.offer([ticker("A", "5", 1, event="24hrMiniTicker", open="4", high="6")])
    store.next()
    writer.offer([ticker("A", "5.5", 2)])
    assert '"open":"4","high":"6"' in store.next().updates[0].ticker


def test_a_batch_that_may_have_arrived_is_written_again_unchanged(
    store: ScriptedStore, writer: Writer
) -> None:
    store.failures = [StoreUnavailable("away"), StoreUnavailable("away")]
    writer.offer([ticker("A", "1")])
    gevent.sleep(0)
    writer.offer([ticker("A", "2", 2), ticker("B", "1")])
    first, second = store.next(), store.next()
    assert (prices(first), first.version) == ({"A": "1"}, 1)
    assert (prices(second), second.previous) == ({"A": "2", "B": "1"}, 1)


def test_a_store_that_lost_its_state_gets_all_of_it_in_a_new_epoch(
    store: ScriptedStore, writer: Writer
) -> None:
    writer.offer([ticker("A", "1"), ticker("B", "2")])
    first = store.next()
    store.failures = [StateLost()]
    writer.offer([ticker("A", "3", 2)])
    again = store.next()
    assert again.epoch != first.epoch
    assert again.previous == 0
    assert prices(again) == {"A": "3", "B": "2"}


def test_real_and_simulated_prices_never_mix(store: ScriptedStore, writer: Writer) -> None:
    writer.begin(True)
    writer.offer([ticker("A", "1"), ticker("FAKE", "1")])
    simulated = store.next()
    writer.begin(False)
    writer.offer([ticker("A", "9")])
    real = store.next()
    assert real.epoch != simulated.epoch
    assert (real.previous, prices(real)) == (0, {"A": "9"})


def test_it_goes_on_from_the_stored_position() -> None:
    store = ScriptedStore(Position("abc", 41, False, [ticker("A", "1", 7, open="1")]))
    writer = Writer(store)
    writer.begin(False)
    greenlet = gevent.spawn(writer.run, lambda: FeedStatus("live"))
    gevent.sleep(0)
    writer.offer([ticker("A", "0", 6), ticker("A", "2", 8)])
    batch = store.next()
    greenlet.kill()
    assert (batch.epoch, batch.previous, batch.version) == ("abc", 41, 42)
    assert prices(batch) == {"A": "2"}


def test_stored_prices_of_the_other_kind_are_not_gone_on_from() -> None:
    store = ScriptedStore(Position("abc", 41, True, [ticker("FAKE", "1")]))
    writer = Writer(store)
    writer.begin(False)
    greenlet = gevent.spawn(writer.run, lambda: FeedStatus("live"))
    writer.offer([ticker("A", "2", 8)])
    batch = store.next()
    greenlet.kill()
    assert (batch.epoch != "abc", batch.previous, prices(batch)) == (True, 0, {"A": "2"})


def test_without_the_lease_it_stands_by_and_then_goes_on(
    store: ScriptedStore, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.writer.BEAT_SECONDS", 0.01)
    store.failures = [LeaseHeld(), LeaseHeld()]
    writer.offer([ticker("A", "1")])
    assert prices(store.next()) == {"A": "1"}
