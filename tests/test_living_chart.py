"""A chart that goes on living: for every minute that is over, what a client holds is what the relay says."""

import json
import random
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chart import MINUTE, Chart
from tests.long import long
from tests.processes import Gunicorn, Listener, RedisServer, wait_until
from tests.scripted import ScriptedExchange

SYMBOL = "BTCUSDT"
#: A REST API that nobody answers for: the relay's own candles are all that there is.
NO_REST = {"BINANCE_REST": "http://127.0.0.1:9", "FEED_SILENCE_SECONDS": "600"}
#: Milliseconds of the market between two updates, and seconds of ours: one of its minutes takes about a
#: second of ours.
STEP_MILLISECONDS = 1_300
STEP_SECONDS = 0.02


class Market:
    """Random prices of a market whose time runs faster than ours."""

    def __init__(self, exchange: ScriptedExchange) -> None:
        self._exchange = exchange
        self._chance = random.Random(9)
        self._over = threading.Event()
        self.time = (time.time_ns() // 1_000_000 - 40 * MINUTE) // MINUTE * MINUTE
        self._price = 6_712_345
        self.prices: dict[int, list[int]] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)

    def run(self) -> None:
        self._thread.start()

    def wait_for_minutes(self, count: int) -> None:
        wait_until(lambda: len(self.prices) >= count, f"{count} minutes of the market", 60)

    def stop(self) -> None:
        self._over.set()
        self._thread.join()

    def tick(self) -> None:
        self.time += STEP_MILLISECONDS
        self._price += self._chance.randint(-500, 500)
        self.prices.setdefault(self.time // MINUTE * MINUTE, []).append(self._price)
        price = f"{self._price // 100}.{self._price % 100:02d}000000"
        day = {"o": "1", "h": "9", "l": "1", "v": "1", "q": "1"}
        event = {"e": "24hrMiniTicker", "E": self.time, "s": SYMBOL, "c": price, **day}
        self._exchange.say(json.dumps([event]))

    def rows(self) -> dict[int, tuple[str, ...]]:
        """Open, high, low and close of every minute so far, by hand."""
        return {
            minute: tuple(
                f"{price // 100}.{price % 100:02d}000000"
                for price in (prices[0], max(prices), min(prices), prices[-1])
            )
            for minute, prices in self.prices.items()
        }

    def _run(self) -> None:
        while not self._over.wait(STEP_SECONDS):
            self.tick()


@pytest.fixture
def market(exchange: ScriptedExchange) -> Iterator[Market]:
    market = Market(exchange)
    yield market
    market.stop()


def said(relay: Gunicorn, before: int) -> dict[int, tuple[str, ...]]:
    """What `/api/history` says of the minutes before a time."""
    answer = relay.http.get(f"/api/history/{SYMBOL}", params={"interval": "1m", "limit": 2000})
    return {row[0]: tuple(row[1:5]) for row in answer.json()["candles"] if row[0] < before}


def check(chart: Chart, relay: Gunicorn, market: Market) -> None:
    """All three say the same of every minute that is over."""
    running = max(market.prices)
    expected = {time: row for time, row in market.rows().items() if time < running}
    wait_until(lambda: said(relay, running) == expected, "the relay to have kept all minutes")
    wait_until(
        lambda: {t: row[1:5] for t, row in chart.closed(running).items()} == expected,
        "the chart to hold all minutes",
    )
    assert chart.course == sorted(chart.course)


@long
def test_a_chart_is_whole_after_stalls_reconnections_and_a_rotation(
    redis_server: RedisServer, exchange: ScriptedExchange, market: Market
) -> None:
    url = {"REDIS_URL": redis_server.url}
    with (
        Listener(BINANCE_WS=exchange.url, **NO_REST, **url),
        Gunicorn(workers=2, **url) as relay,
    ):
        exchange.wait_for_connections(1)
        market.tick()
        relay.wait_until_ready()
        market.run()
        market.wait_for_minutes(3)
        with (
            Chart(relay.port, SYMBOL) as chart,
            Chart(relay.port, SYMBOL, "rate=1") as slow,
        ):
            chart.stream.stop_reading()
            market.wait_for_minutes(5)
            chart.stream.go_on_reading()
            slow.reconnect()
            market.wait_for_minutes(7)
            relay.signal(signal.SIGHUP)
            market.wait_for_minutes(10)
            market.stop()
            check(chart, relay, market)
            check(slow, relay, market)


def test_a_chart_is_whole_after_the_listener_was_killed_and_another_took_over(
    redis_server: RedisServer, exchange: ScriptedExchange, market: Market
) -> None:
    settings = {"BINANCE_WS": exchange.url, "REDIS_URL": redis_server.url, **NO_REST}
    with (
        Listener(**settings) as leader,
        Gunicorn(REDIS_URL=redis_server.url) as relay,
    ):
        exchange.wait_for_connections(1)
        market.tick()
        relay.wait_until_ready()
        with Listener(**settings):
            exchange.wait_for_connections(2)
            market.run()
            market.wait_for_minutes(2)
            with Chart(relay.port, SYMBOL) as chart:
                leader.kill()
                market.wait_for_minutes(9)
                market.stop()
                check(chart, relay, market)


@long
def test_a_chart_is_whole_after_redis_was_killed_and_came_back_with_what_its_disk_holds(
    tmp_path: Path, exchange: ScriptedExchange, market: Market
) -> None:
    with RedisServer(tmp_path, "--appendonly", "yes") as server:
        url = {"REDIS_URL": server.url}
        with (
            Listener(BINANCE_WS=exchange.url, **NO_REST, **url),
            Gunicorn(**url) as relay,
        ):
            exchange.wait_for_connections(1)
            market.tick()
            relay.wait_until_ready()
            market.run()
            market.wait_for_minutes(3)
            with Chart(relay.port, SYMBOL) as chart:
                server.kill()
                market.wait_for_minutes(6)
                server.start()
                market.wait_for_minutes(9)
                market.stop()
                check(chart, relay, market)
