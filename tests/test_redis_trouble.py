"""Redis is unwell in every way it can be, and is reached in every way there is."""

import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from relay.store.failure import reason
from tests.certificates import make_certificate, needs_openssl
from tests.long import long, long_after
from tests.ports import free_port
from tests.processes import Gunicorn, Listener, RedisServer, Sentinel, wait_until
from tests.scripted import ScriptedExchange
from tests.streams import EventSource

#: What a relay's user of Redis may do: its own keys and channels, and nothing that is an operator's
#: but ask which server this is, and what time it has there.
RIGHTS = (
    "resetchannels ~prices ~relay:{prices}:* &prices:updates &relay:{prices}:* "
    "+@read +@write +@pubsub +@scripting +@transaction +@connection -@dangerous "
    "+info +time"
)

needs_redis_server = pytest.mark.skipif(
    shutil.which("redis-server") is None,
    reason="redis-server is not installed, and the one from PyPI cannot do this",
)


@dataclass
class Chain:
    """Exchange, listener, Redis, worker and client."""

    exchange: ScriptedExchange
    server: RedisServer
    listener: Listener
    stream: EventSource

    def everybody_holds(self, **prices: str) -> None:
        """Waits until the hash and the client hold exactly these."""
        self.stream.wait_for(lambda: self.stream.prices == prices, f"exactly {prices}")
        wait_until(lambda: self.server.client.hgetall("prices") == prices, f"a hash of {prices}")

    def wait_until_stale(self) -> None:
        """Waits until the client was told, and looks whether the exchange is read all the same."""
        self.stream.wait_for_event("status", state="stale")
        self.exchange.wait_until_read()


@contextmanager
def chain_over(exchange: ScriptedExchange, server: RedisServer, url: str) -> Iterator[Chain]:
    """The listener and the worker reach the server by the URL."""
    with (
        Listener(REDIS_URL=url, BINANCE_WS=exchange.url) as listener,
        Gunicorn(REDIS_URL=url) as relay,
        EventSource(relay.port) as stream,
    ):
        yield Chain(exchange, server, listener, stream)
        # How they leave properly is tested elsewhere, and takes its time.
        relay.kill()
        listener.kill()


@pytest.fixture
def chain(exchange: ScriptedExchange, tmp_path: Path) -> Iterator[Chain]:
    with (
        RedisServer(tmp_path, "--enable-debug-command", "local") as server,
        chain_over(exchange, server, server.url) as chain,
    ):
        yield chain


@contextmanager
def operator(server: RedisServer) -> Iterator[redis.Redis]:
    """One connection, from before the trouble until after it: those to come may be refused."""
    with redis.Redis(port=server.port, single_connection_client=True) as client:
        yield client


@contextmanager
def asleep(chain: Chain) -> Iterator[None]:
    """It answers nobody for three seconds, which is longer than any write may take."""
    with socket.create_connection(("127.0.0.1", chain.server.port)) as connection:
        connection.sendall(b"DEBUG SLEEP 3\r\n")
        yield
        assert connection.recv(100) == b"+OK\r\n"


@contextmanager
def stopped(chain: Chain) -> Iterator[None]:
    """It is half-open: the kernel still accepts connections and bytes."""
    chain.server.signal(signal.SIGSTOP)
    try:
        yield
        chain.wait_until_stale()
    finally:
        chain.server.signal(signal.SIGCONT)


@contextmanager
def out_of_memory(chain: Chain) -> Iterator[None]:
    """It refuses to write, and says so."""
    with operator(chain.server) as client:
        client.config_set("maxmemory", 1)
        yield
        chain.wait_until_stale()
        client.config_set("maxmemory", 0)


@contextmanager
def read_only(chain: Chain) -> Iterator[None]:
    """It is a replica now, of a master that is not there."""
    with operator(chain.server) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        yield
        chain.wait_until_stale()
        client.execute_command("REPLICAOF", "NO", "ONE")


@contextmanager
def locked(chain: Chain) -> Iterator[None]:
    """It wants a password that nobody was told."""
    with operator(chain.server) as client:
        client.config_set("requirepass", "secret")
        kill_clients(client, "normal")
        kill_clients(client, "pubsub")
        yield
        chain.wait_until_stale()
        client.config_set("requirepass", "")


@contextmanager
def away(chain: Chain) -> Iterator[None]:
    """It is gone, and comes back empty."""
    chain.server.kill()
    yield
    chain.server.start()


@contextmanager
def flushed(chain: Chain) -> Iterator[None]:
    chain.server.client.flushall()
    yield


@contextmanager
def without_writers(chain: Chain) -> Iterator[None]:
    with operator(chain.server) as client:
        kill_clients(client, "normal")
        yield


@contextmanager
def without_subscribers(chain: Chain) -> Iterator[None]:
    with operator(chain.server) as client:
        kill_clients(client, "pubsub")
        yield


