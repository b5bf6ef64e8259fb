"""What is missed while no session delivers is looked up; and nothing is written once it is stopped."""

from collections.abc import Callable, Sequence

import gevent
import pytest
from gevent.queue import SimpleQueue

from relay import supervise
from relay.batch import Batch
from relay.config import load_or_exit
from relay.exchange import rest
from relay.exchange.rest import Day
from relay.history.block import HOURS, MINUTES
from relay.history.page import PageName
from relay.ingest import pipeline as module
from relay.ingest.catalogue import Catalogue
from relay.ingest.chronicle import Chronicle
from relay.ingest.fetcher import Refusal
from relay.ingest.intake import Intake
from relay.ingest.pipeline import GAP_SECONDS, SETTLE_SECONDS, Pipeline
from relay.store.contract import Patch
from relay.store.memory import MemoryStore
from relay.store.memory_archive import MemoryArchive
from relay.store.memory_demands import MemoryDemands
from relay.ticker import Ticker
from tests.clocks import SetClock
from tests.scripted_api import ScriptedApi, said

PAGE = PageName("klines", False, "BTCUSDT", "1m", 39_000)


def ticker(price: str, event_time: int, stream: str = "24hrMiniTicker") -> Ticker:
    return Ticker("QUIET", price, stream, 0, event_time, trades=9)


def fetch(pipeline: Pipeline, name: PageName) -> None:
    """As for a worker that demands it."""
    pipeline._supplier._fetcher.fetch(name)


class Looks:
    """A catalogue that runs, and notes when it looks."""

    def __init__(self, clock: SetClock, catalogue: Catalogue) -> None:
        self.clock = clock
        self.times: SimpleQueue[float] = SimpleQueue()
        self.catalogue = catalogue
        self._began = clock.monotonic()
        self.catalogue.look = self._look  # type: ignore[method-assign]

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.catalogue._bell.set()
        gevent.sleep(0)
        gevent.sleep(0)

    def _look(self) -> float:
        self.times.put(self.clock.monotonic() - self._began)
        return 0.0


class Patches(MemoryArchive):
    """An archive that tells a test of every part that is written to it, at once."""

    def __init__(self, *, clock: SetClock) -> None:
        super().__init__(clock=clock)
        self.written: SimpleQueue[Patch] = SimpleQueue()

    def patch(self, patches: Sequence[Patch]) -> list[str]:
        for patch in patches:
            self.written.put(patch)
        return super().patch(patches)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def archive(clock: SetClock) -> Patches:
    return Patches(clock=clock)


@pytest.fixture
def make(
    clock: SetClock, archive: Patches, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Pipeline]:
    """Makes a pipeline with these settings."""
    monkeypatch.setenv("BINANCE_WS", "ws://127.0.0.1:1")
    monkeypatch.setenv("REDIS_URL", "memory://")

    def make(**settings: str) -> Pipeline:
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        return Pipeline(load_or_exit(), MemoryStore(), archive, MemoryDemands(), clock=clock)

    return make


@pytest.fixture
def pipeline(make: Callable[..., Pipeline]) -> Pipeline:
    return make()


