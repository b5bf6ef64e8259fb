"""The browser client and the pages' own scripts in a real Chromium, on a stream that the test speaks itself.

The pages come from the application in process; EventSource and the clock are the test's.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.spoken import READ, SYMBOLS, Bodies, open_browser_page, say, say_status, say_updates

#: Milliseconds that are certainly longer than the pause after which what was missed has come.
PAUSE = 350
#: Milliseconds after which it is taken to have come, though updates never paused.
LONGEST = 5_000


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def page(browser: Browser, bodies: Bodies) -> Iterator[Page]:
    """A page that must not complain."""
    wrong: list[str] = []
    page = open_browser_page(browser, bodies, wrong)
    yield page
    page.context.close()
    assert wrong == []


def open_page(page: Page, path: str = "/") -> None:
    page.goto(path)
    page.clock.pause_at(READ / 1000 + 5)
    say_status(page, "none")


def symbols_shown(page: Page) -> list[str]:
    """The symbols that have a row, once the next frame is drawn."""
    page.clock.run_for(50)
    rows = page.locator("#market tbody tr")
    return sorted(rows.evaluate_all("rows => rows.map((row) => row.dataset.symbol)"))


def price(page: Page, symbol: str) -> str:
    page.clock.run_for(50)
    return page.locator(f"#market tr[data-symbol='{symbol}'] td").first.inner_text()


def test_no_row_goes_before_the_last_array_of_a_new_beginning(page: Page) -> None:
    open_page(page)
    say_status(page, "full")
    say_updates(page, "S0", "S1")
    assert symbols_shown(page) == SYMBOLS
    page.clock.run_for(PAUSE - 150)
    say_updates(page, "S2", "S3", "S9")
    assert symbols_shown(page) == [*SYMBOLS, "S9"]
    page.clock.run_for(PAUSE)
    assert symbols_shown(page) == ["S0", "S1", "S2", "S3", "S9"]
    expect(page.locator("#count")).to_have_text("5 symbols")


def test_no_row_goes_while_the_connection_is_lost_amid_a_new_beginning(page: Page) -> None:
    open_page(page)
    say_status(page, "full")
    say_updates(page, "S0")
    page.evaluate("cut()")
    page.clock.run_for(2_000)
    assert symbols_shown(page) == SYMBOLS
    say_status(page, "changes")
    say_updates(page, "S1", "S2")
    say_updates(page, "S3", "S4")
    page.clock.run_for(PAUSE)
    assert symbols_shown(page) == SYMBOLS[:5]


def test_a_new_beginning_ends_though_updates_never_pause(page: Page) -> None:
    open_page(page)
    say_status(page, "full")
    for _ in range(LONGEST // 200 + 1):
        say_updates(page, "S0")
        page.clock.run_for(200)
    assert symbols_shown(page) == ["S0"]


def test_a_new_beginning_without_any_symbol_leaves_none(page: Page) -> None:
    open_page(page)
    say_status(page, "full")
    page.clock.run_for(PAUSE)
    assert symbols_shown(page) == []
    expect(page.locator("#empty")).to_have_text("Waiting for the first prices.")


def test_what_has_an_event_key_is_no_update(page: Page) -> None:
    open_page(page)
    say(page, "message", {"event": "pong", "symbol": "PONG", "price": "1"})
    say(page, "message", {"event": "removed", "symbols": ["S5"]})
    say_updates(page, "S0", price="7")
    assert symbols_shown(page) == SYMBOLS[:5]
    assert price(page, "S0") == "7"


def test_the_next_connection_resumes_from_the_last_piece(page: Page) -> None:
    open_page(page)
    say(page, "message", [{"symbol": "S0", "price": "2"}], "e1-7")
    say(page, "message", [{"symbol": "S1", "price": "2"}], "e1-9")
    say(page, "bye", {"event": "bye", "id": "e1-8", "retry": 500})
    page.clock.run_for(600)
    assert "since=e1-9" in page.evaluate("sources.at(-1).url")


def test_pieces_of_what_was_missed_are_no_sign_of_life(page: Page) -> None:
    open_page(page)
    page.evaluate(
        """async () => {
            const { Relay } = await import("/static/relay.js");
            globalThis.relay = new Relay({ fields: "price" });
        }"""
    )
    say_status(page, "changes", age=100)
    for symbol in ("S0", "S1", "S2"):
        say(page, "message", [{"symbol": symbol, "price": "2"}])
        page.clock.run_for(PAUSE - 150)
        assert page.evaluate("relay.status.age") > 99
    page.clock.run_for(PAUSE)
    say(page, "message", [{"symbol": "S0", "price": "3"}])
    assert page.evaluate("relay.status.age") < 1


NASTY = [
    {"event_time": 10**17},
    {"event_time": -1, "quote_volume": "NaN", "price": "Infinity"},
    {"quote_volume": "9" * 5_000, "high": "", "low": "1e400"},
    {"open": "0", "change_percent": "x", "trades": 10**30, "status": "<b>" * 2_000},
    {"price": "", "open": "", "volume": "", "pace": -1},
]


@pytest.mark.parametrize("path", ["/", "/symbols/S0"])
def test_an_absurd_value_costs_no_more_than_itself(page: Page, path: str) -> None:
    open_page(page, path)
    for values in NASTY:
        say_updates(page, "S0", **{"price": "2", **values})
        page.clock.run_for(1_500)
    say_updates(page, "S0", price="3.5")
    page.clock.run_for(1_500)
    shown = "[data-key=price]" if path != "/" else "#market tr[data-symbol='S0'] td >> nth=0"
    expect(page.locator(shown)).to_have_text("3.5")


def test_a_symbols_page_waits_for_the_last_array_before_it_calls_the_symbol_unknown(
    page: Page,
) -> None:
    open_page(page, "/symbols/S0")
    said = page.locator(".standing p:visible")
    say_status(page, "full")
    page.clock.run_for(PAUSE - 150)
    expect(said).to_have_count(0)
    page.clock.run_for(PAUSE)
    expect(said).to_contain_text("no price of it at present")
    say_updates(page, "S0", price="5")
    expect(said).to_have_count(0)
    expect(page.locator("[data-key=price]")).to_have_text("5")


def test_a_beginning_is_over_when_all_that_was_announced_has_come(page: Page) -> None:
    open_page(page)
    feed = {
        "state": "live",
        "simulated": False,
        "age": 0,
        "source": "",
        "reason": "",
        "standbys": 0,
    }
    status = {"event": "status", "id": "e1-0", "mode": "full", "up_to": "e1-9", "heartbeat": 12}
    say(page, "status", {**status, "time": READ, "latency": None, **feed})
    say(page, "message", [{"symbol": "S0", "price": "2"}], "e1-7")
    page.clock.run_for(LONGEST)
    assert symbols_shown(page) == SYMBOLS
    say(page, "message", [{"symbol": "S1", "price": "2"}], "e1-9")
    page.clock.run_for(50)
    assert symbols_shown(page) == ["S0", "S1"]


def test_a_worker_that_has_read_nothing_yet_is_not_believed_that_there_is_nothing(
    page: Page,
) -> None:
    open_page(page)
    feed = {"state": "down", "simulated": False, "age": None, "source": "", "standbys": 0}
    status = {"event": "status", "id": "-0", "mode": "full", "heartbeat": 12, "latency": None}
    say(
        page,
        "status",
        {**status, "time": READ, "reason": "listener: nothing heard of it yet", **feed},
    )
    page.clock.run_for(LONGEST)
    assert symbols_shown(page) == SYMBOLS
