"""The writer gives versions, and survives whatever its store does. tests/test_intake.py has the order."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, product
from typing import Any

import gevent
import msgspec
import pytest
from gevent.queue import SimpleQueue

from relay.batch import Batch, Snapshot, encode_batch
from relay.feed_status import FeedStatus
from relay.ingest.intake import Intake
from relay.ingest.writer import Writer
from relay.store.contract import (
    LeaseHeld,
    Position,
    SnapshotLost,
    StoreRefuses,
    StoreUnavailable,
    Unwritable,
)
from relay.ticker import Ticker
from tests.clocks import SetClock


class ScriptedStore:
    """A store at the writer's seam that answers as told: real ones are in test_redis_store.py."""

    def __init__(self, position: Position | None = None) -> None:
        self.position = position
        self.failures: list[Exception] = []
        self.refusals: list[Exception] = []
        self.batches: SimpleQueue[Batch] = SimpleQueue()
        self.beats: SimpleQueue[Batch] = SimpleQueue()
        self.told: SimpleQueue[FeedStatus] = SimpleQueue()

    def open(self) -> Position | None:
        if self.refusals:
            raise self.refusals.pop(0)
        return self.position

    def write(self, batch: Batch) -> int:
        if self.failures:
            raise self.failures.pop(0)
        try:
            encode_batch(batch)
        except (ValueError, TypeError, OverflowError) as error:
            raise Unwritable(str(error)) from error
        (self.batches if batch.updates else self.beats).put(batch)
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
    clock.advance(5)
    told = store.told.get(timeout=10)
    assert (told.state, told.reason) == ("stale", "redis: out of memory")
    assert prices(store.next()) == {"A": "1"}


def test_a_writer_whose_store_takes_nothing_does_not_say_that_it_leads(
    writer: Writer, store: ScriptedStore, intake: Intake
) -> None:
    intake.offer([ticker("A", "1")])
    store.next()
    assert writer.leading
    store.failures = [StoreRefuses("cut off")] * 2
    intake.offer([ticker("A", "2", 2)])
    store.told.get(timeout=10)
    assert not writer.leading
    store.next()
    gevent.sleep(0)
    assert writer.leading


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


def test_nobody_stands_by_behind_a_standby(
    writer: Writer, store: ScriptedStore, intake: Intake
) -> None:
    intake.offer([ticker("A", "1")])
    store.next()
    gevent.sleep(0)
    assert (writer.leading, writer.standbys) == (True, 1)
    store.failures = [StoreRefuses("full"), LeaseHeld("other")]
    intake.offer([ticker("A", "2", 2)])
    store.told.get(timeout=10)
    intake.ring()
    while store.failures:
        gevent.sleep(0.01)
    gevent.sleep(0)
    assert (writer.leading, writer.standbys) == (False, 0)


