"""What is answered of a symbol's past: the exchange's candles, our own, both, or none."""

import json
import random
from collections import defaultdict
from typing import Any

import gevent
import msgspec
import pytest

from relay.candle import Candle, decimal, packed
from relay.history.interval import SECONDS
from relay.history.library import Library
from relay.history.page import Page, PageName, encode_page
from relay.history.past import Answer
from relay.history.wish import EARLIEST, Wish
from relay.ingest.candles import Candles
from relay.store.contract import Refused, Unanswered
from relay.ticker import Ticker
from tests.archive import Shelf, Wants, kline, pages_at
from tests.clocks import SetClock

SYMBOL = "BTCUSDT"
DAY = 1_699_920_000  # a day begins, in seconds since 1970
NOON = DAY + 12 * 3600
#: A page of minutes begins here.
PAGE = NOON // (720 * 60) * 720 * 60


class Case:
    """One worker's past, with everything that it knows under the test's control."""

    def __init__(self, now: float = NOON, minutes_hours: int = 24, hours_days: int = 30) -> None:
        self.shelf, self.wants = Shelf(), Wants()
        self.clock = SetClock(wall_ms=int(now * 1000))
        self.past = Library(
            self.shelf,
            self.wants,
            minutes_hours=minutes_hours,
            hours_days=hours_days,
            clock=self.clock,
        ).past
        self.ticker: Ticker | None = None

    @property
    def now(self) -> int:
        return self.clock.wall_ms() // 1000

    def ask(self, interval: str = "1m", limit: int = 500, **bounds: int) -> Answer:
        """`start` and `end` in seconds."""
        milliseconds = {name: 1000 * time for name, time in bounds.items()}
        wish = Wish(False, SYMBOL, interval, limit, **milliseconds)
        now = self.clock.wall_ms()
        return self.past.answer(wish, self.past.find(wish, now), self.ticker, now)

    def rows(self, interval: str = "1m", limit: int = 500, **bounds: int) -> list[list[Any]]:
        return [json.loads(row) for row in self.ask(interval, limit, **bounds).rows]

    def show(self, candle: Candle, previous: Candle | None = None, at: float = 0.0) -> None:
        """The board's newest ticker, made at a time in seconds."""
        made = int(1000 * (at or candle.time + 1))
        minutes = b"".join(packed(each) for each in (previous, candle) if each is not None)
        self.ticker = Ticker(SYMBOL, "1", "trade", made, made, minutes=minutes)


@pytest.fixture
def case() -> Case:
    return Case()


def own(time: int, price: int = 600, updates: int = 10) -> Candle:
    return Candle(time, 2, 500, 1000, 300, price, updates)


def sources(rows: list[list[Any]]) -> list[str]:
    return [row[9] for row in rows]


def offered(*names: PageName) -> list[str]:
    return [str(name) for name in names]


# Which source


def test_a_candle_that_the_exchange_says_is_over_is_the_exchanges(case: Case) -> None:
    [page] = pages_at(SYMBOL, "1m", NOON - 60)
    case.shelf.put_page(page, until=NOON * 1000)
    case.shelf.keep(SYMBOL, [own(NOON - 60)])
    [row] = case.rows(start=NOON - 60, end=NOON)
    assert row == [
        (NOON - 60) * 1000, "5.00", "9.00", "4.00", "7.00", "12.5", "80.25", 321, None, "exchange",
    ]  # fmt: skip


def test_a_candle_that_the_exchange_has_not_said_is_our_own(case: Case) -> None:
    case.shelf.keep(SYMBOL, [own(NOON - 60)])
    [row] = case.rows(start=NOON - 60, end=NOON)
    assert row == [
        (NOON - 60) * 1000, "5.00", "10.00", "3.00", "6.00", None, None, None, 10, "relay",
    ]  # fmt: skip


def test_what_the_exchange_said_while_a_candle_ran_is_joined_with_what_we_saw_since(
    case: Case,
) -> None:
    case.clock.advance(30)
    [page] = pages_at(SYMBOL, "1m", NOON)
    case.shelf.put_page(page, until=(NOON + 20) * 1000)
    case.show(own(NOON), at=NOON + 29)
    row = case.rows(limit=1)[0]
    assert row == [
        NOON * 1000, "5.00", "10.00", "3.00", "6.00", None, None, None, 10, "both",
    ]  # fmt: skip


