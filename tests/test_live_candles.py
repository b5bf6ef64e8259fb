"""What relay.candles holds in a real Chromium is what /api/history says, through a rotation and a stall."""

import json
import os
import signal
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.long import long
from tests.processes import Gunicorn, Listener, RedisServer, wait_until
from tests.scripted import ScriptedExchange

MINUTE = 60_000
#: The first minute that the exchange speaks of, which begins five of them: long enough ago for a whole test.
START = (time.time_ns() // 1_000_000 // (5 * MINUTE) - 6) * 5 * MINUTE
#: Whoever watches: times ascend, none comes twice, and the newest never goes back.
WATCH = """async (url) => {
    const { Relay } = await import(`${url}/static/relay.js`);
    globalThis.wrong = [];
    globalThis.held = {};
    const relay = new Relay({ url: `${url}/events`, symbols: ["BTCUSDT"], fields: "candle", rate: 1 });
    for (const interval of ["1m", "5m"]) {
        let newest = -Infinity;
        held[interval] = relay.candles("BTCUSDT", interval, () => {
            const times = held[interval].candles.map(({ time }) => time);
            if (times.some((time, index) => index && time <= times[index - 1])) wrong.push(times);
            if (times.at(-1) < newest) wrong.push(["back", times.at(-1), newest]);
            newest = times.at(-1) ?? newest;
        });
    }
}"""


class Chart:
    """A page that holds candles, and the exchange that moves them."""

    def __init__(self, page: Page, relay: Gunicorn, exchange: ScriptedExchange) -> None:
        self._page = page
        self._relay = relay
        self._exchange = exchange
        #: The exchange's time.
        self._now = START
        page.route("**/api/history/*", self._answer)

    def trade(self, minute: int, *prices: str) -> None:
        """Updates within a minute, counted from the first one."""
        for price in prices:
            day = {"o": "1", "h": "9", "l": "0.5", "v": "10", "q": "20"}
            self._now = made = max(self._now + 1_000, START + minute * MINUTE)
            update = {"e": "24hrMiniTicker", "E": made, "s": "BTCUSDT", "c": price, **day}
            self._exchange.say(json.dumps([update]))
            self._exchange.wait_until_read()

    def held(self, interval: str) -> list[list[Any]]:
        candles = json.loads(self._page.evaluate(f"JSON.stringify(held['{interval}'].candles)"))
        return [_figures(candle) for candle in candles]

    def known(self, interval: str) -> list[list[Any]]:
        path = f"/api/history/BTCUSDT?interval={interval}&from={START}"
        answer = self._relay.http.get(path).raise_for_status().json()
        rows = [dict(zip(answer["fields"], row, strict=True)) for row in answer["candles"]]
        return [_figures(candle) for candle in rows]

    def wait_until_equal(self) -> None:
        """Until the page holds what the relay says; and it never held anything out of order."""
        for interval in ("1m", "5m"):
            try:
                wait_until(lambda name=interval: self._is_equal(name), f"equal {interval}")
            except AssertionError:
                assert self.held(interval) == self.known(interval)
        assert self._page.evaluate("wrong") == []

    def _answer(self, route: Route) -> None:
        """The relay's answer at the exchange's time, and as one that need not be asked for again: nothing is
        mended by mere repetition."""
        now = self._now
        answer = route.fetch()
        more = {"time": now, "complete": True}
        route.fulfill(response=answer, json={**answer.json(), **more})

    def _is_equal(self, interval: str) -> bool:
        self._page.wait_for_timeout(50)  # lets the page's events in
        known = self.known(interval)
        return bool(known) and self.held(interval) == known


def _figures(candle: dict[str, Any]) -> list[Any]:
    prices = [Decimal(candle[key]) for key in ("open", "high", "low", "close")]
    return [(candle["time"] - START) / MINUTE, *prices, candle["source"]]


@pytest.fixture
def exchange() -> Iterator[ScriptedExchange]:
    with ScriptedExchange() as exchange:
        yield exchange


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path)
    yield server
    server.kill()


@long
def test_closed_minutes_equal_the_history_through_rotation_stall_and_reconnect(
    browser: Browser, exchange: ScriptedExchange, redis_server: RedisServer
) -> None:
    with (
        Listener(BINANCE_WS=exchange.url, REDIS_URL=redis_server.url, FEED_SILENCE_SECONDS="600"),
        Gunicorn(2, REDIS_URL=redis_server.url, BINANCE_WS=exchange.url) as relay,
    ):
        page = browser.new_page()
        chart = Chart(page, relay, exchange)
        chart.trade(0, "2", "3", "1", "2.5")
        relay.wait_until_ready()
        page.goto(f"{relay.url}/nothing")
        page.evaluate(WATCH, relay.url)
        chart.wait_until_equal()

        chart.trade(0, "4", "2")
        chart.trade(1, "2", "5", "0.25", "3")
        chart.trade(2, "3.5", "3.25")
        chart.wait_until_equal()

        for worker in relay.worker_pids():
            os.kill(worker, signal.SIGSTOP)
        chart.trade(2, "8", "1", "2")
        chart.trade(3, "2.5", "7", "3")
        chart.trade(5, "3.5", "6", "2")
        for worker in relay.worker_pids():
            os.kill(worker, signal.SIGCONT)
        chart.wait_until_equal()

        old = relay.worker_pids()
        relay.signal(signal.SIGHUP)
        chart.trade(5, "9", "2")
        chart.trade(6, "4.5", "8.5", "1.5", "4")
        chart.trade(7, "4", "4.25")
        wait_until(lambda: not set(old) & set(relay.worker_pids()), "other workers")
        chart.wait_until_equal()

        page.context.set_offline(True)
        chart.trade(7, "1", "9.5", "4")
        chart.trade(9, "4", "6")
        chart.trade(10, "6", "7", "5")
        page.context.set_offline(False)
        chart.wait_until_equal()
        page.close()
