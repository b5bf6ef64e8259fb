"""A worker leaves well: everybody is told, every stream ends in good order, nobody is refused."""

import os
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from tests import plain_http
from tests.processes import WAIT_SECONDS, Gunicorn, Listener, RedisServer, wait_until
from tests.scripted import ScriptedExchange
from tests.streams import EventSource, WebSocket


@pytest.fixture
def workers(redis_server: RedisServer, exchange: ScriptedExchange) -> Iterator[Gunicorn]:
    with (
        # One tick must do, however long the workers take.
        Listener(REDIS_URL=redis_server.url, BINANCE_WS=exchange.url, FEED_SILENCE_SECONDS="600"),
        Gunicorn(workers=2, REDIS_URL=redis_server.url) as workers,
    ):
        exchange.tick(BTCUSDT="1")
        workers.wait_until_ready()
        yield workers


def test_at_term_every_stream_is_told_and_ends_in_good_order(
    exchange: ScriptedExchange, relay: Gunicorn
) -> None:
    events = [EventSource(relay.port) for _ in range(10)]
    sockets = [WebSocket(relay.ws_url) for _ in range(10)]
    for stream in [*events, *sockets]:
        stream.wait_for_price("BTCUSDT")
    relay.signal(signal.SIGTERM)
    retries = {stream.wait_for_event("bye")["retry"] for stream in [*events, *sockets]}
    assert len(retries) > 10
    assert all(500 <= retry <= 2500 for retry in retries)
    for stream in events:
        stream.wait_for_end()
        assert stream.terminated
    for stream in sockets:
        stream.wait_for_end()
        assert (stream.close_code, "retry_ms" in stream.close_reason) == (1012, True)
    assert relay.wait() == 0
    for stream in [*events, *sockets]:
        stream.close()


def test_at_term_nobody_waits_for_the_rest_of_a_request(relay: Gunicorn) -> None:
    with socket.create_connection(("127.0.0.1", relay.port), timeout=WAIT_SECONDS) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n")
        # It is served after what came before it.
        assert plain_http.get(f"{relay.url}/livez").status_code == 200
        relay.signal(signal.SIGTERM)
        assert sock.recv(1) == b""
        assert relay.wait(seconds=5) == 0


def test_at_hup_requests_do_not_wait_for_the_start_of_the_next_worker(relay: Gunicorn) -> None:
    """Its exchange says nothing to it, so it is long in coming."""
    with EventSource(relay.port) as stream:
        stream.wait_for_price("BTCUSDT")
        said = len(relay.output)
        relay.signal(signal.SIGHUP)
        relay.wait_for_line(r"Booting worker with pid", start=said)
        assert [relay.ready()["clients"] for _ in range(10)] == [1] * 10
        stream.wait_for_event("bye")


def test_at_term_a_worker_that_is_still_starting_ends_well(relay: Gunicorn) -> None:
    said = len(relay.output)
    relay.signal(signal.SIGHUP)
    relay.wait_for_line(r"Booting worker with pid", start=said)
    relay.signal(signal.SIGTERM)
    assert relay.wait() == 0, "".join(relay.output[said:])


def test_at_hup_no_request_is_refused_and_clients_come_back_where_they_were(
    exchange: ScriptedExchange, workers: Gunicorn
) -> None:
    before = workers.worker_pids()
    stop = threading.Event()
    answers: list[int] = []

    def ask() -> None:
        while not stop.is_set():
            answers.append(plain_http.get(f"{workers.url}/livez").status_code)

    asking = threading.Thread(target=ask)
    asking.start()
    with EventSource(workers.port) as stream:
        stream.wait_for_price("BTCUSDT")
        workers.signal(signal.SIGHUP)
        stream.wait_for_event("bye")
        stream.wait_for_end()
        wait_until(lambda: not set(workers.worker_pids()) & set(before), "new workers")
        with EventSource(workers.port, Last_Event_ID=stream.last_id) as again:
            assert again.wait_for_event("status")["mode"] == "none"
            exchange.tick(BTCUSDT="2")
            again.wait_for_price("BTCUSDT", "2")
    stop.set()
    asking.join()
    assert set(answers) == {200}


def test_a_worker_that_has_had_its_requests_is_replaced(exchange: ScriptedExchange) -> None:
    options = ("--max-requests", "20")
    with Gunicorn(BINANCE_WS=exchange.url, options=options) as relay:
        first = relay.worker_pids()
        for _ in range(60):
            assert plain_http.get(f"{relay.url}/livez").status_code == 200
        wait_until(lambda: not set(relay.worker_pids()) & set(first), "a new worker")


def test_a_killed_worker_is_replaced_and_ids_are_honoured_by_the_others(
    exchange: ScriptedExchange, workers: Gunicorn
) -> None:
    with EventSource(workers.port) as stream:
        stream.wait_for_price("BTCUSDT")
        for pid in workers.worker_pids():
            os.kill(pid, signal.SIGKILL)
        stream.wait_for_end()
        wait_until(lambda: len(workers.worker_pids()) == 2, "new workers")
        workers.wait_until_ready()
        with EventSource(workers.port, Last_Event_ID=stream.last_id) as again:
            assert again.wait_for_event("status")["mode"] == "none"


def test_streams_are_rotated_on_request(exchange: ScriptedExchange) -> None:
    settings = {"ROTATE_SECONDS": "1", "HEARTBEAT_SECONDS": "1"}
    with Gunicorn(BINANCE_WS=exchange.url, **settings) as relay:
        exchange.tick(BTCUSDT="1")
        with EventSource(relay.port) as events, WebSocket(relay.ws_url) as socket:
            for stream in (events, socket):
                stream.wait_for_event("bye")
                stream.wait_for_end()
