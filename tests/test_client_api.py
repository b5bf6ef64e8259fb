"""What a developer meets of the client: events, iteration, symbols in any case, and Node."""

import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.node import node
from tests.processes import ROOT, Gunicorn
from tests.spoken import Bodies, json_of, open_browser_page, open_client, say, say_status


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def page(browser: Browser, bodies: Bodies) -> Iterator[Page]:
    page = open_browser_page(browser, bodies, [])
    yield page
    page.context.close()


def say_prices(page: Page, resume_id: str, **prices: str) -> None:
    updates = [{"symbol": symbol, "price": price} for symbol, price in prices.items()]
    say(page, "message", updates, resume_id)


LISTEN = """() => {
    globalThis.heard = [];
    for (const name of ["price", "updates", "status", "removed", "reset", "settled"]) {
        relay.addEventListener(name, ({ detail }) => heard.push([name, detail]));
    }
}"""


def test_events_bring_what_callbacks_do(page: Page) -> None:
    open_client(page)
    page.evaluate(LISTEN)
    say_status(page, "full")
    say_prices(page, "e1-7", S0="1", S1="2")
    page.clock.run_for(400)
    say(page, "removed", {"event": "removed", "symbols": ["S1"]})
    heard = json_of(page, "heard")
    names = [name for name, _ in heard if name != "status"]
    assert names == ["reset", "updates", "price", "price", "settled", "removed"]
    details = dict(heard)
    assert details["updates"] == [{"symbol": "S0", "price": "1"}, {"symbol": "S1", "price": "2"}]
    assert details["price"] == {"symbol": "S1", "price": "2"}
    assert details["removed"] == ["S1"]
    assert details["status"]["state"] == "live"


def test_whoever_iterates_slowly_gets_the_newest_of_each_symbol(page: Page) -> None:
    open_client(page)
    say_status(page, "full")
    say_prices(page, "e1-7", S0="1")
    page.evaluate("globalThis.prices = relay[Symbol.asyncIterator](); prices.next().then(() => 0)")
    for number in range(8, 28):
        say_prices(page, f"e1-{number}", S0=str(number), S1=str(number))
    assert page.evaluate("prices.next().then(({ value }) => value.symbol + value.price)") == "S027"
    assert page.evaluate("prices.next().then(({ value }) => value.symbol + value.price)") == "S127"
    page.evaluate("globalThis.last = prices.next(); relay.close()")
    assert page.evaluate("last.then(({ done }) => done)")


def test_symbols_may_be_named_in_any_case_and_unknown_ones_are_told(page: Page) -> None:
    open_client(page, symbols=["s0", "S1", "nonE", "ßx"])
    assert "symbols=NONE%2CS0%2CS1%2C%C3%9FX" in page.evaluate("sources[0].url")
    say_status(page, "full")
    say_prices(page, "e1-7", S0="1", S1="2")
    assert json_of(page, "relay.unknown") == []
    page.clock.run_for(400)
    assert json_of(page, "relay.unknown") == ["NONE", "ßX"]
    assert page.evaluate("[relay.stateOf('s0'), relay.stateOf('none'), relay.ageOf('NONE')]") == [
        "live",
        None,
        None,
    ]
    say_prices(page, "e1-8", NONE="3")
    assert json_of(page, "relay.unknown") == ["ßX"]


def test_a_listener_that_throws_costs_nobody_else_a_price(page: Page) -> None:
    open_client(page)
    page.evaluate("void (relay.onupdates = () => { throw new Error('theirs'); })")
    page.evaluate("relay.addEventListener('updates', () => { globalThis.heard = true; })")
    say_status(page, "full")
    say_prices(page, "e1-7", S0="1")
    assert page.evaluate("heard && price('S0') === '1'")
    say_prices(page, "e1-8", S0="2")
    assert page.evaluate("price('S0')") == "2"


def test_nothing_is_told_once_a_listener_has_closed_it(page: Page) -> None:
    open_client(page)
    page.evaluate(LISTEN)
    page.evaluate("relay.addEventListener('price', () => relay.close())")
    say_status(page, "full")
    say_prices(page, "e1-7", S0="1", S1="2", S2="3")
    prices = [detail["price"] for name, detail in json_of(page, "heard") if name == "price"]
    assert prices == ["1"]


WRONG = """(options) => {
    try {
        new relay.constructor(options).close();
    } catch ({ name, message }) {
        return `${name}: ${message}`;
    }
}"""


def test_a_price_looked_up_amid_an_outage_ends_it_for_nobody(page: Page) -> None:
    open_client(page)
    say_status(page, "full")
    say_prices(page, "e1-7", S0="1")
    page.clock.run_for(11_000)
    say_status(page, "none", age=11, state="down")
    looked_up = {"symbol": "S0", "price": "2", "stream": "rest"}
    say(page, "message", [looked_up | {"received_time": page.evaluate("Date.now()")}], "e1-8")
    assert json_of(page, "relay.tickers.get('S0').price") == "2"
    assert page.evaluate("[relay.status.state, relay.status.age]") == ["down", 11]
    say_prices(page, "e1-9", S0="3")
    assert page.evaluate("[relay.status.state, relay.status.age]") == ["down", 11]
    say_status(page, "none")
    say_prices(page, "e1-10", S0="4")
    assert page.evaluate("[relay.status.state, relay.status.age]") == ["live", 0]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"fields": "prices"}, "RangeError: no such fields: prices"),
        ({"rate": "fast"}, "RangeError: no such rate: fast"),
        ({"url": []}, "TypeError: url names no relay"),
        ({"url": "ws://relay.example/ws"}, "TypeError: no address of a relay's /events"),
    ],
    ids=["fields", "rate", "no address", "another protocol"],
)
def test_an_option_that_means_nothing_is_an_error_at_once(
    page: Page, options: dict[str, object], error: str
) -> None:
    open_client(page)
    assert str(page.evaluate(WRONG, options)).startswith(error)


def test_delay_is_corrected_by_how_far_the_clock_is_ahead(page: Page) -> None:
    open_client(page)
    say_status(page, "full")
    now = page.evaluate("Date.now()")
    update = {"symbol": "S0", "price": "1", "event_time": now - 2_250}
    say(page, "message", [update], "e1-7")
    assert page.evaluate("relay.status.delay") is None

    def answer(route: Route) -> None:
        route.fulfill(
            json={"id": "e1-7", "time": now - 2_000, "mode": "none", "prices": {}, "feed": {}}
        )

    page.route("**/api/prices?*", answer)
    measured = page.evaluate("relay.measure()")
    assert measured == {"ahead": 2_000, "roundTrip": 0}
    assert page.evaluate("relay.status.delay") == 250


SCRIPT = """
import { Relay } from "%s/static/relay.js";
const relay = new Relay({ url: process.argv[1], symbols: ["btcusdt", "ethusdt", "none"] });
await new Promise((done) => relay.addEventListener("settled", done));
const prices = {};
for await (const { symbol, price } of relay) {
  prices[symbol] = price;
  if (Object.keys(prices).length === 2) break;
}
const { roundTrip } = await relay.measure();
console.log(JSON.stringify([prices, relay.unknown, relay.status.state, roundTrip >= 0]));
relay.close();
"""


def test_a_node_script_hears_a_relay(quiet_relay: Gunicorn) -> None:
    command = [
        node(),
        "--input-type=module",
        "-e",
        SCRIPT % ROOT.as_uri(),
        f"{quiet_relay.url}/events",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stderr == ""
    assert done.stdout.strip() == '[{"BTCUSDT":"1","ETHUSDT":"2"},["NONE"],"live",true]'
