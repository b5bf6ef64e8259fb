"""Where to connect, and what to subscribe to there."""

import msgspec
import pytest

from relay.exchange.streams import CANARY, MAX_MESSAGE_BYTES, MAX_STREAMS, plan, requests, rest_url

SPOT = "wss://stream.binance.com:9443"


@pytest.mark.parametrize("url", [SPOT, f"{SPOT}/", f"{SPOT}/stream", f"{SPOT}/ws"])
def test_a_url_without_streams_means_the_whole_market(url: str) -> None:
    (dial,) = plan(url).dials
    assert dial == (f"{SPOT}/stream?streams=!miniTicker@arr", (), False)
    (hourly,) = plan(url, kind="ticker_1h").dials
    assert hourly.url.endswith("!ticker_1h@arr")


@pytest.mark.parametrize("path", ["/ws/!miniTicker@arr", "/stream?streams=!miniTicker@arr"])
def test_a_url_with_the_whole_market_is_left_as_it_is(path: str) -> None:
    made = plan(SPOT + path)
    assert made == ([(SPOT + path, (), False)], frozenset(), [])


def test_the_retired_stream_is_mapped_with_a_reason() -> None:
    for url in (
        f"{SPOT}/ws/!ticker@arr",
        "wss://data-stream.binance.vision/stream?streams=%21ticker%40arr",
    ):
        made = plan(url)
        assert made.dials[0].url.endswith("!miniTicker@arr")
        assert "retired by Binance on 2026-03-26" in made.warnings[0]


def test_futures_keep_the_stream_that_spot_has_lost() -> None:
    url = "wss://fstream.binance.com/ws/!ticker@arr"
    made = plan(url)
    assert (made.dials[0].url, made.warnings) == (url, [])


def test_upper_case_streams_are_mended_but_their_types_kept() -> None:
    made = plan(f"{SPOT}/ws/BTCUSDT@miniTicker/ethusdt@kline_1M")
    assert made.dials[0].url == f"{SPOT}/ws/btcusdt@miniTicker/ethusdt@kline_1M"
    assert len(made.warnings) == 1
    assert made.symbols == {"BTCUSDT", "ETHUSDT"}


def test_symbols_of_other_alphabets_are_percent_encoded() -> None:
    made = plan("wss://stream.binance.com/stream?streams=币安人生usdt@trade&timeUnit=MICROSECOND")
    assert made.dials[0].url == (
        "wss://stream.binance.com/stream?streams="
        "%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9Fusdt@trade&timeUnit=MICROSECOND"
    )
    assert made.symbols == {"币安人生USDT"}


def test_single_symbols_have_a_busy_companion() -> None:
    (dial,) = plan(SPOT, ["NKNUSDT"], "trade").dials
    assert dial == (f"{SPOT}/stream?streams=nknusdt@trade", (CANARY,), True)
    (busy,) = plan(SPOT, ["BTCUSDT"]).dials
    assert (busy.subscribe, busy.canary) == ((), False)


def test_named_symbols_replace_the_streams_of_the_url() -> None:
    made = plan(f"{SPOT}/ws/!miniTicker@arr", ["ETHUSDT", "ethusdt"], "bookTicker")
    assert made.dials[0].url == f"{SPOT}/stream?streams=ethusdt@bookTicker"
    assert (made.symbols, made.warnings) == ({"ETHUSDT"}, [])
    assert plan(f"{SPOT}/ws/bnbbtc@trade", ["ETHUSDT"]).warnings


def test_many_symbols_are_subscribed_to_by_messages_on_several_connections() -> None:
    symbols = [f"S{number}USDT" for number in range(2500)]
    dials = plan(SPOT, symbols, "trade").dials
    assert [len(dial.subscribe) for dial in dials] == [1024, 1024, 455]
    assert {dial.url for dial in dials} == {f"{SPOT}/stream"}
    carried = {stream for dial in dials for stream in dial.subscribe} - {CANARY}
    assert carried == {f"s{number}usdt@trade" for number in range(2500)}
    assert max(len(dial.subscribe) for dial in dials) <= MAX_STREAMS


def test_subscriptions_are_short_enough_and_complete() -> None:
    streams = [f"币安人生{number}usdt@bookTicker" for number in range(1024)]
    messages = list(requests(streams))
    assert max(map(len, messages)) < MAX_MESSAGE_BYTES
    said = [msgspec.json.decode(message) for message in messages]
    assert [stream for message in said for stream in message["params"]] == streams
    assert [message["id"] for message in said] == list(range(1, len(said) + 1))


def test_the_rest_api_is_where_the_streams_are_or_where_binance_has_it() -> None:
    assert rest_url(f"{SPOT}/ws/x") == "https://api.binance.com"
    assert rest_url("wss://data-stream.binance.vision") == "https://data-api.binance.vision"
    assert rest_url("ws://127.0.0.1:9443/stream?streams=a") == "http://127.0.0.1:9443"
