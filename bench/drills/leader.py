"""The listener that writes is killed, or stopped and woken, while another one stands by.

For every symbol no price may go back: not on the channel, not in a stream, not in the hash. The
ids of a stream may not go back, and their epoch may not change: that would mean that state was lost.
"""

import argparse
import re
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack

import redis

from bench.drills.client import Client
from bench.drills.loop import Loop
from bench.drills.programs import Listener, Simulator, Workers, leader_of
from bench.drills.report import Report
from bench.drills.wiretap import Wiretap
from bench.feed import RedisServer

_UPDATE = re.compile(rb'"symbol":"([^"]+)","price":"([0-9.]+)"')
_HASH_SECONDS = 0.05
_GIVE_UP_SECONDS = 30.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the command line may say."""
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--stop", action="store_true", help="SIGSTOP and SIGCONT, not SIGKILL")
    parser.add_argument(
        "--asleep", type=float, default=1.0, help="seconds from the takeover to SIGCONT (1)"
    )
    parser.add_argument("--check", type=float, default=3.0, help="seconds to go on looking (3)")


def run(options: argparse.Namespace, report: Report) -> None:
    """Runs all rounds."""
    with ExitStack() as stack:
        drill = _Drill(stack, report)
        for number in range(1, options.rounds + 1):
            if options.stop:
                drill.stop_and_wake(number, options.asleep, options.check)
            else:
                drill.kill(number, options.check)
        drill.sum_up()


class _Drill:
    def __init__(self, stack: ExitStack, report: Report) -> None:
        self._start = stack.enter_context
        self._report = report
        self._server = self._start(RedisServer())
        self._redis = redis.Redis(port=self._server.port)
        self._simulator = self._start(
            Simulator("--market", "clock", "--symbols", "50", "--hz", "20")
        )
        self._listeners = [self._start_listener(), self._start_listener()]
        self._loop = Loop()
        stack.callback(self._loop.close)
        self._channel, self._hash = _Ascending("on the channel"), _Ascending("in the hash")
        self._heard, self._silence = time.monotonic(), 0.0
        self._next_look = 0.0
        self._loop.add(Wiretap(self._server.port, "prices:updates", self._hear))
        self._client = Client(self._start(Workers(self._server)).port)
        self._loop.add(self._client)
        self._settle()

    def kill(self, number: int, check: float) -> None:
        """One round: the leader dies, and is started again once it was replaced."""
        leader = self._leader()
        self._listen_anew()
        leader.kill()
        took = self._wait_for_another(leader)
        self._listeners.remove(leader)
        self._wait(lambda: False, check)
        self._finish(number, "killed", took)
        self._listeners.append(self._start_listener())
        self._settle()

    def stop_and_wake(self, number: int, asleep: float, check: float) -> None:
        """One round: the leader sleeps until it was replaced, and wakes up believing that it leads."""
        leader = self._leader()
        self._listen_anew()
        leader.signal(signal.SIGSTOP)
        took = self._wait_for_another(leader)
        self._wait(lambda: False, asleep)
        leader.signal(signal.SIGCONT)
        self._wait(lambda: False, check)
        self._finish(number, "stopped", took)

    def sum_up(self) -> None:
        """What is judged over all rounds together."""
        if len(self._client.epochs) != 1:
            self._report.breach(f"the epoch changed: {self._client.epochs}")
        if self._loop.closed:
            self._report.breach("a connection was closed")

    def _start_listener(self) -> Listener:
        return self._start(Listener(self._server, self._simulator.url))

    def _settle(self) -> None:
        """Until both listeners read the exchange and one of them writes."""
        ready = self._wait(
            lambda: (
                self._simulator.clients == 2
                and leader_of(self._redis, self._listeners) is not None
                and len(self._client.prices) == 50
            ),
            _GIVE_UP_SECONDS,
        )
        if not ready:
            raise RuntimeError("the two listeners do not run:\n" + self._listeners[-1].output())
        self._wait(lambda: False, 1.0)

    def _leader(self) -> Listener:
        leader = leader_of(self._redis, self._listeners)
        if leader is None:
            raise RuntimeError("nobody holds the lease")
        return leader

    def _wait_for_another(self, leader: Listener) -> float:
        """Seconds until another one held the lease and something was heard on the channel."""
        began = time.monotonic()

        def replaced() -> bool:
            holder = leader_of(self._redis, self._listeners)
            return holder not in (None, leader) and time.monotonic() - self._heard < 0.5

        if not self._wait(replaced, _GIVE_UP_SECONDS):
            self._report.breach("nobody took over")
        return time.monotonic() - began

    def _finish(self, number: int, what: str, took: float) -> None:
        self._report.row(
            round=number,
            leader=what,
            silence_s=self._silence,
            takeover_s=took,
            epochs=len(self._client.epochs),
            version=self._client.version,
            fulls=self._client.fulls,
        )
        for breaches in (self._channel.breaches, self._hash.breaches, self._client.breaches):
            for text in breaches:
                self._report.breach(f"round {number}: {text}")
            breaches.clear()

    def _listen_anew(self) -> None:
        self._heard, self._silence = time.monotonic(), 0.0

    def _hear(self, now: float, message: bytes) -> None:
        # The longest pause, and not the time to the next message: what the dead one had sent last
        # may still be under way when it is killed.
        self._silence = max(self._silence, now - self._heard)
        self._heard = now
        self._channel.see(_UPDATE.findall(message))

    def _wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Reads, and looks at the hash meanwhile."""

        def is_over() -> bool:
            if time.monotonic() > self._next_look:
                self._next_look = time.monotonic() + _HASH_SECONDS
                self._hash.see(list(self._redis.hgetall("prices").items()))
            return condition()

        return self._loop.run_until(is_over, seconds)


class _Ascending:
    """Prices that may only grow."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._newest: dict[bytes, float] = {}
        self.breaches: list[str] = []

    def see(self, prices: list[tuple[bytes, bytes]]) -> None:
        """Looks at some."""
        for symbol, text in prices:
            price, before = float(text), self._newest.get(symbol, 0.0)
            if price < before:
                self.breaches.append(
                    f"{symbol.decode()} went from {before} to {price} {self._where}"
                )
            self._newest[symbol] = price
