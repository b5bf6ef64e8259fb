"""Prices over a real Redis Cluster, while it is resharded and while a master dies."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import MovedError
from redis.retry import Retry

from relay.store.cluster import Cluster
from relay.store.connect import connect
from relay.store.failure import reason
from relay.store.master import Unknown
from relay.url import Host
from tests.long import long
from tests.processes import Gunicorn, Listener, RedisServer
from tests.redis_cluster import RedisCluster
from tests.scripted import ScriptedExchange
from tests.streams import EventSource

pytestmark = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="redis-server is not installed"
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisCluster]:
    with RedisCluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


class Chain:
    """Exchange, listener, cluster, worker and a client that judges what it gets."""

    def __init__(self, exchange: ScriptedExchange, stream: EventSource) -> None:
        self.exchange = exchange
        self.stream = stream
        self.number = 0
        self._over = threading.Event()

    def tick(self) -> None:
        """Both symbols' next price."""
        self.number += 1
        self.exchange.tick(BTCUSDT=str(self.number), ETHUSDT=str(self.number))

    def wait_until_held(self) -> None:
        """Until the client has what was said last."""
        for symbol in ("BTCUSDT", "ETHUSDT"):
            self.stream.wait_for_price(symbol, str(self.number))

    @contextmanager
    def load(self) -> Iterator[None]:
        """A hundred frames a second, as long as it lasts."""
        self._over.clear()
        ticking = threading.Thread(target=self._keep_ticking)
        ticking.start()
        try:
            yield
        finally:
            self._over.set()
            ticking.join()

    def no_price_went_back(self) -> None:
        """Of one symbol, over all that the client was told."""
        prices = [int(told["price"]) for told in self.stream.updates if told["symbol"] == "BTCUSDT"]
        assert prices == sorted(prices)
        assert not self.stream.ended

    def _keep_ticking(self) -> None:
        while not self._over.wait(0.01):
            self.tick()


@pytest.fixture(scope="module")
def chain(cluster: RedisCluster) -> Iterator[Chain]:
    with (
        ScriptedExchange() as exchange,
        Listener(REDIS_URL=cluster.url, BINANCE_WS=exchange.url) as listener,
        Gunicorn(REDIS_URL=cluster.url) as relay,
    ):
        with EventSource(relay.port, "batch=1") as stream:
            chain = Chain(exchange, stream)
            chain.tick()
            chain.wait_until_held()
            yield chain
        relay.kill()
        listener.kill()


@long
def test_prices_go_on_while_the_slot_moves_to_another_node_under_load(
    chain: Chain, cluster: RedisCluster
) -> None:
    with chain.load():
        for target in (1, 2, 0):
            cluster.move_slot(target)
            held = len(chain.stream.updates)
            chain.stream.wait_for(lambda n=held: len(chain.stream.updates) > n + 20, "more prices")
    chain.wait_until_held()
    chain.no_price_went_back()
    assert cluster.client.hget("prices", "BTCUSDT") == str(chain.number)
    assert cluster.client.acl_log() == []


def test_prices_go_on_when_the_master_of_the_slot_dies(chain: Chain, cluster: RedisCluster) -> None:
    with chain.load():
        cluster.promote()
        chain.stream.wait_for(
            lambda: int(chain.stream.prices["BTCUSDT"]) > chain.number - 100, "prices again"
        )
    chain.wait_until_held()
    chain.no_price_went_back()
    assert cluster.client.hget("prices", "BTCUSDT") == str(chain.number)


def test_a_url_of_a_single_server_is_told_that_it_is_a_cluster(cluster: RedisCluster) -> None:
    with pytest.raises(MovedError) as told:
        connect(f"redis://127.0.0.1:{cluster.nodes[2].port}").hgetall("prices")
    assert reason(told.value) == "Redis is a cluster: REDIS_URL has to begin with redis+cluster://"


def test_a_url_of_a_cluster_is_told_that_it_is_a_single_server(redis_server: RedisServer) -> None:
    with pytest.raises(Unknown) as told:
        connect(f"redis+cluster://127.0.0.1:{redis_server.port}").hgetall("prices")
    assert reason(told.value) == "Redis is no cluster, though REDIS_URL says so"


def test_when_nothing_that_the_url_names_is_there_the_other_nodes_are_asked(
    cluster: RedisCluster,
) -> None:
    node = cluster.nodes[2].port
    asked: list[int] = []

    def client(host: Host) -> Redis:
        asked.append(host.port or 0)
        gone = asked[1:] and host.port == node
        return Redis(port=1 if gone else host.port or 0, retry=Retry(NoBackoff(), 0))

    nodes = Cluster([Host("127.0.0.1", node)], client)
    held = nodes.find()
    assert nodes.find() == held
    assert {held.port, node} < set(asked)
