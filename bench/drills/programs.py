"""Programs: what the relay consists of, each as a process of its own, and what can be done to it."""

import http.client
import json
import sys
from typing import Any

import redis

from bench.feed import RedisServer
from bench.process import Process, free_port

#: Its value names the listener that may write, as host:pid:...
LEASE = "relay:{prices}:lease"
_ANSWER_SECONDS = 5.0


class Simulator(Process):
    """A simulated exchange."""

    def __init__(self, *options: str) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "relay.simulator", "--port", str(self.port)]
        super().__init__([*command, *options])
        self.wait_until_answering(self.port)

    @property
    def url(self) -> str:
        """Its whole market."""
        return f"ws://127.0.0.1:{self.port}/stream?streams=!miniTicker@arr"

    @property
    def clients(self) -> int:
        """How many are connected."""
        answer: dict[str, int] = get_json(self.port, "/simulator/status")
        return answer["clients"]

    def fault(self, *names: str) -> None:
        """Switches faults on."""
        get_json(self.port, "/simulator/fault?" + "&".join(f"set={name}" for name in names))

    def clear(self) -> None:
        """Switches all faults off."""
        get_json(self.port, "/simulator/fault?clear")


class Listener(Process):
    """`python listener.py`."""

    def __init__(self, redis_server: RedisServer, *sources: str) -> None:
        super().__init__(
            [sys.executable, "listener.py"],
            REDIS_URL=redis_server.url,
            BINANCE_WS=",".join(sources),
        )


class Workers(Process):
    """gunicorn with so many workers."""

    def __init__(
        self, redis_server: RedisServer, count: int = 1, port: int = 0, **env: str
    ) -> None:
        self.port = port or free_port()
        command = [sys.executable, "-m", "gunicorn", "-k", "geventwebsocket", "-w", str(count)]
        super().__init__(
            [*command, "-b", f"127.0.0.1:{self.port}", "app:app"],
            REDIS_URL=redis_server.url,
            LOG_LEVEL="warning",
            **env,
        )
        self.wait_until_answering(self.port)

    def ready(self) -> dict[str, Any]:
        """What one of them says of itself, ready or not."""
        answer: dict[str, Any] = get_json(self.port, "/readyz")
        return answer


def leader_of(client: "redis.Redis", listeners: list[Listener]) -> Listener | None:
    """The listener that holds the lease, if one does."""
    parts = (client.get(LEASE) or b"").decode().split(":")
    return next((each for each in listeners if str(each.pid) in parts), None)


def get_json(port: int, path: str) -> Any:
    """The answer's body, whatever its status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()
