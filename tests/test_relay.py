"""Listener, Redis and two workers: one price for everybody, through whatever happens to any of them."""

import signal
from collections.abc import Iterator

import pytest

from relay.store.keys import HEAD
from tests.exchange import Simulator
from tests.long import long
from tests.processes import Gunicorn, Listener, RedisServer, wait_until
from tests.scripted import ScriptedExchange
from tests.streams import EventSource, Stream, WebSocket


@pytest.fixture
def workers(redis_server: RedisServer) -> Iterator[Gunicorn]:
    with Gunicorn(workers=2, REDIS_URL=redis_server.url) as workers:
        yield workers


@pytest.fixture
def listener(redis_server: RedisServer, exchange: ScriptedExchange) -> Iterator[Listener]:
    # The scripted exchange says nothing by itself, however long the workers take to start.
    quiet = {"FEED_SILENCE_SECONDS": "600"}
    with Listener(REDIS_URL=redis_server.url, BINANCE_WS=exchange.url, **quiet) as listener:
        yield listener


@pytest.fixture
def streams(workers: Gunicorn) -> Iterator[list[Stream]]:
    """Enough clients of both kinds for both workers to have some."""
    streams: list[Stream] = []
    for _ in range(4):
        streams += [EventSource(workers.port), WebSocket(workers.ws_url)]
    yield streams
    for stream in streams:
        stream.close()


def everyone_has(streams: list[Stream], **prices: str) -> None:
    for stream in streams:
        stream.wait_for(lambda stream=stream: prices.items() <= stream.prices.items(), str(prices))


def test_everybody_sees_the_same_prices(
    exchange: ScriptedExchange, listener: Listener, streams: list[Stream], workers: Gunicorn
) -> None:
    exchange.tick(BTCUSDT="1", ETHUSDT="2")
    everyone_has(streams, BTCUSDT="1", ETHUSDT="2")
    assert not any(update["price"] not in "12" for s in streams for update in s.updates)
    assert workers.ready()["state"] == "live"


def test_without_redis_both_sides_start_and_wait_for_it(
    exchange: ScriptedExchange, redis_server: RedisServer
) -> None:
    redis_server.kill()
    with (
        Gunicorn(workers=1, REDIS_URL=redis_server.url) as relay,
        Listener(REDIS_URL=redis_server.url, BINANCE_WS=exchange.url) as listener,
    ):
        listener.wait_for_line("the store is away")
        wait_until(
            lambda: "Redis refuses connections" in str(relay.ready()["reason"]), "the reason"
        )
        assert relay.http.get("/readyz").status_code == 503
        assert relay.http.get("/livez").status_code == 200
        exchange.tick(BTCUSDT="1")
        redis_server.start()
        with EventSource(relay.port) as stream:
            stream.wait_for_price("BTCUSDT", "1")


@long
def test_a_killed_redis_comes_back_and_nothing_is_lost(
    exchange: ScriptedExchange,
    listener: Listener,
    streams: list[Stream],
    workers: Gunicorn,
    redis_server: RedisServer,
) -> None:
    exchange.tick(BTCUSDT="1", ETHUSDT="2")
    everyone_has(streams, BTCUSDT="1", ETHUSDT="2")
    redis_server.kill()
    listener.wait_for_line("the store is away")
    exchange.tick(BTCUSDT="3")
    exchange.tick(BTCUSDT="4")
    redis_server.start()
    everyone_has(streams, BTCUSDT="4", ETHUSDT="2")
    wait_until(
        lambda: redis_server.client.hgetall("prices") == {"BTCUSDT": "4", "ETHUSDT": "2"},
        "the hash",
    )
    assert not any(stream.ended for stream in streams)


@long
def test_a_flushed_redis_is_filled_again(
    exchange: ScriptedExchange, listener: Listener, streams: list[Stream], redis_server: RedisServer
) -> None:
    exchange.tick(BTCUSDT="1", ETHUSDT="2")
    everyone_has(streams, ETHUSDT="2")
    redis_server.client.flushall()
    exchange.tick(BTCUSDT="3")
    everyone_has(streams, BTCUSDT="3", ETHUSDT="2")
    assert redis_server.client.hgetall("prices") == {"BTCUSDT": "3", "ETHUSDT": "2"}


@long
def test_a_field_written_by_somebody_else_reaches_nobody(
    exchange: ScriptedExchange, listener: Listener, redis_server: RedisServer
) -> None:
    exchange.tick(BTCUSDT="1")
    wait_until(lambda: redis_server.client.hget("prices", "BTCUSDT") == "1", "the price")
    redis_server.client.hset("prices", "FOREIGN", "rubbish")
    with Gunicorn(workers=1, REDIS_URL=redis_server.url) as relay:
        relay.wait_until_ready()
        assert relay.http.get("/api/prices").json()["prices"] == {"BTCUSDT": "1"}


def test_a_half_open_redis_is_noticed_and_named(
    exchange: ScriptedExchange, listener: Listener, workers: Gunicorn, redis_server: RedisServer
) -> None:
    exchange.tick(BTCUSDT="1")
    workers.wait_until_ready()
    with EventSource(workers.port) as stream:
        stream.wait_for_price("BTCUSDT")
        redis_server.signal(signal.SIGSTOP)
        try:
            stream.wait_for_event("status", state="stale")
        finally:
            redis_server.signal(signal.SIGCONT)
        exchange.tick(BTCUSDT="2")
        stream.wait_for_price("BTCUSDT", "2")
        stream.wait_for(lambda: stream.events[-1]["state"] == "live", "live again")


