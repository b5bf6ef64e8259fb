"""A real browser's own EventSource and WebSocket on the shared compressed streams."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page

from tests.processes import Gunicorn
from tests.scripted import ScriptedExchange
from tests.streams import EventSource

FOLLOW = """(source) => {
    window.prices = {}; window.events = 0; window.opened = 0; window.ids = []; window.pongs = 0;
    const take = (text, id) => {
        const data = JSON.parse(text); window.events++;
        if (id) window.ids.push(id);
        if (data.event === "pong") window.pongs++;
        if (data.symbol) window.prices[data.symbol] = data.price;
    };
    if (source === "ws") {
        window.socket = new WebSocket("ws://" + location.host + "/ws");
        window.socket.onmessage = e => take(e.data);
    } else {
        const events = new EventSource("/events");
        events.onopen = () => { window.opened++; };
        events.onmessage = e => take(e.data, e.lastEventId);
    }
}"""
HAS = "([symbol, price]) => window.prices[symbol] === price"


@pytest.fixture(scope="module")
def exchange() -> Iterator[ScriptedExchange]:
    with ScriptedExchange() as exchange:
        yield exchange


@pytest.fixture(scope="module")
def relay(exchange: ScriptedExchange) -> Iterator[Gunicorn]:
    with relay_on(exchange) as relay:
        yield relay


def relay_on(exchange: ScriptedExchange) -> Gunicorn:
    """A relay that has a price of BTCUSDT."""
    connected = exchange.connected
    relay = Gunicorn(BINANCE_WS=exchange.url, FEED_SILENCE_SECONDS="600")
    exchange.wait_for_connections(connected + 1)
    exchange.tick(BTCUSDT="1")
    relay.wait_until_ready()
    return relay


@contextmanager
def late_page(browser: Browser, relay: Gunicorn) -> Iterator[Page]:
    """An empty page of the relay's origin; others are connected already, so that it joins late."""
    with EventSource(relay.port, Accept_Encoding="gzip") as early:
        early.wait_for_price("BTCUSDT")
        page = browser.new_page()
        page.goto(f"{relay.url}/nothing")
        yield page
        page.close()


def test_eventsource_inflates_the_shared_stream_event_by_event(
    exchange: ScriptedExchange, relay: Gunicorn, browser: Browser
) -> None:
    with late_page(browser, relay) as page:
        page.evaluate(FOLLOW, "sse")
        for number in range(30):
            exchange.tick(BTCUSDT=f"{number}.5")
            page.wait_for_function(HAS, arg=["BTCUSDT", f"{number}.5"])


def test_websocket_inflates_the_shared_messages(
    exchange: ScriptedExchange, relay: Gunicorn, browser: Browser
) -> None:
    with late_page(browser, relay) as page:
        page.evaluate(FOLLOW, "ws")
        for number in range(30):
            exchange.tick(BTCUSDT=f"{number}.5", ETHUSDT=f"{number}.25")
            page.wait_for_function(HAS, arg=["ETHUSDT", f"{number}.25"])
        assert "permessage-deflate" in page.evaluate("window.socket.extensions")
        page.evaluate("window.socket.send(JSON.stringify({op: 'ping'}))")
        page.wait_for_function("() => window.pongs === 1")
        assert page.evaluate("window.socket.readyState") == 1


def test_eventsource_resumes_after_a_cut_without_an_end(
    exchange: ScriptedExchange, browser: Browser
) -> None:
    with relay_on(exchange) as relay, late_page(browser, relay) as page:
        page.evaluate(FOLLOW, "sse")
        page.wait_for_function(HAS, arg=["BTCUSDT", "1"])
        connected = exchange.connected
        relay.kill()
        with Gunicorn(port=relay.port, BINANCE_WS=exchange.url):
            exchange.wait_for_connections(connected + 1)
            exchange.tick(BTCUSDT="8")
            page.wait_for_function(HAS, arg=["BTCUSDT", "8"])
            assert page.evaluate("window.opened") >= 2
