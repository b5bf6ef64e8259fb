"""A simulated exchange in a process of its own, for tests to talk to."""

import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

from tests.closing import Closing
from tests.plain_http import NO_TLS

_ROOT = Path(__file__).parent.parent
_START_TIMEOUT = 20.0  # seconds

#: Seconds that a test waits for anything that ought to come.
WAIT = 10.0


class Simulator(Closing):
    """`python -m relay.simulator` on a free port, with whatever further options a test wants.

    As a context manager it ends with the block; `exit-with-stdin` ends it even if the test is
    killed. What the process logs goes to the test's own standard error.
    """

    def __init__(self, *options: str, stderr: int | None = None) -> None:
        command = [sys.executable, "-m", "relay.simulator", "--port", "0", "--exit-with-stdin"]
        self.process = subprocess.Popen(
            [*command, *options],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        match = re.fullmatch(r"simulator listening on (ws://\S+)\n", line)
        if match is None:
            self.close()
            raise RuntimeError(f"the simulator did not start: {line!r}")
        #: `ws://127.0.0.1:PORT`
        self.url = match[1]
        #: `http://127.0.0.1:PORT`
        self.http = self.url.replace("ws://", "http://")

    def get(self, path: str, **query: str) -> httpx.Response:
        """GET a path: the REST calls, and the simulator's own under /simulator/."""
        return httpx.get(self.http + path, params=query, timeout=10, trust_env=False, verify=NO_TLS)

    def fault(self, name: str) -> None:
        """Switch a fault on (`python -m relay.simulator --help` lists them)."""
        self.get("/simulator/fault", set=name).raise_for_status()

    def clear(self, name: str = "") -> None:
        """Switch one fault off, or all."""
        self.get("/simulator/fault", clear=name).raise_for_status()

    def publish(self, stream: str, payload: str) -> None:
        """Send a payload, as it is, to whoever is subscribed to the stream."""
        self.get("/simulator/publish", stream=stream, data=payload).raise_for_status()

    def listing(self, **change: str) -> None:
        """Change what is listed, trades or is heard of: `halt`, `resume`, `delist` or `list` a
        symbol, `pause` or `mute` it (with `seconds`, until they are over), or let a `new` one (with
        `life`, seconds) appear.
        """
        self.get("/simulator/listing", **change).raise_for_status()

    def weight(self, **change: int) -> None:
        """Change the `limit` of REST weight in a minute, or what is `used`; a ban is over."""
        query = {name: str(number) for name, number in change.items()}
        self.get("/simulator/weight", **query).raise_for_status()

    def status(self) -> dict[str, object]:
        """Return `faults`, the number of `clients`, `streams` with their number of clients,
        and since the start `accepted` (handshakes), `attempts` and `control_messages` by address,
        `rest_calls` and `rest_weights` by path, `rest_weight` in all, and `too_many` (ended for
        exceeding a limit); `used_weight` in this minute, `weight_limit` and `banned_seconds`; and
        which symbols are `halted`, with their status, `delisted`, `paused` or `muted`.
        """
        status: dict[str, object] = self.get("/simulator/status").json()
        return status

    def wait_for_clients(self, count: int) -> None:
        """Return once so many are connected."""
        give_up = time.monotonic() + WAIT
        while self.status()["clients"] != count:
            assert time.monotonic() < give_up, f"{self.status()} never had {count} clients"
            time.sleep(0.01)

    def close(self) -> None:
        """End the process and wait for it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(_START_TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def hear_until_closed(client: ClientConnection) -> tuple[list[str | bytes], ConnectionClosed]:
    """Return all messages up to the close, and how it was closed."""
    heard: list[str | bytes] = []
    while True:
        try:
            heard.append(client.recv(timeout=WAIT))
        except ConnectionClosed as closed:
            return heard, closed


def hear_nothing(client: ClientConnection, silence: float) -> None:
    """Return once nothing has come for `silence` seconds; fail if that does not happen."""
    for _ in range(100):  # what was under way may still arrive
        try:
            client.recv(timeout=silence)
        except TimeoutError:
            return
    raise AssertionError("data goes on")
