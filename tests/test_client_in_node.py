"""The client in Node, as a developer uses it: what ends, what is said, and what is never thrown."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.node import evaluate
from tests.processes import Gunicorn
from tests.scripted import ScriptedExchange

#: Each script finds the relay's address as `given`, and ends only if the client has let go of everything.
IMPORT = 'import { Prices, Relay } from "./relay.js";\n'


@pytest.fixture(scope="module")
def exchange() -> Iterator[ScriptedExchange]:
    with ScriptedExchange() as exchange:
        yield exchange


@pytest.fixture(scope="module")
def relay(exchange: ScriptedExchange) -> Iterator[Gunicorn]:
    with Gunicorn(BINANCE_WS=exchange.url, FEED_SILENCE_SECONDS="600") as relay:
        exchange.tick(BTCUSDT="1", ETHUSDT="2")
        relay.wait_until_ready()
        yield relay


def answer(relay: Gunicorn, script: str) -> Any:
    return evaluate(IMPORT + script, f"http://127.0.0.1:{relay.port}/events")


def test_a_closed_client_lets_the_process_end(relay: Gunicorn) -> None:
    assert answer(
        relay,
        """
        const relay = new Prices({ url: given, symbols: "btcusdt" });
        answer = [];
        for await (const { symbol, price } of relay) {
          answer.push(symbol, price);
          relay.close();
        }
        relay.close();
        """,
    ) == ["BTCUSDT", "1"]


def test_clocks_are_compared_with_a_real_relay(relay: Gunicorn) -> None:
    clocks = answer(
        relay,
        """
        const relay = new Prices({ url: given, symbols: ["BTCUSDT"] });
        answer = await relay.measure();
        relay.close();
        """,
    )
    assert abs(clocks["ahead"]) <= clocks["roundTrip"] / 2 + 2


def test_what_the_relay_refuses_is_said_in_its_own_words_and_not_tried_again(
    relay: Gunicorn,
) -> None:
    state, reason = answer(
        relay,
        """
        const relay = new Prices({ url: given, symbols: ["NO-SYMBOL"] });
        answer = await new Promise((told) => {
          relay.onstatus = ({ state, reason }) => state === "refused" && told([state, reason]);
        });
        relay.close();
        """,
    )
    assert state == "refused"
    assert "NO-SYMBOL" in reason


def test_a_symbol_that_nobody_lists_is_unknown_once_that_is_certain(relay: Gunicorn) -> None:
    assert answer(
        relay,
        """
        const relay = new Prices({ url: given, symbols: ["btcusdt", "nosuch"] });
        await new Promise((told) => (relay.onsettled = told));
        answer = [relay.unknown, [...relay.tickers.keys()]];
        relay.close();
        """,
    ) == [["NOSUCH"], ["BTCUSDT"]]


def test_candles_are_had_and_what_is_missing_of_them_is_said(relay: Gunicorn) -> None:
    reason = answer(
        relay,
        """
        const relay = new Relay({ url: given });
        answer = await new Promise((told) => {
          const held = relay.candles("btcusdt", "1m", () => told(held.reason));
        });
        relay.close();
        """,
    )
    assert reason.startswith("the exchange's candles cannot be had")
