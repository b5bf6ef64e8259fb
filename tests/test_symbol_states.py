"""How single symbols stand, as the pages show it and the browser client and the probe tell it."""

import datetime
import re
from typing import get_args

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from relay import pace
from relay.ticker import Ticker
from tests.browser import WAIT
from tests.processes import Gunicorn, wait_until
from tests.scribe import Scribe

#: For the browser: a client of this page's relay whose prices are live.
CONNECT = """async (options) => {
    const { Relay } = await import("/static/relay.js");
    globalThis.relay = new Relay({ shared: false, ...options });
    while (relay.status.state !== "live") await new Promise((done) => setTimeout(done, 20));
}"""


def until(page: Page, condition: str) -> None:
    """Playwright's own waiting would break the page's content security policy."""
    wait = "await new Promise((done) => setTimeout(done, 20));"
    page.evaluate(f"async () => {{ while (!({condition})) {wait} }}")


@pytest.fixture(scope="module")
def url(worker: Gunicorn) -> str:
    return worker.url


@pytest.fixture(autouse=True)
def _one_of_each(worker: Gunicorn, scribe: Scribe) -> None:
    """LIVE, QUIET, STALE and HALTED stand as they are called, and will for a minute."""
    scribe.start_anew()
    scribe.tell("HALTED", "4", age=2, pace=1, status="BREAK")
    scribe.tell("STALE", "3", age=3600, pace=20)
    scribe.tell("QUIET", "2", age=60, pace=60)
    scribe.tell("LIVE", "1", pace=30)
    wait_until(lambda: worker.ready()["symbols"] == 4, "four symbols")
    wait_until(lambda: "LIVE" in worker.http.get("/").text, "the rows to be rendered anew")


def row(page: Page, symbol: str) -> Locator:
    return page.locator(f"#market tbody tr[data-symbol='{symbol}']")


def connected(page: Page) -> None:
    expect(page.locator("html")).to_have_attribute("data-state", "live", timeout=WAIT)


def marks(page: Page) -> dict[str, str]:
    """The word beside each symbol that has one."""
    return page.locator("#market tbody th:has(small)").evaluate_all(
        "heads => Object.fromEntries(heads.map((h) => [h.parentElement.dataset.symbol,"
        " h.querySelector('small').textContent]))"
    )


ONE_OF_EACH = {"QUIET": "quiet", "STALE": "stale", "HALTED": "halted"}


def test_the_first_paint_says_in_words_how_each_symbol_stands(browser: Browser, url: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(url)
    assert marks(page) == ONE_OF_EACH
    expect(row(page, "HALTED").locator("small")).to_have_attribute("title", re.compile("BREAK$"))
    for symbol in ("STALE", "HALTED"):
        expect(row(page, symbol).locator("td").first).to_be_visible()
    context.close()


def test_the_banner_keeps_its_details_for_those_who_point_at_it(page: Page) -> None:
    page.goto("/")
    connected(page)
    said = "read 41 ms after the exchange's stamp; 1 listener stands by"
    expect(page.locator("#banner")).to_have_attribute("title", said)


def test_the_browser_judges_as_the_server_did_and_old_prices_are_greyed(page: Page) -> None:
    page.goto("/")
    connected(page)
    assert marks(page) == ONE_OF_EACH

    def colour(symbol: str) -> str:
        return (
            row(page, symbol).locator("td").first.evaluate("cell => getComputedStyle(cell).color")
        )

    assert colour("STALE") == colour("HALTED") != colour("LIVE") == colour("QUIET")
    head = row(page, "STALE").get_by_role("rowheader", name="STALE stale", exact=True)
    expect(head).to_have_count(1)


def test_a_row_that_falls_silent_is_marked_and_one_that_moves_again_is_not(
    page: Page, scribe: Scribe
) -> None:
    scribe.tell("BRISK", "1", age=8.5, pace=1)
    scribe.tell("CALM", "1", age=8.5, pace=60)
    page.goto("/")
    connected(page)
    expect(row(page, "BRISK").locator("small")).to_have_text("stale", timeout=WAIT)
    expect(row(page, "CALM").locator("small")).to_have_text("quiet", timeout=WAIT)
    scribe.tell("BRISK", "2", pace=1)
    scribe.tell("CALM", "1", status="HALT")
    expect(row(page, "BRISK").locator("small")).to_have_count(0)
    expect(row(page, "BRISK")).not_to_have_attribute("data-standing", re.compile("."))
    expect(row(page, "CALM").locator("small")).to_have_text("halted", timeout=WAIT)
    expect(row(page, "CALM").locator("small")).to_have_attribute("title", re.compile("HALT$"))


def test_the_relays_clock_judges_and_not_the_browsers(page: Page) -> None:
    wrong = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=3)
    page.clock.install(time=wrong)
    page.goto("/")
    connected(page)
    expect(page.locator("#age")).to_contain_text(" s ago")
    assert marks(page) == ONE_OF_EACH


