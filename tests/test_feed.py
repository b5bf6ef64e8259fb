"""The feed against exchanges that misbehave: what it notices, and where it goes on."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.exchange import Simulator
from tests.feeding import is_live_on, relay_on, wait_for_source
from tests.long import long, long_after
from tests.processes import ROOT, Gunicorn, wait_until
from tests.scripted import ScriptedExchange
from tests.streams import EventSource


@pytest.fixture
def second() -> Iterator[Simulator]:
    """The exchange to go on with."""
    with Simulator("--symbols", "20", "--activity", "1", stderr=subprocess.DEVNULL) as simulator:
        yield simulator


@pytest.mark.parametrize(
    "faults",
    long_after(
        2,
        [
            ["silent"],
            ["refuse-451", "drop"],
            ["ack-only"],
            ["half-open"],
            ["mid-frame"],
            ["junk-only"],
            ["drop"],
        ],
    ),
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


@pytest.mark.parametrize("fault", long_after(1, ["retired", "slow-handshake", "refuse-403"]))
def test_a_url_that_never_gives_data_is_not_waited_for(
    fault: str, first: Simulator, second: Simulator
) -> None:
    first.fault(fault)
    with relay_on(first, second) as relay, EventSource(relay.port) as stream:
        wait_for_source(stream, second)
        stream.wait_for(lambda: stream.prices, "prices")


def test_what_can_be_read_in_spite_of_a_fault_is_read_on(first: Simulator) -> None:
    with relay_on(first) as relay, EventSource(relay.port, "symbols=BTCUSDT") as stream:
        wait_for_source(stream, first)
        for fault in ("garbage", "duplicate", "older", "fragmented"):
            first.fault(fault)
        seen = len(stream.updates)
        stream.wait_for(lambda: len(stream.updates) > seen + 3, "prices that move on")
        assert {event["state"] for event in stream.events[1:]} == {"live"}
        assert first.status()["accepted"] == 1


ENTRY = '{"e":"24hrMiniTicker","s":"BTCUSDT","c":"7","o":"1","h":"9","l":"1","v":"1","q":"1",'
POISON = [
    "[" * 200_000,
    '[{"e":"24hrMiniTicker","s":"AUSDT","c":' + "[" * 200_000,
    '{"stream":"x","data":' + '{"a":' * 200_000,
    f'[{ENTRY}"E":{10**23}}}]',
    f'[{ENTRY}"E":-{2**70}}}]',
    f'[{ENTRY}"E":1,"n":{10**30}}}]',
    f'[{ENTRY}"E":1,"L":{10**30}}}]',
    '[{"e":"24hrMiniTicker","E":1,"s":"BTCUSDT","c":"7","o":"1","h":"9","l":"1","v":"1","q":"NaN"}]',
    '{"e":"trade","E":100000000000000000,"s":"BTCUSDT","t":1,"p":"7"}',
    '{"e":"trade","E":-100000000000000000,"s":"BTCUSDT","t":170141183460469231731687303715884105727,"p":"7"}',
    '{"e":"kline","E":1,"s":"BTCUSDT","k":{"c":{"a":1}}}',
    '{"e":"kline","E":1,"s":"BTCUSDT","k":[1]}',
    '{"u":36893488147419103232,"s":"BTCUSDT","b":"7","a":[]}',
]


def test_no_message_ends_the_feed_nor_breaks_a_page(exchange: ScriptedExchange) -> None:
    with Gunicorn(BINANCE_WS=exchange.url, FEED_SILENCE_SECONDS="600") as relay:
        exchange.tick(BTCUSDT="1", ETHUSDT="1")
        relay.wait_until_ready()
        with EventSource(relay.port) as stream:
            for number, message in enumerate((*POISON, b"\xff\xfe\x00" * 100)):
                exchange.say(message)
                exchange.tick(ETHUSDT=str(number + 2))
                stream.wait_for_price("ETHUSDT", str(number + 2))
        for path in ("/", "/symbols/BTCUSDT", "/api/prices/BTCUSDT"):
            assert relay.http.get(path, headers={"Accept": "text/html"}).status_code == 200, path
        assert exchange.connected == 1


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


@long
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


def test_retry_after_is_obeyed(first: Simulator) -> None:
    first.fault("refuse-429")
    with relay_on(first) as relay, EventSource(relay.port) as stream:
        relay.wait_for_line(r"refused with HTTP 429; next try in 5\.0 s")
        stream.wait_for_event("heartbeat", state="down", reason="exchange: refused with HTTP 429")
        attempts = first.status()["attempts"]
        beats = len(stream.events)
        stream.wait_for(lambda: len(stream.events) > beats + 1, "two more seconds")
        assert first.status()["attempts"] == attempts


def test_a_refused_subscription_fails_the_url(first: Simulator, second: Simulator) -> None:
    first.fault("subscribe-error")
    with relay_on(first, second, SYMBOLS="ETHUSDT", STREAM="trade") as relay:
        relay.wait_until_ready()
        wait_until(lambda: relay.ready()["source"] == second.url, "the second URL")
        relay.wait_for_line("the exchange says")
