"""Somebody forges batches: a worker is wrong until the next true one, or never where they are signed."""

from collections.abc import Callable, Iterator

import pytest
import redis

from relay.batch import Batch, Snapshot, encode_batch
from relay.board import Board
from relay.feed_status import FeedStatus
from relay.store.contract import SnapshotLost
from relay.store.keys import BASE, BATCHES, HEAD, LOG
from relay.store.redis_reader import RedisUpdates
from relay.store.redis_writer import RedisStore
from relay.store.seal import BadSeal, NoSeal, Seal, SecretSeal
from relay.ticker import Ticker
from relay.web.subscription import parse
from tests.clocks import SetClock
from tests.processes import RedisServer

SECRET = "correct horse battery"  # noqa: S105 - nobody's
TRUE = "e1"


def live(time: int = 0) -> FeedStatus:
    return FeedStatus("live", time=time)


def forged(
    previous: int, *prices: str, epoch: str = TRUE, symbol: str = "A", time: int = 0
) -> bytes:
    updates = [Ticker(symbol, price, "trade") for price in prices]
    return encode_batch(Batch(epoch, previous, previous + len(prices), live(time), updates))


class Worker:
    """What a worker makes of what it hears: each message is asked for by a test."""

    def __init__(self, url: str, secret: str = "") -> None:
        self.clock = SetClock()
        self.updates = RedisUpdates(url, secret, clock=self.clock)
        self._items = self.updates.listen()
        self.board = Board()
        self.resets = 0
        self.hears = 0
        #: Signs of life: when the listener gave them.
        self.beats: list[int] = []

    def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(20):
            if condition():
                return
            # A look at what is held is not made twice within a moment.
            self.clock.advance(0.3)
            item = next(self._items)
            self.hears += 1
            if not isinstance(item, Snapshot):
                self.beats.append(item.feed.time if isinstance(item, Batch) else item.time)
            if isinstance(item, Snapshot):
                self.resets += self.board.load(item)
            elif isinstance(item, Batch):
                self.resets += self.board.apply(item)
        raise AssertionError((self.prices, self.updates.problem))

    def until_it_holds(self, **prices: str) -> None:
        self.until(lambda: self.prices == prices)

    @property
    def prices(self) -> dict[str, str]:
        return {ticker.symbol: ticker.price for ticker in self.board.tickers()}

    def close(self) -> None:
        self._items.close()  # type: ignore[attr-defined]


class Scene:
    """A listener, a worker that has heard it, and somebody else."""

    def __init__(self, url: str, port: int, secret: str = "") -> None:
        self.store = RedisStore(url, secret)
        self.store.open()
        self.epoch, self.version = TRUE, 0
        self.held: dict[str, str] = {}
        self.time = 1
        self.write(A="1", B="1")
        self.worker = Worker(url, secret)
        self.worker.until_it_holds(A="1", B="1")
        self.write(A="2")
        self.worker.until_it_holds(A="2", B="1")
        self.stranger = redis.Redis(port=port)
        self.worker.resets = 0
        self.worker.beats.clear()

    def write(self, **prices: str) -> None:
        """As a listener does it: what Redis has lost, or is asked for anew, goes into a new epoch."""
        self.held |= prices
        try:
            self._write(prices)
        except SnapshotLost:
            self.epoch, self.version = f"{self.epoch}0", 0
            self._write(self.held)

    def _write(self, prices: dict[str, str]) -> None:
        updates = [Ticker(symbol, price, "trade") for symbol, price in prices.items()]
        self.time += 1000
        version = self.version + len(updates)
        self.store.write(Batch(self.epoch, self.version, version, live(self.time), updates))
        self.version = version

    def publish(self, data: bytes) -> None:
        self.stranger.publish(BATCHES, data)


@pytest.fixture
def scene(redis_server: RedisServer) -> Iterator[Scene]:
    scene = Scene(redis_server.url, redis_server.port)
    yield scene
    scene.worker.close()
    scene.store.release()


