"""`python -m bench.load`: opens many streams to one server, counts what comes, prints a JSON line.

A price is taken to be the sender's monotonic clock in seconds (`--market clock` of the simulator), so
latency is measured from the exchange's send to the client's read and no server has to be changed.

It answers no WebSocket pings and stops by itself.
"""

import argparse
import json
import multiprocessing
import os
import resource
import time
from array import array
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from bench import usage
from bench.plan import Plan
from bench.swarm import Swarm

#: All connections have so long to open.
CONNECT_SECONDS = 60.0
#: The slowest process may come so much later than planned.
_GRACE_SECONDS = 10.0
#: Processes look at each other's progress so often.
_LOOK_SECONDS = 0.02


@dataclass
class Outcome:
    """What one process has seen. Times are in seconds."""

    open: int = 0
    failed: int = 0
    closed: int = 0
    received: int = 0
    #: One for each connection that counted.
    delivered: list[int] = field(default_factory=list)
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    #: From connecting until it counted as open, one for each connection.
    opening: list[float] = field(default_factory=list)
    #: From leaving until the last one was back; 0 without `reconnect`.
    back: float = 0.0
    cpu: float = 0.0


def measure(plan: Plan, processes: int, server: list[int], feed: list[int]) -> dict[str, Any]:
    """Runs the plan; `server` and `feed` are the processes whose CPU time and memory are looked at."""
    fork = multiprocessing.get_context("fork")
    settled, start = fork.Value("i", 0), fork.Value("d", 0.0)
    empty = usage.pss_kib(server)
    children, pipes = [], []
    began = time.monotonic()
    for index in range(processes):
        numbers = range(index, plan.clients, processes)
        reading, writing = fork.Pipe(duplex=False)
        child = fork.Process(target=_child, args=(plan, numbers, settled, start, writing))
        child.start()
        writing.close()
        children.append(child)
        pipes.append(reading)
    while settled.value < processes and time.monotonic() < began + CONNECT_SECONDS + 1:
        time.sleep(_LOOK_SECONDS)
    connected = time.monotonic() - began
    start.value = time.monotonic() + plan.warm
    time.sleep(plan.warm)
    cpu, feed_cpu = usage.cpu_seconds(server), usage.cpu_seconds(feed)
    busy, full, at = usage.busy_seconds(), usage.pss_kib(server), time.monotonic()
    time.sleep(plan.seconds)
    seconds = time.monotonic() - at
    # Not below nothing: what an ended thread had used may be missing at the end.
    cpu = max(usage.cpu_seconds(server) - cpu, 0.0)
    feed_cpu = max(usage.cpu_seconds(feed) - feed_cpu, 0.0)
    busy, end = usage.busy_seconds() - busy, usage.pss_kib(server)
    outcomes: list[Outcome] = [pipe.recv() for pipe in pipes]
    for child in children:
        child.join()

    latencies = sorted(latency for outcome in outcomes for latency in outcome.latencies)
    opening = sorted(duration for outcome in outcomes for duration in outcome.opening)
    counted = [count for outcome in outcomes for count in outcome.delivered]
    reading_clients = sum(outcome.open for outcome in outcomes)
    # Where only the samples counted, they speak for all.
    delivered = sum(counted) * reading_clients / len(counted) if counted else 0.0
    generator = [outcome.cpu for outcome in outcomes]
    return {
        "clients": reading_clients,
        "failed": sum(outcome.failed for outcome in outcomes),
        "closed": sum(outcome.closed for outcome in outcomes),
        "connect_s": connected,
        "open_p50_ms": _percentile(opening, 0.5) * 1000,
        "open_p99_ms": _percentile(opening, 0.99) * 1000,
        "back_s": max(outcome.back for outcome in outcomes),
        "seconds": seconds,
        "counted_on": len(counted),
        "delivered": round(delivered),
        "per_s": delivered / seconds,
        "least": min(counted, default=0),
        "most": max(counted, default=0),
        "kb_per_s": sum(outcome.received for outcome in outcomes) / seconds / 1000,
        "samples": len(latencies),
        "p50_ms": _percentile(latencies, 0.5) * 1000,
        "p99_ms": _percentile(latencies, 0.99) * 1000,
        "p999_ms": _percentile(latencies, 0.999) * 1000,
        "max_ms": _percentile(latencies, 1.0) * 1000,
        "server_cpu_s": cpu,
        "per_cpu_s": delivered / cpu if cpu else 0.0,
        "pss_mib": end / 1024,
        "kib_per_client": (full - empty) / max(reading_clients, 1),
        "growth_kib": end - full,
        "feed_cpu_s": feed_cpu,
        "generator_cpu_s": sum(generator),
        # Near 1 the generator itself was the limit.
        "generator_busy": max(generator) / seconds,
        "others_cpu_s": busy - cpu - feed_cpu - sum(generator),
    }


