"""What a client does with answers that are none: it says what is true, and asks the right one again."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.long import long_after
from tests.spoken import URL, Bodies, json_of, open_browser_page, open_client, say, say_status

A, B = "http://a.example/events", "http://b.example/events"
FEED = {"state": "live", "simulated": False, "age": 0.1, "source": "", "reason": ""}
SENTENCE = "symbols may name 1 at most"
#: What a relay, or a proxy before it, answers: by the symbols that are asked for. None is no answer.
Answer = Callable[[str, list[str]], tuple[int, dict[str, Any], dict[str, str]] | None]


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def page(browser: Browser, bodies: Bodies) -> Iterator[Page]:
    """Only polls get through to it."""
    wrong: list[str] = []
    page = open_browser_page(browser, bodies, wrong)
    yield page
    page.context.close()
    assert wrong == []


def answering(page: Page, answer: Answer) -> list[str]:
    """Has questions answered so; the addresses that are asked."""
    asked: list[str] = []

    def take(route: Route) -> None:
        url = urlsplit(route.request.url)
        asked.append(route.request.url)
        said = answer(url.hostname or "", parse_qs(url.query).get("symbols", [""])[0].split(","))
        if said is None:
            return route.abort()
        status, body, headers = said
        route.fulfill(
            status=status, json=body, headers={"Access-Control-Allow-Origin": "*"} | headers
        )
        return None

    page.route("**/api/**", take)
    return asked


def prices(*symbols: str) -> tuple[int, dict[str, Any], dict[str, str]]:
    known = dict.fromkeys(symbols, "1")
    return 200, {"id": "e1-9", "mode": "full", "prices": known, "feed": FEED, "time": 1}, {}


def refused(
    status: int, sentence: str = "", **headers: str
) -> tuple[int, dict[str, Any], dict[str, str]]:
    return (
        status,
        {"error": sentence} if sentence else {},
        {k.replace("_", "-"): v for k, v in headers.items()},
    )


def run_until(page: Page, expression: str, seconds: int = 30) -> None:
    """Lets time pass, and streams fail, until something is so."""
    for _ in range(seconds * 2):
        page.evaluate("opened().forEach((s) => { s.readyState = 2; s.onerror(); });"
                      "sockets.forEach((s) => s.isClosed || s.onclose())")  # fmt: skip
        page.clock.run_for(500)
        page.evaluate("new Promise((done) => { const c = new MessageChannel();"
                      "c.port1.onmessage = done; c.port2.postMessage(0); })")  # fmt: skip
        if page.evaluate(expression):
            return
    raise AssertionError(f"{expression}: {json_of(page, 'relay.status')}")


def two(page: Page) -> None:
    """Two clients in a page that want a symbol each."""
    open_client(page, symbols=["S0"])
    page.evaluate("globalThis.more = new relay.constructor({ symbols: ['S1'] }); 0")


BOTH = "price('S0') === '1' && more.tickers.get('S1')?.price === '1'"


@pytest.mark.parametrize("status", [414, 431])
def test_an_address_that_is_too_long_for_something_on_the_way_asks_for_all(
    page: Page, status: int
) -> None:
    asked = answering(
        page, lambda _, symbols: prices("S0", "S1", "S2") if symbols == [""] else refused(status)
    )
    open_client(page, symbols=["S0", "S1"])
    run_until(page, "price('S1') === '1'")
    assert json_of(page, "[relay.tickers.size, relay.status.state]") == [2, "live"]
    assert len(asked) == 2, "no wish is to blame, so none is asked about by itself"


@pytest.mark.parametrize("status", long_after(1, [408, 425, 429]))
def test_later_is_no_refusal(page: Page, status: int) -> None:
    said = iter([refused(status, "not now", Retry_After="7"), prices("S0")])
    asked = answering(page, lambda *_: next(said))
    open_client(page, symbols=["S0"])
    run_until(page, "relay.status.reason === 'relay: not now'")
    before = page.evaluate("Date.now()")
    run_until(page, "price('S0') === '1'")
    assert page.evaluate("Date.now()") - before > 6_000
    assert len(asked) == 2


def test_a_wish_that_cannot_be_judged_now_is_asked_about_again(page: Page) -> None:
    busy = [True]

    def answer(_: str, symbols: list[str]) -> tuple[int, dict[str, Any], dict[str, str]]:
        if len(symbols) > 1:
            return refused(400, SENTENCE)
        if symbols == ["S1"]:
            return refused(400, "S1 is no symbol")
        return refused(429, "not now", Retry_After="3") if busy[0] else prices(*symbols)

    answering(page, answer)
    two(page)
    run_until(page, "relay.status.state !== 'live'", 5)
    page.clock.run_for(10_000)
    assert page.evaluate("[relay.status.state, more.status.state].includes('refused')") is False
    busy[0] = False
    run_until(
        page,
        "more.status.state === 'refused' && price('S0') === '1' && relay.status.state === 'live'",
        60,
    )
    assert page.evaluate("more.status.reason") == "S1 is no symbol"


def test_of_two_addresses_the_one_that_answers_says_whose_wish_is_refused(page: Page) -> None:
    def answer(host: str, symbols: list[str]) -> tuple[int, dict[str, Any], dict[str, str]] | None:
        if host == "a.example":
            return None
        return refused(400, "S1 is no symbol") if "S1" in symbols else prices(*symbols)

    answering(page, answer)
    open_client(page, symbols=["S0"], url=[A, B])
    page.evaluate(
        "urls => { globalThis.more = new relay.constructor({ symbols: ['S1'], url: urls }); }",
        [A, B],
    )
    run_until(
        page,
        "more.status.state === 'refused' && price('S0') === '1' && relay.status.state === 'live'",
        60,
    )
    assert page.evaluate("more.status.reason") == "S1 is no symbol"


def test_clocks_are_compared_with_the_address_that_answers(page: Page) -> None:
    asked = answering(page, lambda host, _: None if host == "a.example" else prices())
    open_client(page, url=[A, B])
    assert page.evaluate("relay.measure().then(({ roundTrip }) => roundTrip >= 0)")
    assert [urlsplit(url).hostname for url in asked] == ["a.example", *["b.example"] * 4]


def test_candles_come_from_the_address_that_answers(page: Page) -> None:
    answer = {"symbol": "S0", "interval": "1m", "fields": [], "candles": [], "complete": True}
    more = {"time": 1, "closed": 0, "id": "e1-1", "simulated": False, "reason": "", "from": 0}
    asked = answering(
        page, lambda host, _: None if host == "a.example" else (200, answer | more, {})
    )
    open_client(page, url=[A, B])
    page.evaluate(
        """async (url) => {
            const { Relay } = await import("/static/relay.js");
            globalThis.candles = new Relay({ url }).candles("S0", "1m");
        }""",
        [A, B],
    )
    page.wait_for_function("() => candles.complete")
    assert [urlsplit(url).hostname for url in asked] == ["a.example", "b.example"]


def test_where_there_is_no_stream_polls_are_not_taken_for_one(page: Page) -> None:
    """A relay answers polls beside any address: that proves nothing."""
    asked = answering(page, lambda *_: prices("S0"))
    open_client(page, url="/nope")
    run_until(page, "relay.status.reason !== 'your connection: reaching the relay'")
    run_until(page, "relay.status.state === 'down'", 60)
    assert page.evaluate("relay.status.reason") == f"relay: nothing is at {URL}/nope"
    assert asked == []


def test_where_there_is_no_relay_at_all_that_is_said(page: Page) -> None:
    answering(page, lambda *_: refused(404, "nothing at /deep/api/prices"))
    open_client(page, url="/deep/events")
    run_until(page, "relay.status.state === 'down'", 60)
    assert page.evaluate("relay.status.reason") == f"relay: nothing is at {URL}/deep/events"


def test_what_is_closed_says_so_and_hears_nothing_more(page: Page) -> None:
    open_client(page)
    say_status(page, "full")
    say(page, "message", [{"symbol": "S0", "price": "1"}], "e1-7")
    page.evaluate("relay.onupdates = relay.onstatus = () => { throw new Error('it is closed'); };"
                  "relay.close(); relay.close()")  # fmt: skip
    page.clock.run_for(60_000)
    assert json_of(
        page, "[relay.status.state, relay.status.reason, opened().length, sources.length]"
    ) == [
        *("closed", ""),
        *(0, 1),
    ]
    assert json_of(page, "[price('S0'), relay.stateOf('S0')]") == ["1", "closed"]


def throws(page: Page, options: str) -> str:
    return str(
        page.evaluate(
            f"""() => {{
                try {{ new relay.constructor({options}); }} catch (error) {{ return `${{error}}`; }}
                return "";
            }}"""
        )
    )


def test_options_that_cannot_be_meant_are_errors_at_once(page: Page) -> None:
    open_client(page)
    for rate in ("NaN", "-1", "Infinity", "'x'", "{}"):
        assert throws(page, f"{{ rate: {rate} }}").startswith("RangeError: no such rate"), rate
        if rate != "NaN":
            assert throws(page, f"{{ hidden: {rate} }}").startswith("RangeError: no such rate"), (
                rate
            )
    for url in ("'ftp://x/events'", "'javascript:1'", "'data:,1'", "['/events', 'file:///x']"):
        assert throws(page, f"{{ url: {url} }}").startswith("TypeError: no address of a relay"), url
    assert throws(page, "{ url: [] }") == "TypeError: url names no relay"
    assert throws(page, "{ url: 'http://:' }").startswith("TypeError")
    assert page.evaluate("opened().length") == 1, "none of them has left anything behind"


NAMES = ["constructor", "__proto__", "toString", "hasOwnProperty"]


def test_a_symbol_may_have_the_name_of_what_every_object_has(page: Page) -> None:
    said: dict[str, Any] = dict.fromkeys(NAMES, "2")
    asked = answering(
        page, lambda *_: (200, {"id": "e1-9", "mode": "full", "prices": said, "feed": FEED}, {})
    )
    open_client(page)
    run_until(page, "price('constructor') === '2'")
    assert json_of(page, "[...relay.tickers.keys()]") == NAMES
    assert json_of(page, "relay.stateOf('constructor')") is None, (
        "names are asked for as relays spell them"
    )
    assert json_of(page, "relay.unknown") == []
    assert asked
    page.evaluate(
        "globalThis.seen = []; relay.addEventListener('price', ({ detail }) => seen.push(detail.symbol))"
    )
    said |= dict.fromkeys(NAMES, "3")
    run_until(page, "seen.length === 4")


def test_a_worker_without_any_symbol_is_polled_and_nothing_is_unknown(page: Page) -> None:
    empty = {"id": "-0", "mode": "full", "prices": {}, "unknown": [], "time": 1_000}
    feed = FEED | {"state": "down", "age": None, "reason": "listener: nothing heard of it yet"}
    body = empty | {"feed": feed}
    answering(page, lambda *_: (200, body, {}))
    open_client(page, symbols=["S0"])
    run_until(page, "relay.status.reason.startsWith('listener')")
    page.clock.run_for(6_000)
    assert json_of(page, "[relay.unknown, relay.status.state]") == [[], "down"]
    assert page.evaluate("relay.measure().then(({ ahead }) => ahead > 0)")
    body = {"id": "e1-9", "mode": "full", "prices": {"S0": "1"}, "feed": FEED}
    run_until(page, "price('S0') === '1' && relay.status.state === 'live'")