@long
def test_an_id_outlives_the_listener_and_the_workers(
    exchange: ScriptedExchange, redis_server: RedisServer
) -> None:
    with (
        Listener(REDIS_URL=redis_server.url, BINANCE_WS=exchange.url, FEED_SILENCE_SECONDS="600"),
        Gunicorn(workers=1, REDIS_URL=redis_server.url) as relay,
    ):
        exchange.tick(BTCUSDT="1", ETHUSDT="2")
        with EventSource(relay.port) as stream:
            stream.wait_for_price("ETHUSDT")
            stream.wait_for(lambda: stream.last_id, "an id")
    with (
        Listener(REDIS_URL=redis_server.url, BINANCE_WS=exchange.url, FEED_SILENCE_SECONDS="600"),
        Gunicorn(workers=1, REDIS_URL=redis_server.url) as relay,
    ):
        exchange.wait_for_connections(2)
        exchange.tick(ETHUSDT="3")
        wait_until(lambda: redis_server.client.hget("prices", "ETHUSDT") == "3", "ETH at 3")
        relay.wait_until_ready()
        with EventSource(relay.port, Last_Event_ID=stream.last_id) as again:
            assert again.wait_for_event("status")["mode"] == "changes"
            again.wait_for_price("ETHUSDT", "3")
            assert again.prices == {"ETHUSDT": "3"}


def test_a_killed_listener_is_replaced_by_the_one_that_stands_by(
    exchange: ScriptedExchange, workers: Gunicorn, redis_server: RedisServer
) -> None:
    with (
        Listener(REDIS_URL=redis_server.url, BINANCE_WS=exchange.url) as first,
        EventSource(workers.port) as stream,
    ):
        exchange.tick(BTCUSDT="1")
        stream.wait_for_price("BTCUSDT", "1")
        with Listener(REDIS_URL=redis_server.url, BINANCE_WS=exchange.url) as second:
            second.wait_for_line("standby: .* holds the lease")
            exchange.wait_for_connections(2)
            first.kill()
            exchange.tick(BTCUSDT="2")
            stream.wait_for_price("BTCUSDT", "2")
            assert redis_server.client.hget(HEAD, "version") == "2"


def test_a_dead_listener_is_named_by_the_workers(
    exchange: ScriptedExchange, listener: Listener, workers: Gunicorn
) -> None:
    exchange.tick(BTCUSDT="1")
    workers.wait_until_ready()
    with EventSource(workers.port) as stream:
        listener.kill()
        stale = stream.wait_for_event("status", state="stale")
        assert stale["reason"].startswith("listener: ")
        down = stream.wait_for_event("status", state="down")
        assert down["age"] > 3
    assert workers.ready()["ready"] is False


def test_simulated_prices_are_marked_and_give_way_to_real_ones(
    exchange: ScriptedExchange, redis_server: RedisServer, workers: Gunicorn
) -> None:
    exchange.close()
    with Simulator("--symbols", "20") as simulator:
        urls = f"{exchange.url},{simulator.url}/ws/!miniTicker@arr"
        with (
            Listener(REDIS_URL=redis_server.url, BINANCE_WS=urls) as listener,
            EventSource(workers.port) as stream,
        ):
            listener.wait_for_line("SIMULATED")
            stream.wait_for_event("status", simulated=True, state="live")
            assert workers.ready()["simulated"] is True
            with ScriptedExchange(port=exchange.port) as real:
                real.wait_for_connections(1)
                real.tick(REALUSDT="1")
                stream.wait_for(lambda: stream.prices == {"REALUSDT": "1"}, "only the real price")
                stream.wait_for_event("status", simulated=False, mode="full", state="live")
                assert redis_server.client.hgetall("prices") == {"REALUSDT": "1"}


def test_a_standby_is_counted_and_says_who_leads(
    redis_server: RedisServer, exchange: ScriptedExchange
) -> None:
    env = {"REDIS_URL": redis_server.url, "BINANCE_WS": exchange.url}
    with (
        Gunicorn(REDIS_URL=redis_server.url) as relay,
        Listener(**env) as leader,
    ):
        leader.wait_for_line("leading")
        with Listener(**env) as standby:
            standby.wait_for_line(rf"standby: \S+:{leader.pid}:\S+ holds the lease")
            wait_until(lambda: relay.ready()["standbys"] == 1, "the standby to be counted")
        wait_until(lambda: relay.ready()["standbys"] == 0, "the standby to be gone")


@long
def test_prices_that_only_rest_gave_are_marked_and_never_gone_on_from_as_real(
    exchange: ScriptedExchange, redis_server: RedisServer, workers: Gunicorn
) -> None:
    client = redis_server.client
    with (
        Simulator("--symbols", "20", "--fault", "silent") as simulator,
        Listener(REDIS_URL=redis_server.url, BINANCE_WS=f"{simulator.url}/ws/!miniTicker@arr"),
        EventSource(workers.port) as stream,
    ):
        stream.wait_for_price("BTCUSDT")
        stream.wait_for(lambda: stream.events[-1]["simulated"], "the mark")
        marked = [event["simulated"] for event in stream.events if event["mode"] == "full"]
        assert marked[-1] is True
        epoch = client.hget(HEAD, "epoch")
    with Listener(REDIS_URL=redis_server.url, BINANCE_WS=exchange.url):
        exchange.tick(ETHUSDT="2000")
        wait_until(lambda: client.hgetall("prices") == {"ETHUSDT": "2000"}, "the real price alone")
        assert client.hget(HEAD, "epoch") != epoch