def _child(
    plan: Plan,
    numbers: range,
    settled: "Synchronized[int]",
    start: "Synchronized[float]",
    pipe: Pipe,
) -> None:
    swarm = Swarm(plan, numbers)
    # Should nobody be there any more to say when it starts.
    give_up = time.monotonic() + CONNECT_SECONDS + plan.warm + _GRACE_SECONDS
    swarm.fill(time.monotonic() + CONNECT_SECONDS)
    with settled.get_lock():
        settled.value += 1
    swarm.read_until(lambda: 0 < start.value < time.monotonic() or time.monotonic() > give_up)
    end = time.monotonic() + plan.seconds
    outcome = Outcome()
    cpu = usage.cpu_seconds([os.getpid()])
    swarm.reset()
    left = time.monotonic()
    if plan.reconnect:
        swarm.leave_and_return(end)
    swarm.read_until(lambda: time.monotonic() > end)
    outcome.cpu = usage.cpu_seconds([os.getpid()]) - cpu
    connections = swarm.connections
    outcome.open, outcome.failed, outcome.closed = len(connections), swarm.failed, swarm.closed
    outcome.received = sum(connection.received for connection in connections)
    outcome.opening = [connection.opened - connection.began for connection in connections]
    if plan.reconnect and connections:
        outcome.back = max(connection.opened for connection in connections) - left
    for connection in connections:
        latencies = getattr(connection, "latencies", None)
        if latencies is not None:
            outcome.latencies.extend(latencies)
        if latencies is not None or not plan.count_samples:
            outcome.delivered.append(connection.delivered)
    pipe.send(outcome)
    swarm.close()


def _percentile(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else 0.0


def main() -> None:
    """Measures what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, required=True)
    add("--path", default="/events", help="%%d: the connection's number; %%s: its symbols")
    add("--clients", type=int, default=100)
    add("--seconds", type=float, default=10.0)
    add("--warm", type=float, default=2.0, help="seconds from all being open to counting")
    add("--websocket", action="store_true")
    add("--header", action="append", default=[], dest="headers", help="such as 'A: b'")
    add("--pick", type=int, default=0, help="symbols that %%s names, at random")
    add("--pick-from", type=int, default=0, help="symbols in the clock market")
    add("--sample-every", type=int, default=20, help="connections per one whose latency is taken")
    add("--count-samples", action="store_true", help="count deliveries on those only")
    add("--stalled", type=int, default=0, help="connections that never read")
    add(
        "--reconnect", action="store_true", help="all leave and return at once when counting begins"
    )
    add("--forget", action="store_true", help="they return without their resume id")
    add("--processes", type=int, default=1)
    add("--server", type=int, nargs="+", default=[], metavar="PID")
    add("--feed", type=int, nargs="+", default=[], metavar="PID", help="what feeds the server")
    options = vars(parser.parse_args())
    options["headers"] = tuple(options["headers"])
    processes, server, feed = (options.pop(name) for name in ("processes", "server", "feed"))
    raise_file_limit()
    figures = measure(Plan(**options), processes, server, feed)
    print(json.dumps({k: round(v, 3) for k, v in figures.items()}))


def raise_file_limit() -> None:
    """As many open files as the system allows: each connection is one. Children inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
