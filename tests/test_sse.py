"""GET /events as its users meet it."""

import socket

import pytest

from tests import plain_http
from tests.processes import Gunicorn, wait_until
from tests.scripted import ScriptedExchange
from tests.streams import EventSource


def test_the_snapshot_comes_first_and_then_every_update(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    with EventSource(relay.port) as stream:
        assert stream.wait_for_price("BTCUSDT") == "1"
        assert stream.wait_for_price("ETHUSDT") == "2"
        assert stream.events[0]["event"] == "status"
        assert stream.events[0]["mode"] == "full"
        assert stream.events[0]["state"] == "live"
        exchange.tick(BTCUSDT="1.50000000")
        stream.wait_for_price("BTCUSDT", "1.50000000")
        assert stream.updates[-1] == {"symbol": "BTCUSDT", "price": "1.50000000"}


def test_only_the_named_symbols_come_in_any_case(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    with EventSource(relay.port, "symbols=ethusdt,NOPEUSDT") as stream:
        assert stream.wait_for_event("status")["unknown"] == ["NOPEUSDT"]
        stream.wait_for_price("ETHUSDT", "2")
        exchange.tick(BTCUSDT="5")
        exchange.tick(ETHUSDT="6", NOPEUSDT="7")
        stream.wait_for_price("NOPEUSDT", "7")
        assert stream.prices == {"ETHUSDT": "6", "NOPEUSDT": "7"}


def test_symbols_of_any_alphabet(exchange: ScriptedExchange, relay: Gunicorn) -> None:
    exchange.tick_symbols({"币安人生USDT": "0.1", "1INCHUSDT": "0.2"})
    with EventSource(
        relay.port, "symbols=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT,1inchusdt"
    ) as stream:
        assert stream.wait_for_price("币安人生USDT") == "0.1"
        assert stream.wait_for_price("1INCHUSDT") == "0.2"


def test_a_client_that_comes_back_gets_only_what_changed(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    with EventSource(relay.port) as stream:
        stream.wait_for_price("ETHUSDT")
        stream.wait_for(lambda: stream.last_id, "an id")
    exchange.tick(ETHUSDT="3")
    wait_until(lambda: relay.http.get("/api/prices").json()["prices"]["ETHUSDT"] == "3", "ETH at 3")
    with EventSource(relay.port, Last_Event_ID=stream.last_id) as again:
        assert again.wait_for_event("status")["mode"] == "changes"
        again.wait_for_price("ETHUSDT", "3")
        assert again.prices == {"ETHUSDT": "3"}
        last_id = again.last_id
    with EventSource(relay.port, f"since={last_id}") as current:
        assert current.wait_for_event("status")["mode"] == "none"
        exchange.tick(BTCUSDT="9")
        current.wait_for_price("BTCUSDT", "9")
        assert "ETHUSDT" not in current.prices


def test_the_browsers_own_id_wins_over_the_one_in_the_url(quiet_relay: Gunicorn) -> None:
    newest = quiet_relay.http.get("/api/prices").json()["id"]
    with EventSource(quiet_relay.port, "since=0-0", Last_Event_ID=newest) as stream:
        assert stream.wait_for_event("status")["mode"] == "none"


@pytest.mark.parametrize("unusable", ["0-1", "{epoch}-99999", "rubbish", ""])
def test_an_id_that_means_nothing_gives_the_whole_snapshot(
    quiet_relay: Gunicorn, unusable: str
) -> None:
    epoch = quiet_relay.http.get("/api/prices").json()["id"].partition("-")[0]
    with EventSource(quiet_relay.port, Last_Event_ID=unusable.format(epoch=epoch)) as stream:
        assert stream.wait_for_event("status")["mode"] == "full"
        stream.wait_for_price("BTCUSDT", "1")


def test_whole_tickers_and_whole_batches_on_request(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    with EventSource(relay.port, "fields=ticker&batch=1") as stream:
        stream.wait_for_price("ETHUSDT")
        assert stream.updates[0]["open"] == "1"
        before = len(stream.updates)
        exchange.tick(BTCUSDT="3", ETHUSDT="4")
        stream.wait_for_price("ETHUSDT", "4")
        assert [update["price"] for update in stream.updates[before:]] == ["3", "4"]


def test_a_vanished_client_is_released_while_nothing_is_published(quiet_relay: Gunicorn) -> None:
    with EventSource(quiet_relay.port) as stream:
        stream.wait_for_price("BTCUSDT")
        assert quiet_relay.ready()["clients"] == 1
    wait_until(lambda: quiet_relay.ready()["clients"] == 0, "the client to be released", seconds=1)


def test_heartbeats_carry_no_id_and_say_how_the_feed_is(exchange: ScriptedExchange) -> None:
    with Gunicorn(BINANCE_WS=exchange.url, HEARTBEAT_SECONDS="1") as relay:
        exchange.tick(BTCUSDT="1")
        with EventSource(relay.port) as stream:
            stream.wait_for_price("BTCUSDT")
            before = stream.last_id
            assert stream.wait_for_event("heartbeat")["state"] == "live"
            assert stream.last_id == before


def test_http_1_0_gets_an_unchunked_stream(exchange: ScriptedExchange, relay: Gunicorn) -> None:
    with EventSource(relay.port, version="1.0") as stream:
        assert "transfer-encoding" not in stream.headers
        stream.wait_for_price("BTCUSDT", "1")
        exchange.tick(BTCUSDT="2")
        stream.wait_for_price("BTCUSDT", "2")


def test_head_tells_the_headers_and_keeps_the_connection(quiet_relay: Gunicorn) -> None:
    for path in ("/events", "/api/prices", "/livez"):
        answer = quiet_relay.http.head(path)
        assert (answer.status_code, answer.content) == (200, b"")
    assert quiet_relay.http.head("/events").headers["content-type"].startswith("text/event-stream")
    assert quiet_relay.http.get("/livez").json() == {"alive": True}


@pytest.mark.parametrize(
    "query",
    [
        "symbols=",
        "symbols=,",
        "symbols=BTC-USDT",
        "symbols=" + "X" * 33,
        "symbols=" + ",".join(f"S{i}" for i in range(513)),
        "rate=0",
        "rate=-1",
        "rate=fast",
        "rate=nan",
        "rate=1e9",
        "fields=all",
        "batch=2",
        "since=yesterday",
        "since=-1",
    ],
)
@pytest.mark.parametrize("path", ["/events", "/api/prices"])
def test_a_malformed_query_is_refused_by_name(quiet_relay: Gunicorn, path: str, query: str) -> None:
    answer = quiet_relay.http.get(f"{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(query.partition("=")[0])


def test_an_over_long_request_line_is_refused(quiet_relay: Gunicorn) -> None:
    with socket.create_connection(("127.0.0.1", quiet_relay.port), timeout=10) as sock:
        sock.sendall(b"GET /events?symbols=" + b"A" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert sock.recv(64).startswith(b"HTTP/1.1 414")


def test_unknown_paths_and_methods_are_answered_in_json(quiet_relay: Gunicorn) -> None:
    assert quiet_relay.http.get("/nothing").status_code == 404
    assert "error" in quiet_relay.http.get("/api/nothing").json()
    answer = quiet_relay.http.post("/events")
    assert (answer.status_code, "GET" in answer.headers["allow"]) == (405, True)


def test_any_origin_may_read_unless_origins_are_named(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    assert relay.http.get("/api/prices").headers["access-control-allow-origin"] == "*"
    with Gunicorn(BINANCE_WS=exchange.url, ALLOWED_ORIGINS="https://a.example") as strict:
        for origin, allowed in (("https://a.example", True), ("https://b.example", False)):
            headers = strict.http.get("/livez", headers={"Origin": origin}).headers
            assert headers.get("access-control-allow-origin") == (origin if allowed else None)


def test_a_full_worker_says_so(exchange: ScriptedExchange) -> None:
    with Gunicorn(BINANCE_WS=exchange.url, MAX_CLIENTS="1") as relay:
        exchange.tick(BTCUSDT="1")
        with EventSource(relay.port) as stream:
            stream.wait_for_price("BTCUSDT")
            answer = plain_http.get(f"{relay.url}/events")
            assert answer.status_code == 200
            assert "event: bye" in answer.text
            assert "MAX_CLIENTS" in answer.text
