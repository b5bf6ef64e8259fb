"""The writer gives versions, and survives whatever its store does. tests/test_intake.py has the order."""

from collections.abc import Iterator

import gevent
import pytest
from gevent.queue import SimpleQueue

from relay.batch import Batch, Snapshot
from relay.feed_status import FeedStatus
from relay.ingest.intake import Intake
from relay.ingest.writer import Writer
from relay.store.contract import LeaseHeld, Position, SnapshotLost, StoreRefuses, StoreUnavailable
from relay.ticker import Ticker
from tests.clock import SetClock


class ScriptedStore:
    """A store at the writer's seam that answers as told: real ones are in test_redis_store.py."""

    def __init__(self, position: Position | None = None) -> None:
        self.position = position
        self.failures: list[Exception] = []
        self.refusals: list[Exception] = []
        self.batches: SimpleQueue[Batch] = SimpleQueue()
        self.told: SimpleQueue[FeedStatus] = SimpleQueue()

    def open(self) -> Position | None:
        if self.refusals:
            raise self.refusals.pop(0)
        return self.position

    def write(self, batch: Batch) -> int:
        if self.failures:
            raise self.failures.pop(0)
        if batch.updates:
            self.batches.put(batch)
        return 1

    def tell(self, feed: FeedStatus) -> None:
        self.told.put(feed)

    def next(self) -> Batch:
        return self.batches.get(timeout=10)


@pytest.fixture
def store() -> ScriptedStore:
    return ScriptedStore()


@pytest.fixture
def intake() -> Intake:
    return Intake()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def writer(store: ScriptedStore, intake: Intake, clock: SetClock) -> Iterator[Writer]:
    writer = Writer(store, intake, lambda: FeedStatus("live"), clock=clock)
    greenlet = gevent.spawn(writer.run)
    yield writer
    greenlet.kill()


def ticker(symbol: str, price: str, event_time: int = 1) -> Ticker:
    return Ticker(symbol, price, "24hrMiniTicker", 0, event_time)


def prices(batch: Batch) -> dict[str, str]:
    return {update.symbol: update.price for update in batch.updates}


def stored(simulated: bool = False, intact: bool = True) -> ScriptedStore:
    feed = FeedStatus("live", simulated=simulated)
    entries = [(41, ticker("A", "1", 7)), (40, ticker("GONE", ""))]
    return ScriptedStore(Position(Snapshot("abc", 41, feed, entries), intact))


def first_batch(store: ScriptedStore, *tickers: Ticker) -> Batch:
    """What a writer of real prices writes first that finds this store."""
    intake = Intake()
    writer = Writer(store, intake, lambda: FeedStatus("live"))
    writer.use(False)
    intake.offer(tickers)
    greenlet = gevent.spawn(writer.run)
    batch = store.next()
    greenlet.kill()
    return batch


@pytest.mark.usefixtures("writer")
def test_every_update_gets_the_next_version(store: ScriptedStore, intake: Intake) -> None:
    intake.offer([ticker("A", "1"), ticker("B", "2")])
    first = store.next()
    assert (first.previous, first.version) == (0, 2)
    intake.offer([ticker("A", "3", 2)])
    second = store.next()
    assert (second.epoch, second.previous, second.version) == (first.epoch, 2, 3)
    assert second.feed.standbys == 1


@pytest.mark.usefixtures("writer")
def test_a_removal_gets_a_version_like_any_update(store: ScriptedStore, intake: Intake) -> None:
    intake.offer([ticker("A", "1")])
    store.next()
    intake.remove("A")
    batch = store.next()
    assert (prices(batch), batch.version) == ({"A": ""}, 2)


@pytest.mark.usefixtures("writer")
def test_a_batch_that_may_have_arrived_is_written_again_unchanged(
    store: ScriptedStore, intake: Intake
) -> None:
    store.failures = [StoreUnavailable("away"), StoreUnavailable("away")]
    intake.offer([ticker("A", "1")])
    gevent.sleep(0)
    intake.offer([ticker("A", "2", 2), ticker("B", "1")])
    first, second = store.next(), store.next()
    assert (prices(first), first.version) == ({"A": "1"}, 1)
    assert (prices(second), second.previous) == ({"A": "2", "B": "1"}, 1)


@pytest.mark.usefixtures("writer")
def test_workers_are_told_why_a_store_takes_no_writes(
    store: ScriptedStore, intake: Intake, clock: SetClock
) -> None:
    store.failures = [StoreRefuses("out of memory"), StoreRefuses("out of memory")]
    intake.offer([ticker("A", "1")])
    assert store.told.get(timeout=10).state == "live"
    clock.pass_by(5)
    told = store.told.get(timeout=10)
    assert (told.state, told.reason) == ("stale", "redis: out of memory")
    assert prices(store.next()) == {"A": "1"}


@pytest.mark.usefixtures("writer")
def test_a_store_that_lost_its_state_gets_all_of_it_in_a_new_epoch(
    store: ScriptedStore, intake: Intake
) -> None:
    intake.offer([ticker("A", "1"), ticker("B", "2")])
    first = store.next()
    store.failures = [SnapshotLost("flushed")]
    intake.offer([ticker("A", "3", 2)])
    again = store.next()
    assert again.epoch != first.epoch
    assert again.previous == 0
    assert prices(again) == {"A": "3", "B": "2"}


def test_real_and_simulated_prices_never_mix(
    store: ScriptedStore, intake: Intake, writer: Writer
) -> None:
    assert not writer.use(True)
    intake.offer([ticker("A", "1"), ticker("FAKE", "1")])
    simulated = store.next()
    assert writer.use(False)
    intake.offer([ticker("A", "9")])
    real = store.next()
    assert real.epoch != simulated.epoch
    assert (real.previous, prices(real)) == (0, {"A": "9"})


def test_it_goes_on_from_the_stored_position() -> None:
    batch = first_batch(stored(), ticker("A", "0", 6), ticker("A", "2", 8))
    assert (batch.epoch, batch.previous, batch.version) == ("abc", 41, 42)
    assert prices(batch) == {"A": "2"}


def test_a_copy_that_may_lag_is_not_gone_on_from_in_its_epoch() -> None:
    batch = first_batch(stored(intact=False), ticker("A", "0", 6), ticker("B", "2", 8))
    assert (batch.epoch != "abc", batch.previous) == (True, 0)
    assert prices(batch) == {"A": "1", "B": "2"}


def test_stored_prices_of_the_other_kind_are_not_gone_on_from() -> None:
    batch = first_batch(stored(simulated=True), ticker("B", "2", 8))
    assert (batch.epoch != "abc", batch.previous, prices(batch)) == (True, 0, {"B": "2"})


def test_without_the_lease_it_stands_by_and_then_goes_on_where_the_other_left_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("relay.ingest.writer.STANDBY_SECONDS", 0.01)
    store = stored()
    store.refusals = [LeaseHeld("other"), LeaseHeld("other")]
    store.failures = [LeaseHeld("other")]
    batch = first_batch(store, ticker("A", "0", 6), ticker("B", "2", 8))
    assert (batch.epoch, batch.previous, prices(batch)) == ("abc", 41, {"B": "2"})
