"""Contenders: the servers that are compared, each with one process, all fed by the same Redis."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.process import Process, free_port

COMPETITORS = Path(__file__).resolve().parent / "competitors"


@dataclass(frozen=True)
class Contender:
    """A server, and what the load generator does differently for it."""

    title: str
    command: tuple[str, ...]
    #: Further options of bench.load.
    load: tuple[str, ...] = ()

    @property
    def obstacle(self) -> str:
        """Why it cannot run here, in a sentence; nothing where it can."""
        if self.command[0] != "node":
            return ""
        if not shutil.which("node"):
            return f"{self.title}: left out, because node is not installed."
        if not (COMPETITORS / "node_modules").is_dir():
            return f"{self.title}: left out, because `npm ci` has not run in bench/competitors."
        return ""


class Server(Process):
    """A contender at work."""

    def __init__(self, contender: Contender, redis_url: str) -> None:
        self.port = free_port()
        super().__init__(
            list(contender.command),
            REDIS_URL=redis_url,
            PORT=str(self.port),
            HOST="127.0.0.1",
            LOG_LEVEL="warning",
        )
        self.wait_until_answering(self.port)

    @property
    def serving(self) -> list[int]:
        """The processes that serve: gunicorn's master does not."""
        return self.children or [self.pid]


def _python(name: str) -> tuple[str, ...]:
    return (sys.executable, str(COMPETITORS / f"{name}.py"))


_RELAY = (sys.executable, "-m", "gunicorn", "-k", "geventwebsocket", "-w", "1", "app:app")

CONTENDERS = {
    "relay": Contender("relay", _RELAY),
    "relay-gzip": Contender("relay, gzip", _RELAY, ("--header", "Accept-Encoding: gzip")),
    "relay-anew": Contender("relay, without the id", _RELAY, ("--forget",)),
    "floor": Contender("floor: a bare Python loop", _python("floor")),
    "queue": Contender("a queue per client (gevent)", _python("queue_per_client")),
    "websockets": Contender("websockets.broadcast (asyncio)", _python("websockets_broadcast")),
    "node": Contender(
        "the specification's design (Node)", ("node", str(COMPETITORS / "specification.mjs"))
    ),
}
