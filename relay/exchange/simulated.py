"""SimulatorChild: a simulator in a process of its own, which ends with ours."""

import os
import subprocess
import sys
from pathlib import Path

import gevent

import relay

#: The header by which a simulator names itself, in the answer to a handshake and in every other.
HEADER = "x-relay-simulator"

#: Seconds within which a simulator has to say its address.
START_SECONDS = 20.0


class SimulatorChild:
    """Started when first needed. It ends when its standard input does, so it never outlives us."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._url = ""

    def url(self) -> str:
        """The URL to read prices from; starts the simulator unless it runs already.

        Raises OSError where it does not start.
        """
        if self._process is None or self._process.poll() is not None:
            self._start()
        return self._url

    def _start(self) -> None:
        command = [sys.executable, "-m", "relay.simulator", "--port", "0", "--exit-with-stdin"]
        self._process = subprocess.Popen(
            command, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        try:
            with gevent.Timeout(START_SECONDS):
                address = self._process.stdout.readline().strip().rpartition(" ")[2]
        except gevent.Timeout:
            address = ""
        if not address.startswith("ws://"):
            self._process.kill()
            self._process = None
            raise OSError("the simulator did not start")
        self._url = address


def _environment() -> dict[str, str]:
    """Ours; it finds the relay wherever we were started."""
    paths = (str(Path(relay.__file__).parent.parent), os.environ.get("PYTHONPATH", ""))
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
