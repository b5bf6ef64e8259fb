"""Requests begin a few at a time, however many are here."""

from collections.abc import Callable

import gevent
import pytest

from relay.server import turns as module
from relay.server.turns import TURN_SECONDS, Lane, Turns
from relay.turn import give_turn

MANY = 50


class Looks:
    """Counts how often the event loop has looked at its sockets."""

    def __init__(self) -> None:
        self.number = 0
        self._watcher = gevent.get_hub().loop.check(ref=False)
        self._watcher.start(self._count)

    def end(self) -> None:
        self._watcher.close()

    def _count(self) -> None:
        self.number += 1


class Crowd:
    """Greenlets that ask for a turn all at once, and the looks at the sockets in which each got it."""

    def __init__(self, seconds: float) -> None:
        """Each works for so long, by the clock."""
        self.now = 1000.0
        self.begun: list[int] = []
        self.looks: list[int] = []
        self._counted = Looks()
        self._seconds = seconds
        self._turns = Turns(lambda: self.now)

    def run(self) -> None:
        gevent.joinall([gevent.spawn(self._work, number) for number in range(MANY)])
        self._counted.end()

    def most_in_a_look(self) -> int:
        return max(self.looks.count(look) for look in self.looks)

    def _work(self, number: int) -> None:
        self._turns.wait(self._turns.pages)
        self.begun.append(number)
        self.looks.append(self._counted.number)
        self.now += self._seconds


def test_those_that_take_long_begin_one_by_one_in_order() -> None:
    crowd = Crowd(TURN_SECONDS)
    crowd.run()
    assert crowd.begun == list(range(MANY))
    assert crowd.most_in_a_look() == 1


def test_of_short_ones_several_begin_together() -> None:
    crowd = Crowd(TURN_SECONDS / 4.5)
    crowd.run()
    assert crowd.begun == list(range(MANY))
    assert crowd.most_in_a_look() == 5


def test_a_probe_waits_for_one_page_and_a_page_for_one_probe() -> None:
    now, begun = [1000.0], []
    turns = Turns(lambda: now[0])

    def work(name: str, lane: Lane) -> None:
        turns.wait(lane)
        begun.append(name)
        now[0] += TURN_SECONDS

    asking = [gevent.spawn(work, "page", turns.pages) for _ in range(6)]
    asking += [gevent.spawn(work, "probe", turns.probes) for _ in range(2)]
    gevent.joinall(asking)
    # The first one was alone when it came.
    assert begun == ["page", "probe", "page", "probe", "page", "page", "page", "page"]


def test_those_of_three_lanes_begin_by_turns() -> None:
    now, begun = [1000.0], []
    turns = Turns(lambda: now[0])

    def work(name: str, ask: Callable[[], None]) -> None:
        ask()
        begun.append(name)
        now[0] += TURN_SECONDS

    lanes = {
        "page": lambda: turns.wait(turns.pages),
        "probe": lambda: turns.wait(turns.probes),
        "command": lambda: turns.wait_as("somebody", turns.commands),
    }
    gevent.joinall([gevent.spawn(work, name, lanes[name]) for name in sorted(lanes) * 3])
    assert all(set(begun[at : at + 3]) == set(lanes) for at in (1, 4)), begun


def test_one_alone_gives_no_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "give_turn", lambda: pytest.fail("it waits"))
    turns = Turns()
    for _ in range(3):
        turns.wait(turns.pages)
        give_turn()


def test_addresses_shake_hands_by_turns_and_pages_do_not_wait_for_all_of_them() -> None:
    now, begun = [1000.0], []
    turns = Turns(lambda: now[0])

    def work(name: str, ask: Callable[[], None]) -> None:
        ask()
        begun.append(name)
        now[0] += TURN_SECONDS

    def shake_hands(name: str) -> None:
        work(name, lambda: turns.wait_as(name, turns.handshakes))

    asking = [gevent.spawn(shake_hands, "crowd") for _ in range(5)]
    asking += [gevent.spawn(shake_hands, name) for name in ("one", "another")]
    asking.append(gevent.spawn(work, "page", lambda: turns.wait(turns.pages)))
    gevent.joinall(asking)
    # The first one was alone when it came.
    assert begun == ["crowd", "crowd", "page", "one", "another", "crowd", "crowd", "crowd"]
