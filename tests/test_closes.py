"""The closes of many symbols: from the exchange, else from what we saw, and who is waited for."""

import json
from collections.abc import Sequence

import pytest

from relay.candle import Candle
from relay.history.closes import INTERVALS, Closes, first_opening
from relay.history.interval import SECONDS
from relay.history.library import Library
from relay.history.page import PageName
from relay.store.contract import Unanswered
from tests.archive import Shelf, Wants, kline
from tests.clocks import SetClock

DAY = 1_699_920_000  # a day begins, in seconds since 1970
NOON = DAY + 12 * 3600
HALF = 1800


class Case:
    """One worker's closes, with everything that it knows under the test's control."""

    def __init__(self) -> None:
        self.shelf, self.wants = Shelf(), Wants()
        self.clock = SetClock(wall_ms=(NOON + 60) * 1000)
        self.closes: Closes = Library(self.shelf, self.wants, clock=self.clock).closes
        self.complete: dict[str, bool] = {}

    def ask(self, *symbols: str, points: int = 48) -> dict[str, list[str | None]]:
        lines = self.closes.lines(False, dict.fromkeys(symbols, ()), points, self.clock.wall_ms())
        self.complete = {symbol: line.complete for symbol, line in lines.items()}
        return {symbol: json.loads(f"[{line.text}0]")[:-1] for symbol, line in lines.items()}

    def put(self, symbol: str, until: int, count: int = 50, interval: str = "30m") -> None:
        """The newest candles at `until`, in seconds: each closes at the number of its interval."""
        step = SECONDS[interval]
        last = until // step
        klines = [kline(n * step, f"{n}.50000000") for n in range(last - count + 1, last + 1)]
        self.shelf.put_page(PageName("closes", False, symbol, interval), until * 1000, klines)


@pytest.fixture
def case() -> Case:
    return Case()


def number(time: int) -> str:
    return f"{time // HALF}.5"


def test_the_exchanges_closes_are_told_without_the_running_one(case: Case) -> None:
    case.put("A", until=NOON + 30)
    closes = case.ask("A")["A"]
    assert closes == [number(NOON + HALF * n) for n in range(-47, 0)]
    assert case.complete == {"A": True}
    assert case.wants.asked == []


def test_the_first_point_opens_a_day_before_the_end_of_the_running_interval() -> None:
    for points, interval in INTERVALS.items():
        assert points * SECONDS[interval] == 86_400
        assert first_opening(points, (NOON + 60) * 1000) == NOON + SECONDS[interval] - 86_400


@pytest.mark.parametrize("points", [96, 288])
def test_more_points_than_the_newest_page_has_come_from_pages_of_candles(
    case: Case, points: int
) -> None:
    def supply(names: Sequence[str]) -> None:
        for name in names:
            family, _, symbol, interval, page = name.split("/")
            assert family == "klines"
            case.shelf.put_page(
                PageName("klines", False, symbol, interval, int(page)), until=NOON * 1000
            )

    case.wants.supply = supply
    assert case.ask("A", points=points)["A"] == ["7"] * (points - 1)
    assert case.complete == {"A": True}


def test_missing_closes_are_demanded_together_and_waited_for_a_second(case: Case) -> None:
    case.put("B", until=NOON)
    case.wants.supply = lambda _: case.put("A", until=NOON)
    assert case.ask("A", "B", "C").keys() == {"A", "B", "C"}
    assert case.wants.asked == [(["closes/real/A/30m", "closes/real/C/30m"], 1.0, False)]
    assert case.complete == {"A": True, "B": True, "C": False}


def test_closes_that_lack_only_the_last_are_good_enough(case: Case) -> None:
    case.put("A", until=NOON - 10)
    closes = case.ask("A")["A"]
    assert closes[-2:] == [number(NOON - 2 * HALF), None]
    assert case.wants.asked == []


