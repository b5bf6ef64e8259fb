"""Somebody spoils our keys under a running listener and worker: prices go on, and no reason tells secrets."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from relay.store import keys
from relay.store.failure import reason
from tests.processes import Gunicorn, Listener, RedisServer, wait_until
from tests.scripted import ScriptedExchange
from tests.streams import EventSource

KEYS = {
    keys.PRICES: "hash",
    keys.HEAD: "hash",
    keys.BASE: "string",
    keys.LOG: "list",
    keys.LEASE: "string",
    keys.STANDBYS: "zset",
    keys.LOST: "string",
    f"{keys.HISTORY}own/x": "string",
    f"{keys.ORDER}page": "zset",
    keys.ROLL: "hash",
    keys.DEMANDS: "zset",
    keys.BELL: "list",
    f"{keys.TAKEN}x": "string",
    f"{keys.ANSWERED}x": "string",
    f"{keys.REFUSED}x": "string",
}
CHANNELS = (keys.UPDATES, keys.BATCHES, keys.ANSWERS)
#: What no public reason and no line of a log may hold.
SECRETS = re.compile(
    r"(?i)\blua\b|user_script|script:|redis\.client|\.py\b.*line|Traceback|127\.0\.0\.1:\d+"
)


class Relay:
    """Exchange, listener, Redis, worker and a client, for all tests of this module."""

    def __init__(self, directory: Path) -> None:
        self.exchange = ScriptedExchange()
        self.server = RedisServer(directory)
        url = self.server.url
        self.listener = Listener(REDIS_URL=url, BINANCE_WS=self.exchange.url)
        self.worker = Gunicorn(REDIS_URL=url)
        self.stream = EventSource(self.worker.port)
        self.raw = redis.Redis(port=self.server.port)
        self._price = 0

    def goes_on(self) -> None:
        """Waits until the client and the hash hold a price that is made now."""
        self._price += 1
        price = str(self._price)
        self.exchange.tick(BTCUSDT=price)
        self.stream.wait_for_price("BTCUSDT", price)
        wait_until(lambda: self._stored() == price.encode(), "the hash")

    def reasons(self) -> list[str]:
        said = [str(event.get("reason", "")) for event in self.stream.events]
        return [*said, str(self.worker.ready()["reason"])]

    def _stored(self) -> bytes | None:
        if self.raw.type(keys.PRICES) != b"hash":
            return None
        return self.raw.hget(keys.PRICES, "BTCUSDT")

    def close(self) -> None:
        self.stream.close()
        self.worker.kill()
        self.listener.kill()
        self.server.close()
        self.exchange.close()


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    relay = Relay(tmp_path_factory.mktemp("redis"))
    relay.goes_on()
    yield relay
    relay.close()


def put(client: redis.Redis, key: str, kind: str) -> None:
    """A value of this type."""
    client.delete(key)
    if kind == "string":
        client.set(key, "x")
    elif kind == "hash":
        client.hset(key, "x", "y")
    elif kind == "list":
        client.rpush(key, "x")
    elif kind == "set":
        client.sadd(key, "x")
    elif kind == "zset":
        client.zadd(key, {"x": 1})
    else:
        client.xadd(key, {"x": "y"})


def test_every_key_is_among_those_that_are_spoiled() -> None:
    named = {name.split("x")[0] for name in KEYS} | set(KEYS) | set(CHANNELS)
    ours = {value for name, value in vars(keys).items() if name.isupper()}
    assert all(any(name.startswith(value) for name in named) for value in ours)


@pytest.mark.parametrize("key", KEYS)
def test_prices_go_on_though_somebody_spoils(key: str, relay: Relay) -> None:
    for kind in ("string", "hash", "list", "set", "zset", "stream"):
        put(relay.raw, key, kind)
        relay.goes_on()
        if key == keys.LOST:
            relay.raw.delete(key)
    relay.raw.delete(key)
    relay.goes_on()


@pytest.mark.parametrize("channel", CHANNELS)
def test_prices_go_on_though_somebody_floods(channel: str, relay: Relay) -> None:
    for _ in range(30):
        relay.raw.publish(channel, b"x" * (1 << 20))
    for rubbish in (b"", b"\xff", b"\x95\xa2e1", b"{" * 1000, b"\x91" * 100_000):
        relay.raw.publish(channel, rubbish)
    relay.goes_on()


def test_prices_go_on_without_scripts_connections_or_keys(relay: Relay) -> None:
    client = relay.raw
    client.script_flush()
    relay.goes_on()
    client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
    relay.goes_on()
    client.execute_command("CLIENT", "PAUSE", "1200", "ALL")
    relay.goes_on()
    for key in KEYS:
        client.pexpire(key, 1)
    relay.goes_on()
    client.flushall()
    relay.goes_on()


def test_a_redis_that_takes_no_writes_is_named_without_what_is_inside(relay: Relay) -> None:
    relay.raw.config_set("maxmemory", 1)
    relay.stream.wait_for_event("status", reason="redis: Redis is out of memory")
    relay.raw.config_set("maxmemory", 0)
    relay.goes_on()


def test_a_worker_with_a_secret_says_that_its_listener_does_not_sign(relay: Relay) -> None:
    secret = "long enough to be one"  # noqa: S105 - nobody's
    with Gunicorn(REDIS_URL=relay.server.url, RELAY_SECRET=secret) as worker:
        wait_until(
            lambda: "it is not signed, though RELAY_SECRET" in str(worker.ready()["reason"]),
            "the reason",
        )
        assert str(worker.ready()["reason"]).startswith("redis: ")
        assert secret not in "".join(worker.output)
        worker.kill()
    relay.goes_on()


def test_a_listener_and_a_worker_with_the_same_secret_agree(
    exchange: ScriptedExchange, tmp_path: Path
) -> None:
    env = {"RELAY_SECRET": "long enough to be one"}
    with (
        RedisServer(tmp_path) as server,
        Listener(REDIS_URL=server.url, BINANCE_WS=exchange.url, **env) as listener,
        Gunicorn(REDIS_URL=server.url, **env) as worker,
        EventSource(worker.port) as stream,
    ):
        exchange.tick(BTCUSDT="1", ETHUSDT="1")
        stream.wait_for_price("BTCUSDT", "1")
        # A listener without it cannot go on from what this one wrote, and says why.
        listener.kill()
        with Listener(REDIS_URL=server.url, BINANCE_WS=exchange.url) as other:
            other.wait_for_line("it is signed, but RELAY_SECRET is not set here")
            other.kill()
        assert server.client.hget("prices", "BTCUSDT") == "1"
        worker.kill()


def test_neither_a_reason_nor_the_log_gives_away_what_is_inside(relay: Relay) -> None:
    relay.goes_on()
    for said in relay.reasons():
        assert not SECRETS.search(said), said
    for line in relay.listener.output + relay.worker.output:
        if "redis" in line.lower() or "store" in line:
            assert not SECRETS.search(
                line.replace("http://127.0.0.1", "").replace("ws://127.0.0.1", "")
            ), line


SAID = [
    redis.ResponseError(
        "OOM command not allowed when used memory > 'maxmemory'. script: ab12, on @user_script:33."
    ),
    redis.ResponseError("MISCONF Redis is configured to save RDB snapshots, but ... script: ab12"),
    redis.ResponseError("WRONGTYPE Operation against a key script: 0123, on @user_script:7."),
    redis.ResponseError("ERR user_script:7: attempt to index a nil value, lua"),
    redis.ConnectionError("Error 111 connecting to 127.0.0.1:6379. Connection refused."),
    redis.ConnectionError("<redis.client.Redis(<redis.connection.ConnectionPool()>)>"),
    redis.TimeoutError("Timeout reading from 127.0.0.1:6379"),
    redis.AuthenticationError("WRONGPASS invalid username-password pair or user is disabled."),
    ValueError("not enough values to unpack <redis.client.Redis>"),
]


@pytest.mark.parametrize("error", SAID)
def test_a_reason_is_in_our_own_words(error: Exception) -> None:
    assert not SECRETS.search(reason(error))
    assert 0 < len(reason(error)) < 80
