"""How long a frame of the whole market takes from the exchange's send to being visible in Redis.

Every price is the clock of the exchange at the moment of sending, on the same machine. It is compared
with the clock at the arrival of the last message on `relay:{prices}:batches` that carries it, which
Redis sends after the write. So a latency includes the exchange's own encoding and its WebSocket, the
listener's reading, parsing, numbering and encoding, the script in Redis, and the way to this reader.
"""

import argparse
import re
from contextlib import ExitStack

from bench import usage
from bench.drills.loop import Loop
from bench.drills.programs import Listener, Simulator
from bench.drills.report import Report
from bench.drills.wiretap import Wiretap
from bench.feed import RedisServer

_CHANNEL = "relay:{prices}:batches"
#: The clock market's prices, wherever they stand in a batch: nothing else has nine decimals, but
#: zeros, which the market sends too.
_PRICE = re.compile(rb"(?<![0-9])([1-9][0-9]*\.[0-9]{9})(?![0-9])")
_START_SECONDS = 20.0
_WARM_SECONDS = 3.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the command line may say."""
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--symbols", type=int, default=2000)
    parser.add_argument("--hz", type=float, default=1.0, help="frames a second (1)")


def run(options: argparse.Namespace, report: Report) -> None:
    """Measures once."""
    arrivals: dict[bytes, float] = {}

    def hear(now: float, message: bytes) -> None:
        for price in set(_PRICE.findall(message)):
            arrivals[price] = now

    with ExitStack() as stack:
        start = stack.enter_context
        server = start(RedisServer())
        market = ("--symbols", str(options.symbols), "--hz", str(options.hz))
        simulator = start(Simulator("--market", "clock", *market))
        listener = start(Listener(server, simulator.url))
        loop = Loop()
        stack.callback(loop.close)
        loop.add(Wiretap(server.port, _CHANNEL, hear))
        if not loop.run_until(lambda: bool(arrivals), _START_SECONDS):
            raise RuntimeError(f"no price on {_CHANNEL}:\n{listener.output()}")
        loop.run_for(_WARM_SECONDS)
        arrivals.clear()
        cpu = usage.cpu_seconds([listener.pid])
        redis_cpu = usage.cpu_seconds([server.pid])
        loop.run_for(options.seconds)
        cpu = usage.cpu_seconds([listener.pid]) - cpu
        redis_cpu = usage.cpu_seconds([server.pid]) - redis_cpu
    latencies = sorted(1000 * (at - float(price)) for price, at in arrivals.items())
    wanted = options.seconds * options.hz
    if len(latencies) < wanted - 2:
        report.breach(f"{len(latencies)} frames of {wanted:g} arrived")
    report.row(
        frames=len(latencies),
        p50_ms=latencies[len(latencies) // 2],
        p99_ms=latencies[min(int(len(latencies) * 0.99), len(latencies) - 1)],
        max_ms=latencies[-1],
        listener_cpu_percent=100 * cpu / options.seconds,
        redis_cpu_percent=100 * redis_cpu / options.seconds,
    )
