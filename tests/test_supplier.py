"""What workers demand of the exchange: fetched once, within the weight, or refused with a reason."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.utils import formatdate
from typing import Any

import gevent
import pytest
from gevent.event import Event
from gevent.queue import Empty, SimpleQueue

from relay.exchange import api as api_module
from relay.exchange.api import Api, Apis, RestError
from relay.exchange.klines import Klines
from relay.exchange.weight import MOST
from relay.history.page import NEWEST_CANDLES, PAGE_CANDLES, Page, decode_page, page_name
from relay.ingest import fetcher as fetcher_module
from relay.ingest.fetcher import APART_MILLISECONDS, Fetched, Fetcher, Refusal
from relay.ingest.supplier import FETCHES, Supplier
from relay.store.contract import LeaseHeld, StoreUnavailable
from tests.clocks import SetClock
from tests.exchange import Simulator
from tests.long import long_after
from tests.scripted_api import Query, Said, ScriptedApi, row, rows_of, said

#: A test waits so long for anything that ought to come.
WAIT_SECONDS = 20.0
MINUTE = 60_000
#: The clock that tests set stands there first: 20 seconds into a minute.
NOW = 1_700_000_000_000
PAGE = PAGE_CANDLES * MINUTE
#: The page that runs, and one whose time is over.
RUNNING = f"klines/real/BTCUSDT/1m/{NOW // PAGE}"
OVER = f"klines/real/BTCUSDT/1m/{NOW // PAGE - 1}"
CLOSES = "closes/real/BTCUSDT/1m"


class FakeOrders:
    """Demands in memory, one after the other; the same twice is two."""

    def __init__(self) -> None:
        self.waiting: SimpleQueue[str] = SimpleQueue()
        self.answered: list[str] = []
        self.refused: dict[str, tuple[str, float]] = {}
        self.fails: list[Exception] = []

    def take(self, seconds: float) -> str | None:
        if self.fails:
            raise self.fails.pop()
        try:
            return self.waiting.get(timeout=seconds)
        except Empty:
            return None

    def answer(self, name: str) -> None:
        self.answered.append(name)

    def refuse(self, name: str, reason: str, seconds: float) -> None:
        self.refused[name] = (reason, seconds)


class FakeKeeper:
    """An archive in memory."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.terms: dict[str, tuple[int, int]] = {}
        self.fails: list[Exception] = []

    def put(self, name: str, value: bytes, seconds: int, most: int = 0) -> None:
        if self.fails:
            raise self.fails.pop()
        self.pages[name] = decode_page(value)
        self.terms[name] = (seconds, most)


class Running:
    """A supplier that runs. Its waiting for weight takes no time but that of its clock."""

    def __init__(self, *bases: str, clock: SetClock | None = None, fetcher: Any = None) -> None:
        self.clock = clock or SetClock()
        self.orders, self.keeper = FakeOrders(), FakeKeeper()
        self.bases = list(bases)
        self.simulated: bool | None = None
        self.apis = Apis(self.clock)
        self.pauses = 0
        self.fetcher = fetcher or Fetcher(
            lambda: self.bases, lambda: self.simulated, self.apis, self.clock, pause=self._pause
        )
        self.supplier = Supplier(self.orders, self.keeper, self.fetcher, self.clock)  # type: ignore[arg-type]
        self._loop = gevent.spawn(self.supplier.run)

    def demand(self, *names: str) -> None:
        for name in names:
            self.orders.waiting.put(name)

    def answer(self, name: str) -> Page:
        """The page that is put for this demand."""
        before = len(self.orders.answered)
        self.demand(name)
        self.wait_until(lambda: len(self.orders.answered) > before or name in self.orders.refused)
        assert name not in self.orders.refused, self.orders.refused
        return self.keeper.pages[name]

    def refusal(self, name: str) -> tuple[str, float]:
        """Why this demand is refused, and for how long."""
        self.orders.refused.pop(name, None)
        self.demand(name)
        self.wait_until(lambda: name in self.orders.refused)
        assert name not in self.keeper.pages
        return self.orders.refused[name]

    def wait_until(self, holds: Callable[[], bool]) -> None:
        with gevent.Timeout(WAIT_SECONDS):
            while not holds():
                gevent.sleep(0.001)
        assert not self._loop.dead

    def end(self) -> None:
        self._loop.kill()

    def _pause(self, seconds: float) -> None:
        self.pauses += 1
        self.clock.advance(seconds)
        gevent.sleep(0)


