"""The pages in a real Chromium, in front of the real server and a simulated exchange."""

import json
import os
import re
import signal
from collections.abc import Iterator

import msgspec
import pytest
from playwright.sync_api import Page, expect

from relay.ticker import Ticker, public
from relay.web import figures
from tests import plain_http
from tests.browser import WAIT
from tests.exchange import Simulator
from tests.processes import Gunicorn, wait_until

SYMBOL = "币安人生USDT"
#: Milliseconds of silence after which the browser client doubts the prices, calls the connection lost, and
#: then down; see static/relay/board.js.
LATE, GRACE, DOWN = 15_500, 4_500, 10_500


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator("--symbols", "200", "--activity", "1") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def market(simulator: Simulator) -> str:
    """Where to get the whole market."""
    return f"{simulator.url}/ws/!miniTicker@arr"


@pytest.fixture(scope="module")
def relay(market: str) -> Iterator[Gunicorn]:
    with Gunicorn(BINANCE_WS=market, FEED_SILENCE_SECONDS="3") as relay:
        relay.wait_until_ready()
        yield relay


@pytest.fixture(scope="module")
def url(relay: Gunicorn) -> str:
    return relay.url


def price_of(page: Page, symbol: str) -> str:
    return page.locator(f"#market tr[data-symbol='{symbol}'] td").first.inner_text()


def test_prices_move(page: Page) -> None:
    page.goto("/")
    before = price_of(page, "BTCUSDT")
    price = page.locator("#market tr[data-symbol='BTCUSDT'] td").first
    expect(price).not_to_have_text(before, timeout=WAIT)
    assert re.fullmatch(r"[\d,]+(\.\d+)?", price.inner_text())


def test_simulated_prices_are_unmistakable(page: Page) -> None:
    page.goto("/")
    expect(page.locator("#simulated")).to_be_visible()
    expect(page.locator("#state")).to_have_text("simulated")
    expect(page).to_have_title(re.compile("^SIMULATED"))


def test_rows_stay_a_grid_for_assistive_technology(page: Page) -> None:
    page.goto("/")
    name = page.get_by_role("rowheader", name="BTC/USDT Bitcoin", exact=True)
    row = page.get_by_role("grid").get_by_role("row").filter(has=name)
    expect(row.get_by_role("gridcell")).to_have_count(7)


def test_a_symbol_of_any_alphabet_has_its_page(page: Page) -> None:
    page.goto("/")
    page.get_by_label("Search").fill(SYMBOL)
    page.locator(f"#market tr[data-symbol='{SYMBOL}'] a").click()
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text("币安人生/USDT Binance Life")
    price = page.locator("[data-key=price]")
    expect(price).not_to_have_text(price.inner_text(), timeout=WAIT)
    expect(page).to_have_title(re.compile(r"^SIMULATED · [\d.,]+ 币安人生/USDT"))


def test_an_unknown_symbol_is_a_page_for_people_and_json_for_programs(page: Page, url: str) -> None:
    answer = page.goto("/symbols/NOSUCHUSDT")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("Not found")
    programs = plain_http.get(f"{url}/symbols/NOSUCHUSDT")
    assert "NOSUCHUSDT" in programs.json()["error"]
    data = plain_http.get(f"{url}/api/nowhere", headers={"Accept": "text/html"})
    assert data.headers["Content-Type"] == "application/json"


def test_a_silent_exchange_turns_the_banner_stale(page: Page, simulator: Simulator) -> None:
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-state", "simulated", timeout=WAIT)
    simulator.fault("silent")
    try:
        expect(page.locator("#state")).to_have_text("stale", timeout=10_000)
        expect(page.locator("#reason")).to_contain_text("exchange: no data")
        expect(page.locator("#simulated")).to_be_visible()
        expect(page.locator("#state")).to_have_text("down", timeout=WAIT)
        expect(page.locator("#simulated")).to_be_visible()
    finally:
        simulator.clear("silent")
    expect(page.locator("#state")).to_have_text("simulated", timeout=WAIT)


def moves(page: Page) -> None:
    """Waits until a price moves."""
    price = page.locator("#market tr[data-symbol='BTCUSDT'] td").first
    expect(price).not_to_have_text(price.inner_text(), timeout=WAIT)


def test_a_restarted_server_is_found_again_without_a_reload(page: Page, market: str) -> None:
    page.clock.install()
    with Gunicorn(BINANCE_WS=market) as relay:
        relay.wait_until_ready()
        page.goto(relay.url)
        page.evaluate("document.body.dataset.kept = 'yes'")
        moves(page)
        relay.kill()
    expect(page.locator("#state")).to_have_text("stale", timeout=WAIT)
    expect(page.locator("#reason")).to_have_text("your connection: lost, trying again")
    page.clock.fast_forward(DOWN)
    expect(page.locator("#state")).to_have_text("down", timeout=WAIT)
    expect(page.locator("#simulated")).to_be_visible()
    with Gunicorn(port=relay.port, BINANCE_WS=market):
        expect(page.locator("#state")).to_have_text("simulated", timeout=WAIT)
        moves(page)
        expect(page.locator("body")).to_have_attribute("data-kept", "yes")


