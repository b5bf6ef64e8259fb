"""What the simulator forgets of trades that are long past goes on adding up."""

from itertools import pairwise
from random import Random

import pytest

from relay.simulator.annals import Annals
from relay.simulator.bar import Bar, merge
from relay.simulator.division import divide
from relay.simulator.tape import Tape

START = 1_760_000_000 // 60 * 60 + 17  # seconds; within a minute, an hour and a day
HOUR = 3600
DAY = 24 * HOUR


def traded(seconds: int, every: int, code: str | None = "I") -> tuple[Tape, list[tuple[int, Bar]]]:
    """A tape of so long, and its trades one by one."""
    chance = Random(5)
    tape, trades, price, second = Tape(START, 1.0, code), [], 5000, START
    while second < START + seconds:
        price = max(1, price + chance.randint(-9, 9))
        volume, bought = chance.randint(1, 500), chance.random() < 0.5
        quote = price * volume
        tape.add(second, price, volume, quote, bought=bought)
        taken = (volume, quote) if bought else (0, 0)
        trades.append((second, Bar(price, price, price, price, volume, quote, 1, *taken)))
        second += chance.randint(0, 2 * every)
    return tape, trades


def between(trades: list[tuple[int, Bar]], start: int, end: int) -> Bar | None:
    return merge(bar for second, bar in trades if start <= second < end)


@pytest.mark.parametrize("code", ["I", None])
def test_what_is_kept_is_exact(code: str | None) -> None:
    tape, trades = traded(2 * HOUR, 3, code)
    end = trades[-1][0]
    for second in range(end - HOUR + 60, end, 7):
        assert tape.bar(second, second + 1) == between(trades, second, second + 1)
    for minute in range(START // 60 * 60, end, 60):
        assert tape.bar(minute, minute + 60) == between(trades, minute, minute + 60)


def test_seconds_of_a_forgotten_minute_add_up_to_it() -> None:
    tape, trades = traded(3 * HOUR, 3)
    for minute in range(START // 60 * 60, START + HOUR, 60):
        seconds = [tape.bar(second, second + 1) for second in range(minute, minute + 60)]
        assert merge(seconds) == tape.bar(minute, minute + 60)
        assert merge(seconds) == between(trades, minute, minute + 60)
        assert not any(seconds[: max(0, START - minute)])


def test_minutes_of_a_forgotten_hour_add_up_to_it() -> None:
    tape, trades = traded(3 * DAY, 40)
    for hour in range(START // HOUR * HOUR, START + 3 * DAY, HOUR):
        minutes = [tape.bar(minute, minute + 60) for minute in range(hour, hour + HOUR, 60)]
        assert merge(minutes) == tape.bar(hour, hour + HOUR)
        assert merge(minutes) == between(trades, hour, hour + HOUR)
        quarters = [tape.bar(quarter, quarter + 900) for quarter in range(hour, hour + HOUR, 900)]
        assert merge(quarters) == merge(minutes)
    day = START // DAY * DAY + DAY
    assert tape.bar(day, day + DAY) == between(trades, day, day + DAY)
    minute = START // 60 * 60 + 90 * 60
    assert merge(tape.bar(s, s + 1) for s in range(minute, minute + 60)) == tape.bar(
        minute, minute + 60
    )


def test_price_before_a_time_is_that_of_the_last_trade() -> None:
    tape, trades = traded(3 * DAY, 900)
    end = trades[-1][0]
    for (second, bar), (following, _) in pairwise(trades):
        if second >= end // HOUR * HOUR - DAY + HOUR:
            minute = (second // 60 + 1) * 60
            if minute <= following:
                assert tape.price(minute) == bar.close
    assert tape.price(START) is None
    hour = (START // HOUR + 5) * HOUR
    assert tape.price(hour) == between(trades, START, hour).close  # type: ignore[union-attr]


def test_memory_of_a_tape_is_bounded() -> None:
    tape = Tape(START, 1.0)
    for minute in range(200 * 24 * 60):
        tape.add(START + 60 * minute, 1, 1, 1, bought=True)
    kept = vars(tape)
    assert len(kept["_seconds"]) <= 61
    assert len(kept["_minutes"]) <= 25 * 60
    assert len(kept["_hours"]) <= 90 * 24


def test_a_trade_that_comes_late_is_counted() -> None:
    tape = Tape(START, 1.0)
    for second, price in ((START, 5), (START + 70, 7), (START + 2, 9)):
        tape.add(second, price, 1, price, bought=True)
    assert tape.bar(START // 60 * 60, START + 120 - START % 60) == Bar(5, 9, 5, 9, 3, 21, 3, 3, 21)


@pytest.mark.parametrize("parts", [2, 5, 60])
@pytest.mark.parametrize("trades", [1, 2, 3, 4, 7, 8, 50, 10_000])
def test_parts_of_a_bar_are_that_bar(parts: int, trades: int) -> None:
    for key in map(str, range(20)):
        bar = Bar(500, 540, 480, 510, 3 * trades, 3 * trades * 505, trades, trades, trades * 505)
        divided = divide(bar, parts, key, 1.0)
        assert merge(divided) == bar
        assert len(divided) == parts
        assert divide(bar, parts, key, 1.0) == divided
        for part in filter(None, divided):
            assert part.low <= min(part.open, part.close) <= max(part.open, part.close) <= part.high
            assert min(part[4:]) >= 0
            assert part.trades > 0


def test_nothing_opens_while_a_symbol_is_halted() -> None:
    tape = Tape(START, 1.0)
    tape.add(START, 5, 1, 5, bought=True)
    annals = Annals(1, 1, tape)
    annals.halt(START + 130)
    annals.resume(START + 400)
    minutes = annals.candles("1m", START + 500, None, None, 1000)
    shown = [(row[0] // 1000 - START // 60 * 60) // 60 for row in minutes]  # type: ignore[operator]
    assert shown == [0, 1, 2, 7, 8]
    newest = annals.candles("1m", START + 500, None, None, 3)
    assert newest == minutes[-3:]
