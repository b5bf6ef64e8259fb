"""The hub pauses where the CPU is short, and only there."""

import pytest

from relay.fanout.pause import MAX_SECONDS, Pause
from tests.clocks import SetClock


def pauses(batches_a_second: float, pass_seconds: float, seconds: float = 10.0) -> list[float]:
    """What the hub would pause at this load, pass by pass."""
    clock = SetClock()
    pause = Pause(clock)
    found: list[float] = []
    arrived = taken = 0.0
    end = clock.monotonic() + seconds
    while clock.monotonic() < end:
        waiting = int(arrived) - int(taken)
        if waiting == 0:
            wait = (int(arrived) + 1 - arrived) / batches_a_second
            clock.advance(wait)
            arrived += wait * batches_a_second
            continue
        taken += waiting
        clock.advance(pass_seconds)
        found.append(pause.after(pass_seconds, waiting))
        clock.advance(found[-1])
        arrived += (pass_seconds + found[-1]) * batches_a_second
    return found


@pytest.mark.parametrize(("rate", "seconds"), [(10, 0.004), (50, 0.01), (100, 0.005), (1, 0.5)])
def test_with_cpu_to_spare_there_is_no_pause(rate: float, seconds: float) -> None:
    assert max(pauses(rate, seconds)[1:]) == 0.0


@pytest.mark.parametrize(("rate", "seconds"), [(100, 0.012), (200, 0.008), (1000, 0.004)])
def test_where_the_cpu_is_short_a_pause_is_as_long_as_the_pass(rate: float, seconds: float) -> None:
    assert pauses(rate, seconds)[-1] == pytest.approx(seconds)


def test_no_pause_is_longer_than_the_limit() -> None:
    assert max(pauses(100, 0.1)) == MAX_SECONDS


def test_a_load_that_falls_ends_the_pauses() -> None:
    clock = SetClock()
    pause = Pause(clock)
    for _ in range(100):
        clock.advance(0.02)
        pause.after(0.01, 2)
    assert pause.after(0.01, 2) > 0
    for _ in range(100):
        clock.advance(0.1)
        pause.after(0.01, 1)
    assert pause.after(0.01, 1) == 0.0
