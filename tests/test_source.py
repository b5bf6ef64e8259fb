"""A URL's behaviour decides when it may be tried: where nothing else works, and where something does."""

import pytest

from relay.exchange.failure import FeedError
from relay.exchange.source import Source
from tests.clocks import SetClock

FAILURE = FeedError("no data")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def source(clock: SetClock) -> Source:
    return Source("ws://x", 0, clock)


def test_waits_grow_with_each_failure_up_to_half_a_minute(source: Source) -> None:
    longest = []
    for _ in range(12):
        source.failed(FAILURE)
        longest.append(source.wait)
    assert longest[0] <= 0.5
    assert max(longest) <= 30
    assert max(longest[8:]) > 1


def test_what_it_asks_for_is_obeyed(source: Source) -> None:
    source.failed(FeedError("refused with HTTP 429", retry_after=77))
    assert 77 <= source.wait == source.damped


def test_one_that_breaks_at_once_is_left_alone_longer_and_longer_while_another_works(
    source: Source, clock: SetClock
) -> None:
    damped = []
    for _ in range(7):
        source.broke(FAILURE, lasted=5)
        assert source.wait <= 30
        damped.append(source.damped)
        clock.advance(1000)
    assert damped == [30, 60, 120, 240, 480, 600, 600]


@pytest.mark.parametrize("proof", ["broke", "lasted"])
def test_one_that_gave_data_for_long_starts_over(source: Source, proof: str) -> None:
    for _ in range(9):
        source.broke(FAILURE, lasted=5)
    if proof == "broke":
        source.broke(FAILURE, lasted=31)
    else:
        source.lasted(31)
        source.failed(FAILURE)
    assert source.wait <= 0.5


def test_a_short_spell_of_data_forgives_nothing(source: Source) -> None:
    for _ in range(9):
        source.failed(FAILURE)
    assert not source.lasted(29)
    waits = []
    for _ in range(9):
        source.failed(FAILURE)
        waits.append(source.wait)
    assert max(waits) > 1
