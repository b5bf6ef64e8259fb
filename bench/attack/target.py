"""Target: what is attacked, the market that feeds it, and what is read of it from outside."""

import http.client
import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench import usage
from bench.drills.programs import Listener, Simulator
from bench.feed import RedisServer
from bench.process import Process, free_port

#: The market: symbols, symbols of a frame, frames a second.
SYMBOLS, PER_FRAME, HZ = 600, 20, 10
#: Its symbols, but for the first one, BTCUSDT.
NAMES = [f"C{number:04}USDT" for number in range(1, SYMBOLS)]
#: Tokens of the crowd and of an attacker, where the relay is not for everybody; and the setting that says so.
CROWD, HOLDER = "crowd-crowd-crowd", "holder-holder-holder"
ACCESS_TOKENS = f"crowd:{CROWD},holder:{HOLDER}"
_SETTLE_SECONDS = 0.3
_ANSWER_SECONDS = 10.0


#: Workers beside a listener and a Redis.
_WORKERS = 2


def bearer(token: str) -> str:
    """The field of a request that shows it."""
    return f"Authorization: Bearer {token}"


class Target:
    """gunicorn, everything at default but for `env`: one worker that is fed in-process, or two by a listener
    and a Redis."""

    def __init__(self, limit: int = 0, *, with_redis: bool = False, **env: str) -> None:
        """`limit`: files that it may have open; 0 leaves what is usual here."""
        self._stack = ExitStack()
        market = ("--symbols", str(SYMBOLS), "--per-frame", str(PER_FRAME), "--hz", str(HZ))
        self._simulator = self._stack.enter_context(Simulator("--market", "clock", *market))
        self.port = free_port()
        redis_url = "memory://"
        if with_redis:
            server = self._stack.enter_context(RedisServer())
            self._stack.enter_context(Listener(server, self._simulator.url))
            redis_url = server.url
        workers = _WORKERS if with_redis else 1
        command = [sys.executable, "-m", "gunicorn", "-k", "geventwebsocket", "-w", str(workers)]
        command += ["-b", f"127.0.0.1:{self.port}", "app:app"]
        if limit:
            command = ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *command]
        self._server = Process(
            command,
            REDIS_URL=redis_url,
            BINANCE_WS=self._simulator.url,
            LOG_LEVEL="warning",
            **env,
        )
        self._stack.enter_context(self._server)
        self._server.wait_until_answering(self.port)
        self._workers = self._server.children

    @property
    def is_alive(self) -> bool:
        """Whether they are still the same workers."""
        return self._server.children == self._workers

    @property
    def memory_mib(self) -> float:
        """The workers' resident sets."""
        texts = [Path(f"/proc/{worker}/status").read_text() for worker in self._workers]
        return sum(int(text.partition("VmRSS:")[2].split()[0]) for text in texts) / 1024

    @property
    def cpu_seconds(self) -> float:
        """What the workers have used so far."""
        return usage.cpu_seconds(self._workers)

    @property
    def waited_seconds(self) -> float:
        """For how long they were ready to run so far, and others had the CPUs."""
        return usage.waited_seconds(self._workers)

    def said(self) -> str:
        """Its log so far."""
        return self._server.output()

    def hush(self) -> dict[str, str]:
        """Stops the market, and gives what the relay then holds: each symbol's newest price."""
        self._simulator.fault("silent")
        time.sleep(_SETTLE_SECONDS)
        answer: dict[str, dict[str, str]] = self._ask("/api/prices")
        return answer["prices"]

    def go_on(self) -> None:
        """The market goes on."""
        self._simulator.clear()

    def wait_for_market(self) -> None:
        """Returns once every symbol has a price."""
        deadline = time.monotonic() + _ANSWER_SECONDS
        while len(self._ask("/api/prices")["prices"]) < SYMBOLS:
            if time.monotonic() > deadline:
                raise RuntimeError(f"the market does not come in:\n{self.said()}")
            time.sleep(_SETTLE_SECONDS)

    def _ask(self, path: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_ANSWER_SECONDS)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {CROWD}"})
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()
