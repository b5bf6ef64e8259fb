"""Servers behind a balancer are restarted one after the other under many clients.

Two servers share a Redis. The first gets HUP, then each is ended by TERM and started again. While half of
the clients are on their way back, the market falls silent, so that no later price covers one that was lost:
then every client must come to hold exactly what the hash holds. Meanwhile requests are asked, which no error
page may answer. Nothing may go back; and who comes back with an id goes on from there.
"""

import argparse
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import redis

from bench.balancer import PROGRAMS, Balancer
from bench.drills.crowd import Crowd
from bench.drills.loop import Loop
from bench.drills.programs import Listener, Simulator, Workers
from bench.drills.questions import Questions
from bench.drills.report import Report
from bench.feed import RedisServer

_GROUPS, _GROUP_SIZE = 20, 5
_SYMBOLS = _GROUPS * _GROUP_SIZE
#: Each symbol twice a second.
_MARKET = ("--market", "clock", "--symbols", str(_SYMBOLS + 1), "--hz", "10", "--per-frame", "20")
#: All clients have one address here.
_UNLIMITED = {
    f"ADDRESS_{what}": "0" for what in ("CONNECTIONS", "STREAMS", "OPENS", "REQUESTS", "SYMBOLS")
}
_GIVE_UP_SECONDS = 60.0
#: Before each restart: nginx leaves a server alone for 5 s that refused.
_SETTLE_SECONDS = 6.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the command line may say."""
    add = parser.add_argument
    add("--programs", default=",".join(PROGRAMS), help="which balancers (%(default)s)")
    add("--delays", default="5", help="values of DRAIN_DELAY, in seconds (5)")
    add("--clients", type=int, default=1000, help="one in ten WebSocket (1000)")


def run(options: argparse.Namespace, report: Report) -> None:
    """Runs all programs with all delays."""
    for program in options.programs.split(","):
        for delay in options.delays.split(","):
            with ExitStack() as stack:
                drill = _Drill(stack, report, program, delay, options.clients)
                drill.restart("HUP", 0, drill.hang_up)
                drill.restart("TERM", 1, drill.replace)
                drill.restart("TERM", 0, drill.replace)


class _Drill:
    def __init__(
        self, stack: ExitStack, report: Report, program: str, delay: str, clients: int
    ) -> None:
        start = stack.enter_context
        self._stack = stack
        self._report = report
        self._program, self._delay = program, delay
        self._server = start(RedisServer())
        self._redis = redis.Redis(port=self._server.port)
        self._simulator = start(Simulator(*_MARKET))
        start(Listener(self._server, self._simulator.url))
        self._workers = [self._begin(), self._begin()]
        directory = Path(start(tempfile.TemporaryDirectory()))
        self._port = start(Balancer(program, directory, [w.port for w in self._workers])).port
        self._loop = Loop()
        stack.callback(self._loop.close)
        names = [f"C{number:04}USDT" for number in range(1, _SYMBOLS + 1)]
        groups = [tuple(names[at : at + _GROUP_SIZE]) for at in range(0, _SYMBOLS, _GROUP_SIZE)]
        self._crowd = Crowd(self._loop, self._port, groups, clients)
        if not self._crowd.run_until(lambda: not self._crowd.away, _GIVE_UP_SECONDS):
            raise RuntimeError(f"{self._crowd.away} clients heard nothing through {program}")

    def hang_up(self, number: int) -> None:
        """A HUP: other workers take the socket over."""
        workers = self._workers[number]
        before = set(workers.children)
        workers.signal(signal.SIGHUP)
        self._wait(lambda: not before & set(workers.children), "the old workers are still there")

    def replace(self, number: int) -> None:
        """A TERM, the end, and another start on the same port."""
        workers = self._workers[number]
        workers.signal(signal.SIGTERM)
        self._wait(lambda: workers.code is not None, "the server does not end")
        # Starting waits for an answer, and the clients must go on being read.
        starting = threading.Thread(target=self._start_again, args=(number, workers.port))
        starting.start()
        self._wait(lambda: not starting.is_alive(), "the server does not begin")

    def restart(self, how: str, number: int, act: Callable[[int], None]) -> None:
        """One restart, and what came of it."""
        self._crowd.run_until(lambda: False, _SETTLE_SECONDS)
        self._crowd.forget()
        began = time.monotonic()
        few = len(self._crowd.members) // 4
        with Questions(self._port) as requests:
            silencer = threading.Thread(target=self._silence_amid, args=(few,))
            silencer.start()
            act(number)
            acted = time.monotonic() - began
            # They must go on being read: it waits until some of them are back.
            self._wait(lambda: not silencer.is_alive(), "too few come back")
            self._wait(lambda: not self._crowd.away, "not all are back")
            back = time.monotonic() - began
            self._crowd.run_until(lambda: not self._lacking(), 5.0)
            lacking = self._lacking()
        self._simulator.clear()
        self._tell(how, number, requests, acted, back, lacking)

    def _silence_amid(self, few: int) -> None:
        """The market falls silent when a part has come back."""
        deadline = time.monotonic() + _GIVE_UP_SECONDS
        while self._crowd.returned < few and time.monotonic() < deadline:
            time.sleep(0.02)
        self._simulator.fault("silent")

    def _tell(
        self, how: str, number: int, requests: Questions, acted: float, back: float, lacking: int
    ) -> None:
        crowd, modes = self._crowd, self._crowd.modes()
        name = f"{self._program}, DRAIN_DELAY={self._delay}, {how}"
        self._report.row(
            program=self._program,
            drain_delay=float(self._delay),
            how=f"{how} {'ab'[number]}",
            sent_away=len(crowd.told),
            told_at_most_s=max(crowd.told, default=0.0),
            acted_s=acted,
            back_s=back,
            resumes=dict(modes),
            spread=crowd.spread(),
            wrong=dict(crowd.wrong),
            answers=dict(requests.answers),
            slowest_answer_s=requests.slowest,
            lacking=lacking,
        )
        if lacking:
            self._report.breach(f"{name}: {lacking} clients differ from the hash")
        for answer, times in requests.answers.items():
            if answer != "200":
                self._report.breach(f"{name}: {times} requests got {answer}")
        for what, times in crowd.wrong.items():
            if "refused by a worker" not in what:
                self._report.breach(f"{name}: {times} streams: {what}")
        if modes["full"]:
            self._report.breach(f"{name}: {modes['full']} were told everything anew")
        for text in crowd.take_breaches()[:5]:
            self._report.breach(f"{name}: {text}")

    def _lacking(self) -> int:
        return self._crowd.lacking(self._redis.hgetall("prices"))

    def _wait(self, is_over: Callable[[], bool], otherwise: str) -> None:
        if not self._crowd.run_until(is_over, _GIVE_UP_SECONDS):
            self._report.breach(f"{self._program}: {otherwise}")

    def _begin(self, port: int = 0) -> Workers:
        workers = Workers(
            self._server, 1, port, DRAIN_DELAY=self._delay, MAX_CLIENTS="5000", **_UNLIMITED
        )
        return self._stack.enter_context(workers)

    def _start_again(self, number: int, port: int) -> None:
        self._workers[number] = self._begin(port)
