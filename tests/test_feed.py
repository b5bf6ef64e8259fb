"""The feed against exchanges that misbehave: what it notices, and where it goes on."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.exchange import Simulator
from tests.processes import ROOT, Gunicorn, Listener, RedisServer, wait_until
from tests.proxy import Proxy
from tests.streams import EventSource

#: Instead of 10 seconds, so that a test need not wait for them. The market comes once a second.
SILENCE = {"FEED_SILENCE_SECONDS": "3"}


@pytest.fixture
def first() -> Iterator[Simulator]:
    """The exchange that is preferred."""
    with Simulator("--symbols", "20", "--activity", "1", stderr=subprocess.DEVNULL) as simulator:
        yield simulator


@pytest.fixture
def second() -> Iterator[Simulator]:
    """The one to go on with."""
    with Simulator("--symbols", "20", "--activity", "1", stderr=subprocess.DEVNULL) as simulator:
        yield simulator


def relay_on(*simulators: Simulator, **env: str) -> Gunicorn:
    """The relay in one process, reading these in order of preference."""
    urls = ",".join(simulator.url for simulator in simulators)
    return Gunicorn(BINANCE_WS=urls, HEARTBEAT_SECONDS="1", **SILENCE, **env)


def wait_for_source(stream: EventSource, simulator: Simulator) -> None:
    """Until the client was told that prices come from there."""
    stream.wait_for(
        lambda: stream.events and is_live_on(stream.events[-1], simulator), simulator.url
    )


def is_live_on(event: dict[str, Any], simulator: Simulator) -> bool:
    return event.get("source") == simulator.url and event.get("state") == "live"


@pytest.mark.parametrize(
    "faults",
    [
        ["silent"],
        ["ack-only"],
        ["retired"],
        ["half-open"],
        ["mid-frame"],
        ["junk-only"],
        ["drop"],
        ["refuse-451", "drop"],
        ["refuse-503", "close"],
    ],
    ids="+".join,
)
def test_a_fault_is_noticed_and_the_next_url_is_read(
    faults: list[str], first: Simulator, second: Simulator
) -> None:
    with relay_on(first, second) as relay, EventSource(relay.port, "symbols=BTCUSDT") as stream:
        wait_for_source(stream, first)
        for fault in faults:
            first.fault(fault)
        wait_for_source(stream, second)
        seen = len(stream.updates)
        stream.wait_for(lambda: len(stream.updates) > seen, "prices that move on")


@pytest.mark.parametrize("fault", ["ack-only", "mid-frame", "slow-handshake", "refuse-403"])
def test_a_url_that_never_gives_data_is_not_waited_for(
    fault: str, first: Simulator, second: Simulator
) -> None:
    first.fault(fault)
    with relay_on(first, second) as relay, EventSource(relay.port) as stream:
        wait_for_source(stream, second)
        assert stream.prices


def test_what_can_be_read_in_spite_of_a_fault_is_read_on(first: Simulator) -> None:
    with relay_on(first) as relay, EventSource(relay.port, "symbols=BTCUSDT") as stream:
        wait_for_source(stream, first)
        for fault in ("garbage", "duplicate", "older", "fragmented"):
            first.fault(fault)
        seen = len(stream.updates)
        stream.wait_for(lambda: len(stream.updates) > seen + 3, "prices that move on")
        assert {event["state"] for event in stream.events[1:]} == {"live"}
        assert first.status()["accepted"] == 1


def test_a_better_url_is_gone_back_to_without_a_moment_without_prices(
    first: Simulator, second: Simulator
) -> None:
    first.fault("refuse-503")
    with relay_on(first, second) as relay, EventSource(relay.port) as stream:
        wait_for_source(stream, second)
        told = len(stream.events)
        first.clear()
        wait_for_source(stream, first)
        assert {event["state"] for event in stream.events[told:]} == {"live"}
        second.wait_for_clients(0)


def test_a_url_that_breaks_at_once_is_not_gone_back_to_at_once(
    first: Simulator, second: Simulator
) -> None:
    with relay_on(first, second) as relay, EventSource(relay.port) as stream:
        wait_for_source(stream, first)
        first.fault("drop")
        wait_for_source(stream, second)
        accepted = first.status()["accepted"]
        beats = len(stream.events)
        stream.wait_for(lambda: len(stream.events) > beats + 3, "three more seconds")
        assert first.status()["accepted"] == accepted == 1
        assert is_live_on(stream.events[-1], second)


def test_an_announced_shutdown_is_left_before_it_comes(first: Simulator) -> None:
    with relay_on(first) as relay, EventSource(relay.port) as stream:
        wait_for_source(stream, first)
        told = len(stream.events)
        first.fault("shutdown")
        wait_until(lambda: first.status()["accepted"] == 2, "a second connection")
        first.wait_for_clients(1)
        beats = len(stream.events)
        stream.wait_for(lambda: len(stream.events) > beats + 1, "two more seconds")
        assert {event["state"] for event in stream.events[told:]} == {"live"}
        relay.wait_for_line("over a new connection")


def test_a_hundred_rotations_under_load_lose_nothing() -> None:
    with Simulator("--market", "clock", "--symbols", "3", "--hz", "100") as simulator:
        done = subprocess.run(
            [sys.executable, "-m", "tests.rotating", simulator.url, "100"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=110,
            check=True,
        )
    report = json.loads(done.stdout)
    print(report, file=sys.stderr)
    assert report["rotations"] >= 100
    assert (report["missing"], report["out_of_order"], report["beginnings"]) == (0, 0, 1)
    assert report["states"] == ["live"]
    assert report["duplicates_dropped"] > 0


@pytest.mark.parametrize(
    "kind",
    [
        "miniTicker",
        "ticker",
        "trade",
        "aggTrade",
        "bookTicker",
        "kline_1m",
        "avgPrice",
        "ticker_1h",
    ],
)
def test_only_the_chosen_symbols_are_read_whatever_the_stream(kind: str, first: Simulator) -> None:
    with (
        relay_on(first, SYMBOLS="ethusdt,BNBUSDT", STREAM=kind) as relay,
        EventSource(relay.port, "fields=ticker") as stream,
    ):
        stream.wait_for(lambda: stream.prices.keys() == {"ETHUSDT", "BNBUSDT"}, "both")
        event = {"ticker": "24hrTicker", "miniTicker": "24hrMiniTicker", "ticker_1h": "1hTicker"}
        wanted = event.get(kind, kind.partition("_")[0])
        stream.wait_for(
            lambda: any(update["event"] == wanted for update in stream.updates), f"a {wanted}"
        )
        assert "BTCUSDT" not in stream.prices


def test_a_quiet_symbol_is_no_dead_connection() -> None:
    with (
        Simulator("--symbols", "20", "--activity", "1") as simulator,
        relay_on(simulator, SYMBOLS="ETHUSDT", STREAM="trade") as relay,
        EventSource(relay.port) as stream,
    ):
        wait_for_source(stream, simulator)
        simulator.listing(halt="ETHUSDT")
        beats = len(stream.events)
        stream.wait_for(lambda: len(stream.events) > beats + 4, "longer than it may be silent")
        assert simulator.status()["accepted"] == 1
        assert {event["state"] for event in stream.events[beats:]} == {"live"}
        simulator.fault("silent")
        stream.wait_for_event("status", state="down")


def test_more_symbols_than_one_connection_takes_are_read_over_several() -> None:
    with Simulator("--symbols", "1300", "--activity", "1", stderr=subprocess.DEVNULL) as simulator:
        listed = simulator.get("/api/v3/ticker/price").json()
        symbols = [row["symbol"] for row in listed if float(row["price"])]
        assert len(symbols) == 1300
        with Gunicorn(BINANCE_WS=simulator.url, SYMBOLS=",".join(symbols)) as relay:
            relay.wait_until_ready()
            wait_until(lambda: simulator.status()["clients"] == 2, "two connections")
            wait_until(
                lambda: len(simulator.status()["streams"]) >= 1300,  # type: ignore[arg-type]
                "every subscription",
            )
            wait_until(lambda: relay.ready()["symbols"] == 1300, "every symbol")
            assert simulator.status()["too_many"] == 0


def test_a_refused_subscription_fails_the_url(first: Simulator, second: Simulator) -> None:
    first.fault("subscribe-error")
    with relay_on(first, second, SYMBOLS="ETHUSDT", STREAM="trade") as relay:
        relay.wait_until_ready()
        wait_until(lambda: relay.ready()["source"] == second.url, "the second URL")
        relay.wait_for_line("the exchange says")


def test_retry_after_is_obeyed(first: Simulator) -> None:
    first.fault("refuse-429")
    with relay_on(first) as relay, EventSource(relay.port) as stream:
        relay.wait_for_line(r"refused with HTTP 429; next try in 5\.0 s")
        stream.wait_for_event("heartbeat", state="down", reason="exchange: refused with HTTP 429")
        attempts = first.status()["attempts"]
        beats = len(stream.events)
        stream.wait_for(lambda: len(stream.events) > beats + 1, "two more seconds")
        assert first.status()["attempts"] == attempts


def test_the_proxy_variables_are_honoured(first: Simulator) -> None:
    with Proxy() as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        # Else loopback is reached without.
        env = {"http_proxy": address, "https_proxy": address, "no_proxy": "example.com"}
        with Gunicorn(BINANCE_WS=first.url, **env) as relay:
            relay.wait_until_ready()
        assert proxy.asked_for == [first.url.removeprefix("ws://")]


def test_a_standby_is_counted_and_says_who_leads(
    redis_server: RedisServer, first: Simulator
) -> None:
    env = {"REDIS_URL": redis_server.url, "BINANCE_WS": first.url}
    with (
        Gunicorn(REDIS_URL=redis_server.url) as relay,
        Listener(**env) as leader,
    ):
        leader.wait_for_line("leading")
        with Listener(**env) as standby:
            standby.wait_for_line(rf"standby: \S+:{leader.pid}:\S+ holds the lease")
            wait_until(lambda: relay.ready()["standbys"] == 1, "the standby to be counted")
        wait_until(lambda: relay.ready()["standbys"] == 0, "the standby to be gone")
