"""Candles of a page that follows another, over a WebSocket and over polls: they go on as over EventSource."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.channel import feed, hear, sharing_page
from tests.channel import snapshot as whole_snapshot
from tests.long import long_after
from tests.spoken import Bodies, History, json_of
from tests.test_browser_candles import MINUTE, NOW, WATCH, answer, at, held, row, settle

ME = "i"
WISH = {"symbols": ["S0"], "fields": "candle", "rate": 0}
Minute = tuple[int, str, int]


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def history() -> History:
    return History()


@pytest.fixture
def page(browser: Browser, bodies: Bodies, history: History) -> Iterator[Page]:
    """An empty page of some site; half a minute after a minute began."""
    with sharing_page(browser, bodies) as page:
        page.route("**/api/history/*", history.take)
        page.route(
            "**/blank", lambda route: route.fulfill(body="<title>", content_type="text/html")
        )
        page.goto("/blank")
        page.clock.pause_at((NOW + 2 * MINUTE + 30_000) / 1000)
        yield page
        assert json_of(page, "globalThis.wrong") in (None, [])


def watch(page: Page, **options: object) -> None:
    page.evaluate(WATCH, ["S0", "1m", options])


def ticker(*minutes: Minute, **more: object) -> dict[str, Any]:
    candles = [[at(minute), *prices.split(), updates] for minute, prices, updates in minutes]
    return {"symbol": "S0", "price": minutes[-1][1].split()[-1], "candles": candles, **more}


def brief(page: Page, version: int, mode: str, *minutes: Minute, by: str = "leader") -> None:
    more = {"tickers": [ticker(*minutes)], "versions": [["S0", version]], "wish": WISH}
    said = feed(page, mode=mode, id=f"e1-{version}")
    hear(page, "snapshot", ME, whole_snapshot(page, version, said=said, **more), by=by)


def say(page: Page, version: int, *minutes: Minute, by: str = "leader") -> None:
    hear(page, "said", [ticker(*minutes)], f"e1-{version}", False, by=by)


def follow(page: Page, history: History) -> None:
    history.answer = lambda _: answer("e1-7", row(-1, "1 1 1 1"), row(0, "1 2 1 2", "relay", 4))
    watch(page)
    hear(page, "here", True)
    brief(page, 7, "full", (-1, "1 1 1 1", 9), (0, "1 2 1 2", 4))
    page.wait_for_function("() => !held.waiting")


def hide(page: Page, hidden: bool) -> None:
    page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_candles_of_a_page_that_follows_go_on_and_outlive_their_leaders(
    page: Page, history: History
) -> None:
    follow(page, history)
    assert ["wish", [WISH], ""] in json_of(page, "posted")
    say(page, 8, (-1, "1 1 1 1", 9), (0, "1 3 1 3", 5))
    assert held(page) == [(-1, "1 1 1 1", "exchange"), (0, "1 3 1 3", "relay")]
    hear(page, "here", True, by="other")
    say(page, 20, (0, "9 9 9 9", 50), by="other")
    assert held(page)[-1] == (0, "1 3 1 3", "relay")
    # Two minutes have gone by when the new one says what this page lacks.
    gap = answer("e1-20", row(1, "3 4 3 4"), row(2, "4 5 4 5", "relay", 2))
    history.answer = lambda _: gap
    brief(page, 20, "changes", (2, "4 5 4 5", 2), by="other")
    settle(page, 1_000)
    page.wait_for_function("() => held.complete && held.candles.length === 4")
    assert int(history.asked[-1]["from"]) == at(0)
    assert held(page)[-2:] == [(1, "3 4 3 4", "exchange"), (2, "4 5 4 5", "relay")]
    page.evaluate("void grant()")
    assert "fields=candle&batch=1&since=e1-20" in page.evaluate("sources.at(-1).url")
    page.evaluate("say", ["status", feed(page, mode="none", id="e1-20"), ""])
    page.evaluate("say", ["message", [ticker((2, "4 6 4 6", 3))], "e1-21"])
    assert held(page)[-1] == (2, "4 6 4 6", "relay")


def test_who_was_asleep_joins_again_and_its_candles_have_no_hole(
    page: Page, history: History
) -> None:
    follow(page, history)
    hide(page, True)
    page.clock.run_for(31_000)
    assert page.evaluate("[relay.status.state, channel, posted.at(-1)[0]]") == [
        "paused",
        None,
        "bye",
    ]
    page.clock.run_for(5 * MINUTE)
    asked = len(history.asked)
    page.evaluate("posted.length = 0")
    hide(page, False)
    assert page.evaluate("relay.status.state") == "connecting"
    hear(page, "here", True)
    assert ["wish", [WISH], "e1-7"] in json_of(page, "posted")
    # What the leader says before is nothing to go on from.
    say(page, 89, (5, "8 8 8 8", 1))
    assert held(page)[-1][1] == "1 2 1 2"
    rows = [row(minute, "2 2 2 2") for minute in range(5)]
    history.answer = lambda _: answer("e1-90", *rows, row(5, "2 9 2 9", "relay", 3))
    brief(page, 90, "changes", (4, "2 2 2 2", 7), (5, "2 9 2 9", 3))
    settle(page, 1_000)
    page.wait_for_function("() => held.complete && held.candles.length === 7")
    assert (len(history.asked), page.evaluate("relay.status.state")) == (asked + 1, "live")
    assert [minute for minute, *_ in held(page)] == list(range(-1, 6))
    say(page, 91, (5, "2 10 2 10", 4))
    assert held(page)[-1] == (5, "2 10 2 10", "relay")
    assert page.evaluate("sources.length") == 0


def by_socket(page: Page, said: object) -> None:
    page.evaluate("(said) => sockets.at(-1).onmessage({ data: JSON.stringify(said) })", said)


def test_candles_go_on_over_a_websocket(page: Page, history: History) -> None:
    history.answer = lambda _: answer("e1-7", row(-1, "1 1 1 1"), row(0, "1 2 1 2", "relay", 4))
    watch(page, shared=False)
    page.evaluate("opened().forEach((source) => source.onerror())")
    assert "fields=candle" in page.evaluate("sockets.at(-1).url")
    by_socket(page, feed(page, mode="full", id="e1-0", up_to="e1-7"))
    by_socket(page, [ticker((-1, "1 1 1 1", 9), (0, "1 2 1 2", 4), id="e1-7")])
    page.wait_for_function("() => !held.waiting")
    by_socket(page, [ticker((0, "1 3 1 3", 5), id="e1-8")])
    # What the answer has already does not come again.
    by_socket(page, [ticker((0, "1 9 1 9", 9), id="e1-6")])
    assert held(page) == [(-1, "1 1 1 1", "exchange"), (0, "1 3 1 3", "relay")]
    rows = [row(0, "1 3 1 3"), row(1, "3 4 3 4"), row(2, "4 5 4 5", "relay", 2)]
    history.answer = lambda _: answer("e1-9", *rows)
    by_socket(page, [ticker((2, "4 5 4 5", 2), id="e1-9")])
    settle(page, 1_000)
    page.wait_for_function("() => held.complete && held.candles.length === 4")
    assert held(page)[-2:] == [(1, "3 4 3 4", "exchange"), (2, "4 5 4 5", "relay")]


def test_over_polls_candles_are_asked_for_whatever_becomes_of_the_clock(
    page: Page, history: History
) -> None:
    def poll(route: Route) -> None:
        status = feed(page, mode="changes")
        route.fulfill(json={"id": "e1-9", "mode": "changes", "prices": {"S0": "2"}, "feed": status})

    page.route("**/api/prices?*", poll)
    history.answer = lambda _: answer("e1-7", row(0, "1 2 1 2", "relay", 4))
    watch(page, shared=False)
    page.evaluate("opened().forEach((s) => s.onerror()); sockets.forEach((s) => s.onclose())")
    for _ in range(30):
        settle(page, 500)
    asked = len(history.asked)
    assert asked > 1
    page.evaluate("() => { const now = Date.now; Date.now = () => now() - 3600000; }")
    for _ in range(60):
        settle(page, 500)
    assert len(history.asked) > asked


WHOLE = answer("e1-7", row(0, "1 2 1 2", "relay", 4))
HOLLOW: list[object] = [
    {},
    [],
    None,
    7,
    *(WHOLE | {part: 7} for part in ("id", "fields", "candles")),
]


@pytest.mark.parametrize("hollow", long_after(2, [*HOLLOW, WHOLE | {"time": None}]))
def test_an_answer_that_is_no_history_is_said_to_be_none_and_sets_no_clock(
    page: Page, hollow: object
) -> None:
    page.unroute("**/api/history/*")
    page.route("**/api/history/*", lambda route: route.fulfill(body=json.dumps(hollow)))
    page.evaluate(
        """() => {
            const real = setTimeout;
            globalThis.unclear = 0;
            globalThis.setTimeout = (act, milliseconds, ...more) => {
                if (Number.isNaN(milliseconds)) unclear += 1;
                return real(act, milliseconds, ...more);
            };
        }"""
    )
    watch(page, shared=False)
    page.wait_for_function("() => !held.waiting")
    assert page.evaluate("[held.complete, held.reason]") == [
        False,
        "the relay's answer is no history",
    ]
    page.evaluate("say", ["status", feed(page, mode="none", id="e1-7"), ""])
    page.evaluate("say", ["message", [ticker((0, "1 3 1 3", 5))], "e1-8"])
    page.clock.run_for(2 * MINUTE)
    assert held(page) == [(0, "1 3 1 3", "relay")]
    assert page.evaluate("unclear") == 0