@pytest.fixture
def signed(redis_server: RedisServer) -> Iterator[Scene]:
    scene = Scene(redis_server.url, redis_server.port, SECRET)
    yield scene
    scene.worker.close()
    scene.store.release()


FORGERIES: dict[str, bytes] = {
    "goes on": forged(3, "9"),
    "goes on for long": forged(3, *["9"] * 1000),
    "goes on with a new symbol": forged(3, "9", symbol="C"),
    "begins anew in this epoch": forged(0, *["9"] * 1000),
    "begins another epoch": forged(0, "9", epoch="e9"),
    "begins another epoch with a beat": forged(0, epoch="e9"),
    "is far ahead": forged(2**53),
    "is far ahead with a price": forged(2**53 - 1, "9"),
    "comes again": forged(2, "9"),
    "is a beat of the past": forged(1),
}


@pytest.mark.parametrize("data", FORGERIES.values(), ids=FORGERIES)
def test_a_worker_holds_what_the_listener_wrote_with_its_next_beat_after_a_batch_that(
    data: bytes, scene: Scene
) -> None:
    scene.publish(data)
    scene.write()
    scene.write()
    scene.write(B="2")
    scene.worker.until_it_holds(A="2", B="2")
    scene.write(A="3")
    scene.worker.until_it_holds(A="3", B="2")


def test_who_got_a_forged_price_is_given_all_of_it_anew(scene: Scene) -> None:
    scene.publish(forged(3, "9"))
    scene.worker.until_it_holds(A="9", B="1")
    seen = scene.worker.board.id
    scene.write()
    scene.worker.until_it_holds(A="2", B="1")
    # An id that was given away with the forged price means nothing any more.
    assert scene.worker.resets == 1
    assert scene.worker.board.version_of(seen) == 0
    # The one that is given away now is taken where somebody resumes.
    assert parse({"since": scene.worker.board.id}, "", 1).since == scene.worker.board.id
    # The listener is asked for an epoch that all workers agree on.
    scene.write(B="2")
    assert scene.epoch != TRUE
    scene.worker.until_it_holds(A="2", B="2")
    assert scene.worker.board.epoch == scene.epoch


def test_what_is_published_beside_the_listener_costs_nobody_a_reset(scene: Scene) -> None:
    for data in (forged(0, "9"), forged(1, "9"), forged(2**53), forged(0, "9", epoch="e9")):
        scene.publish(data)
    scene.write(B="2")
    scene.worker.until_it_holds(A="2", B="2")
    assert scene.worker.resets == 0


