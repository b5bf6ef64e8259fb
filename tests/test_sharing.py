"""Pages of one browser share one connection: real Chromium, real server, an exchange that the test speaks."""

import contextlib
import itertools
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page

from tests.browser import WAIT
from tests.long import long, long_after
from tests.processes import Gunicorn, wait_until
from tests.scripted import ScriptedExchange

FOLLOW = """async (options) => {
    const { Relay } = await import("/static/relay.js");
    globalThis.relay = new Relay({ fields: "price", ...options });
    globalThis.resets = 0;
    globalThis.removed = [];
    globalThis.settled = false;
    relay.onreset = () => { resets += 1; };
    relay.onsettled = () => { settled = true; };
    relay.onremoved = (symbols) => removed.push(...symbols);
    globalThis.price = (symbol) => relay.tickers.get(symbol)?.price;
}"""
HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""
HAS = "([symbol, price]) => globalThis.price?.(symbol) === price"


@pytest.fixture(scope="module")
def exchange() -> Iterator[ScriptedExchange]:
    with ScriptedExchange() as exchange:
        yield exchange


@pytest.fixture(scope="module")
def relay(exchange: ScriptedExchange) -> Iterator[Gunicorn]:
    with Gunicorn(BINANCE_WS=exchange.url, FEED_SILENCE_SECONDS="600", MAX_SYMBOLS="3") as relay:
        exchange.tick(BTCUSDT="1", ETHUSDT="2", BNBUSDT="3", SOLUSDT="4", XRPUSDT="5")
        relay.wait_until_ready()
        yield relay


@pytest.fixture
def context(browser: Browser, relay: Gunicorn) -> Iterator[BrowserContext]:
    wait_until(lambda: clients(relay) == 0, "the last test's clients to be gone")
    context = browser.new_context(base_url=relay.url, bypass_csp=True)
    context.set_default_timeout(WAIT)
    yield context
    context.close()


def clients(relay: Gunicorn) -> int:
    return int(str(relay.ready()["clients"]))


def follow(context: BrowserContext, **options: object) -> Page:
    """A page with a client of its own."""
    page = context.new_page()
    page.goto("/nothing")
    page.evaluate(FOLLOW, options)
    return page


_numbers = itertools.count(100)


def tick(exchange: ScriptedExchange, symbol: str) -> str:
    """Gives a symbol a price that it never had."""
    price = str(next(_numbers))
    exchange.tick(**{symbol: price})
    return price


def wait_for_price(page: Page, symbol: str, price: str) -> None:
    page.wait_for_function(HAS, arg=[symbol, price])


@long
def test_ten_pages_have_all_prices_over_one_connection(
    context: BrowserContext, relay: Gunicorn, exchange: ScriptedExchange
) -> None:
    pages = [follow(context) for _ in range(10)]
    for number in ("7", "8"):
        exchange.tick(BTCUSDT=number)
        for page in pages:
            wait_for_price(page, "BTCUSDT", number)
            wait_for_price(page, "ETHUSDT", "2")
            page.wait_for_function("() => settled && relay.status.state === 'live'")
    assert clients(relay) == 1


def crash(page: Page) -> None:
    with contextlib.suppress(Error):
        page.goto("chrome://crash")


#: What may become of a page that leads; a page that hangs keeps its lock.
ENDS: dict[str, Callable[[Page], object]] = {
    "closes": lambda page: page.close(),
    "crashes": crash,
    "goes elsewhere": lambda page: page.goto("about:blank"),
    "hangs": lambda page: page.evaluate(
        "void setTimeout(() => { const end = Date.now() + 3000; while (Date.now() < end); })"
    ),
}


@pytest.mark.parametrize("how", long_after(2, ENDS))
def test_another_page_goes_on_where_the_leader(
    context: BrowserContext, relay: Gunicorn, exchange: ScriptedExchange, how: str
) -> None:
    first, *others = [follow(context) for _ in range(3)]
    for page in others:
        wait_for_price(page, "ETHUSDT", "2")
    ENDS[how](first)
    price = tick(exchange, "BTCUSDT")
    for page in others:
        wait_for_price(page, "BTCUSDT", price)
        assert page.evaluate("resets") == 1
    if how == "hangs":
        wait_for_price(first, "BTCUSDT", price)
    wait_until(lambda: clients(relay) == 1, "one client")


