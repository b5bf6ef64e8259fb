"""relay.candles in a real Chromium: answers, live updates and a clock that the test speaks itself."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.spoken import (
    FIELDS,
    READ,
    Bodies,
    History,
    json_of,
    open_browser_page,
    say,
    say_status,
)

MINUTE = 60_000
#: Milliseconds within which the exchange's newest second may change again; see static/relay/candles.js.
SKEW = 5_000
#: The minute that runs when a test begins, and its first millisecond.
NOW = READ - READ % MINUTE
#: Whoever watches: times ascend, none comes twice, and the newest never goes back but for a reset.
WATCH = """async ([symbol, interval, options]) => {
    const { Relay } = await import("/static/relay.js");
    globalThis.relay = new Relay({ symbols: ["S0"], fields: "candle", ...options });
    globalThis.news = [];
    globalThis.wrong = [];
    let newest = -Infinity;
    globalThis.held = relay.candles(symbol, interval, (what) => {
        news.push(what);
        const times = held.candles.map(({ time }) => time);
        if (times.some((time, index) => index && time <= times[index - 1])) wrong.push(times);
        if (what.reset) newest = -Infinity;
        if (times.at(-1) < newest) wrong.push(["back", times.at(-1), newest]);
        newest = times.at(-1) ?? -Infinity;
    });
}"""


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
def page(browser: Browser, bodies: Bodies, history: History) -> Iterator[Page]:
    """An empty page of some site; half a minute after a minute began."""
    wrong: list[str] = []
    page = open_browser_page(browser, bodies, wrong)
    page.route("**/api/history/*", history.take)
    page.route("**/blank", lambda route: route.fulfill(body="<title>", content_type="text/html"))
    page.goto("/blank")
    page.clock.pause_at((NOW + 2 * MINUTE + 30_000) / 1000)
    yield page
    assert json_of(page, "globalThis.wrong") in (None, [])
    page.context.close()
    assert wrong == []


def at(minute: int) -> int:
    """The time at which a minute opens; 0 is the one in which a test begins."""
    return NOW + (minute + 2) * MINUTE


def row(
    minute: int, prices: str, source: str = "exchange", updates: int | None = None
) -> list[Any]:
    """A candle of an answer; `prices` are its open, high, low and close."""
    known = ["12.5", "99.5", 7] if source == "exchange" else [None, None, None]
    return [at(minute), *prices.split(), *known, updates, source]


def answer(resume_id: str, *rows: list[Any], **more: Any) -> dict[str, Any]:
    said = {"symbol": "S0", "interval": "1m", "id": resume_id, "time": at(0) + 30_000}
    said |= {"simulated": False, "complete": True, "closed": at(0), "fields": FIELDS}
    return {**said, "candles": list(rows), **more}


def watch(page: Page, interval: str = "1m", symbol: str = "S0", **options: object) -> None:
    page.evaluate(WATCH, [symbol, interval, options])
    say_status(page, "none")


def live(page: Page, resume_id: str, *minutes: tuple[int, str, int], **more: object) -> None:
    """A ticker with its two newest minutes: each is (minute, prices, updates)."""
    candles = [[at(minute), *prices.split(), updates] for minute, prices, updates in minutes]
    update = {"symbol": "S0", "price": minutes[-1][1].split()[-1], "candles": candles, **more}
    say(page, "message", [update], resume_id)


def settle(page: Page, milliseconds: int = 50) -> None:
    """Lets time pass, and whatever it sets off."""
    page.clock.run_for(milliseconds)
    page.evaluate("new Promise((done) => { const c = new MessageChannel();"
                  "c.port1.onmessage = done; c.port2.postMessage(0); })")  # fmt: skip


def held(page: Page) -> list[tuple[int, str, str]]:
    """The candles: minute, prices, source."""
    candles = json_of(page, "held.candles")
    return [
        ((c["time"] - at(0)) // MINUTE, f"{c['open']} {c['high']} {c['low']} {c['close']}", c["source"])
        for c in candles
    ]  # fmt: skip


def wait_for_question(page: Page, history: History, number: int) -> None:
    """Lets time pass until so many questions were asked."""
    for _ in range(200):
        if len(history.asked) >= number:
            break
        settle(page, 100)
    assert len(history.asked) >= number
    page.wait_for_function("() => !held.waiting || !held.complete")


def begin(page: Page, history: History, *rows: list[Any], resume_id: str = "e1-7") -> None:
    """Watches minutes; the first answer has these rows."""
    history.answer = lambda _: answer(resume_id, *rows)
    watch(page)
    page.wait_for_function("() => !held.waiting")


def test_an_answer_newer_than_the_stream_is_not_undone_by_it(page: Page, history: History) -> None:
    history.answer = lambda _: None
    watch(page)
    live(page, "e1-5", (-1, "1 1 1 1", 9), (0, "1 2 1 2", 4))
    history.release(answer("e1-7", row(-1, "1 1 1 1"), row(0, "1 5 1 5", "relay", 6)))
    page.wait_for_function("() => !held.waiting")
    assert held(page) == [(-1, "1 1 1 1", "exchange"), (0, "1 5 1 5", "relay")]
    live(page, "e1-6", (-1, "1 1 1 1", 9), (0, "1 3 1 3", 5))
    assert held(page)[-1] == (0, "1 5 1 5", "relay")
    live(page, "e1-8", (-1, "1 1 1 1", 9), (0, "1 5 1 4", 7))
    assert held(page)[-1] == (0, "1 5 1 4", "relay")
    assert len(history.asked) == 1


def test_an_answer_older_than_the_stream_gets_what_the_stream_said(
    page: Page, history: History
) -> None:
    history.answer = lambda _: None
    watch(page)
    live(page, "e1-9", (-1, "1 1 1 1", 9), (0, "1 8 1 8", 9))
    history.release(answer("e1-7", row(-1, "1 1 1 1"), row(0, "1 9 1 5", "both", 6)))
    page.wait_for_function("() => !held.waiting")
    assert held(page) == [(-1, "1 1 1 1", "exchange"), (0, "1 9 1 8", "both")]


def test_a_late_answer_does_not_take_the_running_candle_back(page: Page, history: History) -> None:
    begin(page, history, row(0, "1 1 1 1", "relay", 1))
    history.answer = lambda _: None
    live(page, "e1-8", (2, "3 3 3 3", 1), (3, "4 4 4 4", 1))
    wait_for_question(page, history, 2)
    live(page, "e1-20", (2, "3 3 3 3", 1), (3, "4 9 4 9", 5))
    history.release(answer("e1-9", row(1, "2 2 2 2"), row(3, "4 4 4 4", "relay", 2), closed=at(3)))
    page.wait_for_function("() => held.candles.length > 3")
    assert held(page)[-1] == (3, "4 9 4 9", "relay")


def test_a_minute_that_ends_is_finished_and_the_next_one_begun(
    page: Page, history: History
) -> None:
    begin(page, history, row(0, "1 1 1 1", "relay", 1))
    live(page, "e1-8", (0, "1 3 1 2", 5), (1, "2 2 2 2", 1))
    assert held(page) == [(0, "1 3 1 2", "relay"), (1, "2 2 2 2", "relay")]
    settle(page, 2_000)
    assert len(history.asked) == 1
    told = json_of(page, "news.at(-1)")
    assert [candle["time"] for candle in told["changed"]] == [at(0), at(1)]
    assert not told["reset"]


def test_missed_minutes_are_asked_for_once_from_the_last_one_on(
    page: Page, history: History
) -> None:
    begin(page, history, row(0, "1 1 1 1", "relay", 1))
    history.answer = lambda _: None
    live(page, "e1-8", (2, "3 3 3 3", 1), (3, "4 4 4 4", 1))
    live(page, "e1-9", (2, "3 3 3 3", 1), (3, "4 5 4 5", 2))
    wait_for_question(page, history, 2)
    settle(page, 5_000)
    assert len(history.asked) == 2
    assert int(history.asked[1]["from"]) == at(0)
    rows = [row(0, "1 2 1 2"), row(1, "2 2 2 2"), row(2, "3 3 3 3"), row(3, "4 5 4 5", "relay", 2)]
    history.release(answer("e1-9", *rows, time=at(3) + 9_000, closed=at(3)))
    page.wait_for_function("() => held.candles.length === 4")
    assert [minute for minute, _, _ in held(page)] == [0, 1, 2, 3]
    assert held(page)[0] == (0, "1 2 1 2", "exchange")
    live(page, "e1-10", (3, "4 5 4 5", 2), (4, "6 6 6 6", 1))
    settle(page, 5_000)
    assert len(history.asked) == 2


def test_an_answer_from_before_the_gap_showed_does_not_close_it(
    page: Page, history: History
) -> None:
    begin(page, history, row(0, "1 1 1 1", "relay", 1))
    history.answer = lambda _: answer("e1-8", row(0, "1 1 1 1", "relay", 1))
    live(page, "e1-9", (2, "3 3 3 3", 1), (3, "4 4 4 4", 1))
    wait_for_question(page, history, 2)
    history.answer = lambda _: answer("e1-9", row(0, "1 5 1 5", "relay", 3), time=at(3))
    wait_for_question(page, history, 3)
    page.wait_for_function("() => held.candles[0].high === '5'")
    # The minute that is still missing may not be kept yet: it is asked for once more, and not again.
    wait_for_question(page, history, 4)
    assert [asked["from"] for asked in history.asked[1:]] == [str(at(0))] * 3
    settle(page, 5_000)
    assert len(history.asked) == 4


def test_one_question_is_put_at_a_time(page: Page, history: History) -> None:
    begin(page, history, row(0, "1 1 1 1", "relay", 1))
    history.answer = lambda _: None
    for minute in (3, 6, 9, 12):
        live(page, f"e1-{minute}0", (minute - 1, "3 3 3 3", 1), (minute, "4 4 4 4", 1))
        settle(page, 1_000)
    assert [asked.get("from") for asked in history.asked] == [None, str(at(0))]
    history.release(answer("e1-120", row(1, "2 2 2 2"), time=at(3)))
    wait_for_question(page, history, 3)
    settle(page, 5_000)
    assert [int(asked["from"]) for asked in history.asked[1:]] == [at(0), at(3)]


def test_the_exchanges_candle_is_not_given_up_for_the_relays(page: Page, history: History) -> None:
    begin(page, history, row(0, "1 2 1 2"))
    history.answer = lambda _: answer("e1-9", row(0, "1 1 1 1", "relay", 1), time=at(3))
    live(page, "e1-8", (2, "3 3 3 3", 1), (3, "4 4 4 4", 1))
    wait_for_question(page, history, 2)
    settle(page, 100)
    assert held(page)[0] == (0, "1 2 1 2", "exchange")


def test_a_quiet_symbols_empty_minutes_are_no_gap(page: Page, history: History) -> None:
    begin(page, history, row(-20, "1 1 1 1", "relay", 1))
    live(page, "e1-8", (-20, "1 1 1 1", 1), (1, "2 2 2 2", 1))
    settle(page, 2_000)
    assert len(history.asked) == 1
    assert [minute for minute, _, _ in held(page)] == [-20, 1]


def test_what_is_void_goes_and_all_is_asked_for_anew(page: Page, history: History) -> None:
    begin(page, history, row(-1, "1 1 1 1"), row(0, "1 1 1 1", "relay", 1))
    history.answer = lambda _: answer("e2-3", row(0, "7 7 7 7", "relay", 1))
    say_status(page, "full")
    live(page, "e2-2", (0, "7 7 7 7", 1))
    page.wait_for_function("() => !held.waiting")
    assert held(page) == [(0, "7 7 7 7", "relay")]
    settle(page)
    assert any(json_of(page, "news.map(({ reset }) => reset)"))
    assert "from" not in history.asked[-1]


def test_a_first_connection_that_brings_all_makes_nothing_void(
    page: Page, history: History
) -> None:
    history.answer = lambda _: answer("e1-7", row(0, "1 1 1 1", "relay", 1))
    page.evaluate(WATCH, ["S0", "1m", {}])
    page.wait_for_function("() => !held.waiting")
    say_status(page, "full")
    settle(page, 1_000)
    assert len(history.asked) == 1
    assert held(page) == [(0, "1 1 1 1", "relay")]


def test_an_answer_of_another_kind_never_joins_what_is_held(page: Page, history: History) -> None:
    begin(page, history, row(0, "1 1 1 1", "relay", 1))
    history.answer = lambda _: answer("e2-1", row(3, "5 5 5 5"), simulated=True)
    live(page, "e1-8", (2, "3 3 3 3", 1), (3, "4 4 4 4", 1))
    wait_for_question(page, history, 2)
    page.wait_for_function("() => held.candles.length === 1")
    assert held(page) == [(3, "5 5 5 5", "exchange")]


def test_the_minute_with_more_updates_is_the_newer_one(page: Page, history: History) -> None:
    begin(page, history, row(0, "1 5 1 5", "relay", 6))
    live(page, "e2-1", (0, "1 2 1 2", 3))
    assert held(page) == [(0, "1 5 1 5", "relay")]


LONG = "0.123456789012345678901234"


def test_minutes_join_the_running_candle_of_a_longer_interval_exactly(
    page: Page, history: History
) -> None:
    start = NOW + 2 * MINUTE
    start -= start % (5 * MINUTE)
    first = [start, "9.9", "9.90", LONG, "9.9", None, None, None, 3, "both"]
    history.answer = lambda _: answer("e1-7", first, interval="5m", closed=start)
    watch(page, "5m")
    page.wait_for_function("() => !held.waiting")
    lower = LONG[:-1] + "3"
    live(page, "e1-8", (0, f"10 10.05 {lower} 10.01", 4))
    [*_, last] = json_of(page, "held.candles")
    assert (last["time"], last["open"]) == (start, "9.9")
    assert (last["high"], last["low"], last["close"]) == ("10.05", lower, "10.01")
    assert last["source"] == "both"
    live(page, "e1-9", (0, "10 10.05 9 9.99", 5), (5, "10 10 10 10", 1))
    [*_, before, running] = json_of(page, "held.candles")
    assert (before["time"], before["close"], before["low"]) == (start, "9.99", lower)
    assert (running["time"], running["source"]) == (start + 5 * MINUTE, "relay")


def test_a_failing_answer_costs_nothing_that_is_held_and_says_why(
    page: Page, history: History
) -> None:
    begin(page, history, row(0, "1 1 1 1", "relay", 1))
    history.answer = lambda _: 503
    live(page, "e1-8", (2, "3 3 3 3", 1), (3, "4 4 4 4", 1))
    for _ in range(20):
        settle(page, 100)
        if not json_of(page, "held.complete"):
            break
    assert json_of(page, "held.reason") == "no history today"
    assert [minute for minute, _, _ in held(page)] == [0, 2, 3]
    history.answer = lambda _: answer("e1-9", row(1, "2 2 2 2"), time=at(3))
    for _ in range(100):
        settle(page, 100)
        if json_of(page, "held.complete"):
            break
    assert [minute for minute, _, _ in held(page)] == [0, 1, 2, 3]
    assert json_of(page, "held.reason") == ""


def test_a_new_connection_is_a_reason_to_ask_again_at_once(page: Page, history: History) -> None:
    watch(page)
    page.wait_for_function("() => !held.waiting")
    for number in (2, 3, 4, 5):
        wait_for_question(page, history, number)
    history.answer = lambda _: answer("e1-7", row(0, "1 1 1 1", "relay", 1))
    page.evaluate("dispatchEvent(new Event('online'))")
    say_status(page, "changes")
    settle(page, 600)
    page.wait_for_function("() => held.complete")


def test_without_any_answer_the_candles_begin_with_the_stream(page: Page, history: History) -> None:
    watch(page)
    live(page, "e1-8", (0, "1 2 1 2", 3))
    page.wait_for_function("() => !held.waiting")
    assert held(page) == [(0, "1 2 1 2", "relay")]
    assert not json_of(page, "held.complete")


def test_an_incomplete_answer_is_shown_and_asked_for_again(page: Page, history: History) -> None:
    history.answer = lambda _: answer(
        "e1-7", row(0, "1 1 1 1", "relay", 1), complete=False, reason="the exchange is asked"
    )
    watch(page)
    page.wait_for_function("() => !held.waiting")
    assert held(page) == [(0, "1 1 1 1", "relay")]
    assert json_of(page, "held.reason") == "the exchange is asked"
    history.answer = lambda _: answer("e1-7", row(-1, "1 1 1 1"), row(0, "1 1 1 1", "relay", 1))
    wait_for_question(page, history, 2)
    page.wait_for_function("() => held.complete")
    assert [minute for minute, _, _ in held(page)] == [-1, 0]


def test_a_closed_candle_becomes_the_exchanges_soon_after_its_minute(
    page: Page, history: History
) -> None:
    begin(page, history, row(-1, "1 1 1 1"), row(0, "1 2 1 2", "relay", 3))
    live(page, "e1-8", (0, "1 3 1 2", 5), (1, "2 2 2 2", 1))
    rows = [row(0, "1 3 0.9 2"), row(1, "2 2 2 2", "relay", 1)]
    history.answer = lambda _: answer("e1-8", *rows, closed=at(1))
    settle(page, 34_000)
    assert len(history.asked) == 1
    wait_for_question(page, history, 2)
    page.wait_for_function("() => held.candles[1].source === 'exchange'")
    assert int(history.asked[1]["from"]) == at(0)
    assert held(page)[1:] == [(0, "1 3 0.9 2", "exchange"), (1, "2 2 2 2", "relay")]
    live(page, "e1-9", (0, "1 3 1 2", 5), (1, "2 4 2 4", 2))
    assert held(page)[1:] == [(0, "1 3 0.9 2", "exchange"), (1, "2 4 2 4", "relay")]


def test_a_hidden_page_asks_for_nothing(page: Page, history: History) -> None:
    begin(page, history, row(0, "1 2 1 2", "relay", 3))
    page.evaluate('Object.defineProperty(document, "hidden", { value: true })')
    settle(page, 200_000)
    assert len(history.asked) == 1


def test_seconds_are_made_of_the_prices(page: Page, history: History) -> None:
    second = [at(0), "1", "1", "1", "1", "5", "5", 1, None, "exchange"]
    history.answer = lambda _: answer("e1-7", second, interval="1s", closed=at(0) + 30_000)
    watch(page, "1s")
    page.wait_for_function("() => !held.waiting")
    settle(page, 1_000)
    for millisecond, price in ((900, "7"), (1_100, "2"), (1_900, "3"), (2_000, "1"), (1_950, "9")):
        update = {"symbol": "S0", "price": price, "event_time": at(0) + millisecond}
        say(page, "message", [update], "e1-8")
    told = [(c["time"] - at(0), c["open"], c["high"], c["low"], c["close"], c["source"])
            for c in json_of(page, "held.candles")]  # fmt: skip
    assert told == [
        (0, "1", "1", "1", "1", "exchange"),
        (1_000, "2", "3", "2", "3", "relay"),
        (2_000, "1", "1", "1", "1", "relay"),
    ]
    asked = len(history.asked)
    say_status(page, "changes")
    wait_for_question(page, history, asked + 1)
    assert int(history.asked[-1]["from"]) == at(0) + 1_000 - SKEW


def test_older_candles_are_put_before_the_others(page: Page, history: History) -> None:
    begin(page, history, row(0, "1 1 1 1", "relay", 1))
    history.answer = lambda _: answer("e1-7", row(-2, "3 3 3 3"), row(-1, "2 2 2 2"))
    page.evaluate("held.older()")
    assert int(history.asked[1]["to"]) == at(0)
    assert [minute for minute, _, _ in held(page)] == [-2, -1, 0]
    history.answer = lambda _: answer("e1-7")
    page.evaluate("held.older()")
    assert json_of(page, "held.isOldest")
    page.evaluate("held.older()")
    assert len(history.asked) == 3


#: The window of an answer about what is older that a test makes up.
WINDOW = 500


def empty(asked: dict[str, str]) -> dict[str, Any]:
    """Nothing was found in the window that ends where it was asked to; the newest one ends now."""
    end = int(asked.get("to", at(1)))
    return answer("e1-7", **{"from": end - WINDOW * MINUTE, "to": end})


def ask_older(page: Page, history: History, times: int) -> list[int]:
    """Asks for older candles so often; the minutes before which was asked."""
    asked = len(history.asked)
    for _ in range(times):
        page.evaluate("held.older()")
    return [(int(each["to"]) - at(0)) // MINUTE for each in history.asked[asked:]]


def test_an_empty_window_is_not_the_end_of_the_past(page: Page, history: History) -> None:
    begin(page, history, row(0, "1 1 1 1", "relay", 1))
    history.answer = empty
    assert ask_older(page, history, 2) == [0, -WINDOW]
    assert not json_of(page, "held.isOldest")
    found = row(-3 * WINDOW, "3 3 3 3")
    history.answer = lambda _: answer("e1-7", found, **{"from": at(-3 * WINDOW), "to": at(0)})
    assert ask_older(page, history, 1) == [-2 * WINDOW]
    assert [minute for minute, _, _ in held(page)] == [-3 * WINDOW, 0]
    history.answer = empty
    before = [-number * WINDOW for number in (3, 4, 5, 6)]
    assert ask_older(page, history, 6) == before
    assert json_of(page, "held.isOldest")


def test_before_the_exchange_began_there_is_nothing(page: Page, history: History) -> None:
    begin(page, history, row(0, "1 1 1 1", "relay", 1))
    history.answer = lambda asked: {**empty(asked), "from": 1498867200000}
    assert ask_older(page, history, 2) == [0]
    assert json_of(page, "held.isOldest")


def test_an_incomplete_answer_does_not_count_as_looked_at(page: Page, history: History) -> None:
    begin(page, history, row(0, "1 1 1 1", "relay", 1))
    history.answer = lambda asked: {**empty(asked), "complete": False, "reason": "it is asked"}
    assert ask_older(page, history, 1) == [0]
    settle(page, 6_000)
    history.answer = empty
    assert ask_older(page, history, 2) == [0, -WINDOW]


@pytest.mark.parametrize("start", ["soon", None, NOW + 9 * MINUTE, 1.5])
def test_a_window_that_leads_nowhere_is_the_last(
    page: Page, history: History, start: object
) -> None:
    begin(page, history, row(0, "1 1 1 1", "relay", 1))
    history.answer = lambda asked: {**empty(asked), "from": start}
    assert ask_older(page, history, 2) == [0]
    assert json_of(page, "held.isOldest")


def test_older_candles_are_looked_for_where_the_newest_window_has_none(
    page: Page, history: History
) -> None:
    history.answer = empty
    watch(page)
    page.wait_for_function("() => !held.waiting")
    assert json_of(page, "held.from") == at(1 - WINDOW)
    assert ask_older(page, history, 1) == [1 - WINDOW]
    assert json_of(page, "held.from") == at(1 - 2 * WINDOW)
    history.answer = lambda _: answer("e1-7", row(-1200, "3 3 3 3"))
    assert ask_older(page, history, 1) == [1 - 2 * WINDOW]
    assert held(page) == [(-1200, "3 3 3 3", "exchange")]
    history.answer = lambda _: None
    say_status(page, "full")
    assert json_of(page, "held.from") is None
    history.answer = empty
    history.release(empty(history.asked[-1]))
    page.wait_for_function("() => !held.waiting")
    assert ask_older(page, history, 1) == [1 - WINDOW]


def test_a_connection_is_made_to_bring_candles_of_the_symbol(page: Page, history: History) -> None:
    history.answer = lambda _: answer("e1-7", row(0, "1 1 1 1", "relay", 1))
    watch(page, symbol="S0", symbols=["S1"], fields="price", since="e1-3")
    query = json_of(page, "Object.fromEntries(new URL(sources.at(-1).url).searchParams)")
    # An id stands for the symbols that it was given for: with another one all is told anew.
    assert query == {"symbols": "S0,S1", "fields": "candle", "batch": "1"}


def test_a_connection_that_has_the_symbol_goes_on_where_it_was(
    page: Page, history: History
) -> None:
    history.answer = lambda _: answer("e1-7", row(0, "1 1 1 1", "relay", 1))
    watch(page, symbol="S1", symbols=["S1"], fields="ticker", since="e1-3")
    query = json_of(page, "Object.fromEntries(new URL(sources.at(-1).url).searchParams)")
    assert query == {"symbols": "S1", "fields": "candle", "batch": "1", "since": "e1-3"}


def test_nothing_is_asked_or_told_after_the_end(page: Page, history: History) -> None:
    begin(page, history, row(0, "1 1 1 1", "relay", 1))
    settle(page)
    told = json_of(page, "news.length")
    page.evaluate("held.close()")
    live(page, "e1-8", (2, "3 3 3 3", 1), (3, "4 4 4 4", 1))
    settle(page, 120_000)
    assert len(history.asked) == 1
    assert json_of(page, "news.length") == told


def test_a_row_that_is_no_candle_costs_itself(page: Page, history: History) -> None:
    bad = [row(-2, "1 NaN 1 1"), [None] * 10, row(-1, "1 1 1 1"), row(-1, "2 2 2 2")]
    begin(page, history, *bad, row(0, "1 1 1 1", "relay", 1))
    live(page, "e1-8", (1, "1 1e9 1 1", 1))
    live(page, "e1-9", (0, "1 2 1 2", 2))
    assert [(minute, prices) for minute, prices, _ in held(page)] == [
        (-1, "1 1 1 1"),
        (0, "1 2 1 2"),
    ]
