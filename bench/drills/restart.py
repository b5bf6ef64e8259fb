"""Redis, which keeps nothing on disk, is killed under load and comes back empty.

Two things are measured from the moment at which Redis answers again. First, how long until the hash,
and then every client, holds for every symbol a price that the exchange sent after that moment: prices
are the exchange's clock, so this needs no pause and includes the whole chain. The market sends each
symbol every quarter of a second, which is in these times. Second, whether all agree: the market falls
silent, and every client must come to hold exactly what the hash holds.
"""

import argparse
import random
import time
from contextlib import ExitStack

import redis

from bench.drills.client import Client
from bench.drills.loop import Loop
from bench.drills.programs import Listener, Simulator, Workers
from bench.drills.report import Report
from bench.feed import RedisServer

_SYMBOLS = 300
#: Each symbol four times a second.
_MARKET = ("--market", "clock", "--symbols", str(_SYMBOLS), "--hz", "20", "--per-frame", "60")
#: Redis is away for so long, in seconds.
_AWAY = (0.2, 2.0)
_GIVE_UP_SECONDS = 30.0
#: Between two rounds.
_LOAD_SECONDS = 1.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the command line may say."""
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=200, help="half of them WebSocket (200)")


def run(options: argparse.Namespace, report: Report) -> None:
    """Runs all rounds."""
    with ExitStack() as stack:
        drill = _Drill(stack, report, options.clients)
        for number in range(1, options.rounds + 1):
            drill.round(number)


class _Drill:
    def __init__(self, stack: ExitStack, report: Report, clients: int) -> None:
        self._start = stack.enter_context
        self._report = report
        self._server = self._start(RedisServer())
        self._redis = redis.Redis(port=self._server.port)
        self._simulator = self._start(Simulator(*_MARKET))
        self._start(Listener(self._server, self._simulator.url))
        port = self._start(Workers(self._server, 2)).port
        self._loop = Loop()
        stack.callback(self._loop.close)
        self._clients = [Client(port, websocket=n % 2 == 1) for n in range(clients)]
        for client in self._clients:
            self._loop.add(client)
        if not self._loop.run_until(lambda: self._all_newer_than(0.0), _GIVE_UP_SECONDS):
            raise RuntimeError("not every client got every price")

    def round(self, number: int) -> None:
        """Redis dies and comes back."""
        for client in self._clients:
            client.keep_alive()
        self._loop.run_for(_LOAD_SECONDS)
        self._server.kill()
        died = time.monotonic()
        self._loop.run_for(random.uniform(*_AWAY))
        self._server = self._start(RedisServer(self._server.port))
        answered = time.monotonic()
        fulls = sum(client.fulls for client in self._clients)
        has_hash = self._loop.run_until(lambda: self._is_hash_newer(answered), _GIVE_UP_SECONDS)
        hash_after = time.monotonic() - answered
        has_all = self._loop.run_until(lambda: self._all_newer_than(answered), _GIVE_UP_SECONDS)
        all_after = time.monotonic() - answered
        unequal = self._count_unequal()
        self._report.row(
            round=number,
            away_s=answered - died,
            hash_s=hash_after,
            clients_s=all_after,
            unequal=unequal,
            fulls=sum(client.fulls for client in self._clients) - fulls,
        )
        if not (has_hash and has_all):
            self._report.breach(f"round {number}: no new prices in {_GIVE_UP_SECONDS:g} s")
        if unequal:
            self._report.breach(f"round {number}: {unequal} clients differ from the hash")
        self._tell_breaches(number)

    def _count_unequal(self) -> int:
        """How many clients do not hold what the hash holds, once the market is silent."""
        self._simulator.fault("silent")
        self._loop.run_for(0.5)
        self._loop.run_until(lambda: not self._unequal(), 5.0)
        unequal = self._unequal()
        self._simulator.clear()
        return len(unequal)

    def _unequal(self) -> list[Client]:
        truth = self._redis.hgetall("prices")
        if len(truth) != _SYMBOLS:
            return self._clients
        return [client for client in self._clients if client.prices != truth]

    def _is_hash_newer(self, than: float) -> bool:
        prices = self._redis.hvals("prices")
        return len(prices) == _SYMBOLS and min(map(float, prices)) > than

    def _all_newer_than(self, than: float) -> bool:
        return all(
            len(client.prices) == _SYMBOLS and min(map(float, client.prices.values())) > than
            for client in self._clients
        )

    def _tell_breaches(self, number: int) -> None:
        for _ in self._loop.closed:
            self._report.breach(f"round {number}: a client was closed")
        self._clients = [c for c in self._clients if c not in self._loop.closed]
        self._loop.closed.clear()
        for client in self._clients:
            for text in client.breaches:
                self._report.breach(f"round {number}: {text}")
            client.breaches.clear()