def test_marks_stay_as_they_were_while_the_banner_speaks_for_all(
    page: Page, scribe: Scribe
) -> None:
    page.clock.install()
    page.goto("/")
    connected(page)
    scribe.tell("BRISK", "1", age=1, pace=1)
    expect(row(page, "BRISK")).to_be_visible()
    scribe.feed = "stale"
    try:
        expect(page.locator("#state")).to_have_text("stale")
        before = marks(page)
        assert before.items() >= ONE_OF_EACH.items()
        page.clock.fast_forward(10_000)
        page.clock.run_for(2_000)
        expect(page.locator("#state")).to_have_text("stale")
        assert marks(page) == before
    finally:
        scribe.feed = "live"
    expect(page.locator("#state")).to_have_text("live", timeout=WAIT)
    page.clock.fast_forward(10_000)
    expect(row(page, "BRISK").locator("small")).to_have_text("stale", timeout=WAIT)


def test_a_removed_symbol_loses_its_row_and_may_get_one_again(page: Page, scribe: Scribe) -> None:
    page.goto("/")
    connected(page)
    scribe.remove("STALE", "LIVE")
    for symbol in ("STALE", "LIVE"):
        expect(row(page, symbol)).to_have_count(0)
    expect(page.locator("#count")).to_have_text("2 symbols")
    scribe.tell("LIVE", "8")
    expect(row(page, "LIVE").locator("td").first).to_have_text("8")
    expect(page.locator("#count")).to_have_text("3 symbols")


def test_a_symbols_page_says_how_it_stands(page: Page, browser: Browser, url: str) -> None:
    plain = browser.new_context(java_script_enabled=False).new_page()
    for symbol, said in (
        ("LIVE", ""),
        ("QUIET", "nothing unusual"),
        ("STALE", "longer than is usual"),
        ("HALTED", "does not trade it at present: BREAK."),
    ):
        plain.goto(f"{url}/symbols/{symbol}")
        page.goto(f"/symbols/{symbol}")
        connected(page)
        for each in (plain, page):
            standing = each.locator(".standing")
            expect(standing.locator("p:visible")).to_have_count(1 if said else 0)
            expect(standing).to_contain_text(said)
    expect(page.locator(".time")).to_contain_text(" s ago")
    page.goto("/symbols/STALE")
    expect(page.locator(".time")).to_contain_text("1 h 00 min ago")
    plain.context.close()


def test_a_symbols_page_says_that_the_symbol_is_gone(
    page: Page, scribe: Scribe, worker: Gunicorn
) -> None:
    page.goto("/symbols/LIVE")
    connected(page)
    said = page.locator(".standing p:visible")
    expect(said).to_have_count(0)
    scribe.remove("LIVE")
    expect(said).to_contain_text("does not list it any more")
    expect(page.locator("[data-key=price]")).to_have_text("1")
    expect(page.locator("#symbol")).to_have_attribute("data-standing", "gone")
    assert worker.http.get("/symbols/LIVE", headers={"Accept": "text/html"}).status_code == 404
    scribe.tell("LIVE", "9")
    expect(page.locator("[data-key=price]")).to_have_text("9")
    expect(said).to_have_count(0)


def test_a_symbol_that_a_new_beginning_leaves_out_is_unknown(page: Page, scribe: Scribe) -> None:
    page.goto("/symbols/LIVE")
    connected(page)
    scribe.start_anew()
    scribe.tell("QUIET", "2")
    said = page.locator(".standing p:visible")
    expect(said).to_contain_text("no price of it at present")
    scribe.tell("LIVE", "9")
    expect(said).to_have_count(0)


