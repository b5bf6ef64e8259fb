"""What /status says of each hop is known, and is said as people say it."""

import pytest

from relay.batch import STALE_SECONDS
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.feed_status import FeedStatus
from relay.presence import Presence
from relay.web.hops import hops
from tests.clocks import SetClock

AWAY = "Redis refuses connections"
OLD = Presence("listener", "old:1", 1, "live", version="5f-99", leading=True)
NEW = Presence("listener", "new:2", 1, "live", version="60-1", leading=True)


def worker(streams: int) -> Presence:
    return Presence("worker", "here:3", 1, "live", streams=streams)


class Told:
    """A worker's hub, and what it has heard."""

    def __init__(self, problem: str = "") -> None:
        self.clock = SetClock()
        self.hub = Hub(Health(lambda: problem, clock=self.clock))

    def hear(self, standbys: int = 0) -> None:
        self.hub.health.hear(FeedStatus("live", age=0.5, source="ws://x", standbys=standbys))

    def said(self, processes: list[Presence], missing: str = "") -> dict[str, str]:
        return {hop.name: hop.said for hop in hops(self.hub, processes, missing)}


@pytest.mark.parametrize(
    ("standbys", "words"), [(0, "none stands by"), (1, "1 stands by"), (2, "2 stand by")]
)
def test_listeners_that_stand_by_are_counted(standbys: int, words: str) -> None:
    told = Told()
    told.hear(standbys)
    assert told.said([NEW])["listener"] == f"new:2 writes, at 60-1; heard 0.0 s ago; {words}"


@pytest.mark.parametrize(
    ("processes", "words"),
    [
        ([worker(1)], "1 with 1 stream; this one at "),
        ([worker(0)], "1 with 0 streams; this one at "),
        ([worker(1000), worker(1)], "2 with 1,001 streams; this one at "),
    ],
)
def test_streams_are_counted(processes: list[Presence], words: str) -> None:
    told = Told()
    told.hear()
    assert told.said(processes)["worker"].startswith(words)


def test_of_two_that_say_they_write_the_one_that_is_further_on_is_named() -> None:
    told = Told()
    told.hear()
    assert told.said([NEW, OLD])["listener"].startswith("new:2 writes, at 60-1")


def test_what_nobody_can_know_is_not_said() -> None:
    told = Told(f"redis: {AWAY}")
    assert told.said([], "")["listener"] == "none known that writes; not heard yet"
    told.hear(standbys=1)
    told.clock.advance(STALE_SECONDS + 1)
    assert told.said([worker(1)], AWAY) == {
        "exchange": "ws://x, newest data here 4.5 s old",
        "listener": "not known which one writes; heard 4.0 s ago",
        "redis": AWAY,
        "worker": f"this one with 1 stream, at {told.hub.board.id}; others are not known",
    }


@pytest.mark.parametrize(
    ("problem", "silent", "well"),
    [
        ("", 0, [True, True, True, True]),
        (f"redis: {AWAY}", STALE_SECONDS + 1, [None, None, False, True]),
        ("listener: no beat from it", STALE_SECONDS + 1, [None, False, True, True]),
    ],
)
def test_a_hop_that_nobody_can_see_is_not_called_well(
    problem: str, silent: float, well: list[bool | None]
) -> None:
    told = Told(problem)
    told.hear()
    told.clock.advance(silent)
    assert [hop.is_well for hop in hops(told.hub, [NEW], "")] == well


def test_a_listener_that_is_silent_wrote_last() -> None:
    told = Told()
    told.hear(standbys=1)
    told.clock.advance(STALE_SECONDS + 1)
    assert told.said([NEW])["listener"] == "new:2 wrote last, at 60-1; heard 4.0 s ago"