def test_the_close_is_the_exchanges_where_that_was_said_after_our_last_update(case: Case) -> None:
    case.clock.advance(30)
    [page] = pages_at(SYMBOL, "1m", NOON)
    case.shelf.put_page(page, until=(NOON + 20) * 1000)
    case.show(own(NOON), at=NOON + 5)
    row = case.rows(limit=1)[0]
    assert (row[4], row[9]) == ("7.00", "both")


def test_a_running_candle_of_the_exchange_is_joined_only_with_later_minutes(case: Case) -> None:
    case.clock.advance(40 * 60)
    [page] = pages_at(SYMBOL, "15m", NOON)
    case.shelf.put_page(page, until=(NOON + 37 * 60) * 1000)
    wild = Candle(NOON + 31 * 60, 2, 500, 9999, 1, 600, 3)
    case.shelf.keep(SYMBOL, [wild, own(NOON + 37 * 60), own(NOON + 38 * 60, 650)])
    row = case.rows("15m", limit=1)[0]
    assert (row[0], row[2:5], row[9]) == (
        (NOON + 30 * 60) * 1000, ["10.00", "3.00", "6.50"], "both",
    )  # fmt: skip


def test_prices_of_other_decimals_are_joined_exactly(case: Case) -> None:
    case.clock.advance(30)
    [page] = pages_at(SYMBOL, "1m", NOON)
    case.shelf.put_page(page, until=(NOON + 20) * 1000)
    case.show(Candle(NOON, 8, 500_000_000, 900_000_001, 400_000_000, 700_000_000, 2), at=NOON + 29)
    row = case.rows(limit=1)[0]
    assert row[1:5] == ["5.00000000", "9.00000001", "4.00000000", "7.00000000"]


def test_a_running_candle_is_never_called_final_though_we_saw_nothing_of_it(case: Case) -> None:
    case.clock.advance(30)
    [page] = pages_at(SYMBOL, "1m", NOON)
    case.shelf.put_page(page, until=(NOON + 20) * 1000)
    answer = case.ask(limit=1)
    assert json.loads(answer.rows[0])[5:] == [None, None, None, None, "both"]
    assert answer.closed == NOON * 1000
    assert not answer.settled


def test_the_boards_candles_win_over_what_is_kept(case: Case) -> None:
    case.clock.advance(5)
    case.shelf.keep(SYMBOL, [own(NOON - 60, 400)])
    case.show(own(NOON, 700), previous=own(NOON - 60, 650))
    assert [row[4] for row in case.rows(limit=2)] == ["6.50", "7.00"]


def test_a_gap_stays_a_gap(case: Case) -> None:
    case.shelf.keep(SYMBOL, [own(NOON - 600), own(NOON - 60)])
    times = [row[0] for row in case.rows(limit=20)]
    assert times == [(NOON - 600) * 1000, (NOON - 60) * 1000]


def test_a_candle_that_is_missing_in_the_exchanges_page_is_our_own(case: Case) -> None:
    [page] = pages_at(SYMBOL, "1m", NOON - 60)
    case.shelf.put_page(page, NOON * 1000, [kline(NOON - 180), kline(NOON - 60)])
    case.shelf.keep(SYMBOL, [own(NOON - 180), own(NOON - 120), own(NOON - 60)])
    assert sources(case.rows(start=NOON - 180, end=NOON)) == ["exchange", "relay", "exchange"]


def test_what_is_kept_of_simulated_prices_is_not_told_of_real_ones(case: Case) -> None:
    case.shelf.keep(SYMBOL, [own(NOON - 60)])
    wish = Wish(True, SYMBOL, "1m", 5)
    now = case.clock.wall_ms()
    assert case.past.answer(wish, case.past.find(wish, now), None, now).rows == []
    assert all("/simulated/" in name for name in case.shelf.reads)


def test_candles_of_a_second_are_the_exchanges_alone(case: Case) -> None:
    [page] = pages_at(SYMBOL, "1s", NOON)
    case.shelf.put_page(page, until=NOON * 1000)
    case.show(own(NOON))
    rows = case.rows("1s", limit=10, end=NOON)
    assert sources(rows) == ["exchange"] * len(rows)
    assert all("minutes" not in name for name in case.shelf.reads)


