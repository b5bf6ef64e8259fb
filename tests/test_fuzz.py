"""A short look at every target of `make fuzz`: the same inputs in each run."""

import pytest
from hypothesis import HealthCheck, given, settings

from tests.fuzz.target import Target
from tests.fuzz.targets import ALL

_SHORT = settings(
    derandomize=True,
    max_examples=120,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("target", ALL, ids=lambda target: target.name)
def test_whatever_comes_is_read_or_refused(target: Target) -> None:
    for seed in target.seeds:
        target.check(seed)

    @_SHORT
    @given(target.inputs)
    def try_one(data: bytes) -> None:
        target.check(data)

    try_one()


@pytest.mark.parametrize("target", ALL, ids=lambda target: target.name)
def test_every_beginning_of_what_is_taken_is_read_or_refused(target: Target) -> None:
    for seed in target.seeds:
        for end in range(0, len(seed), max(len(seed) // 60, 1)):
            target.check(seed[:end])
