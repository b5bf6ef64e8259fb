"""Computations let the rest of the process run, one by one."""

import gevent

from relay.turn import stand_in_line

MANY = 20


def test_of_many_computations_one_goes_on_between_two_looks() -> None:
    looks = 0
    parts: list[int] = []

    def look() -> None:
        nonlocal looks
        looks += 1

    def compute() -> None:
        for _ in range(3):
            stand_in_line()
            parts.append(looks)

    watcher = gevent.get_hub().loop.check(ref=False)
    watcher.start(look)
    gevent.joinall([gevent.spawn(compute) for _ in range(MANY)])
    watcher.close()
    assert len(parts) == 3 * MANY == len(set(parts))