Start = Callable[..., Running]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def running(stack: ExitStack) -> Start:
    """Starts suppliers, which end with the test."""

    def start(*bases: ScriptedApi, **options: Any) -> Running:
        started = Running(*(api.url for api in bases), **options)
        stack.callback(started.end)
        return started

    return start


@pytest.fixture
def exchange(stack: ExitStack) -> ScriptedApi:
    """Has a candle for every minute."""
    return stack.enter_context(ScriptedApi(lambda query: rows_of(query, end=NOW)))


@pytest.fixture
def other(stack: ExitStack) -> ScriptedApi:
    """Another one that does."""
    return stack.enter_context(ScriptedApi(lambda query: rows_of(query, end=NOW)))


def test_a_page_is_kept_under_the_name_of_the_demand(running: Start, exchange: ScriptedApi) -> None:
    page = running(exchange).answer(OVER)
    start = (NOW // PAGE - 1) * PAGE
    assert [kline.time for kline in page.klines] == list(range(start, start + PAGE, MINUTE))
    assert page.until == NOW - APART_MILLISECONDS
    assert page.klines[0].volume == "10.5"
    assert page.whole


def test_a_page_that_still_runs_is_kept_for_a_shorter_time(
    running: Start, exchange: ScriptedApi
) -> None:
    supplier = running(exchange)
    for name in (OVER, RUNNING, CLOSES):
        supplier.answer(name)
    assert supplier.keeper.terms == {
        OVER: (86_400, 1_000),
        RUNNING: (3_600, 1_000),
        CLOSES: (3_600, 5_000),
    }


@pytest.mark.parametrize(
    ("date", "until"),
    [
        # The exchange's clock is behind ours by three seconds, or ahead.
        ("Tue, 14 Nov 2023 22:13:17 GMT", NOW - 3_000 - APART_MILLISECONDS),
        ("Tue, 14 Nov 2023 22:13:59 GMT", NOW - APART_MILLISECONDS),
        # By more than a day.
        ("Mon, 13 Nov 2023 22:13:00 GMT", NOW - APART_MILLISECONDS),
        ("yesterday", NOW - APART_MILLISECONDS),
    ],
)
def test_a_candle_is_over_once_it_is_by_the_exchanges_clock_and_by_ours(
    running: Start, exchange: ScriptedApi, date: str, until: int
) -> None:
    exchange.answer = lambda query: rows_of(query, end=NOW)._replace(headers={"Date": date})
    assert running(exchange).answer(RUNNING).until == until


def test_a_candle_that_ended_while_the_exchange_took_its_time_to_answer_is_not_over(
    running: Start, exchange: ScriptedApi
) -> None:
    supplier = running(exchange)

    def answer(query: Query) -> Said:
        # The exchange's clock is ten seconds behind ours. What it says it looked up four seconds ago.
        supplier.clock.advance(4)
        date = formatdate((NOW - 6_000) // 1000, usegmt=True)
        return rows_of(query, end=NOW)._replace(headers={"Date": date})

    exchange.answer = answer
    assert supplier.answer(RUNNING).until == NOW // 1000 * 1000 - 10_000 - APART_MILLISECONDS


def test_a_page_that_is_over_by_our_clock_alone_is_not_final(
    running: Start, exchange: ScriptedApi
) -> None:
    clock = SetClock()
    length = PAGE_CANDLES * 1000
    # It ended two seconds ago.
    clock.set_wall(NOW // length * length + 2_000)
    exchange.answer = lambda query: rows_of(query, 1000)._replace(
        headers={"Date": formatdate(clock.wall_ms() / 1000 - 3, usegmt=True)}
    )
    supplier = running(exchange, clock=clock)
    name = f"klines/real/BTCUSDT/1s/{NOW // length - 1}"
    supplier.answer(name)
    assert supplier.keeper.terms[name][0] == 3_600


def test_the_newest_closes_are_a_page(running: Start, exchange: ScriptedApi) -> None:
    page = running(exchange).answer(CLOSES)
    assert len(page.klines) == NEWEST_CANDLES
    assert page.klines[-1].time == NOW // MINUTE * MINUTE


def test_a_page_that_lacks_a_candle_which_made_no_sense_is_asked_for_again_soon(
    running: Start, exchange: ScriptedApi
) -> None:
    start = (NOW // PAGE - 1) * PAGE
    exchange.answer = lambda _: said([row(start), row(start + MINUTE, v1="NaN")])
    supplier = running(exchange)
    page = supplier.answer(OVER)
    assert len(page.klines) == 1
    assert not page.whole
    assert supplier.keeper.terms[OVER][0] == 3_600


def test_a_symbol_in_any_alphabet_is_fetched(running: Start, exchange: ScriptedApi) -> None:
    running(exchange).answer("closes/real/币安人生USDT/1h")
    assert exchange.asked[0]["symbol"] == "币安人生USDT"


def test_pages_of_a_simulator_are_kept_as_such(running: Start) -> None:
    with Simulator("--symbols", "20") as simulator:
        supplier = running(clock=None)
        supplier.bases = [simulator.http]
        supplier.simulated = True
        assert supplier.answer("klines/simulated/BTCUSDT/1m/39350").klines
        assert "do" in supplier.refusal("klines/simulated/NOSUCH/1m/39350")[0]


class HeldFetcher:
    """Fetches nothing until it is told to."""

    problem = ""

    def __init__(self) -> None:
        self.began: list[str] = []
        self.go = Event()

    def fetch(self, name: object) -> Fetched:
        self.began.append(str(name))
        self.go.wait()
        return Fetched(Page(0, []), True)


def names(count: int) -> list[str]:
    """Demands for the charts of so many symbols."""
    return [f"klines/real/S{number}/1m/{NOW // PAGE}" for number in range(count)]


def test_a_few_are_fetched_at_a_time_and_the_others_stay_in_their_queue(running: Start) -> None:
    held = HeldFetcher()
    supplier = running(fetcher=held)
    wanted = names(20)
    supplier.demand(*wanted)
    supplier.wait_until(lambda: len(held.began) == FETCHES)
    gevent.sleep(0.05)
    assert held.began == wanted[:FETCHES]
    assert supplier.orders.waiting.qsize() == 20 - FETCHES
    held.go.set()
    supplier.wait_until(lambda: len(supplier.orders.answered) == 20)
    assert held.began == wanted


def test_what_is_being_fetched_is_not_fetched_twice(running: Start) -> None:
    held = HeldFetcher()
    supplier = running(fetcher=held)
    supplier.demand(OVER, OVER, OVER, RUNNING)
    supplier.wait_until(lambda: len(held.began) == 2)
    held.go.set()
    supplier.wait_until(lambda: len(supplier.orders.answered) == 2)
    assert held.began == [OVER, RUNNING]


def test_what_was_answered_a_moment_ago_is_not_fetched_again(
    running: Start, exchange: ScriptedApi
) -> None:
    supplier = running(exchange)
    supplier.answer(RUNNING)
    supplier.answer(RUNNING)
    assert len(exchange.asked) == 1
    supplier.clock.advance(2)
    assert supplier.answer(RUNNING).until == NOW + 2000 - APART_MILLISECONDS
    assert len(exchange.asked) == 2


class Metered:
    """An exchange that counts the weight of each of its minutes, and that others spend from."""

    def __init__(self, clock: SetClock, others: int = 0, behind: float = 0.0) -> None:
        """`behind`: by how many seconds its clock differs from ours."""
        self._clock = clock
        self._others = others
        self._behind = behind
        self.spent: dict[int, int] = {}

    def answer(self, query: Query) -> Said:
        self._clock.advance(0.05)
        minute = (self._clock.wall_ms() - int(self._behind * 1000)) // MINUTE
        used = self.spent[minute] = self.spent.get(minute, self._others) + 2
        answer = rows_of(query | {"limit": "2"}, end=NOW)
        return answer._replace(headers={"X-MBX-USED-WEIGHT-1M": str(used)})


@pytest.mark.parametrize(
    ("others", "behind"), long_after(2, [(2500, 1.5), (2700, 30), (0, 0), (2500, 0), (2500, -1.5)])
)
def test_a_cold_start_of_many_charts_stays_within_the_weight(
    running: Start, stack: ExitStack, others: int, behind: float
) -> None:
    clock = SetClock()
    metered = Metered(clock, others, behind)
    exchange = stack.enter_context(ScriptedApi(metered.answer))
    supplier = running(exchange, clock=clock)
    wanted = names(500)
    supplier.demand(*wanted)
    supplier.wait_until(lambda: len(supplier.orders.answered) == 500)
    assert sorted(supplier.orders.answered) == sorted(wanted)
    assert supplier.keeper.pages.keys() == set(wanted)
    assert len(exchange.asked) == 500
    assert max(metered.spent.values()) <= MOST
    assert bool(supplier.pauses) == bool(others)


def test_whoever_waits_for_weight_holds_back_all_who_come_later(
    running: Start, exchange: ScriptedApi
) -> None:
    supplier = running(exchange)
    turn = Event()
    supplier.fetcher._pause = lambda _: turn.wait()
    weight = supplier.apis.of(exchange.url).weight
    weight.settle(weight.spend(2), MOST)
    supplier.demand(*names(10))
    supplier.wait_until(lambda: supplier.orders.waiting.qsize() == 10 - FETCHES)
    assert "weight" in supplier.supplier.problem
    assert exchange.asked == []
    supplier.clock.advance(60)
    turn.set()
    supplier.wait_until(lambda: len(supplier.orders.answered) == 10)
    assert supplier.supplier.problem == ""


def test_the_next_api_is_asked_where_the_weight_of_one_is_spent(
    running: Start, exchange: ScriptedApi, other: ScriptedApi
) -> None:
    supplier = running(exchange, other)
    weight = supplier.apis.of(exchange.url).weight
    weight.settle(weight.spend(2), MOST)
    supplier.answer(OVER)
    assert (len(exchange.asked), len(other.asked), supplier.pauses) == (0, 1, 0)


def test_weight_that_others_spend_minute_after_minute_is_not_waited_for_without_end(
    running: Start, exchange: ScriptedApi
) -> None:
    supplier = running(exchange)
    weight = supplier.apis.of(exchange.url).weight

    def others_spend(seconds: float) -> None:
        supplier.clock.advance(seconds)
        weight.settle(weight.spend(2), MOST)

    supplier.fetcher._pause = others_spend
    others_spend(0)
    assert "weight" in supplier.refusal(OVER)[0]


@pytest.mark.parametrize("status", [429, 418])
def test_an_api_that_bans_us_is_left_alone_and_the_next_one_asked(
    running: Start, exchange: ScriptedApi, other: ScriptedApi, status: int
) -> None:
    healthy, exchange.answer = exchange.answer, lambda _: said({}, status, Retry_After="30")
    supplier = running(exchange, other)
    for name in names(5):
        supplier.answer(name)
    assert (len(exchange.asked), len(other.asked)) == (1, 5)
    exchange.answer = healthy
    supplier.clock.advance(29.9)
    supplier.answer(OVER)
    assert len(exchange.asked) == 1
    supplier.clock.advance(0.2)
    supplier.answer(RUNNING)
    assert len(exchange.asked) == 2


def test_while_nobody_may_be_asked_it_is_said_for_how_long(
    running: Start, exchange: ScriptedApi
) -> None:
    exchange.answer = lambda _: said({}, 429, Retry_After="30")
    supplier = running(exchange)
    for name in names(50):
        assert supplier.refusal(name)[1] == fetcher_module.SOON_SECONDS
    assert supplier.refusal(OVER)[0] == "the exchange: asks to be left alone for 30 s"
    assert supplier.supplier.problem == "the exchange: asks to be left alone for 30 s"
    assert len(exchange.asked) == 1
    supplier.clock.advance(12.5)
    assert supplier.refusal(OVER)[0] == "the exchange: asks to be left alone for 18 s"


def test_a_ban_that_somebody_else_was_told_of_is_obeyed(
    running: Start, exchange: ScriptedApi
) -> None:
    supplier = running(exchange)
    supplier.apis.of(exchange.url).weight.ban(60)
    supplier.refusal(OVER)
    assert exchange.asked == []


@pytest.mark.parametrize(("status", "seconds"), [(451, 300), (403, 300), (503, 5), (404, 5)])
def test_an_api_that_fails_is_passed_over_for_a_while(
    running: Start, exchange: ScriptedApi, other: ScriptedApi, status: int, seconds: float
) -> None:
    exchange.answer = lambda _: said({}, status)
    supplier = running(exchange, other)
    for name in names(3):
        supplier.answer(name)
    assert len(exchange.asked) == 1
    supplier.clock.advance(seconds - 0.1)
    supplier.answer(OVER)
    assert len(exchange.asked) == 1
    supplier.clock.advance(0.2)
    supplier.answer(RUNNING)
    assert len(exchange.asked) == 2


def test_an_api_that_says_nothing_is_given_up_and_the_next_one_asked(
    running: Start, exchange: ScriptedApi, other: ScriptedApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_module, "ANSWER_SECONDS", 0.2)
    exchange.silent = True
    supplier = running(exchange, other)
    for name in names(5):
        supplier.answer(name)
    assert len(exchange.asked) == 1
    supplier.bases = [exchange.url]
    supplier.clock.advance(6)
    reason, seconds = supplier.refusal(OVER)
    assert reason.startswith("the exchange: ")
    assert seconds == fetcher_module.SOON_SECONDS


def test_one_page_alone_waits_for_an_api_that_said_nothing_before(
    running: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    supplier = running()
    supplier.bases = ["http://hangs", "http://answers"]
    asked: list[str] = []
    late = Event()

    def klines(api: Api, _: object) -> Klines:
        asked.append(api.base)
        if api.base == "http://answers":
            return Klines([], False, 0)
        late.wait()
        raise RestError("no answer")

    monkeypatch.setattr(fetcher_module, "klines", klines)
    wanted = names(10)
    supplier.demand(*wanted[:2])
    supplier.wait_until(lambda: asked == ["http://hangs"] * 2)
    late.set()
    supplier.wait_until(lambda: len(supplier.orders.answered) == 2)
    late.clear()
    asked.clear()
    supplier.clock.advance(fetcher_module.REST_SECONDS)
    supplier.demand(*wanted[2:])
    supplier.wait_until(lambda: len(supplier.orders.answered) == 9)
    assert asked == ["http://hangs"] + ["http://answers"] * 7
    late.set()
    supplier.wait_until(lambda: len(supplier.orders.answered) == 10)


RUBBISH = {
    "no JSON": Said(b"<html>"),
    "no candles": said([7, None]),
    "giant": Said(b"[" + b" " * (4 << 20) + b"]"),
    "empty rows": Said(b"[" + b"[]," * 100_000 + b"[]]"),
    "redirect": Said(b"", 302, {"Location": "http://127.0.0.1:1/"}),
}


@pytest.mark.parametrize("answer", RUBBISH.values(), ids=RUBBISH.keys())
def test_rubbish_is_never_kept(
    running: Start, exchange: ScriptedApi, other: ScriptedApi, answer: Said
) -> None:
    exchange.answer = lambda _: answer
    supplier = running(exchange)
    assert supplier.refusal(OVER)[0].startswith("the exchange: ")
    supplier.bases = [exchange.url, other.url]
    assert len(supplier.answer(RUNNING).klines) == PAGE_CANDLES


def test_a_symbol_that_the_exchange_does_not_know_is_refused_at_once(
    running: Start, exchange: ScriptedApi, other: ScriptedApi
) -> None:
    exchange.answer = lambda _: said({"code": -1121, "msg": "Invalid symbol."}, 400)
    reason, seconds = running(exchange, other).refusal(OVER)
    assert reason == "the exchange does not know the symbol"
    assert seconds == fetcher_module.UNKNOWN_SECONDS
    assert other.asked == []


def test_an_api_does_not_suffer_for_a_demand_that_it_cannot_understand(
    running: Start, exchange: ScriptedApi
) -> None:
    healthy, exchange.answer = exchange.answer, lambda _: said({"code": -1100}, 400)
    supplier = running(exchange)
    reason, seconds = supplier.refusal("closes/real/ßß/1h")
    assert reason == "the exchange: refused with HTTP 400, error -1100"
    assert seconds == fetcher_module.WRONG_SECONDS
    exchange.answer = healthy
    supplier.answer(OVER)


def test_a_page_of_the_future_or_of_before_there_was_an_exchange_is_not_asked_for(
    running: Start, exchange: ScriptedApi
) -> None:
    supplier = running(exchange)
    for number in (0, 1, NOW // PAGE + 1, 10**10 - 1):
        supplier.refusal(f"klines/real/BTCUSDT/1m/{number}")
    supplier.refusal("klines/real/BTCUSDT/1d/9999999999")
    assert exchange.asked == []
    supplier.answer("klines/real/BTCUSDT/1d/24")


def test_prices_of_the_other_kind_are_never_kept(running: Start, exchange: ScriptedApi) -> None:
    supplier = running(exchange)
    supplier.simulated = True
    assert supplier.refusal(OVER)[0] == "prices are SIMULATED at present"
    assert exchange.asked == []
    supplier.simulated = None
    assert supplier.refusal(OVER.replace("real", "simulated"))[0] == "prices are real at present"
    assert len(exchange.asked) == 1


def test_a_flood_of_names_that_are_none_costs_no_call(
    running: Start, exchange: ScriptedApi
) -> None:
    supplier = running(exchange)
    rubbish = [
        "",
        "/",
        "klines",
        "klines/real/BTCUSDT/1m/",
        "klines/real/BTCUSDT/1m/-1",
        "klines/real/BTCUSDT/1m/1e9",
        "klines/real/BTCUSDT/1m/٣",
        "klines/real/../../x/1m/5",
        "klines/real/BTC&symbol=X/1m/5",
        "minutes/real/BTCUSDT/5",
        "closes/real/BTCUSDT/1w",
        "closes/both/BTCUSDT/1h",
        "\x00\r\n",
        "x" * 100_000,
        *(f"garbage{number}" for number in range(2000)),
    ]
    supplier.demand(*rubbish, OVER)
    supplier.wait_until(lambda: OVER in supplier.orders.answered)
    assert supplier.orders.refused.keys() == set(rubbish)
    assert {seconds for _, seconds in supplier.orders.refused.values()} == {60.0}
    assert len(exchange.asked) == 1


def test_without_an_api_there_is_a_reason(running: Start) -> None:
    assert running().refusal(OVER)[0] == "the exchange: no REST API is configured"


def test_a_store_that_is_away_ends_nothing(running: Start, exchange: ScriptedApi) -> None:
    supplier = running(exchange)
    supplier.orders.fails = [StoreUnavailable("away")] * 3
    supplier.answer(OVER)
    assert supplier.supplier.problem == ""
    supplier.keeper.fails = [StoreUnavailable("out of memory")]
    assert supplier.refusal(RUNNING)[0] == "the store: out of memory"
    assert supplier.supplier.problem == "the store: out of memory"
    supplier.answer(CLOSES)
    assert supplier.supplier.problem == ""


def test_a_store_that_was_away_is_not_told_of_for_ever(
    running: Start, exchange: ScriptedApi
) -> None:
    supplier = running(exchange)
    supplier.keeper.fails = [StoreUnavailable("away")]
    supplier.refusal(OVER)
    supplier.clock.advance(fetcher_module.PROBLEM_SECONDS - 1)
    assert supplier.supplier.problem == "the store: away"
    supplier.clock.advance(1)
    assert supplier.supplier.problem == ""


def test_a_lease_that_another_listener_holds_ends_nothing(
    running: Start, exchange: ScriptedApi
) -> None:
    supplier = running(exchange)
    supplier.keeper.fails = [LeaseHeld("another")]
    supplier.demand(OVER)
    supplier.wait_until(lambda: not supplier.keeper.fails)
    supplier.answer(RUNNING)
    assert supplier.orders.answered == [RUNNING]
    assert supplier.orders.refused == {}


def test_what_nobody_foresaw_costs_one_demand(running: Start, exchange: ScriptedApi) -> None:
    supplier = running(exchange)
    supplier.keeper.fails = [RuntimeError("unforeseen")]
    assert supplier.refusal(OVER)[0] == "the listener failed"
    supplier.answer(RUNNING)


def test_a_problem_is_told_for_a_while(running: Start, exchange: ScriptedApi) -> None:
    exchange.answer = lambda _: said({}, 503)
    supplier = running(exchange)
    supplier.refusal(OVER)
    assert supplier.supplier.problem == "the exchange: refused with HTTP 503"
    supplier.clock.advance(fetcher_module.PROBLEM_SECONDS)
    assert supplier.supplier.problem == ""


def test_addresses_that_a_simulator_had_once_are_not_kept(
    running: Start, exchange: ScriptedApi
) -> None:
    supplier = running()
    wanted = page_name(OVER)
    assert wanted is not None
    for port in range(1, 50):
        supplier.bases = [f"http://127.0.0.1:{port}"]
        with pytest.raises(Refusal):
            supplier.fetcher.fetch(wanted)
    assert len(supplier.fetcher._resting) == len(supplier.fetcher._said) == 1
