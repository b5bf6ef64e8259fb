"""Tickets of the browser client: asked anew for each question, told to nobody else."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.long import long_after
from tests.node import evaluate
from tests.processes import Gunicorn
from tests.scripted import ScriptedExchange
from tests.spoken import Bodies, History, json_of, open_client, polled_page, say, say_status

TOKEN, KEY = "desk-token-of-a-test", "ticket-key-of-a-test"
COUNT = "globalThis.given = 0; globalThis.next = () => `secret-${given += 1}`; 0"
OPEN = """async (options) => {
    const { Relay } = await import("/static/relay.js");
    globalThis.relay = new Relay({ ticket: async () => next(), ...options });
}"""
WRONG = "the ticket is not one of ours"


@pytest.fixture
def page(browser: Browser, bodies: Bodies, polls: list[Route]) -> Iterator[Page]:
    with polled_page(browser, bodies, polls) as page:
        open_client(page, shared=False)
        page.evaluate("relay.close(); sources.length = sockets.length = 0")
        page.set_default_timeout(5_000)
        page.evaluate(COUNT)
        yield page


def open_relay(page: Page, **options: object) -> None:
    page.evaluate(OPEN, options)
    page.wait_for_function("() => sources.length || given === 0")


def ticket_of(url: str) -> str:
    return parse_qs(urlsplit(url).query).get("ticket", [""])[0]


def refuse_streams(page: Page) -> None:
    page.evaluate("sources.at(-1).readyState = 2; sources.at(-1).onerror()")
    page.wait_for_function("() => sockets.length")
    page.evaluate("sockets.at(-1).onclose()")


def wait_for(page: Page, polls: list[Route]) -> Route:
    for _ in range(100):
        if polls:
            return polls.pop(0)
        page.evaluate("new Promise((done) => { const c = new MessageChannel();"
                      "c.port1.onmessage = done; c.port2.postMessage(0); })")  # fmt: skip
    raise AssertionError("nobody asked")


def test_each_way_to_connect_and_each_question_has_a_ticket_of_its_own(
    page: Page, polls: list[Route]
) -> None:
    open_relay(page, symbols=["S0"])
    refuse_streams(page)
    poll = wait_for(page, polls)
    used = [page.evaluate("sources[0].url"), page.evaluate("sockets[0].url"), poll.request.url]
    feed = {"state": "live", "simulated": False, "age": 0.1, "source": "", "reason": ""}
    poll.fulfill(json={"id": "e1-9", "mode": "full", "prices": {"S0": "1"}, "feed": feed})
    page.wait_for_function("() => relay.tickers.get('S0')?.price === '1'")
    page.clock.run_for(2_000)
    used.append(wait_for(page, polls).request.url)
    page.evaluate("relay.measure().catch(() => {}); 0")
    used.append(wait_for(page, polls).request.url)
    tickets = [ticket_of(url) for url in used]
    assert all(ticket.startswith("secret-") for ticket in tickets)
    assert len(set(tickets)) == len(tickets)


def test_candles_are_asked_for_with_one(page: Page) -> None:
    history = History()
    page.route("**/api/history/*?*", history.take)
    open_relay(page, symbols=["S0"])
    with page.expect_request("**/api/history/S0?*") as asked:
        page.evaluate("relay.candles('S0', '1m'); 0")
    assert ticket_of(asked.value.url).startswith("secret-")


def test_it_is_told_to_no_storage_no_other_page_and_no_error(page: Page) -> None:
    # A secure place, where pages share.
    page.goto("http://localhost/blank")
    page.evaluate(COUNT)
    page.evaluate(
        """() => {
        globalThis.posted = [];
        const { postMessage } = BroadcastChannel.prototype;
        BroadcastChannel.prototype.postMessage = function (message) {
            posted.push([this.name, message]);
            postMessage.call(this, message);
        };
    }"""
    )
    open_relay(page, symbols=["S0"])
    say_status(page, "full")
    say(page, "message", [{"symbol": "S0", "price": "1"}], "e1-7")
    page.wait_for_function("() => relay.tickers.size === 1")
    page.route("**/api/prices?*", lambda route: route.abort())
    error = page.evaluate("relay.measure().catch((error) => [error.message, error.stack])")
    page.clock.run_for(12_000)
    kept = page.evaluate("JSON.stringify([posted, {...localStorage}, {...sessionStorage}])")
    names = page.evaluate("navigator.locks.query().then((all) => JSON.stringify(all))")
    assert "relay/1" in kept
    assert all("secret-" not in text for text in (kept, names, *error))
    assert all("secret-" not in text for text in json_of(page, "Object.values(relay.status)")
               if isinstance(text, str))  # fmt: skip


def test_a_fresh_one_that_is_refused_ends_it(page: Page, polls: list[Route]) -> None:
    open_relay(page, symbols=["S0"])
    refuse_streams(page)
    wait_for(page, polls).fulfill(status=401, json={"error": WRONG})
    page.wait_for_function("() => relay.status.state === 'refused'")
    assert page.evaluate("relay.status.reason") == WRONG


def test_an_old_one_that_is_refused_is_asked_for_again(page: Page, polls: list[Route]) -> None:
    page.evaluate("globalThis.next = () => 'secret-kept'; 0")
    open_relay(page, symbols=["S0"])
    say_status(page, "full")
    page.clock.run_for(12_000)
    say_status(page, "none")
    page.evaluate("sources.at(-1).readyState = 2; sources.at(-1).onerror()")
    page.clock.run_for(300)
    page.wait_for_function("() => sources.length === 2")
    refuse_streams(page)
    wait_for(page, polls).fulfill(status=401, json={"error": WRONG})
    page.evaluate("globalThis.next = () => 'secret-new'; 0")
    for _ in range(20):
        page.clock.run_for(500)
        if page.evaluate("sources.length") > 2:
            break
    assert page.evaluate("relay.status.state") != "refused"
    assert ticket_of(page.evaluate("sources[2].url")) == "secret-new"


def test_a_text_that_is_refused_is_never_another_one(page: Page, polls: list[Route]) -> None:
    open_relay(page, symbols=["S0"], ticket="secret-text")
    say_status(page, "full")
    page.clock.run_for(12_000)
    say_status(page, "none")
    page.evaluate("sources.at(-1).readyState = 2; sources.at(-1).onerror()")
    page.clock.run_for(300)
    page.wait_for_function("() => sources.length === 2")
    refuse_streams(page)
    wait_for(page, polls).fulfill(status=401, json={"error": WRONG})
    page.wait_for_function("() => relay.status.state === 'refused'")


@pytest.mark.parametrize(
    "source",
    long_after(
        2,
        [
            "() => { throw new Error('secret-9') }",
            "() => Promise.reject('secret-9')",
            "() => undefined",
            "() => ({ ticket: 'secret-9' })",
            "() => 'secret-'.repeat(1000)",
            "() => new Promise(() => {})",
        ],
    ),
)
def test_without_one_it_says_so_and_tries_again(page: Page, source: str) -> None:
    page.evaluate(f"globalThis.next = {source}; globalThis.asked = 0")
    page.evaluate(
        "import('/static/relay.js').then(({ Relay }) => {"
        "globalThis.relay = new Relay({ ticket: () => { asked += 1; return next(); } }); })"
    )
    page.wait_for_function("() => globalThis.asked > 0")
    for _ in range(30):
        page.clock.run_for(1_000)
        if "ticket" in page.evaluate("relay.status.reason"):
            break
    assert page.evaluate("relay.status.reason") == "relay: this page has no ticket for it"
    page.evaluate("globalThis.next = () => 'good'; 0")
    for _ in range(60):
        if page.evaluate("sources.length"):
            break
        page.clock.run_for(1_000)
    assert ticket_of(page.evaluate("sources.at(-1).url")) == "good"


def test_one_that_comes_too_late_opens_nothing(page: Page) -> None:
    page.evaluate("globalThis.next = () => new Promise((done) => (globalThis.give = done)); 0")
    page.evaluate(OPEN, {})
    page.wait_for_function("() => !!globalThis.give")
    page.evaluate("relay.close(); give('late')")
    page.clock.run_for(6_000)
    assert page.evaluate("[sources.length, sockets.length]") == [0, 0]


@pytest.mark.parametrize("ticket", [5, True, {}])
def test_what_is_no_ticket_is_said_at_once(page: Page, ticket: object) -> None:
    said = page.evaluate(
        """async (ticket) => {
        const { Prices } = await import("/static/relay/prices.js");
        try { new Prices({ ticket }); } catch (error) { return error.name; }
    }""",
        ticket,
    )
    assert said == "TypeError"


@pytest.fixture(scope="module")
def guarded() -> Iterator[Gunicorn]:
    with (
        ScriptedExchange() as exchange,
        Gunicorn(
            BINANCE_WS=exchange.url,
            FEED_SILENCE_SECONDS="600",
            ACCESS_TOKENS=f"desk:{TOKEN}",
            TICKET_KEYS=KEY,
        ) as relay,
    ):
        exchange.tick(BTCUSDT="1", ETHUSDT="2")
        relay.wait_until_ready()
        yield relay


def answer(relay: Gunicorn, script: str) -> Any:
    head = f"""import {{ Relay }} from "./relay.js";
        const url = given + "/events";
        const headers = {{ Authorization: "Bearer {TOKEN}" }};
        const ticket = async () => {{
          const answer = await fetch(given + "/api/ticket", {{ method: "POST", headers }});
          return (await answer.json()).ticket;
        }};
        """
    return evaluate(head + script, relay.url)


def test_a_guarded_relay_is_open_to_node_by_tickets(guarded: Gunicorn) -> None:
    price, ahead, reason = answer(
        guarded,
        """
        const relay = new Relay({ url, ticket, symbols: ["BTCUSDT"] });
        await new Promise((told) => (relay.onsettled = told));
        const { ahead } = await relay.measure();
        const reason = await new Promise((told) => {
          const held = relay.candles("BTCUSDT", "1m", () => told(held.reason));
        });
        answer = [relay.tickers.get("BTCUSDT").price, ahead, reason];
        relay.close();
        """,
    )
    assert price == "1"
    assert isinstance(ahead, float | int)
    assert reason.startswith("the exchange's candles cannot be had")


def test_a_guarded_relay_refuses_a_ticket_that_is_none(guarded: Gunicorn) -> None:
    assert answer(
        guarded,
        """
        const relay = new Relay({ url, ticket: () => "none.of.ours" });
        answer = await new Promise((told) => {
          relay.onstatus = ({ state, reason }) => state === "refused" && told(reason);
        });
        relay.close();
        """,
    ) == WRONG  # fmt: skip
