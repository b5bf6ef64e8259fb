"""What tests share: servers that start fresh for each test, or once where nothing can be left in them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import RedisServer

#: The recorded frames stand beside the project where there are any; see tests/test_recordings.py.
RECORDINGS = Path(os.environ.get("RELAY_RECORDINGS", Path(__file__).resolve().parents[2] / "shared" / "recordings"))


@pytest.fixture(scope="session")
def _redis_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.kill()


@pytest.fixture
def redis_server(_redis_process: RedisServer) -> RedisServer:
    """A real Redis, empty."""
    _redis_process.client.flushall()
    return _redis_process
