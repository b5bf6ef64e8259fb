"""Every client at its own pace: slow readers, stalled ones, and chosen rates."""

import socket
import struct

from tests.processes import Gunicorn, wait_until
from tests.scripted import ScriptedExchange
from tests.streams import EventSource, WebSocket


def market(number: int, size: int = 800) -> dict[str, str]:
    return {f"S{i}USDT": f"{number}.{i:08d}" for i in range(size)}


def test_a_slow_reader_gets_fewer_and_newer_prices_and_never_an_older_one(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    with EventSource(relay.port, receive_buffer=4096) as slow, EventSource(relay.port) as quick:
        for stream in (slow, quick):
            stream.wait_for_price("BTCUSDT", "1")
        slow.stop_reading()
        for number in range(100):
            exchange.tick_symbols(market(number))
            quick.wait_for_price("S799USDT", f"{number}.00000799")
        slow.go_on_reading()
        slow.wait_for(lambda: slow.prices == quick.prices, "the newest prices")
        assert len(slow.updates) < len(quick.updates) / 2
        newest: dict[str, float] = {}
        for update in slow.updates:
            price = float(update["price"])
            assert price >= newest.get(update["symbol"], 0.0)
            newest[update["symbol"]] = price


def test_a_stalled_client_is_cut_and_the_others_are_not(exchange: ScriptedExchange) -> None:
    with Gunicorn(BINANCE_WS=exchange.url, STALL_SECONDS="1") as relay:
        exchange.tick(BTCUSDT="1")
        with (
            EventSource(relay.port, receive_buffer=4096) as stalled,
            EventSource(relay.port) as quick,
        ):
            stalled.wait_for_price("BTCUSDT", "1")
            stalled.stop_reading()
            number = 0
            while relay.ready()["clients"] == 2:
                number += 1
                exchange.tick_symbols(market(number))
                quick.wait_for_price("S799USDT", f"{number}.00000799")
            stalled.go_on_reading()
            stalled.wait_for_end()
            exchange.tick(BTCUSDT="2")
            quick.wait_for_price("BTCUSDT", "2")


def test_a_websocket_that_never_answers_a_ping_is_closed_with_1008(
    exchange: ScriptedExchange,
) -> None:
    with Gunicorn(BINANCE_WS=exchange.url, HEARTBEAT_SECONDS="1") as relay:
        exchange.tick(BTCUSDT="1")
        with (
            socket.create_connection(("127.0.0.1", relay.port), timeout=10) as mute,
            WebSocket(relay.ws_url) as answering,
        ):
            mute.sendall(
                b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            said = b""
            while piece := mute.recv(65536):
                said += piece
            assert struct.pack("!H", 1008) + b"no pong" in said
            wait_until(lambda: relay.ready()["clients"] == 1, "only the other to be left")
            assert not answering.ended
