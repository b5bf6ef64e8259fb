"""Process: one of the programs that a measurement needs. It ends with its `with` block."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
#: A program has so long to answer on its port.
START_SECONDS = 20.0
#: And so long to end when asked to, before it is killed.
STOP_SECONDS = 5.0
_LOOK_SECONDS = 0.01
_QUESTION = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


class Process:
    """A child process in a session of its own, so that its children end with it."""

    def __init__(self, command: list[str], cwd: Path = ROOT, **env: str) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process is
        self._process = subprocess.Popen(
            command,
            cwd=cwd,
            env=os.environ | env,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    @property
    def children(self) -> list[int]:
        """The ids of the processes that it has started itself."""
        return [
            int(p) for p in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        ]

    def wait_until_answering(self, port: int, question: bytes = _QUESTION) -> None:
        """Raises RuntimeError with its output where it does not.

        Listening is not enough: gunicorn listens before it has a worker.
        """
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0) as sock:
                sock.sendall(question)
                if sock.recv(1):
                    return
            time.sleep(_LOOK_SECONDS)
        raise RuntimeError(f"{self._process.args!r} does not answer on {port}:\n{self.output()}")

    def output(self) -> str:
        """What it has said so far."""
        file = self._output.fileno()
        # Not seek and read: the process writes at the position that it shares with us.
        return os.pread(file, os.fstat(file).st_size, 0).decode(errors="replace")

    def signal(self, number: int) -> None:
        """Sends it a signal; to it alone, not to its children."""
        self._process.send_signal(number)

    def wait(self) -> None:
        """Waits for its end, and kills it if that takes too long."""
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to it and to its children, and waits for its end."""
        if self._process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        """Asks it to end, and kills it and its children if that is not enough."""
        self._process.terminate()
        self.wait()
        self._output.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def free_port() -> int:
    """A port that nobody listens on at the moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