def kill_clients(client: redis.Redis, kind: str) -> None:
    """Cuts all connections of this kind but our own."""
    client.execute_command("CLIENT", "KILL", "TYPE", kind)


@pytest.mark.parametrize(
    "trouble",
    long_after(
        3,
        [
            away,
            flushed,
            out_of_memory,
            asleep,
            stopped,
            read_only,
            locked,
            without_writers,
            without_subscribers,
        ],
    ),
)
def test_prices_survive_a_redis_that_is(
    trouble: Callable[[Chain], AbstractContextManager[None]], chain: Chain
) -> None:
    exchange = chain.exchange
    exchange.tick(BTCUSDT="1", ETHUSDT="1")
    chain.everybody_holds(BTCUSDT="1", ETHUSDT="1")
    with trouble(chain):
        exchange.tick(BTCUSDT="2")
        exchange.tick(BTCUSDT="3", NEWUSDT="1")
        exchange.wait_until_read()
    chain.everybody_holds(BTCUSDT="3", ETHUSDT="1", NEWUSDT="1")
    exchange.tick(ETHUSDT="2")
    chain.everybody_holds(BTCUSDT="3", ETHUSDT="2", NEWUSDT="1")
    assert exchange.connected == 1
    assert not chain.stream.ended


def test_a_user_with_few_rights_is_enough(exchange: ScriptedExchange, tmp_path: Path) -> None:
    with RedisServer(tmp_path) as server:
        client = server.client
        client.execute_command("ACL", "SETUSER", "relay", "on", ">p@ss", *RIGHTS.split())
        url = f"redis://relay:p%40ss@127.0.0.1:{server.port}"
        with chain_over(exchange, server, url) as chain:
            exchange.tick(BTCUSDT="1", ETHUSDT="1")
            chain.everybody_holds(BTCUSDT="1", ETHUSDT="1")
            # Writing all of it anew takes other commands than going on.
            client.flushall()
            exchange.tick(BTCUSDT="2")
            chain.everybody_holds(BTCUSDT="2", ETHUSDT="1")
            chain.listener.signal(signal.SIGTERM)
            chain.listener.wait()
        assert client.acl_log() == []


@long
@needs_redis_server
def test_a_unix_socket_reaches_redis(exchange: ScriptedExchange, tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with (
        RedisServer(tmp_path, "--unixsocket", str(path)) as server,
        chain_over(exchange, server, f"unix://{path}") as chain,
    ):
        exchange.tick(BTCUSDT="1")
        chain.everybody_holds(BTCUSDT="1")


@long
@needs_redis_server
@needs_openssl
def test_tls_reaches_redis(exchange: ScriptedExchange, tmp_path: Path) -> None:
    key, certificate = make_certificate(tmp_path)
    port = free_port()
    tls = {
        "port": str(port),
        "key-file": str(key),
        "cert-file": str(certificate),
        "ca-cert-file": str(certificate),
        "auth-clients": "no",
    }
    options = [part for name, value in tls.items() for part in (f"--tls-{name}", value)]
    url = f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificate}"
    with (
        RedisServer(tmp_path, *options) as server,
        chain_over(exchange, server, url) as chain,
    ):
        exchange.tick(BTCUSDT="1")
        chain.everybody_holds(BTCUSDT="1")


@needs_redis_server
def test_prices_go_on_with_the_new_master_when_the_old_one_dies(
    exchange: ScriptedExchange, tmp_path: Path
) -> None:
    with (
        RedisServer(tmp_path) as master,
        RedisServer(tmp_path, "--replicaof", "127.0.0.1", str(master.port)) as replica,
    ):
        wait_until(
            lambda: replica.client.info("replication")["master_link_status"] == "up", "the replica"
        )
        with Sentinel(tmp_path, master) as sentinel:
            # The first of the two sentinels does not answer.
            sentinels = f"127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}"
            url = f"redis+sentinel://{sentinels}/{sentinel.NAME}"
            with chain_over(exchange, master, url) as chain:
                exchange.tick(BTCUSDT="1", ETHUSDT="1")
                chain.everybody_holds(BTCUSDT="1", ETHUSDT="1")
                master.kill()
                exchange.tick(BTCUSDT="2")
                exchange.wait_until_read()
                chain.server = replica
                chain.everybody_holds(BTCUSDT="2", ETHUSDT="1")
                exchange.tick(ETHUSDT="2")
                chain.everybody_holds(BTCUSDT="2", ETHUSDT="2")
                assert exchange.connected == 1
                assert not chain.stream.ended


def test_a_password_that_was_set_is_named_whatever_redis_says_of_it() -> None:
    """It answers so to whoever sends much before it knows him."""
    error = redis.ResponseError("Protocol error: unauthenticated multibulk length")
    assert reason(error) == "Redis accepts neither our user nor our password"
