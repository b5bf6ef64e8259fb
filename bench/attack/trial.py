"""Trial: one attack against a worker, with the crowd beside it."""

import multiprocessing
import os
import time
from multiprocessing.connection import Connection as Pipe
from typing import NamedTuple

from bench.attack.attack import Attack, Field
from bench.attack.crowd import Crowd
from bench.attack.row import MOST_MEMORY, Row
from bench.attack.tally import Tally
from bench.attack.target import Target
from bench.load import raise_file_limit

_LOOK_SECONDS = 0.1
#: A price that a stream does not hold so long after the market has stopped is lost.
_LATE_SECONDS = 10.0
#: An attacker may take so long to give its figures.
_GRACE_SECONDS = 20.0


class Pace(NamedTuple):
    """Seconds of each part of a trial."""

    #: Before the attack: as long, since the worst of more frames is worse.
    calm: float = 5.0
    attack: float = 5.0
    #: After it, at most, for memory to come back.
    after: float = 10.0


def try_one(attack: Attack, target: Target, crowd: Crowd, pace: Pace) -> Row:
    """Attacks, and looks at what that does. Raises RuntimeError where the attacker failed."""
    crowd.begin()
    memory, calm = target.memory_mib, _Use(target)
    time.sleep(pace.calm)
    before, cpu_before, starved_before = crowd.seen(), *calm.shares()
    said = len(target.said())
    crowd.begin()
    busy = _Use(target)
    tally, highest = _attack(attack, target, pace.attack * attack.share)
    cpu, starved = busy.shares()
    during = crowd.seen()
    back, last = _wait_for_memory(target, memory, pace.after)
    try:
        lacking = _wait_for_prices(crowd, target.hush())
    except OSError:
        lacking = None
    target.go_on()
    return Row(
        attack=attack,
        tally=tally,
        before=before,
        during=during,
        lacking=lacking,
        memory=(memory, max(highest, last), last),
        back=back,
        cpu=(cpu_before, cpu),
        starved=(starved_before, starved),
        log=target.said()[said:],
        is_alive=target.is_alive,
    )


class _Use:
    """What the worker uses of a CPU from here on."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._began = time.monotonic()
        self._cpu, self._waited = target.cpu_seconds, target.waited_seconds

    def shares(self) -> tuple[float, float]:
        """The part of the time that it ran, and that it was ready to run; nothing once it has ended."""
        if not self._target.is_alive:
            return 0.0, 0.0
        passed = time.monotonic() - self._began
        waited = self._target.waited_seconds - self._waited
        return (self._target.cpu_seconds - self._cpu) / passed, waited / passed


def _attack(attack: Attack, target: Target, seconds: float) -> tuple[Tally, float]:
    """What the attacker got, and the most memory that the worker held meanwhile."""
    fork = multiprocessing.get_context("fork")
    reading, writing = fork.Pipe(duplex=False)
    child = fork.Process(
        target=_attacker, args=(attack, target.port, seconds, writing), daemon=True
    )
    child.start()
    writing.close()
    highest, began = 0.0, time.monotonic()
    try:
        while not reading.poll(_LOOK_SECONDS):
            if time.monotonic() > began + seconds + _GRACE_SECONDS:
                raise RuntimeError(f"{attack.name}: the attacker does not end")
            highest = max(highest, target.memory_mib if target.is_alive else 0.0)
        tally: Tally = reading.recv()
        # What ends early is looked at as long.
        time.sleep(max(began + seconds - time.monotonic(), 0.0))
    finally:
        child.kill()
        child.join()
    return tally, highest


def _attacker(attack: Attack, port: int, seconds: float, pipe: Pipe) -> None:
    """The attacker's own process, which leaves the CPU to those who measure."""
    os.nice(10)
    raise_file_limit()
    field = Field(port, seconds)
    attack.begin(field)
    field.run()
    pipe.send(field.tally)


def _wait_for_prices(crowd: Crowd, prices: dict[str, str]) -> int:
    """How many of these the crowd lacks. One that is late is not lost: on a busy machine many are."""
    deadline = time.monotonic() + _LATE_SECONDS
    while (lacking := crowd.lacking(prices)) and time.monotonic() < deadline:
        time.sleep(_LOOK_SECONDS)
    return lacking


def _wait_for_memory(target: Target, before: float, most: float) -> tuple[float, float]:
    """Seconds until it is back within the aim, or `most`; and what it is then."""
    began = time.monotonic()
    while target.is_alive:
        now, passed = target.memory_mib, time.monotonic() - began
        if now <= before * MOST_MEMORY or passed > most:
            return passed, now
        time.sleep(_LOOK_SECONDS)
    return 0.0, 0.0
