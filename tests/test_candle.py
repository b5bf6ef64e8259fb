"""Candles as exact numbers."""

import pytest

from relay.candle import (
    Candle,
    decimal,
    joined,
    packed,
    reconciled,
    units,
    unpacked,
    with_decimals,
)


@pytest.mark.parametrize(
    "price", ["67123.45000000", "0.00000013", "1082448588.00000000", "5", "0.5", "0"]
)
def test_a_price_comes_back_as_it_was_received(price: str) -> None:
    found = units(price)
    assert found is not None
    assert decimal(*found) == price


def test_a_price_of_more_than_18_digits_is_none() -> None:
    assert units("1" * 18) == (int("1" * 18), 0)
    assert units("1" * 11 + "." + "2" * 8) is None


def test_candles_of_different_units_meet_in_the_finer_one() -> None:
    first = Candle(60, 2, 100, 120, 90, 110, 3)
    last = Candle(120, 4, 11000, 13000, 10900, 12000, 2)
    assert joined(first, last) == Candle(60, 4, 10000, 13000, 9000, 12000, 5)


def test_a_candle_that_does_not_fit_into_the_finer_unit_gives_way() -> None:
    large = Candle(60, 0, 10**17, 10**17, 10**17, 10**17, 1)
    fine = Candle(120, 8, 1, 1, 1, 1, 1)
    assert with_decimals(large, 8) is None
    assert joined(large, fine) == fine


def test_two_observers_agree_on_the_published_open_and_on_both_extremes() -> None:
    theirs = Candle(60, 2, 100, 120, 95, 110, 5)
    ours = Candle(60, 2, 105, 118, 90, 111, 3)
    assert reconciled(theirs, ours, ours_is_later=True) == Candle(60, 2, 100, 120, 90, 111, 5)
    assert reconciled(theirs, ours, ours_is_later=False).close == 110


def test_candles_come_through_the_bytes_that_carry_them() -> None:
    first = Candle(1_700_000_040, 8, 6712345000000, 6712345000009, 1, 2, 2**40)
    last = Candle(1_700_000_100, 0, 5, 5, 5, 5, 1)
    assert unpacked(packed(first) + packed(last)) == [
        Candle(1_700_000_040, 8, 6712345000000, 6712345000009, 1, 2, 2**32 - 1),
        last,
    ]


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"x" * 41,
        packed(Candle(60, 0, 5, 4, 3, 5, 1)),
        packed(Candle(60, 99, 5, 5, 5, 5, 1)),
        packed(Candle(60, 0, 5, 5, -5, 5, 1)),
    ],
)
def test_bytes_that_carry_no_candles_carry_none(data: bytes) -> None:
    assert unpacked(data) == []