@pytest.mark.parametrize("interval", ["1m", "5m", "1h", "1d"])
def test_without_a_history_of_our_own_there_is_only_the_exchanges(interval: str) -> None:
    case = Case(minutes_hours=0, hours_days=0)
    case.show(own(NOON))
    case.shelf.keep(SYMBOL, [own(NOON - 60)])
    case.shelf.keep_hours(SYMBOL, [own(NOON - 3600)])
    assert case.rows(interval) == []
    assert {name.partition("/")[0] for name in case.shelf.reads} == {"klines"}


# Our own, by hand


def by_hand(updates: list[tuple[int, str]], seconds: int) -> dict[int, list[str]]:
    """Open, high, low and close of each interval, from (milliseconds, price)."""
    within = defaultdict(list)
    for time, price in updates:
        within[time // (1000 * seconds) * 1000 * seconds].append(price)
    return {
        time: [prices[0], max(prices, key=float), min(prices, key=float), prices[-1]]
        for time, prices in within.items()
    }


@pytest.mark.parametrize("seed", range(12))
def test_own_candles_are_those_computed_by_hand_of_the_updates(seed: int) -> None:
    chance = random.Random(seed)
    start = DAY + chance.randrange(86_400)
    case = Case(now=start)
    made = Candles(case.clock)
    made.simulated = lambda: False
    updates: list[tuple[int, str]] = []
    minutes: dict[int, Candle] = {}
    price = 10_000
    pauses = chance.choice([(20,), (3, 50, 400), (5, 9_000)])
    while len(updates) < 1500 and case.now < start + 20 * 3600:
        case.clock.advance(chance.random() * chance.choice(pauses))
        price = max(1, price + chance.randint(-50, 50))
        time = case.clock.wall_ms()
        update = Ticker(SYMBOL, decimal(price, 2), "trade", time, time)
        updates.append((time, update.price))
        made.take([update])
        case.ticker = made.attach(update)
    # What a listener has kept by now; of the last minutes, the board alone may know.
    made.end_minutes()
    for closed, candle in made.unsaved():
        minutes[closed.time] = candle
    kept = [c for t, c in minutes.items() if t < case.now - chance.choice((0, 90))]
    case.shelf.keep(SYMBOL, kept, closed_until=case.now // 3600 * 3600)
    hours = [
        Candle(t // 1000, 2, *(int(p.replace(".", "")) for p in values), 1_000_000)
        for t, values in by_hand(updates, 3600).items()
        if t // 1000 + 3600 <= case.now - chance.choice((0, 3600))
    ]
    case.shelf.keep_hours(SYMBOL, hours)
    for interval in ("1m", "5m", "15m", "1h", "4h", "1d"):
        for _ in range(2):  # the second time from what is kept in memory
            rows = case.rows(interval, limit=2000)
            assert {row[0]: row[1:5] for row in rows} == by_hand(updates, SECONDS[interval])
            times = [row[0] for row in rows]
            assert times == sorted(set(times))


def test_an_hour_that_is_not_kept_yet_is_made_of_its_minutes(case: Case) -> None:
    case.clock.advance(90)
    case.shelf.keep(SYMBOL, [own(NOON - 3600, 400), own(NOON - 60, 450), own(NOON, 500)])
    case.shelf.keep_hours(SYMBOL, [own(NOON - 7200, 350)])
    assert [row[4] for row in case.rows("1h", limit=3)] == ["3.50", "4.50", "5.00"]


def test_of_an_hour_that_is_kept_and_of_its_minutes_the_one_of_more_updates_counts(
    case: Case,
) -> None:
    case.clock.advance(90)
    case.shelf.keep(SYMBOL, [own(NOON - 3600, 400, 50), own(NOON - 60, 450, 50)])
    case.shelf.keep_hours(SYMBOL, [own(NOON - 3600, 350, 101)])
    assert case.rows("1h", limit=2)[0][4] == "3.50"
    case.shelf.keep_hours(SYMBOL, [own(NOON - 3600, 350, 99)])
    assert case.rows("1h", limit=2)[0][4] == "4.50"


def test_a_candle_of_the_board_wins_in_an_hour_that_is_closed_while_it_is_there(
    case: Case,
) -> None:
    def close() -> str:
        price: str = case.rows(start=NOON - 9000, end=NOON - 8940)[0][4]
        return price

    case.shelf.keep(SYMBOL, [own(NOON - 9000, 400)], closed_until=NOON)
    assert close() == "4.00"
    case.show(own(NOON - 9000, 450))
    assert close() == "4.50"
    case.show(own(NOON))
    assert close() == "4.00"
    case.shelf.values.clear()
    assert close() == "4.00"


def test_our_own_minutes_are_looked_up_as_far_back_as_they_are_kept(case: Case) -> None:
    case.rows(limit=2000)
    blocks = [name for name in case.shelf.reads if name.startswith("minutes/")]
    assert len(set(blocks)) == 25


def test_what_cannot_be_read_is_as_good_as_absent(case: Case) -> None:
    [page] = pages_at(SYMBOL, "1m", NOON - 60)
    case.shelf.keep(SYMBOL, [own(NOON - 60), own(NOON - 7200)])
    for name in list(case.shelf.values):
        if name.endswith(str((NOON - 60) // 3600)):
            case.shelf.values[name] = b"Zrubbish"
    case.shelf.values[str(page)] = b"rubbish"
    assert [row[0] for row in case.rows()] == [(NOON - 7200) * 1000]


# Which candles


def test_a_range_is_cut_by_its_limit_from_the_side_that_was_named(case: Case) -> None:
    case.shelf.keep(SYMBOL, [own(NOON - 60 * n) for n in range(60)])

    def minutes(limit: int, **bounds: int) -> list[int]:
        return [(row[0] // 1000 - NOON) // 60 for row in case.rows("1m", limit, **bounds)]

    assert minutes(3) == [-2, -1, 0]
    assert minutes(3, start=NOON - 600) == [-10, -9, -8]
    assert minutes(3, end=NOON - 600) == [-13, -12, -11]
    assert minutes(3, start=NOON - 600, end=NOON - 300) == [-10, -9, -8]
    assert minutes(30, start=NOON - 600, end=NOON - 420) == [-10, -9, -8]
    assert minutes(30, start=NOON - 599, end=NOON - 421) == [-9, -8]
    assert minutes(3, start=NOON + 600) == []


def test_nothing_is_demanded_of_a_time_before_the_exchange(case: Case) -> None:
    answer = case.ask("1d", start=0, end=EARLIEST)
    assert answer.rows == []
    assert answer.reason == ""
    assert case.wants.asked == []


def test_nothing_is_demanded_of_the_future(case: Case) -> None:
    assert case.ask(start=NOON + 60, end=NOON + 6000).rows == []
    assert case.wants.asked == []


def test_the_candle_of_an_exchange_whose_clock_is_ahead_is_shown(case: Case) -> None:
    case.show(own(NOON + 60))
    assert case.rows(limit=1)[0][0] == (NOON + 60) * 1000


def test_a_candle_that_the_exchange_calls_over_is_over(case: Case) -> None:
    case.clock.advance(1)
    [page] = pages_at(SYMBOL, "1m", NOON - 60)
    case.shelf.put_page(page, until=NOON * 1000)
    assert case.ask(limit=2).closed == NOON * 1000


def test_a_candle_of_a_time_that_is_far_ahead_moves_nothing(case: Case) -> None:
    case.shelf.keep(SYMBOL, [own(NOON)])
    case.show(own(NOON + 3600), previous=own(NOON - 60))
    answer = case.ask(limit=2)
    assert [json.loads(row)[0] for row in answer.rows] == [(NOON - 60) * 1000, NOON * 1000]
    assert answer.closed < NOON * 1000


def test_a_candle_is_over_two_seconds_after_its_end_or_once_there_is_a_later_one(
    case: Case,
) -> None:
    case.clock.advance(1)
    case.show(own(NOON - 60))
    assert case.ask(limit=2).closed == (NOON - 60) * 1000
    case.show(own(NOON), previous=own(NOON - 60))
    assert case.ask(limit=2).closed == NOON * 1000
    case.show(own(NOON - 60))
    case.clock.advance(1)
    assert case.ask(limit=2).closed == NOON * 1000


# What is demanded


def test_a_page_that_nobody_has_asked_for_is_demanded_and_waited_for(case: Case) -> None:
    [page] = pages_at(SYMBOL, "1m", NOON - 60)
    case.wants.supply = lambda _: case.shelf.put_page(page, until=NOON * 1000)
    answer = case.ask(start=NOON - 60, end=NOON)
    assert case.wants.asked == [(offered(page), 5.0, True)]
    assert sources([json.loads(row) for row in answer.rows]) == ["exchange"]
    assert answer.reason == ""
    case.ask(start=NOON - 60, end=NOON)
    assert len(case.wants.asked) == 1


def test_the_missing_pages_of_one_answer_are_demanded_together(case: Case) -> None:
    pages = pages_at(SYMBOL, "1m", NOON, count=3)
    case.shelf.put_page(pages[1], until=NOON * 1000)
    case.ask(limit=1441)
    assert case.wants.asked == [(offered(pages[0], pages[2]), 5.0, True)]


@pytest.mark.parametrize("error", [Refused("no such symbol"), Unanswered("behind 7 others")])
def test_an_answer_without_the_exchange_says_so_and_has_what_is_known(
    case: Case, error: Exception
) -> None:
    def supply(_: object) -> None:
        raise error

    case.wants.supply = supply
    case.shelf.keep(SYMBOL, [own(NOON - 60)])
    answer = case.ask()
    assert len(answer.rows) == 1
    assert str(error) in answer.reason
    assert not answer.settled


def aged(case: Case, seconds: float, interval: str = "1m") -> None:
    """A page that was asked for so long ago is there, and the answer to it is asked for."""
    [page] = pages_at(SYMBOL, interval, case.now)
    case.shelf.put_page(page, until=int((case.now - seconds) * 1000))
    case.ask(interval, limit=5)


@pytest.mark.parametrize(
    ("interval", "age", "posted", "asked"),
    [
        ("1m", 29, 0, 0),
        ("1m", 31, 1, 0),
        ("1m", 299, 1, 0),
        ("1m", 301, 0, 1),
        ("1h", 299, 0, 0),
        ("1h", 301, 1, 0),
        ("1s", 1, 0, 0),
        ("1s", 4, 0, 1),
    ],
)
def test_a_page_that_grows_old_is_demanded_again(
    interval: str, age: int, posted: int, asked: int
) -> None:
    case = Case(now=NOON + 1830)
    aged(case, age, interval)
    assert (len(case.wants.posted), len(case.wants.asked)) == (posted, asked)


def test_a_page_that_somebody_else_had_renewed_is_not_demanded(case: Case) -> None:
    case.clock.advance(70)
    [page] = pages_at(SYMBOL, "1m", NOON)
    case.shelf.put_page(page, until=(case.now - 15) * 1000)
    case.ask(limit=5)
    case.clock.advance(6)
    case.shelf.put_page(page, until=case.now * 1000)
    assert sources(case.rows(limit=5)) == ["exchange", "both"]
    assert case.wants.posted == []


def test_no_candle_is_missing_between_an_old_page_and_our_own(case: Case) -> None:
    case.clock.advance(60 * 60 + 130)
    [page] = pages_at(SYMBOL, "1m", NOON)
    case.shelf.put_page(page, until=(case.now - 130) * 1000)
    case.shelf.keep(SYMBOL, [own(NOON + 60 * n) for n in range(59, 63)])
    assert sources(case.rows(start=NOON + 58 * 60)) == [
        "exchange",
        "exchange",
        "both",
        "relay",
        "relay",
    ]


def test_a_range_that_will_never_change_is_settled(case: Case) -> None:
    [page] = pages_at(SYMBOL, "1m", NOON - 600)
    case.shelf.put_page(page, until=NOON * 1000)
    assert case.ask(start=NOON - 600, end=NOON - 60).settled
    assert not case.ask(limit=5).settled
    assert not case.ask(start=NOON - 600).settled
    assert not case.ask(start=NOON + 60, end=NOON + 120).settled


def test_a_range_of_which_the_exchange_has_not_said_the_end_is_not_settled(case: Case) -> None:
    [page] = pages_at(SYMBOL, "1m", NOON - 600)
    klines = [kline(NOON - 60 * n) for n in range(10, 4, -1)]
    case.shelf.put_page(page, (NOON - 240) * 1000, klines)
    answer = case.ask(start=NOON - 600, end=NOON - 60)
    assert (len(answer.rows), answer.settled) == (6, False)
    assert answer.reason == "the exchange's newest candles are not here yet"


def test_before_its_first_trade_a_candle_of_the_exchanges_is_no_price(case: Case) -> None:
    case.clock.advance(30)
    [page] = pages_at(SYMBOL, "1m", NOON)
    quiet = msgspec.structs.replace(kline(NOON), trades=0)
    case.shelf.put_page(page, (NOON + 20) * 1000, [quiet])
    case.show(own(NOON, 600), at=NOON + 29)
    [row] = case.rows(limit=1)
    assert (row[4], row[9]) == ("6.00", "relay")


def test_minutes_that_nobody_has_told_of_yet_are_named(case: Case) -> None:
    [page] = pages_at(SYMBOL, "1m", NOON - 600)
    case.shelf.put_page(page, (NOON - 200) * 1000, [kline(NOON - 60 * n) for n in range(10, 3, -1)])
    assert case.ask(limit=10).reason == "the exchange's newest candles are not here yet"


def test_what_is_asked_for_of_long_ago_is_not_urgent(case: Case) -> None:
    case.ask(limit=5)
    case.ask(start=NOON - 86_400 * 900, end=NOON - 86_400 * 899)
    assert [urgent for _, _, urgent in case.wants.asked] == [True, False]


def test_an_answer_says_which_times_were_looked_at(case: Case) -> None:
    answer = case.ask(start=NOON - 600, limit=5)
    assert answer.looked_at == ((NOON - 600) * 1000, (NOON - 300) * 1000)


# What is read


def test_what_is_final_is_read_once(case: Case) -> None:
    pages = pages_at(SYMBOL, "1m", NOON, count=2)
    case.shelf.put_page(pages[0], until=NOON * 1000)
    case.shelf.keep(SYMBOL, [own(NOON - 9000)], closed_until=NOON)
    for _ in range(3):
        case.ask("1m", limit=800, end=NOON)
        case.ask("5m", limit=40)
    assert case.shelf.reads.count(str(pages[0])) == 1
    assert case.shelf.reads.count(f"minutes/real/{SYMBOL}/{(NOON - 9000) // 3600}") == 1


def test_a_long_answer_lets_everybody_else_have_turns() -> None:
    case = Case(minutes_hours=168)
    case.shelf.keep(SYMBOL, [own(NOON - 60 * n) for n in range(168 * 60)], closed_until=NOON)
    turns = 0

    def count() -> None:
        nonlocal turns
        turns += 1

    watcher = gevent.get_hub().loop.check()
    watcher.start(count)
    answer = case.ask("5m", limit=2000)
    watcher.stop()
    watcher.close()
    assert len(answer.rows) == 2000
    assert turns >= 40


def test_what_is_known_is_told_while_the_store_is_away(case: Case) -> None:
    [page] = pages_at(SYMBOL, "1m", NOON - 60)
    case.shelf.put_page(page, until=NOON * 1000)
    case.ask(limit=10)
    case.shelf.available = False
    case.clock.advance(10)
    answer = case.ask(limit=10)
    assert "it is away" in answer.reason
    assert len(answer.rows) == 9
    assert not answer.settled


def test_a_page_with_more_than_one_running_candle_costs_no_more(case: Case) -> None:
    [page] = pages_at(SYMBOL, "1m", NOON)
    klines = [kline(page.start + 60 * n) for n in range(720)]
    case.shelf.values[str(page)] = encode_page(Page(page.start * 1000, klines))
    assert [row[0] for row in case.rows()] == [page.start * 1000]
    assert len(case.shelf.reads) < 40


def test_a_page_that_lacks_a_candle_is_never_called_complete(case: Case) -> None:
    [page] = pages_at(SYMBOL, "1m", NOON - 600)
    rows = [kline(NOON - 60 * n) for n in (10, 8)]
    case.shelf.values[str(page)] = encode_page(Page(NOON * 1000, rows, whole=False))
    answer = case.ask(start=NOON - 600, end=NOON - 420)
    assert (len(answer.rows), answer.settled) == (2, False)
    assert answer.reason.startswith("some of the exchange's candles make no sense")