def test_a_removal_that_could_not_be_written_is_written_in_the_next_term(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("relay.ingest.writer.STANDBY_SECONDS", 0.01)
    store, intake, terms = stored(), Intake(), []
    writer = Writer(store, intake, lambda: FeedStatus("live"), leads=lambda: terms.append(1))
    writer.use(False)
    greenlet = gevent.spawn(writer.run)
    gevent.sleep(0)
    store.failures = [LeaseHeld("other")]
    intake.remove("A")
    batch = store.next()
    assert (prices(batch), batch.previous, len(terms)) == ({"A": ""}, 41, 2)
    greenlet.kill()


def test_a_standby_says_when_the_store_is_back(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    monkeypatch.setattr("relay.ingest.writer.STANDBY_SECONDS", 0.01)
    store = stored()
    store.refusals = [
        LeaseHeld("other"),
        StoreUnavailable("gone"),
        StoreUnavailable("gone"),
        LeaseHeld("other"),
        LeaseHeld("other"),
        StoreUnavailable("gone"),
    ]
    first_batch(store, ticker("B", "2", 8))
    assert [record.message for record in caplog.records if "store" in record.message] == [
        "the store is away: gone",
        "the store is back",
        "the store is away: gone",
        "the store is back",
    ]


def marks(batch: Batch) -> tuple[bool, dict[str, str]]:
    """The kind that a batch says its prices are of, and the prices."""
    return batch.feed.simulated, prices(batch)


STORED = [None, False, True]
KINDS = [False, True]


class Kinds:
    """A writer and a store, with prices of both kinds that tell by themselves which they are."""

    def __init__(self, store: ScriptedStore) -> None:
        self.intake = Intake()
        # The feed says the wrong kind throughout: what counts is what the intake was given.
        self.writer = Writer(store, self.intake, lambda: FeedStatus("live", simulated=True))
        self.store = store
        self.times = count(100)

    def seed(self, simulated: bool) -> None:
        """REST says the start, while no session delivers."""
        self.writer.use(simulated)
        self.intake.seed([self.ticker("A", simulated), self.ticker("REST", simulated)])

    def deliver(self, simulated: bool) -> None:
        """A session streams."""
        self.writer.use(simulated)
        self.intake.offer([self.ticker("A", simulated), self.ticker("STREAM", simulated)])

    def ticker(self, symbol: str, simulated: bool) -> Ticker:
        return ticker(symbol, PRICE_OF[simulated], next(self.times))


#: The price that every ticker of a kind has.
PRICE_OF = {False: "1", True: "2"}


def steps(kinds: Kinds, order: tuple[str, ...]) -> Iterator[Callable[[], None]]:
    for step in order:
        kind, _, what = step.partition(" ")
        act = kinds.seed if what == "seeds" else kinds.deliver
        yield partial(act, kind == "simulated")


ORDERS = [
    order
    for length in (1, 2, 3)
    for order in product(
        ("real seeds", "simulated seeds", "real delivers", "simulated delivers"), repeat=length
    )
]


@pytest.mark.parametrize("held", STORED)
@pytest.mark.parametrize("before", [0, 1, 2, 3])
def test_no_epoch_ever_holds_prices_of_both_kinds(held: bool | None, before: int) -> None:
    """In any order of what is stored, what REST says and what a session delivers; `before` of these
    come before the lease."""
    for order in ORDERS:
        store = ScriptedStore()
        boards: dict[str, dict[str, str]] = {}
        marked: dict[str, bool] = {}
        if held is not None:
            stored = FeedStatus("live", simulated=held)
            entries = [(41, ticker("OLD", PRICE_OF[held], 7)), (40, ticker("A", PRICE_OF[held], 7))]
            store.position = Position(Snapshot("abc", 41, stored, entries))
            boards["abc"] = {"OLD": PRICE_OF[held], "A": PRICE_OF[held]}
            marked["abc"] = held
        kinds = Kinds(store)
        todo = list(steps(kinds, order))
        for step in todo[:before]:
            step()
        greenlet = gevent.spawn(kinds.writer.run)
        gevent.sleep(0)
        for step in todo[before:]:
            step()
            gevent.sleep(0)
        gevent.sleep(0)
        greenlet.kill()
        while len(store.batches):
            batch = store.batches.get()
            simulated, changes = marks(batch)
            if batch.previous == 0:
                assert batch.epoch not in boards
            assert marked.setdefault(batch.epoch, simulated) == simulated, order
            boards.setdefault(batch.epoch, {}).update(changes)
        for epoch, board in boards.items():
            assert set(board.values()) <= {PRICE_OF[marked[epoch]]}, (order, boards)


def test_a_stored_snapshot_of_an_unknown_kind_is_not_gone_on_from() -> None:
    store = stored()
    assert store.position is not None
    store.position = Position(msgspec.structs.replace(store.position.snapshot, feed=None))
    batch = first_batch(store, ticker("B", "2", 8))
    assert (batch.epoch != "abc", prices(batch)) == (True, {"B": "2"})


@pytest.mark.usefixtures("writer")
def test_prices_that_nobody_can_write_do_not_become_live_with_each_change_of_the_lease(
    store: ScriptedStore, intake: Intake, clock: SetClock
) -> None:
    store.failures = [
        StoreRefuses("out of memory"),
        LeaseHeld("another one, who is refused as well"),
        StoreRefuses("out of memory"),
    ]
    intake.offer([ticker("A", "1")])
    assert store.told.get(timeout=10).state == "live"
    clock.advance(20)
    assert store.told.get(timeout=10).state == "down"
    assert prices(store.next()) == {"A": "1"}


@pytest.mark.usefixtures("writer")
def test_a_store_that_took_another_listeners_prices_meanwhile_has_not_failed_all_the_time(
    store: ScriptedStore, intake: Intake, clock: SetClock
) -> None:
    store.failures = [StoreRefuses("full"), LeaseHeld("another one"), StoreRefuses("full")]
    intake.offer([ticker("A", "1")])
    assert store.told.get(timeout=10).state == "live"
    store.position = stored().position
    clock.advance(3600)
    assert store.told.get(timeout=10).state == "live"
    clock.advance(5)
    store.failures.append(StoreRefuses("full"))
    assert store.told.get(timeout=10).state == "stale"


def test_what_is_told_while_nothing_can_be_written_is_marked_as_what_workers_show() -> None:
    store, intake = stored(simulated=True), Intake()
    writer = Writer(store, intake, lambda: FeedStatus("live"))
    writer.use(False)
    intake.offer([ticker("A", "1", 8)])
    store.failures = [StoreRefuses("out of memory")]
    greenlet = gevent.spawn(writer.run)
    assert store.told.get(timeout=10).simulated
    assert not store.next().feed.simulated
    greenlet.kill()


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize(
    "bad",
    [
        {"event_time": 2**70},
        {"sequence": -(2**70)},
        {"trades": 2**64},
        {"volume": "\ud800"},
        {"price": "\udfff"},
        {"open": object()},
    ],
)
def test_a_ticker_that_cannot_be_carried_costs_itself(
    store: ScriptedStore, intake: Intake, bad: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    for event_time in (1, 2, 3):
        poison = ticker("BAD", str(event_time), event_time)
        for field, value in bad.items():
            setattr(poison, field, value)
        intake._pending["BAD"] = poison
        intake.offer([ticker("A", str(event_time), event_time)])
        batch = store.next()
        assert prices(batch) == {"A": str(event_time)}
        assert (batch.previous, batch.version) == (event_time - 1, event_time)
    assert caplog.text.count("cannot be written") == 1


def test_a_feed_status_that_cannot_be_carried_costs_what_it_says(
    store: ScriptedStore, intake: Intake
) -> None:
    status = FeedStatus("stale", reason="\ud800", latency=2**70)
    greenlet = gevent.spawn(Writer(store, intake, lambda: status).run)
    intake.offer([ticker("A", "1")])
    batch = store.next()
    assert (batch.feed.state, prices(batch)) == ("stale", {"A": "1"})
    greenlet.kill()


@pytest.mark.usefixtures("writer")
def test_a_batch_that_is_written_late_tells_how_the_feed_is_then(
    store: ScriptedStore, intake: Intake, clock: SetClock
) -> None:
    store.failures = [StoreUnavailable("away")]
    intake.offer([ticker("A", "1")])
    gevent.sleep(0)
    clock.advance(3600)
    assert store.next().feed.time == clock.wall_ms()


def test_an_epoch_that_was_told_as_real_while_it_was_empty_gets_no_simulated_price(
    store: ScriptedStore, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("relay.ingest.writer.BEAT_SECONDS", 0.001)
    writer = Writer(store, intake, lambda: FeedStatus("down"))
    greenlet = gevent.spawn(writer.run)
    first = store.beats.get(timeout=10)
    assert not first.feed.simulated
    writer.use(True)
    intake.offer([ticker("A", "1")])
    batch = store.next()
    assert (batch.epoch != first.epoch, batch.previous, batch.feed.simulated) == (True, 0, True)
    greenlet.kill()