def test_a_page_that_wants_more_gets_it_and_nobody_starts_anew(
    context: BrowserContext, relay: Gunicorn, exchange: ScriptedExchange
) -> None:
    one = follow(context, symbols=["btcusdt"])
    wait_for_price(one, "BTCUSDT", tick(exchange, "BTCUSDT"))
    all_of_them = follow(context, fields="ticker")
    all_of_them.wait_for_function("() => settled")
    assert all_of_them.evaluate("relay.tickers.size") == 5
    assert all_of_them.evaluate("relay.tickers.get('ETHUSDT').stream") == "24hrMiniTicker"
    assert one.evaluate("[relay.tickers.size, resets, removed.length]") == [1, 1, 0]
    for page in (one, all_of_them):
        wait_for_price(page, "BTCUSDT", tick(exchange, "BTCUSDT"))
    wait_until(lambda: clients(relay) == 1, "one client")


def test_wishes_that_are_too_many_together_become_one_for_all(
    context: BrowserContext, relay: Gunicorn, exchange: ScriptedExchange
) -> None:
    pages = [
        follow(context, symbols=["BTCUSDT", "ETHUSDT", "NONE"]),
        follow(context, symbols=["BNBUSDT", "SOLUSDT"]),
    ]
    price = tick(exchange, "SOLUSDT")
    wait_for_price(pages[1], "SOLUSDT", price)
    wait_for_price(pages[0], "ETHUSDT", "2")
    pages[0].wait_for_function("() => relay.unknown.length === 1 && relay.unknown[0] === 'NONE'")
    assert pages[1].evaluate("[relay.unknown.length, relay.tickers.size]") == [0, 2]
    assert pages[0].evaluate("relay.status.state") == "live"


def test_a_wish_that_is_refused_costs_nobody_else_anything(
    context: BrowserContext, relay: Gunicorn, exchange: ScriptedExchange
) -> None:
    good = follow(context, symbols=["BTCUSDT"])
    bad = follow(context, symbols=["BTC/USDT!"])
    bad.wait_for_function("() => relay.status.state === 'refused'")
    assert "no symbol" in bad.evaluate("relay.status.reason")
    wait_for_price(good, "BTCUSDT", tick(exchange, "BTCUSDT"))
    assert good.evaluate("relay.status.state") == "live"
    alone = follow(context, symbols=["A,B,C,D"], shared=False)
    alone.wait_for_function("() => relay.status.state === 'refused'")
    assert "symbols may name 3 at most" in alone.evaluate("relay.status.reason")


def test_a_page_that_is_seen_leads_before_a_hidden_one(
    context: BrowserContext, relay: Gunicorn, exchange: ScriptedExchange
) -> None:
    hidden, seen = follow(context), follow(context)
    wait_for_price(seen, "ETHUSDT", "2")
    with seen.expect_request("**/events?*since=*"):
        hidden.evaluate(HIDE, True)
    for page in (hidden, seen):
        wait_for_price(page, "BTCUSDT", tick(exchange, "BTCUSDT"))
    wait_until(lambda: clients(relay) == 1, "one client")


def test_two_clients_in_one_page_share_as_well(
    context: BrowserContext, relay: Gunicorn, exchange: ScriptedExchange
) -> None:
    page = follow(context, symbols=["BTCUSDT"])
    page.evaluate("globalThis.first = relay")
    page.evaluate(FOLLOW, {"symbols": ["ETHUSDT"], "fields": "ticker"})
    wait_for_price(page, "ETHUSDT", "2")
    page.wait_for_function("() => settled")
    wait_until(lambda: clients(relay) == 1, "one client")
    page.evaluate("relay.close()")
    price = tick(exchange, "BTCUSDT")
    page.wait_for_function("price => first.tickers.get('BTCUSDT')?.price === price", arg=price)
    page.evaluate("first.close()")
    wait_until(lambda: clients(relay) == 0, "no client")


