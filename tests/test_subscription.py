"""What a client may ask for, and how much of it."""

import pytest

from relay.web.subscription import (
    MAX_NAMES_BYTES,
    RATES,
    BadQuery,
    parse,
    parse_rate,
    parse_symbols,
)


def test_symbols_come_in_upper_case_each_once_in_order() -> None:
    names = ["ethusdt", "BTCUSDT", "EthUsdt", "币安人生usdt", "ßusdt"]
    assert parse_symbols(names, 5) == ("BTCUSDT", "ETHUSDT", "ßUSDT", "币安人生USDT")


def test_a_symbol_that_is_named_twice_counts_twice() -> None:
    with pytest.raises(BadQuery, match=r"^symbols may name 3 at most"):
        parse_symbols(["BTCUSDT"] * 4, 3)


@pytest.mark.parametrize("letter", ["X", "é", "币", "𠀀"])
def test_symbols_may_take_so_many_bytes_in_all(letter: str) -> None:
    width = len(letter.encode())
    names = [letter * 29 + f"{i:03}" for i in range(MAX_NAMES_BYTES // (29 * width + 3 + 3))]
    assert len(parse_symbols(names, 1000)) == len(names)
    with pytest.raises(BadQuery, match=r"^symbols may take 12288 bytes at most in all"):
        parse_symbols([*names, letter * 32, letter * 31], 1000)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("0.5", 0.5), ("1", 1), ("1.", 1), (".5", 0.5), ("1e1", 10), ("10E-1", 1), ("100", 100)],
)
def test_a_rate_is_a_decimal_number(text: str, rate: float) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    ("asked", "given"),
    [("50.0001", 50), ("59.9", 50), ("1.19", 1), ("19", 15), ("0.0149", 0.012), ("99.999", 80)],
)
def test_a_rate_between_two_steps_is_the_lower_one(asked: str, given: float) -> None:
    assert parse_rate(asked) == given
    assert parse_rate(str(given)) == given


def test_there_are_few_rates() -> None:
    asked = {parse_rate(f"{n / 1000:.3f}") for n in range(10, 100_001, 2)}
    assert asked == set(RATES)
    assert len(RATES) == 41


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nan",
        "inf",
        "1e400",
        "1e-400",
        "０.５",
        "1_0",
        " 1",
        "1 ",
        "+1",
        "-1",
        "0",
        "0x1",
        "1e",
        ".",
        "1" * 5000,
        "0.009",
        "100.1",
        "true",
    ],
)
def test_anything_else_is_no_rate(text: str) -> None:
    with pytest.raises(BadQuery, match=r"^rate must be a number from 0.01 to 100"):
        parse({"rate": text}, "", 512)
