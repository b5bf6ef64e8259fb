"""Trial: one attack against a worker, with the crowd beside it."""

import multiprocessing
import os
import time
from multiprocessing.connection import Connection as Pipe

from bench.attack.attack import Attack, Field
from bench.attack.crowd import Crowd
from bench.attack.row import MOST_MEMORY, Row
from bench.attack.tally import Tally
from bench.attack.target import Target
from bench.load import raise_file_limit

#: Memory may take so long to come back.
AFTER_SECONDS = 10.0
_LOOK_SECONDS = 0.1
#: An attacker may take so long to give its figures.
_GRACE_SECONDS = 20.0


def try_one(
    attack: Attack, target: Target, crowd: Crowd, seconds: float, calm_seconds: float
) -> Row:
    """Attacks for so long after so much calm, and looks at what it does. Raises RuntimeError where the attacker failed."""
    crowd.begin()
    cpu, memory = target.cpu_seconds, target.memory_mib
    time.sleep(calm_seconds)
    before, calm = crowd.seen(), (target.cpu_seconds - cpu) / calm_seconds
    said = len(target.said())
    crowd.begin()
    began, cpu = time.monotonic(), target.cpu_seconds
    tally, highest = _attack(attack, target, seconds * attack.share)
    busy = (target.cpu_seconds - cpu) / (time.monotonic() - began) if target.is_alive else 0.0
    during = crowd.seen()
    back, last = _wait_for_memory(target, memory)
    lacking = crowd.lacking(target.hush()) if target.is_alive else 0
    target.go_on()
    log = target.said()[said:]
    return Row(
        attack=attack,
        tally=tally,
        before=before,
        during=during,
        lacking=lacking,
        memory=(memory, max(highest, last), last),
        back=back,
        cpu=(calm, busy),
        lines=log.count("\n"),
        tracebacks=log.count("Traceback"),
        codes=log.count("\x1b") + log.count("\x07"),
        is_alive=target.is_alive,
    )


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
    os.nice(5)
    raise_file_limit()
    field = Field(port, seconds)
    attack.begin(field)
    field.run()
    pipe.send(field.tally)


def _wait_for_memory(target: Target, before: float) -> tuple[float, float]:
    """Seconds until it is back within the aim, or AFTER_SECONDS; and what it is then."""
    began = time.monotonic()
    while target.is_alive:
        now, passed = target.memory_mib, time.monotonic() - began
        if now <= before * MOST_MEMORY or passed > AFTER_SECONDS:
            return passed, now
        time.sleep(_LOOK_SECONDS)
    return 0.0, 0.0
