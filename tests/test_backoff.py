"""Back-off: what its bounds promise."""

import pytest

from relay.backoff import Backoff


def longest_delays(backoff: Backoff, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    monkeypatch.setattr("random.uniform", lambda _low, high: high)
    return [backoff.next() for _ in range(4)]


def test_the_bound_of_a_delay_doubles_with_each_failure_up_to_the_cap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert longest_delays(Backoff(first=0.5, cap=1.5), monkeypatch) == [0.5, 1.0, 1.5, 1.5]


def test_after_a_success_the_first_delay_counts_again(monkeypatch: pytest.MonkeyPatch) -> None:
    backoff = Backoff(first=0.5, cap=30)
    longest_delays(backoff, monkeypatch)
    backoff.reset()
    assert longest_delays(backoff, monkeypatch)[0] == 0.5


def test_a_delay_may_be_anything_from_nothing_to_its_bound() -> None:
    delays = [Backoff(first=4, cap=4).next() for _ in range(500)]
    assert 0 <= min(delays) < 1
    assert 3 < max(delays) <= 4


def test_many_failures_do_not_overflow() -> None:
    backoff = Backoff()
    assert max(backoff.next() for _ in range(5000)) <= 30
