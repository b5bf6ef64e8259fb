"""Compression done once for all: whoever joins, leaves or falls behind, every client reads the truth."""

import socket
import zlib

import httpx
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from tests.processes import Gunicorn, wait_until
from tests.scripted import ScriptedExchange
from tests.streams import EventSource, WebSocket

GZIP = {"Accept_Encoding": "gzip"}


def test_a_gzip_stream_is_read_event_by_event(exchange: ScriptedExchange, relay: Gunicorn) -> None:
    with EventSource(relay.port, **GZIP) as stream:
        assert stream.headers["content-encoding"] == "gzip"
        stream.wait_for_price("BTCUSDT", "1")
        for price in ("3", "4", "5"):
            exchange.tick(BTCUSDT=price)
            stream.wait_for_price("BTCUSDT", price)


def test_late_joiners_share_the_stream_of_those_before_them(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    """Long enough for several keyframes, with clients joining at every moment between them."""
    streams: list[EventSource | WebSocket] = []
    try:
        for number in range(40):
            exchange.tick(**{f"S{i}USDT": f"{number}.{i:04d}" for i in range(100)})
            streams.append(
                EventSource(relay.port, **GZIP)
                if number % 2
                else WebSocket(relay.ws_url, compression="deflate")
            )
            streams[0].wait_for_price("S99USDT", f"{number}.0099")
            if number % 4 == 3:
                wait_until(lambda: relay.ready()["clients"] == len(streams), "everybody to be in")
        expected = relay.http.get("/api/prices").json()["prices"]
        for stream in streams:
            stream.wait_for(lambda stream=stream: stream.prices == expected, "the same prices")
    finally:
        for stream in streams:
            stream.close()


def test_a_slow_reader_of_a_shared_stream_finds_its_way_back(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    with (
        EventSource(relay.port, receive_buffer=4096, **GZIP) as slow,
        EventSource(relay.port, **GZIP) as quick,
    ):
        for stream in (slow, quick):
            stream.wait_for_price("BTCUSDT", "1")
        slow.stop_reading()
        for number in range(150):
            exchange.tick(
                **{f"S{i}USDT": f"{zlib.crc32(b'%d %d' % (number, i))}" for i in range(600)}
            )
            quick.wait_for_price("S599USDT", f"{zlib.crc32(b'%d 599' % number)}")
        slow.go_on_reading()
        slow.wait_for(lambda: slow.prices == quick.prices, "the newest prices")
        exchange.tick(BTCUSDT="7")
        slow.wait_for_price("BTCUSDT", "7")
        assert len(slow.updates) < len(quick.updates)


def test_a_websocket_without_context_takeover_is_left_uncompressed(relay: Gunicorn) -> None:
    extension = ClientPerMessageDeflateFactory(server_no_context_takeover=True)
    with WebSocket(relay.ws_url, extensions=[extension], compression=None) as stream:
        stream.wait_for_price("BTCUSDT", "1")


def test_only_what_is_worth_sharing_is_compressed(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    with EventSource(relay.port, "symbols=BTCUSDT", **GZIP) as stream:
        assert "content-encoding" not in stream.headers
    with EventSource(relay.port, Accept_Encoding="gzip;q=0, br") as stream:
        assert "content-encoding" not in stream.headers
    with Gunicorn(BINANCE_WS=exchange.url, COMPRESSION="0") as plain:
        exchange.wait_for_connections(2)
        exchange.tick(BTCUSDT="1")
        with EventSource(plain.port, **GZIP) as stream:
            assert "content-encoding" not in stream.headers
            stream.wait_for_price("BTCUSDT", "1")


def test_any_gzip_reader_can_read_the_stream(exchange: ScriptedExchange, relay: Gunicorn) -> None:
    with httpx.stream("GET", f"{relay.url}/events", timeout=10) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        text = ""
        for piece in answer.iter_text():
            text += piece
            if '"ETHUSDT","price":"2"' in text:
                break


def test_without_chunks_it_is_compressed_too(exchange: ScriptedExchange, relay: Gunicorn) -> None:
    with socket.create_connection(("127.0.0.1", relay.port), timeout=10) as sock:
        sock.sendall(b"GET /events HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n")
        said = b""
        while True:
            said += sock.recv(65536)
            body = said.partition(b"\r\n\r\n")[2]
            if b"ETHUSDT" in zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(body):
                return
