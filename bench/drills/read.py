"""How fast the listener reads real recordings, and whether its memory stays flat.

The simulator replays as fast as the listener takes it. Where the simulator is the slower of the two,
the figure for a second of the listener's CPU still holds. With several passes the simulator moves
times and ids so that they never run backwards; with one, every byte is as it was recorded.
"""

import argparse
import gzip
import os
import re
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import redis

from bench import usage
from bench.drills.programs import Listener, Simulator
from bench.drills.report import Report
from bench.feed import RedisServer

#: What the simulator logs at the end of each pass.
_PASS = re.compile(r"replayed \d+ frames|replay starts over")
_LOOK_SECONDS = 0.05
#: Until the first price: so much of the reading may count as the start.
_FIRST_LOOK_SECONDS = 0.01
#: So many times the look, and a listener that used no CPU has read everything.
_QUIET_LOOKS = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the command line may say."""
    add = parser.add_argument
    default = os.environ.get("RELAY_RECORDINGS")
    add("--recordings", type=Path, default=default, required=not default, metavar="DIRECTORY")
    add("--passes", type=int, default=1)
    add("--limit", type=float, default=300.0, help="seconds after which it gives up (300)")


def run(options: argparse.Namespace, report: Report) -> None:
    """Measures once."""
    files = sorted((options.recordings / "ticks-raw").glob("*.gz"))
    if not files:
        raise SystemExit(f"no recordings in {options.recordings / 'ticks-raw'}")
    messages = options.passes * sum(map(_count_messages, files))
    loop = ("--loop",) if options.passes > 1 else ()
    with ExitStack() as stack:
        start = stack.enter_context
        server = start(RedisServer())
        replay = ("--replay", *map(str, files), "--speed", "0", *loop)
        simulator = start(Simulator(*replay))
        listener = start(Listener(server, simulator.url))
        began, cpu = _wait_for_prices(server.port, listener, options.limit)
        samples = _sample(simulator, listener, options.passes, began + options.limit)
        if samples is None:
            report.breach(f"not read within {options.limit:g} s")
            return
        wall = samples[-1][0] - began
        cpu = usage.cpu_seconds([listener.pid]) - cpu
        listener.signal(signal.SIGTERM)
        listener.wait()
        said = listener.output().splitlines()[-1]
    quarters = [samples[max(len(samples) * n // 4 - 1, 0)][1] for n in range(1, 5)]
    report.row(
        messages=messages,
        wall_s=wall,
        messages_per_wall_second=round(messages / wall),
        messages_per_cpu_second=round(messages / cpu),
        rss_kib=quarters,
        listener=said,
    )


def _count_messages(path: Path) -> int:
    """Lines that came on a stream: others are answers to requests, and are not replayed."""
    with gzip.open(path) as file:
        return sum(b'"stream":' in line for line in file)


def _wait_for_prices(port: int, listener: Listener, seconds: float) -> tuple[float, float]:
    """When reading began, and the CPU seconds that the listener had used for its start."""
    client = redis.Redis(port=port)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        now, cpu = time.monotonic(), usage.cpu_seconds([listener.pid])
        time.sleep(_FIRST_LOOK_SECONDS)
        if client.exists("prices"):
            return now, cpu
    raise RuntimeError(f"the listener wrote no prices:\n{listener.output()}")


def _sample(
    simulator: Simulator, listener: Listener, passes: int, deadline: float
) -> list[tuple[float, int]] | None:
    """Times and RSS in KiB, until the listener has read everything; None where that takes too long.

    The simulator is done when the last message is in the connection's buffers; the listener, when
    it rests.
    """
    samples: list[tuple[float, int]] = []
    cpu, quiet = 0.0, 0
    while time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
        used = usage.cpu_seconds([listener.pid])
        is_busy = used - cpu > _LOOK_SECONDS / 5
        cpu = used
        if is_busy:
            samples.append((time.monotonic(), _rss_kib(listener.pid)))
        is_sent = len(_PASS.findall(simulator.output())) >= passes
        quiet = 0 if is_busy or not is_sent else quiet + 1
        if quiet >= _QUIET_LOOKS or (is_sent and passes > 1):
            return samples
    return None


def _rss_kib(pid: int) -> int:
    found = re.search(r"^VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0