def test_a_frozen_server_is_noticed_by_its_silence(page: Page, relay: Gunicorn) -> None:
    page.clock.install()
    page.goto("/")
    moves(page)
    [worker] = relay.worker_pids()
    os.kill(worker, signal.SIGSTOP)
    try:
        page.clock.fast_forward(LATE)
        expect(page.locator("#reason")).to_have_text(
            re.compile("your connection: checking it"), timeout=WAIT
        )
        page.clock.fast_forward(GRACE)
        expect(page.locator("#reason")).to_have_text(
            re.compile("your connection: lost, trying again"), timeout=WAIT
        )
        page.clock.fast_forward(DOWN)
        expect(page.locator("#state")).to_have_text("down", timeout=WAIT)
    finally:
        os.kill(worker, signal.SIGCONT)
    expect(page.locator("#state")).to_have_text("simulated", timeout=WAIT)
    moves(page)


def test_a_worker_that_is_replaced_is_no_error(page: Page, relay: Gunicorn) -> None:
    page.goto("/")
    moves(page)
    page.evaluate(WATCH_STATES)
    [worker] = relay.worker_pids()
    with page.expect_request("**/events?*"):
        relay.signal(signal.SIGHUP)
    moves(page)
    wait_until(lambda: worker not in relay.worker_pids(), "the old worker to end")
    assert "your connection: lost, trying again" not in page.evaluate("seen")


def test_a_page_hidden_for_long_gives_its_connection_back_and_resumes(
    page: Page, relay: Gunicorn
) -> None:
    page.clock.install()
    page.goto("/")
    moves(page)
    hide(page, True)
    page.clock.fast_forward(31_000)
    with page.expect_request("**/events?*since=*") as resumed:
        hide(page, False)
    assert "batch=1" in resumed.value.url
    moves(page)


def hide(page: Page, hidden: bool) -> None:
    page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


WATCH_STATES = """() => {
    globalThis.seen = [];
    const reason = document.getElementById("reason");
    new MutationObserver(() => seen.push(reason.textContent)).observe(reason, { childList: true });
}"""


def test_a_client_that_gets_no_stream_finds_another_way(page: Page) -> None:
    """EventSource gives up for good after an answer that is no event stream; the client does not."""
    page.route("**/events?*", lambda route: route.fulfill(status=503, body="{}"))
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("data-state", "simulated", timeout=WAIT)
    moves(page)


TICKERS = [
    Ticker(
        "A", "67123.45000000", "e", 1, 1_700_000_000_000, "66000.00000000", "68000.10000000", "1"
    ),
    Ticker("B", "0.00000866", "e", 1_700_000_000_999, None, "0.00000927"),
    Ticker("C", "15000", "e", 5, change_percent="-0.001"),
    Ticker("D", "1.00000000", "e", 5, 0, "0.00000000", "1.00000000", "1.00000000"),
    Ticker("E", "Infinity", "e", 1_700_000_000_000, 10**17, "NaN", "", "1e5"),
    Ticker("F", "1.5", "e", 86_399_999, -1, "0.5", change_percent="sNaN"),
    Ticker("G", "9" * 30, "e", 5, 253_402_300_800_000, "1", "0.10000000"),
]
VOLUMES = [
    "0.00000000", "0.01234567", "12.50000000", "999.999", "1000", "1537040739.3455", "1" + "0" * 23,
    "5e30", "NaN", "Infinity", "", "1.", "9" * 30, "-1000.5",
]  # fmt: skip
AGES = [0, 59.9, 61, 3599, 7265.5]


def test_figures_read_alike_from_the_server_and_in_the_browser(page: Page, url: str) -> None:
    page.goto("/")
    told = page.evaluate(
        """async ([tickers, volumes, ages]) => {
            const f = await import("/static/page/figures.js");
            return [
                tickers.map((t) => [f.plain(t.price, f.decimals(t)), f.signed(f.percentChanged(t)),
                    f.clock(f.made(t)), f.direction(f.signed(f.percentChanged(t)))]),
                volumes.map(f.compact), ages.map(f.ago)];
        }""",
        [[_json(ticker) for ticker in TICKERS], VOLUMES, AGES],
    )
    assert told == [
        [_read(ticker) for ticker in TICKERS],
        [figures.compact(v) for v in VOLUMES],
        [figures.ago(age) for age in AGES],
    ]


def _json(ticker: Ticker) -> object:
    return json.loads(msgspec.json.encode(public(ticker)))


def _read(ticker: Ticker) -> list[str]:
    percent = figures.signed(figures.percent_changed(ticker))
    price = figures.plain(ticker.price, figures.decimals(ticker))
    return [price, percent, figures.clock(figures.made(ticker)), figures.direction(percent)]
