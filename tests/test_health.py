"""Health judges by what was heard last, and when, with a clock that the test sets."""

import pytest

from relay.absences import Absences
from relay.batch import DOWN_SECONDS, STALE_SECONDS
from relay.fanout.health import Health
from relay.feed_status import FeedStatus
from tests.clocks import SetClock

LIVE = FeedStatus("live", source="wss://x", age=0.2, time=1_700_000_000_000)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def health(clock: SetClock) -> Health:
    return Health(clock=clock)


def test_a_beat_makes_prices_live_until_too_many_are_missed(
    health: Health, clock: SetClock
) -> None:
    health.hear(LIVE)
    assert health.verdict().state == "live"
    clock.advance(STALE_SECONDS + 0.1)
    assert health.verdict().state == "stale"
    clock.advance(DOWN_SECONDS)
    assert health.verdict().state == "down"
    assert health.verdict().age == pytest.approx(0.3 + STALE_SECONDS + DOWN_SECONDS)


def test_after_a_sleep_nothing_is_live_until_a_beat_comes(health: Health, clock: SetClock) -> None:
    health.hear(LIVE)
    clock.advance(60)
    verdict = health.verdict()
    assert (verdict.state, verdict.age) == ("down", 60.2)
    assert verdict.reason.startswith("listener: no word from it for 60")
    health.hear(LIVE)
    assert health.verdict().state == "live"


def test_what_is_held_is_no_sign_of_life(health: Health) -> None:
    health.recall(LIVE)
    assert health.verdict().state == "stale"
    assert not health.heard.is_set()
    health.hear(LIVE)
    assert health.heard.is_set()


def test_prices_are_marked_as_what_was_loaded_says_whatever_was_heard_before(
    health: Health,
) -> None:
    for simulated in (True, False):
        health.hear(FeedStatus("live", simulated=not simulated, source="wss://x"))
        health.recall(FeedStatus("down", simulated=simulated, source="wss://y"))
        verdict = health.verdict()
        assert (verdict.simulated, verdict.state, verdict.source) == (simulated, "live", "wss://x")


def test_a_problem_of_the_store_is_blamed_on_it(clock: SetClock) -> None:
    health = Health(lambda: "redis: Redis cannot be reached: no route", clock=clock)
    assert health.verdict().hop == "redis"
    assert Health(lambda: "listener: no beat", clock=clock).verdict().hop == "listener"


@pytest.fixture
def absences(clock: SetClock) -> Absences:
    absences = Absences(clock)
    absences.look()
    return absences


def run_for(seconds: float, clock: SetClock, absences: Absences) -> None:
    """This process runs for so long."""
    for _ in range(int(seconds * 4)):
        clock.advance(0.25)
        absences.look()


def test_a_worker_that_did_not_run_blames_itself_until_it_has_listened(
    clock: SetClock, absences: Absences
) -> None:
    health = Health(away=absences.since, clock=clock)
    health.hear(LIVE)
    clock.advance(60)
    verdict = health.verdict()
    assert (verdict.state, verdict.hop, verdict.age) == ("stale", "worker", 60.2)
    assert verdict.reason == "worker: it did not run for 60 s, and is checking"
    run_for(STALE_SECONDS, clock, absences)
    assert health.verdict().hop == "worker"
    run_for(0.5, clock, absences)
    assert health.verdict().reason == "listener: no word from it for 4 s"
    run_for(DOWN_SECONDS, clock, absences)
    assert health.verdict().state == "down"


def test_a_listener_that_was_silent_before_is_still_to_blame(
    clock: SetClock, absences: Absences
) -> None:
    health = Health(away=absences.since, clock=clock)
    health.hear(LIVE)
    run_for(STALE_SECONDS + 1, clock, absences)
    clock.advance(60)
    assert health.verdict().hop == "listener"


def test_a_worker_that_did_not_run_does_not_blame_redis(
    clock: SetClock, absences: Absences
) -> None:
    health = Health(lambda: "redis: Redis cannot be reached", away=absences.since, clock=clock)
    health.hear(LIVE)
    clock.advance(60)
    assert health.verdict().hop == "worker"
    run_for(STALE_SECONDS + 1, clock, absences)
    assert health.verdict().hop == "redis"
