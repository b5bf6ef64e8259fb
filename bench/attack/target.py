"""Target: the worker under attack, the market that feeds it, and what is read of it from outside."""

import http.client
import json
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench import usage
from bench.drills.programs import Simulator
from bench.process import Process, free_port

#: The market: symbols, symbols of a frame, frames a second.
SYMBOLS, PER_FRAME, HZ = 600, 20, 10
#: Its symbols, but for the first one, BTCUSDT.
NAMES = [f"C{number:04}USDT" for number in range(1, SYMBOLS)]
_SETTLE_SECONDS = 0.3
_ANSWER_SECONDS = 10.0


class Target:
    """gunicorn with one worker, everything at default but for `env`."""

    def __init__(self, limit: int = 0, **env: str) -> None:
        """`limit`: files that it may have open; 0 leaves what is usual here."""
        self._stack = ExitStack()
        market = ("--symbols", str(SYMBOLS), "--per-frame", str(PER_FRAME), "--hz", str(HZ))
        self._simulator = self._stack.enter_context(Simulator("--market", "clock", *market))
        self.port = free_port()
        command = [sys.executable, "-m", "gunicorn", "-k", "geventwebsocket", "-w", "1"]
        command += ["-b", f"127.0.0.1:{self.port}", "app:app"]
        if limit:
            command = ["sh", "-c", f'ulimit -n {limit}; exec "$@"', "sh", *command]
        self._server = Process(
            command,
            REDIS_URL="memory://",
            BINANCE_WS=self._simulator.url,
            LOG_LEVEL="warning",
            **env,
        )
        self._stack.enter_context(self._server)
        self._server.wait_until_answering(self.port)
        self._worker = self._server.children[0]

    @property
    def is_alive(self) -> bool:
        """Whether it is still the same worker."""
        return self._server.children == [self._worker]

    @property
    def memory_mib(self) -> float:
        """The worker's resident set."""
        text = Path(f"/proc/{self._worker}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) / 1024

    @property
    def cpu_seconds(self) -> float:
        """What the worker has used so far."""
        return usage.cpu_seconds([self._worker])

    @property
    def waited_seconds(self) -> float:
        """For how long it was ready to run so far, and others had the CPUs."""
        return usage.waited_seconds([self._worker])

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
            connection.request("GET", path)
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
