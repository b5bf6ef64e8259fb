"""What sentinels say is followed, and whoever fails is named: they, or the master that they name."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

from relay.store.connect import connect
from relay.store.contract import StoreUnavailable
from relay.store.failure import unavailable
from tests.closing import Closing
from tests.ports import free_port
from tests.processes import Process, RedisServer

pytestmark = pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="redis-server is not installed"
)


class Sentinel(Closing):
    """One that believes in a master, whatever becomes of it."""

    def __init__(self, directory: Path, master: int) -> None:
        self.port = free_port()
        file = directory / "sentinel.conf"
        file.write_text(
            f"bind 127.0.0.1\nport {self.port}\ndir {directory}\n"
            f"sentinel monitor prices 127.0.0.1 {master} 1\n"
        )
        self.process = Process(["redis-server", str(file), "--sentinel"])
        self.process.wait_for_line(r"monitor master prices")

    def close(self) -> None:
        self.process.kill()


@pytest.fixture(scope="module")
def sentinel(
    _redis_process: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sentinel]:
    with Sentinel(tmp_path_factory.mktemp("sentinel"), _redis_process.port) as sentinel:
        yield sentinel


def failure(url: str) -> StoreUnavailable:
    """What is said where Redis cannot be asked."""
    with pytest.raises(RedisError) as raised:
        connect(url).ping()
    said = unavailable(raised.value)
    assert "<" not in said.logged
    return said


def test_a_sentinel_that_hangs_costs_no_time_where_another_answers(
    sentinel: Sentinel, tmp_path: Path, redis_server: RedisServer
) -> None:
    with Sentinel(tmp_path, 1) as hanging:
        hanging.process.signal(signal.SIGSTOP)
        url = f"redis+sentinel://127.0.0.1:{hanging.port},127.0.0.1:{sentinel.port}/prices"
        assert connect(url).ping()
        alone = f"redis+sentinel://127.0.0.1:{hanging.port}/prices"
        assert str(failure(alone)) == "the sentinel does not answer in time"


def test_a_master_that_is_not_there_is_named_as_the_sentinel_says(tmp_path: Path) -> None:
    port = free_port()
    with Sentinel(tmp_path, port) as sentinel:
        said = failure(f"redis+sentinel://127.0.0.1:{sentinel.port}/prices")
    assert str(said) == "the master, as the sentinel says, refuses connections"
    assert f"127.0.0.1:{port}" in said.detail


def test_a_master_that_hangs_is_named_as_the_sentinel_says(tmp_path: Path) -> None:
    with RedisServer(tmp_path) as master, Sentinel(tmp_path, master.port) as sentinel:
        master.signal(signal.SIGSTOP)
        said = failure(f"redis+sentinel://127.0.0.1:{sentinel.port}/prices")
    assert str(said) == "the master, as the sentinel says, does not answer in time"


def test_a_service_that_no_sentinel_knows_is_named(sentinel: Sentinel) -> None:
    said = failure(f"redis+sentinel://127.0.0.1:{sentinel.port}/other")
    assert str(said) == "no sentinel knows a master of this name"


def test_sentinels_that_are_not_there_are_named() -> None:
    said = failure(f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{free_port()}/prices")
    assert str(said) == "the sentinel refuses connections"


def test_a_sentinels_user_needs_one_right(sentinel: Sentinel) -> None:
    operator = Redis(port=sentinel.port)
    right = "+sentinel|get-master-addr-by-name"
    operator.execute_command("ACL", "SETUSER", "relay", "on", ">p/ss", "-@all", right)
    account = "sentinel_username=relay&sentinel_password=p%2Fss"
    assert connect(f"redis+sentinel://127.0.0.1:{sentinel.port}/prices?{account}").ping()
    said = failure(f"redis+sentinel://127.0.0.1:{sentinel.port}/prices?{account}x")
    assert str(said) == "the sentinel accepts neither our user nor our password"
