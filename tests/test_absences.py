"""Absences: the times in which this process did not run, with a clock that the test sets."""

import pytest

from relay.absences import AWAY_SECONDS, LOOK_SECONDS, Absences
from tests.clocks import SetClock


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def absences(clock: SetClock) -> Absences:
    absences = Absences(clock)
    absences.look()
    return absences


def test_whoever_looks_regularly_was_never_away(clock: SetClock, absences: Absences) -> None:
    began = clock.monotonic()
    for _ in range(100):
        clock.advance(LOOK_SECONDS)
        absences.look()
    assert absences.since(began) == 0


def test_an_absence_is_known_to_whoever_asks_first(clock: SetClock, absences: Absences) -> None:
    began = clock.monotonic()
    clock.advance(10)
    assert absences.since(began) == 10


def test_only_what_lies_after_a_moment_counts(clock: SetClock, absences: Absences) -> None:
    began = clock.monotonic()
    clock.advance(10)
    absences.look()
    clock.advance(LOOK_SECONDS)
    absences.look()
    clock.advance(5)
    assert absences.since(began) == 15
    assert absences.since(began + 4) == 11
    assert absences.since(began + 10) == 5
    assert absences.since(clock.monotonic()) == 0


def test_nothing_is_known_before_the_first_look(clock: SetClock) -> None:
    absences = Absences(clock)
    began = clock.monotonic()
    clock.advance(60)
    assert absences.since(began) == 0


def test_absences_without_end_are_bounded(clock: SetClock, absences: Absences) -> None:
    began = clock.monotonic()
    for _ in range(1000):
        clock.advance(AWAY_SECONDS)
        absences.look()
    assert 30 <= absences.since(began) < 100