def test_what_is_no_batch_is_refused_counted_and_one_line_a_minute(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    for symbol in ("BTC\ndata: {}", 'B"', "B" * 99):
        scene.publish(forged(3, "9", symbol=symbol))
    scene.publish(b"\x00" * 1_000_000)
    scene.write(B="2")
    scene.worker.until_it_holds(A="2", B="2")
    assert scene.worker.updates.refused == 4
    lines = [r.message for r in caplog.records if "none of our listener's" in r.message]
    assert len(lines) == 1
    assert "\n" not in lines[0]


@pytest.mark.parametrize("data", FORGERIES.values(), ids=FORGERIES)
def test_with_a_secret_nobody_hears_of_a_batch_that(data: bytes, signed: Scene) -> None:
    signed.publish(data)
    signed.publish(SecretSeal("another secret of ours").close("batch", data))
    signed.publish(SecretSeal(SECRET).close("base", data))
    signed.worker.hears = 0
    signed.write(B="2")
    signed.worker.until_it_holds(A="2", B="2")
    assert signed.worker.updates.refused == 3
    assert (signed.worker.hears, signed.worker.resets) == (1, 0)


def test_with_a_secret_a_beat_that_is_said_again_is_no_sign_of_life(signed: Scene) -> None:
    beat = SecretSeal(SECRET).close("batch", forged(3, time=signed.time))
    signed.publish(beat)
    signed.publish(beat)
    signed.write(B="2")
    signed.worker.hears = 0
    signed.worker.until_it_holds(A="2", B="2")
    assert signed.worker.hears == 1


@pytest.mark.parametrize("subscribes_anew", [False, True])
def test_with_a_secret_the_last_prices_and_beat_said_again_are_no_sign_of_life(
    subscribes_anew: bool, signed: Scene
) -> None:
    worker = signed.worker
    prices = SecretSeal(SECRET).close("batch", forged(2, "2", time=signed.time))
    signed.write()
    beat = SecretSeal(SECRET).close("batch", forged(3, time=signed.time))
    worker.until(lambda: worker.beats == [signed.time])
    if subscribes_anew:
        worker.clock.advance(5)
        signed.publish(beat)
        worker.hears = 0
        worker.until(lambda: worker.hears == 1)
    worker.beats.clear()
    for data in (beat, prices, beat, prices, beat):
        signed.publish(data)
    signed.write()
    worker.until(lambda: worker.beats != [])
    assert worker.beats == [signed.time]


def test_with_a_secret_a_listener_whose_clock_was_set_back_is_heard(signed: Scene) -> None:
    signed.time = -900
    signed.write(B="2")
    signed.write()
    signed.worker.until(lambda: signed.worker.beats == [100, 1100])


@pytest.mark.parametrize("place", ["base", "row", "feed"])
def test_with_a_secret_a_forged_state_is_none(
    place: str, signed: Scene, redis_server: RedisServer
) -> None:
    stranger = signed.stranger
    if place == "base":
        stranger.set(BASE, forged(0, "9"))
    elif place == "row":
        stranger.lset(LOG, -1, forged(2, "9"))
    else:
        # Signed, but of another version.
        signed.write(B="2")
        old = stranger.hget(HEAD, "feed")
        signed.write(B="3")
        stranger.hset(HEAD, "feed", old or b"")
    worker = Worker(redis_server.url, SECRET)
    worker.updates._load()
    assert "lost" in worker.updates.problem
    # It has asked for all of it anew.
    signed.write()
    assert signed.epoch != TRUE
    worker.until(lambda: worker.prices == signed.held)
    worker.close()


MIXED = [
    (SecretSeal(SECRET), NoSeal(), "RELAY_SECRET is not set here"),
    (NoSeal(), SecretSeal(SECRET), "it is not signed"),
    (SecretSeal(SECRET), SecretSeal(SECRET[:-1]), "another RELAY_SECRET"),
]


@pytest.mark.parametrize(("writes", "reads", "said"), MIXED)
def test_settings_that_differ_are_named(writes: Seal, reads: Seal, said: str) -> None:
    data = writes.close("batch", forged(0))
    with pytest.raises(BadSeal, match=said):
        reads.open("batch", data)
    assert bytes(writes.open("batch", data)) == forged(0)


@pytest.mark.parametrize("kind", ["batch", "base"])
def test_a_seal_holds_for_its_kind_and_place_only(kind: str) -> None:
    seal = SecretSeal(SECRET)
    with pytest.raises(BadSeal):
        seal.open(kind, seal.close("feed", b"x"))
    with pytest.raises(BadSeal):
        seal.open(kind, seal.close(kind, b"x", "e1-1"), "e1-2")
    changed = seal.close(kind, b"x")[:-1] + b"y"
    with pytest.raises(BadSeal):
        seal.open(kind, changed)
    with pytest.raises(BadSeal):
        seal.open(kind, changed[:20])


def test_a_worker_without_the_secret_says_so(signed: Scene, redis_server: RedisServer) -> None:
    stranger = RedisUpdates(redis_server.url)
    stranger._load()
    assert stranger.problem.startswith("redis: ")
    assert "it is signed, but RELAY_SECRET is not set here" in stranger.problem
