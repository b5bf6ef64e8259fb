"""What a process says of itself goes on being said, whatever goes wrong."""

import logging

import gevent
import pytest

from relay.metrics import attendance
from relay.metrics.attendance import Attendance
from relay.presence import Presence
from relay.store.contract import StoreUnavailable
from relay.store.memory_roll import MemoryRoll


def test_what_nobody_foresaw_is_a_warning_and_ends_nothing(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attendance, "SAY_SECONDS", 0)
    asked = []

    def part() -> Presence:
        asked.append(1)
        raise ZeroDivisionError("a fault of ours")

    with caplog.at_level(logging.WARNING):
        running = gevent.spawn(Attendance(MemoryRoll(), part, list).run)
        while len(asked) < 3:
            gevent.sleep(0)
        running.kill()
    assert [record.getMessage() for record in caplog.records] == [
        "nobody was told how this process is: ZeroDivisionError('a fault of ours')"
    ]


class FullRoll(MemoryRoll):
    """It takes nothing, and what it held has expired."""

    said = 0

    def say(self, _presence: Presence) -> None:
        self.said += 1
        raise StoreUnavailable("Redis is out of memory")

    def read(self) -> list[Presence]:
        return []


def test_where_nobody_can_say_how_he_is_others_count_as_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attendance, "SAY_SECONDS", 0)
    roll = FullRoll()
    here = Attendance(roll, lambda: Presence("worker", "", 0, "live"), list)
    running = gevent.spawn(here.run)
    while not roll.said:
        gevent.sleep(0)
    running.kill()
    processes, missing = here.present()
    assert (len(processes), missing) == (1, "Redis is out of memory")