def test_closes_that_lack_more_are_demanded_again(case: Case) -> None:
    case.put("A", until=NOON - HALF - 10)
    case.ask("A")
    assert [names for names, _, _ in case.wants.asked] == [["closes/real/A/30m"]]


def test_what_the_exchange_has_not_said_is_what_we_saw(case: Case) -> None:
    def supply(_: object) -> None:
        raise Unanswered("behind 400 others")

    case.wants.supply = supply
    case.shelf.keep_hours("A", [Candle(NOON - 3600 * n, 2, 1, 900, 1, n, 9) for n in range(2, 9)])
    case.shelf.keep("A", [Candle(NOON - 60 * n, 2, 1, 900, 1, 100 + n, 9) for n in range(1, 5)])
    closes = case.ask("A")["A"]
    assert closes[-8:] == [None, "0.04", None, "0.03", None, "0.02", None, "1.01"]
    assert case.complete == {"A": False}


def test_what_is_complete_is_put_together_once_an_interval(case: Case) -> None:
    case.put("A", until=NOON)
    first = case.ask("A")
    reads = len(case.shelf.reads)
    case.clock.advance(600)
    assert case.ask("A") == first
    assert len(case.shelf.reads) == reads
    case.clock.advance(HALF)
    assert case.ask("A") != first


def test_what_waits_is_put_together_again_soon(case: Case) -> None:
    case.ask("A")
    case.ask("A")
    assert len(case.wants.asked) == 1
    case.clock.advance(2)
    case.put("A", until=NOON)
    case.ask("A")
    assert case.complete == {"A": True}


def test_while_the_store_is_away_nobody_is_waited_for(case: Case) -> None:
    case.shelf.available = False
    assert case.ask("A") == {"A": [None] * 47}
    assert case.complete == {"A": False}
    assert case.wants.asked == []


@pytest.mark.parametrize("points", INTERVALS)
def test_an_hour_closes_at_the_point_whose_interval_ends_with_it(case: Case, points: int) -> None:
    def supply(_: object) -> None:
        raise Unanswered("behind 400 others")

    case.wants.supply = supply
    # Each hour closes at the number of hours from its end to noon.
    case.shelf.keep_hours(
        "A", [Candle(NOON - 3600 * (n + 1), 0, 1, 900, 1, n, 9) for n in range(1, 24)]
    )
    closes = case.ask("A", points=points)["A"]
    step = 86_400 // points
    start = NOON - 86_400 + step
    told = {start + step * number + step: close for number, close in enumerate(closes)}
    first = NOON - 23 * 3600 if step < 3600 else NOON - 22 * 3600
    assert {time: close for time, close in told.items() if close is not None} == {
        time: str((NOON - time) // 3600) for time in range(first, NOON, 3600)
    }


@pytest.mark.parametrize(("end", "told"), [(NOON - 7200, "42"), (NOON - 7200 + HALF, None)])
def test_one_point_that_the_exchange_lacks_is_the_close_of_the_hour_that_ends_with_it(
    case: Case, end: int, told: str | None
) -> None:
    opened = range(NOON - 50 * HALF, NOON, HALF)
    klines = [kline(time, "7") for time in opened if time + HALF != end]
    case.shelf.put_page(PageName("closes", False, "A", "30m"), NOON * 1000, klines)
    case.shelf.keep_hours("A", [Candle(NOON - 7200 - 3600, 0, 1, 900, 1, 42, 9)])
    closes = case.ask("A")["A"]
    assert closes[-1 - (NOON - end) // HALF] == told
    assert closes.count("7") == 46


@pytest.mark.parametrize("points", INTERVALS)
def test_others_get_their_turn_each_millisecond_of_work(
    case: Case, points: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[None] = []
    monkeypatch.setattr("relay.history.closes.stand_in_line", lambda: turns.append(None))
    symbols = 96
    case.ask(*(f"S{number}" for number in range(symbols)), points=points)
    assert len(turns) * 400 >= symbols * min(points, 400)
