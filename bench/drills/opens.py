"""What it costs a worker to open a stream: opens for each second of the worker's CPU.

Each stream is a connection of its own. They are opened one after the other, and count once the first
event has been read; all of them stay open until the last one is. The figures are of groups of 50: the
median, and the best tenth, where others on the machine disturbed least. Beside them `livez` is what a plain
answer costs, its connection's end included. `--against` names a second checkout
of the project, and every round measures both in turn.
"""

import argparse
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median, quantiles

from bench import usage
from bench.drills.programs import Simulator
from bench.drills.report import Report
from bench.process import ROOT, Process, free_port

_ANSWER_SECONDS = 10.0
_READ_BYTES = 4096
_WARM, _GROUP = 200, 50
_HOST = b"Host: 127.0.0.1\r\n"
_UPGRADE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
#: A name for each case, its request, and whether the answer leads to a stream.
_CASES = {
    "sse": (b"GET /events?symbols=BTCUSDT HTTP/1.1\r\n" + _HOST + b"\r\n", True),
    "ws": (b"GET /ws?symbols=BTCUSDT HTTP/1.1\r\n" + _HOST + _UPGRADE + b"\r\n", True),
    "livez": (b"GET /livez HTTP/1.1\r\nConnection: close\r\n" + _HOST + b"\r\n", False),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the command line may say."""
    add = parser.add_argument
    add("--rounds", type=int, default=3)
    add("--opens", type=int, default=3000, help="connections of each kind in a round (3000)")
    add("--against", type=Path, metavar="DIRECTORY", help="another checkout, measured in turn")


def run(options: argparse.Namespace, report: Report) -> None:
    """Measures every kind, each in a fresh worker."""
    roots = {"this": ROOT} | ({"other": options.against} if options.against else {})
    with Simulator("--market", "clock", "--symbols", "10") as simulator:
        for _ in range(options.rounds):
            for name, (request, is_stream) in _CASES.items():
                row: dict[str, object] = {"case": name}
                medians = {}
                for root, path in roots.items():
                    costs = _costs(simulator, path, request, is_stream, options.opens)
                    medians[root] = median(costs)
                    row[f"{root}_opens_per_cpu_second"] = round(1 / medians[root])
                    row[f"{root}_at_best"] = round(1 / quantiles(costs, n=10)[0])
                if "other" in medians:
                    row["ratio"] = medians["other"] / medians["this"]
                report.row(**row)


def _costs(
    simulator: Simulator, root: Path, request: bytes, is_stream: bool, count: int
) -> list[float]:
    """Seconds of the worker's CPU for an open, of each group."""
    port = free_port()
    command = (sys.executable, "-m", "gunicorn", "-k", "geventwebsocket", "-w", "1")
    address = ("-b", f"127.0.0.1:{port}", "app:app")
    with ExitStack() as stack:
        server = Process(
            [*command, *address],
            root,
            REDIS_URL="memory://",
            BINANCE_WS=simulator.url,
            HEARTBEAT_SECONDS="60",
            LOG_LEVEL="warning",
        )
        stack.enter_context(server)
        server.wait_until_answering(port)
        # The first ones pay for what is made once.
        opened = [_open(port, request, is_stream) for _ in range(_WARM)]
        costs = []
        for _ in range(count // _GROUP):
            before = usage.scheduled_seconds(server.children)
            opened += [_open(port, request, is_stream) for _ in range(_GROUP)]
            costs.append((usage.scheduled_seconds(server.children) - before) / _GROUP)
        for sock in opened:
            sock.close()
    return costs


def _open(port: int, request: bytes, is_stream: bool) -> socket.socket:
    """Connects, asks, and reads up to the first event, or to the answer's end."""
    sock = socket.create_connection(("127.0.0.1", port), _ANSWER_SECONDS)
    sock.sendall(request)
    answer = b""
    while b'"event":"status"' not in answer:
        data = sock.recv(_READ_BYTES)
        if not data and is_stream:
            raise RuntimeError(f"the stream ended early: {answer!r}")
        if not data:
            break
        answer += data
    return sock