def test_what_moved_in_a_gap_is_taken_from_rest_within_it_and_after_it(
    pipeline: Pipeline, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [ticker("7", 20, "rest"), ticker("8", 30, "rest")]
    monkeypatch.setattr(rest, "day", lambda *_: Day([said.pop(0)], False))
    intake, catalogue = pipeline.intake, pipeline._catalogue
    pipeline._session_delivers(False, True)
    intake.offer([ticker("5", 10)])
    intake.wait(0)
    pipeline._session_lost()
    catalogue.look()
    assert [t.price for t in intake.wait(0)] == ["7"]
    clock.advance(30)
    pipeline._session_delivers(False, True)
    catalogue.look()
    assert [t.price for t in intake.wait(0)] == ["8"]


def test_a_short_gap_is_looked_at_once_and_after_it(pipeline: Pipeline, clock: SetClock) -> None:
    looks = Looks(clock, pipeline._catalogue)
    greenlet = gevent.spawn(looks.catalogue.run)
    assert looks.times.get(timeout=10) == 0
    looks.advance(100)
    pipeline._session_lost()
    looks.advance(1)
    pipeline._session_delivers(False, True)
    looks.advance(SETTLE_SECONDS - 0.5)
    assert looks.times.empty()
    looks.advance(0.5)
    assert looks.times.get(timeout=10) == 101 + SETTLE_SECONDS
    looks.advance(100)
    assert looks.times.empty()
    greenlet.kill()


def test_a_long_gap_is_looked_at_within_it_too(pipeline: Pipeline, clock: SetClock) -> None:
    looks = Looks(clock, pipeline._catalogue)
    greenlet = gevent.spawn(looks.catalogue.run)
    assert looks.times.get(timeout=10) == 0
    pipeline._session_lost()
    looks.advance(GAP_SECONDS)
    assert looks.times.get(timeout=10) == GAP_SECONDS
    looks.advance(60)
    pipeline._session_delivers(False, True)
    looks.advance(SETTLE_SECONDS)
    assert looks.times.get(timeout=10) == GAP_SECONDS + 60 + SETTLE_SECONDS
    greenlet.kill()


def test_a_rotation_costs_no_look(pipeline: Pipeline, clock: SetClock) -> None:
    looks = Looks(clock, pipeline._catalogue)
    greenlet = gevent.spawn(looks.catalogue.run)
    assert looks.times.get(timeout=10) == 0
    pipeline._session_delivers(False, False)
    looks.advance(100)
    assert looks.times.empty()
    greenlet.kill()


def test_a_look_that_came_too_early_is_made_up_for() -> None:
    clock = SetClock()
    catalogue = Catalogue([], Intake(clock=clock), lambda _: True, 300.0, clock)
    looks = Looks(clock, catalogue)
    catalogue.look = lambda: looks._look() or 28.0  # type: ignore[method-assign]
    greenlet = gevent.spawn(catalogue.run)
    assert looks.times.get(timeout=10) == 0
    looks.advance(27)
    assert looks.times.empty()
    looks.advance(1)
    assert looks.times.get(timeout=10) == 28
    greenlet.kill()


def test_an_api_that_bans_the_catalogue_is_asked_for_no_page_and_the_other_way_round(
    pipeline: Pipeline, clock: SetClock
) -> None:
    with ScriptedApi(lambda _: said({}, 429, Retry_After="60")) as exchange:
        pipeline._catalogue.prefer(exchange.url)
        pipeline._catalogue.look()
        asked = len(exchange.asked)
        with pytest.raises(Refusal, match="to be left alone"):
            fetch(pipeline, PAGE)
        assert len(exchange.asked) == asked == 1
        clock.advance(61)
        with pytest.raises(Refusal):
            fetch(pipeline, PAGE)
        assert len(exchange.asked) == 2
        pipeline._catalogue.look()
        assert len(exchange.asked) == 2


@pytest.mark.parametrize("simulated", [True, False])
def test_pages_are_of_the_kind_of_the_prices(pipeline: Pipeline, *, simulated: bool) -> None:
    with ScriptedApi(lambda _: said([])) as exchange:
        pipeline._catalogue.prefer(exchange.url)
        pipeline.writer.use(simulated)
        with pytest.raises(Refusal, match="at present"):
            fetch(pipeline, PAGE._replace(simulated=not simulated))
        assert exchange.asked == []


def test_nothing_is_written_once_it_is_stopped(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervise._Process, "ending", True)
    monkeypatch.setattr(pipeline._catalogue, "run", lambda: None)
    written: SimpleQueue[Batch] = SimpleQueue()
    monkeypatch.setattr(pipeline.writer, "_store", WritesTo(written))
    pipeline.start()
    pipeline.intake.offer([ticker("1", 1)])
    assert written.get(timeout=10)
    pipeline.stop()
    pipeline.intake.offer([ticker("2", 2)])
    gevent.sleep(0.01)
    assert written.empty()


#: The first second of a day.
DAY = 1_700_006_400


def ran(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> set[type]:
    """Whose loops are begun."""
    begun: list[Callable[[], None]] = []
    monkeypatch.setattr(module, "spawn_essential", begun.append)
    pipeline.start()
    return {type(run.__self__) for run in begun}  # type: ignore[attr-defined]


def sent(pipeline: Pipeline, clock: SetClock, *, simulated: bool = False) -> Ticker:
    """What goes to the store of an update that came as DAY began."""
    clock.set_wall(DAY * 1000)
    pipeline._session_delivers(simulated, False)
    pipeline.intake.offer([ticker("5", DAY * 1000)])
    [found] = pipeline.intake.wait(0)
    return found


def test_without_a_history_nothing_is_made_of_prices_or_kept(
    make: Callable[..., Pipeline], clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = make(HISTORY_MINUTES_HOURS="0", HISTORY_HOURS_DAYS="0")
    assert sent(pipeline, clock).minutes is None
    loops = ran(pipeline, monkeypatch)
    assert Chronicle not in loops
    # Prices are read and written all the same.
    assert {type(pipeline.feed), type(pipeline.writer), Catalogue} < loops


@pytest.mark.parametrize(("hours", "days"), [("5", "0"), ("0", "7"), ("5", "7")])
def test_with_a_history_tickers_carry_their_minutes_and_these_are_kept(
    make: Callable[..., Pipeline],
    clock: SetClock,
    monkeypatch: pytest.MonkeyPatch,
    hours: str,
    days: str,
) -> None:
    pipeline = make(HISTORY_MINUTES_HOURS=hours, HISTORY_HOURS_DAYS=days)
    assert [candle.close for candle in sent(pipeline, clock).candles] == [5]
    assert Chronicle in ran(pipeline, monkeypatch)


@pytest.mark.parametrize("simulated", [False, True])
def test_minutes_and_hours_are_kept_as_what_they_are_and_as_long_as_is_set(
    make: Callable[..., Pipeline], archive: Patches, clock: SetClock, simulated: bool
) -> None:
    pipeline = make(HISTORY_MINUTES_HOURS="5", HISTORY_HOURS_DAYS="7")
    sent(pipeline, clock, simulated=simulated)
    clock.set_wall((DAY + 3700) * 1000)
    assert pipeline._chronicle is not None
    greenlet = gevent.spawn(pipeline._chronicle.run)
    minute, hour = archive.written.get(timeout=10), archive.written.get(timeout=10)
    greenlet.kill()
    assert minute.name == MINUTES.name(simulated, "QUIET", DAY)
    assert minute.seconds == 5 * 3600 + 3600
    assert hour.name == HOURS.name(simulated, "QUIET", DAY)
    assert hour.seconds == 7 * 86_400 + 86_400


def test_what_keeps_the_history_is_told_with_every_batch(
    make: Callable[..., Pipeline], monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = make()
    assert pipeline.status().history == ""
    monkeypatch.setattr(pipeline._supplier._fetcher, "_problem", (float("inf"), "REST is down"))
    assert pipeline.status().history == "REST is down"
    assert pipeline._chronicle is not None
    pipeline._chronicle.problem = "the archive is full"
    assert pipeline.status().history == "the archive is full"
    assert pipeline.status().state == pipeline.feed.status().state


class WritesTo(MemoryStore):
    """A store that a test reads at once."""

    def __init__(self, written: SimpleQueue[Batch]) -> None:
        self._batches = written
