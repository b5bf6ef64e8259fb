"""Which symbols and streams are read, over how many connections, and by which way."""

import subprocess

import pytest

from tests.exchange import Simulator
from tests.feeding import relay_on, wait_for_source
from tests.long import long_after
from tests.processes import Gunicorn, wait_until
from tests.proxy import Proxy
from tests.scripted import ScriptedExchange
from tests.streams import EventSource


@pytest.mark.parametrize(
    "kind",
    long_after(
        2,
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
    ),
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
            lambda: any(update["stream"] == wanted for update in stream.updates), f"a {wanted}"
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


def test_an_exchange_without_the_busy_stream_may_be_quiet_for_longer(
    exchange: ScriptedExchange,
) -> None:
    url = f"ws://127.0.0.1:{exchange.port}/ws/nknusdt@trade"
    env = {"FEED_SILENCE_SECONDS": "2", "HEARTBEAT_SECONDS": "1"}
    with Gunicorn(BINANCE_WS=url, **env) as relay:
        exchange.say('{"e":"trade","E":1,"s":"NKNUSDT","t":1,"p":"0.5","T":1}')
        with EventSource(relay.port) as stream:
            stream.wait_for_price("NKNUSDT", "0.5")
            connected = exchange.connected
            live = len(stream.events)
            stream.wait_for(lambda: len(stream.events) > live + 3, "four more seconds")
            assert exchange.connected == connected
            assert {event["state"] for event in stream.events[live:]} == {"live"}
            stream.wait_for_event("status", state="stale")


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


@pytest.mark.parametrize("variable", long_after(1, ["http_proxy", "all_proxy", "ALL_PROXY"]))
def test_the_proxy_variables_are_honoured(variable: str, first: Simulator) -> None:
    # Loopback is reached without.
    url = first.url.replace("127.0.0.1", "exchange.test")
    with Proxy() as proxy:
        env = {variable: f"http://127.0.0.1:{proxy.port}", "no_proxy": "example.com"}
        with Gunicorn(BINANCE_WS=url, **env) as relay:
            relay.wait_until_ready()
        assert set(proxy.asked_for) == {url.removeprefix("ws://")}
