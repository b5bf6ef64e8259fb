"""A real browser's own EventSource and WebSocket on the shared compressed streams."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.browser import chromium
from tests.processes import Gunicorn, wait_until
from tests.scripted import ScriptedExchange
from tests.streams import EventSource

FOLLOW = """(source) => {
    window.prices = {}; window.events = 0; window.opened = 0; window.ids = [];
    const take = (text, id) => {
        const data = JSON.parse(text); window.events++;
        if (id) window.ids.push(id);
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


@pytest.fixture
def page(relay: Gunicorn) -> Iterator[Page]:
    """An empty page of the relay's origin; others are connected already, so that it joins late."""
    with chromium() as browser, EventSource(relay.port, Accept_Encoding="gzip") as early:
        early.wait_for_price("BTCUSDT")
        page = browser.new_page()
        page.goto(f"{relay.url}/livez")
        yield page


def test_eventsource_inflates_the_shared_stream_event_by_event(
    exchange: ScriptedExchange, page: Page
) -> None:
    page.evaluate(FOLLOW, "sse")
    page.wait_for_function(HAS, arg=["BTCUSDT", "1"])
    for number in range(30):
        exchange.tick(BTCUSDT=f"{number}.5")
        page.wait_for_function(HAS, arg=["BTCUSDT", f"{number}.5"])


def test_eventsource_resumes_after_a_cut_without_an_end(
    exchange: ScriptedExchange, relay: Gunicorn, page: Page
) -> None:
    page.evaluate(FOLLOW, "sse")
    page.wait_for_function(HAS, arg=["BTCUSDT", "1"])
    relay.kill()
    with Gunicorn(port=relay.port, BINANCE_WS=exchange.url):
        exchange.wait_for_connections(2)
        exchange.tick(BTCUSDT="8")
        page.wait_for_function(HAS, arg=["BTCUSDT", "8"])
        assert page.evaluate("window.opened") >= 2


def test_websocket_inflates_the_shared_messages(exchange: ScriptedExchange, page: Page) -> None:
    page.evaluate(FOLLOW, "ws")
    page.wait_for_function(HAS, arg=["BTCUSDT", "1"])
    assert "permessage-deflate" in page.evaluate("window.socket.extensions")
    for number in range(30):
        exchange.tick(BTCUSDT=f"{number}.5", ETHUSDT=f"{number}.25")
        page.wait_for_function(HAS, arg=["ETHUSDT", f"{number}.25"])
    page.evaluate("window.socket.send(JSON.stringify({op: 'ping'}))")
    wait_until(lambda: page.evaluate("window.socket.readyState") == 1, "it to be open still")
