"""The history as it is run: who fetches pages, who tells that they cannot be had, how long minutes stay."""

import json
import time
from collections.abc import Iterator

import pytest

from relay.candle import Candle
from relay.history.block import HOURS, MINUTES, Span, block
from relay.store.keys import HISTORY
from tests.exchange import Simulator
from tests.processes import Gunicorn, Listener, RedisServer, wait_until
from tests.scripted import ScriptedExchange

#: Hours and days, neither of which is what is set by default.
KEPT_HOURS, KEPT_DAYS = 30, 40
SETTINGS = {"HISTORY_MINUTES_HOURS": str(KEPT_HOURS), "HISTORY_HOURS_DAYS": str(KEPT_DAYS)}
MINUTE = 60_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("wiring")) as server:
        yield server


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator("--symbols", "20", "--activity", "1") as simulator:
        yield simulator


@pytest.fixture(scope="module")
def relay(server: RedisServer, simulator: Simulator) -> Iterator[Gunicorn]:
    settings = {**SETTINGS, "REDIS_URL": server.url}
    with (
        Listener(BINANCE_WS=f"{simulator.url}/ws/!miniTicker@arr", **settings),
        Gunicorn(**settings) as relay,
    ):
        relay.wait_until_ready()
        yield relay


def degraded(relay: Gunicorn) -> str:
    """What /readyz says is worse than it should be."""
    said = relay.ready()
    assert said["ready"] is True
    troubles = said["degraded"]
    assert isinstance(troubles, list)
    return "; ".join(troubles)


def fetched(relay: Gunicorn, interval: str) -> bool:
    """Whether the exchange's candles are had, all that are asked for."""
    path = "/api/history/BTCUSDT"
    answer = relay.http.get(path, params={"interval": interval, "limit": "20"}).json()
    sources = {dict(zip(answer["fields"], row, strict=True))["source"] for row in answer["candles"]}
    return bool(answer["complete"] and "exchange" in sources)


def test_candles_of_the_exchange_are_fetched_and_kept(relay: Gunicorn, server: RedisServer) -> None:
    wait_until(lambda: fetched(relay, "1m"), "candles of the exchange")
    assert list(server.client.scan_iter(f"{HISTORY}klines/simulated/BTCUSDT/1m/*"))
    assert degraded(relay) == ""


def test_a_probe_names_the_history_while_candles_cannot_be_had(
    relay: Gunicorn, simulator: Simulator
) -> None:
    wait_until(lambda: fetched(relay, "5m"), "candles of the exchange")
    wait_until(lambda: degraded(relay) == "", "nothing to be wrong")
    simulator.fault("klines-down")
    assert not fetched(relay, "15m")
    wait_until(lambda: degraded(relay).startswith("history: "), "the probe to name the history")
    assert "503" in degraded(relay)
    simulator.clear("klines-down")
    wait_until(lambda: fetched(relay, "15m"), "candles of the exchange again")
    wait_until(lambda: degraded(relay) == "", "the probe to name nothing")


@pytest.fixture(scope="module")
def opened() -> int:
    """When a minute of the market's began that is over already, in milliseconds since 1970."""
    return (time.time_ns() // 1_000_000 - 2 * MINUTE) // MINUTE * MINUTE


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("archive")) as server:
        yield server


@pytest.fixture(scope="module")
def alone(archive: RedisServer, opened: int) -> Iterator[Gunicorn]:
    """A relay whose exchange has no candles: it has but its own, of simulated prices."""
    settings = {**SETTINGS, "REDIS_URL": archive.url}
    rest = {"BINANCE_REST": "http://127.0.0.1:9", "FEED_SILENCE_SECONDS": "600"}
    day = {"o": "1", "h": "9", "l": "1", "v": "1", "q": "1"}
    event = {"e": "24hrMiniTicker", "E": opened + 1, "s": "BTCUSDT", "c": "5.00", **day}
    with (
        ScriptedExchange(simulated=True) as exchange,
        Listener(BINANCE_WS=exchange.url, **rest, **settings),
        Gunicorn(**settings) as relay,
    ):
        exchange.wait_for_connections(1)
        exchange.say(json.dumps([event]))
        relay.wait_until_ready()
        yield relay


@pytest.mark.usefixtures("alone")
def test_own_minutes_stay_as_long_as_is_set_and_are_marked_as_simulated(
    archive: RedisServer, opened: int
) -> None:
    name = HISTORY + MINUTES.name(True, "BTCUSDT", opened // 1000)
    wait_until(lambda: bool(archive.client.exists(name)), "the minute to be kept")
    # A block is kept for its own hour as well. A minute of ours may have passed since.
    kept = (KEPT_HOURS + 1) * 3600
    assert kept - 60 < archive.client.ttl(name) <= kept
    kinds = {key.split("/")[1] for key in archive.client.scan_iter(f"{HISTORY}minutes/*")}
    assert kinds == {"simulated"}


@pytest.mark.parametrize(
    ("span", "interval", "ages"),
    [
        (MINUTES, "1m", (KEPT_HOURS - 2, KEPT_HOURS + 2)),
        (HOURS, "1h", (24 * KEPT_DAYS - 48, 24 * KEPT_DAYS + 48)),
    ],
    ids=["minutes", "hours"],
)
def test_a_worker_reads_own_candles_as_far_back_as_is_set(
    alone: Gunicorn, archive: RedisServer, opened: int, span: Span, interval: str, ages: list[int]
) -> None:
    told = []
    for age in ages:
        at = opened // 1000 // 3600 * 3600 - age * 3600
        name = HISTORY + span.name(True, "BTCUSDT", at)
        archive.client.set(name, block(span, [Candle(at, 0, 5, 9, 2, 7, 3)]))
        query = {"interval": interval, "from": str(1000 * at), "limit": "1"}
        told.append(alone.http.get("/api/history/BTCUSDT", params=query).json()["candles"])
    within, beyond = told
    assert [row[4] for row in within] == ["7"]
    assert beyond == []