CASES = [
    Ticker(f"S{number}", "1", "trade", age, pace=usual, status=status)
    for number, (age, usual, status) in enumerate(
        [
            (0, 1, None),
            (0, 1, "HALT"),
            (8, 1, None),
            (12, 1, None),
            (12, 10, None),
            (28, 10, None),
            (34, 10, None),
            (90_000, None, None),
            (90_000, 30_100, None),
            (90_000, 29_000, None),
            (90_000, 30_000, "BREAK"),
        ]
    )
]


def test_server_and_browser_judge_by_one_rule(page: Page, worker: Gunicorn) -> None:
    """`received_time` is an age here, until it is made into a time."""
    expected = [pace.standing(ticker, ticker.received_time) for ticker in CASES]
    assert set(expected) == set(get_args(pace.Standing))
    page.goto("/")
    since = worker.http.get("/api/prices").json()["id"]
    time = worker.http.get("/api/prices/LIVE").json()
    listeners_now = time["received_time"] + int(time["age"] * 1000)
    held = [
        {
            "symbol": ticker.symbol,
            "received_time": listeners_now - ticker.received_time * 1000,
            **({} if ticker.pace is None else {"pace": ticker.pace}),
            **({} if ticker.status is None else {"status": ticker.status}),
        }
        for ticker in CASES
    ]
    page.evaluate(CONNECT, {"since": since, "held": held})
    told = page.evaluate("names => names.map((s) => relay.stateOf(s))", [h["symbol"] for h in held])
    assert told == expected
    assert page.evaluate("[relay.stateOf('NOPE'), relay.ageOf('NOPE')]") == [None, None]


def test_prices_without_a_time_are_judged_by_when_they_came(page: Page) -> None:
    page.clock.install()
    page.goto("/")
    page.evaluate(CONNECT, {"fields": "price"})
    until(page, "relay.tickers.has('STALE')")
    states = "['LIVE', 'STALE'].map((symbol) => relay.stateOf(symbol))"
    assert page.evaluate(states) == ["live", "live"]
    assert page.evaluate("relay.ageOf('STALE')") < 10
    # In steps: a clock that jumps is set right by the relay's.
    page.clock.run_for(10_100)
    assert page.evaluate(states) == ["quiet", "quiet"]


def test_the_client_is_told_of_removals(page: Page, scribe: Scribe) -> None:
    page.goto("/")
    page.evaluate(CONNECT, {"symbols": ["LIVE", "QUIET"]})
    until(page, "relay.tickers.has('LIVE')")
    page.evaluate("() => { relay.onremoved = (symbols) => { globalThis.gone = symbols; }; }")
    scribe.remove("LIVE")
    until(page, "globalThis.gone")
    assert page.evaluate("[gone, [...relay.tickers.keys()], relay.stateOf('LIVE')]") == [
        ["LIVE"],
        ["QUIET"],
        None,
    ]


def test_the_probe_counts_symbols_by_how_they_stand(worker: Gunicorn, scribe: Scribe) -> None:
    def counts() -> tuple[object, ...]:
        ready = worker.ready()
        return tuple(ready[key] for key in ("symbols", "quiet", "stale", "halted"))

    wait_until(lambda: counts() == (4, 1, 1, 1), "the counts of this test's symbols")
    scribe.feed = "down"
    try:
        wait_until(lambda: worker.ready()["state"] == "down", "the feed to be down")
        assert counts() == (4, 1, 1, 1)
        assert worker.http.get("/api/prices/LIVE").json()["state"] == "down"
    finally:
        scribe.feed = "live"
    scribe.tell("STALE", "3", status="HALT")
    scribe.remove("QUIET")
    wait_until(lambda: counts() == (3, 0, 0, 2), "the counts")
    told = worker.http.get("/api/prices/STALE").json()
    assert (told["state"], told["status"]) == ("halted", "HALT")


def test_a_symbols_page_measures_how_fresh_it_is_for_whoever_asks(
    page: Page, scribe: Scribe
) -> None:
    page.goto("/symbols/LIVE")
    connected(page)
    page.get_by_text("How fresh is this?").click()
    scribe.tell("LIVE", "7", pace=30)
    for place in ("read", "round"):
        expect(page.locator(f"[data-place={place}]")).to_have_text(
            re.compile(r"^[\d,]+ ms$"), timeout=WAIT
        )
    expect(page.locator("[data-place=clock]")).to_have_text(re.compile("the relay’s$"))