RUBBISH = """(name) => {
    const channel = new BroadcastChannel(name);
    const all = ["wish", "who?", "probe", "bye", "said", "wished", "snapshot", "link", "here",
      "there?", "slow"];
    const values = [undefined, null, 7, "x", [], {}, [null], [{}],
      { event: "removed", symbols: 7 },
      { event: "status", mode: "full", id: 7 },
      [{ symbol: 7 }], [{ symbols: 7, fields: 1, rate: "x" }],
      [{ symbols: [{}], fields: "price", rate: -1 }], new Array(5000).fill({ symbols: null })];
    for (const value of values) channel.postMessage(value);
    for (const what of all) {
        for (const value of values) {
            channel.postMessage(["stranger", what, value]);
            channel.postMessage(["stranger", what, "stranger", value, value]);
        }
    }
}"""


def test_what_strangers_say_on_the_channel_harms_nobody(
    context: BrowserContext, relay: Gunicorn, exchange: ScriptedExchange
) -> None:
    pages = [follow(context, symbols=["BTCUSDT"]) for _ in range(2)]
    wrong: list[str] = []
    for page in pages:
        page.on("pageerror", lambda error: wrong.append(str(error)))
        wait_for_price(page, "BTCUSDT", tick(exchange, "BTCUSDT"))
    stranger = context.new_page()
    stranger.goto("/nothing")
    stranger.evaluate(RUBBISH, f"relay/1 {relay.url}/events")
    for _ in range(2):
        price = tick(exchange, "BTCUSDT")
        for page in pages:
            wait_for_price(page, "BTCUSDT", price)
            page.wait_for_function("() => relay.status.state === 'live'")
    assert wrong == []


def test_a_page_that_was_away_gets_what_it_missed(
    context: BrowserContext, exchange: ScriptedExchange
) -> None:
    leader, other = follow(context), follow(context)
    other.wait_for_function("() => settled")
    other.evaluate("document.dispatchEvent(new Event('freeze'))")
    missed = tick(exchange, "ETHUSDT")
    wait_for_price(leader, "ETHUSDT", missed)
    other.evaluate("document.dispatchEvent(new Event('resume'))")
    wait_for_price(other, "ETHUSDT", missed)


def test_a_client_that_follows_another_of_its_page_gets_all_prices(
    context: BrowserContext, exchange: ScriptedExchange
) -> None:
    leader, other = follow(context), follow(context)
    price = tick(exchange, "BNBUSDT")
    wait_for_price(leader, "BNBUSDT", price)
    wait_for_price(other, "BNBUSDT", price)
    other.evaluate("relay.close()")
    other.evaluate(FOLLOW, {})
    other.wait_for_function("() => settled && relay.status.state === 'live'")
    wait_for_price(other, "BNBUSDT", price)


def test_a_page_that_resumes_without_what_it_held_leaves_no_other_without_it(
    context: BrowserContext, relay: Gunicorn
) -> None:
    resume_id = context.request.get("/api/prices").json()["id"]
    resumed = follow(context, since=resume_id)
    resumed.wait_for_function("() => relay.status.state === 'live'")
    other = follow(context)
    other.wait_for_function("() => settled")
    assert other.evaluate("relay.tickers.size") == 5
    wait_until(lambda: clients(relay) == 1, "one client")


@pytest.mark.parametrize("role", long_after(1, ["leads", "follows", "begins"]))
def test_a_client_beside_one_that_resumed_without_what_it_held_gets_all_prices(
    context: BrowserContext, relay: Gunicorn, role: str
) -> None:
    resume_id = context.request.get("/api/prices").json()["id"]
    if role == "follows":
        follow(context).wait_for_function("() => settled")
    page = follow(context, since=resume_id)
    if role != "begins":
        page.wait_for_function("() => relay.status.state === 'live'")
    page.evaluate("globalThis.first = relay")
    page.evaluate(FOLLOW, {})
    page.wait_for_function("() => settled && relay.tickers.size === 5")
    wait_until(lambda: clients(relay) == 1, "one client")


def test_where_a_site_may_store_nothing_each_page_has_its_own_connection(
    context: BrowserContext, exchange: ScriptedExchange
) -> None:
    page = context.new_page()
    page.add_init_script(
        """globalThis.asked = 0;
        LockManager.prototype.request = async () => {
            asked += 1;
            throw new DOMException("denied", "SecurityError");
        };"""
    )
    page.goto("/nothing")
    page.evaluate(FOLLOW, {})
    wait_for_price(page, "BTCUSDT", page.evaluate("price('BTCUSDT')") or tick(exchange, "BTCUSDT"))
    assert page.evaluate("asked") == 1
