"""What tests share: servers that start fresh for each test, or once where nothing can be left in them."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, Route

from tests.browser import WAIT, chromium
from tests.exchange import Simulator
from tests.processes import Gunicorn, RedisServer
from tests.scribe import Scribe
from tests.scripted import ScriptedExchange
from tests.spoken import Bodies
from tests.templates import Kept

#: The recorded frames stand beside the project where there are any; see tests/test_recordings.py.
RECORDINGS = Path(
    os.environ.get(
        "RELAY_RECORDINGS", Path(__file__).resolve().parents[2] / "shared" / "recordings"
    )
)


# Most of what an application costs that is made for one test.
Flask.jinja_options = {"bytecode_cache": Kept()}


@pytest.fixture(scope="session")
def _redis_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture
def redis_server(_redis_process: RedisServer) -> RedisServer:
    """A real Redis, empty."""
    _redis_process.client.flushall()
    return _redis_process


@pytest.fixture
def exchange() -> Iterator[ScriptedExchange]:
    """An exchange under the test's control."""
    with ScriptedExchange() as exchange:
        yield exchange


@pytest.fixture(scope="module")
def quiet_relay() -> Iterator[Gunicorn]:
    """The relay in one process with BTCUSDT at 1 and ETHUSDT at 2, for tests that change nothing."""
    with (
        ScriptedExchange() as exchange,
        Gunicorn(BINANCE_WS=exchange.url, FEED_SILENCE_SECONDS="600") as relay,
    ):
        exchange.tick(BTCUSDT="1", ETHUSDT="2")
        relay.wait_until_ready()
        yield relay


@pytest.fixture
def relay(exchange: ScriptedExchange) -> Iterator[Gunicorn]:
    """The relay in one process, fed by `exchange`, with BTCUSDT at 1 and ETHUSDT at 2."""
    with Gunicorn(BINANCE_WS=exchange.url, FEED_SILENCE_SECONDS="600") as relay:
        exchange.tick(BTCUSDT="1", ETHUSDT="2")
        relay.wait_until_ready()
        yield relay


@pytest.fixture(scope="module")
def scribe(_redis_process: RedisServer) -> Iterator[Scribe]:
    """A writer that writes what the tests say."""
    _redis_process.client.flushall()
    with Scribe(_redis_process.url) as scribe:
        yield scribe


@pytest.fixture(scope="module")
def worker(_redis_process: RedisServer, scribe: Scribe) -> Iterator[Gunicorn]:
    """A worker that reads what `scribe` writes."""
    scribe.tell("A", "1")
    with Gunicorn(REDIS_URL=_redis_process.url) as worker:
        worker.wait_until_ready()
        yield worker


@pytest.fixture(scope="session")
def _chromium() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def browser(_chromium: Browser) -> Iterator[Browser]:
    """A real Chromium, without a page."""
    yield _chromium
    for context in _chromium.contexts:
        context.close()


@pytest.fixture
def context(browser: Browser, url: str) -> Iterator[BrowserContext]:
    """Opens paths of the module's `url`."""
    context = browser.new_context(base_url=url)
    context.set_default_timeout(WAIT)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that must not complain, of the content security policy for one."""
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda message: wrong.append(message.text) if "Security" in message.text else None,
    )
    yield page
    assert wrong == []


@pytest.fixture
def first() -> Iterator[Simulator]:
    """A simulated exchange of twenty symbols that all trade each second."""
    with Simulator("--symbols", "20", "--activity", "1", stderr=subprocess.DEVNULL) as simulator:
        yield simulator


#: Modules that take longest are begun first, so that nothing is waited for in the end.
LONGEST = (
    *("test_relay", "test_feed", "test_check", "test_chart", "test_slots", "test_redis_trouble"),
    *("test_feed_streams", "test_market_choices", "test_rolling", "test_recordings", "test_page"),
    *("test_leaving", "test_reload", "test_accessible", "test_market", "test_browser_candles"),
    *("test_sharing", "test_alerts", "test_symbol_states", "test_unscripted", "test_wall"),
    *("test_simulator_listing", "test_simulator_candles", "test_transports", "test_settings"),
    *("test_banner", "test_fuzz"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps the order but for those."""
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: ranks.get(item.path.stem, len(ranks)))


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    """What pages of a module ask for, as the relay has it."""
    return Bodies()


@pytest.fixture
def polls() -> list[Route]:
    """Polls that wait for an answer."""
    return []
