"""While one session takes over from another, both are read."""

from typing import Any

import gevent
import pytest

from relay.exchange.failure import FeedError
from relay.exchange.feed import Feed
from relay.exchange.overlap import OVERLAP_SECONDS, UNREAD_SECONDS
from relay.exchange.streams import Plan
from relay.ingest.claims import CLAIM_SECONDS
from relay.ticker import Ticker
from tests.clocks import SetClock

REAL, SIMULATED = "ws://real", "ws://simulated"


class FakeSession:
    """Delivers when the test says so."""

    symbols: frozenset[str] = frozenset()
    complete = True
    retiring = False
    is_stale = False

    def __init__(self, url: str = REAL, at_once: bool = True) -> None:
        self.url = self.shown = url
        self.simulated = url == SIMULATED
        self.at_once = at_once
        self.error: FeedError | None = None
        self.closed = False

    def unheard(self, _: Any) -> list[str]:
        return []

    def close(self) -> None:
        self.closed = True


class Scripted:
    """A feed whose decisions a test takes one by one, and what came of them."""

    def __init__(self) -> None:
        self.clock = SetClock()
        self.taken: list[int | None] = []
        self.gaps: list[bool] = []
        self.lost = 0
        self.feed: Any = Feed(
            [REAL, SIMULATED],
            lambda _: Plan([], frozenset(), []),
            lambda tickers: self.taken.extend(t.event_time for t in tickers),
            lambda _, after_gap: self.gaps.append(after_gap),
            silence=10,
            rotate=100,
            lost=self._lose,
            clock=self.clock,
        )

    def begin(self, session: FakeSession, time: int) -> FakeSession:
        """A new session delivers for the first time."""
        self.feed._next = session
        self.feed._next_source = self.feed._sources[session.simulated]
        self.tell(session, time)
        return session

    def tell(self, session: FakeSession, time: int) -> None:
        self.feed.take(session, [Ticker("BTCUSDT", "1", "trade", time, time)])

    def end(self, session: FakeSession) -> None:
        session.error = FeedError("gone")

    def step(self) -> None:
        """What the feed does whenever it wakes."""
        self.feed._drop_ended()
        self.feed._close_left()

    def _lose(self) -> None:
        self.lost += 1


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


def test_the_old_session_is_read_until_it_has_caught_up_with_the_new_one(
    scripted: Scripted,
) -> None:
    old = scripted.begin(FakeSession(), 1)
    new = scripted.begin(FakeSession(), 5)
    scripted.step()
    scripted.tell(old, 4)
    scripted.step()
    assert (scripted.taken, old.closed) == ([1, 5, 4], False)
    scripted.tell(old, 6)
    scripted.step()
    assert (old.closed, new.closed) == (True, False)


def test_a_new_session_may_begin_amid_the_events_of_one_millisecond(scripted: Scripted) -> None:
    old = scripted.begin(FakeSession(), 1)
    scripted.begin(FakeSession(), 5)
    scripted.tell(old, 5)
    scripted.step()
    assert not old.closed
    scripted.tell(old, 5)
    assert scripted.taken == [1, 5, 5, 5]


def test_no_third_session_comes_before_the_first_has_caught_up(scripted: Scripted) -> None:
    scripted.begin(FakeSession(), 1)
    scripted.begin(FakeSession(), 5)
    scripted.feed._rotate_at = scripted.clock.monotonic()
    assert scripted.feed._candidates() == []
    scripted.clock.advance(OVERLAP_SECONDS)
    scripted.step()
    assert scripted.feed._candidates() == [scripted.feed._sources[0]]


def test_an_old_session_that_stays_behind_is_closed_after_a_while(scripted: Scripted) -> None:
    old = scripted.begin(FakeSession(), 1)
    scripted.begin(FakeSession(), 5)
    scripted.clock.advance(OVERLAP_SECONDS)
    scripted.step()
    assert old.closed


def test_an_old_session_that_is_always_behind_is_closed_all_the_same(scripted: Scripted) -> None:
    old = scripted.begin(FakeSession(), 1)
    scripted.begin(FakeSession(), 5)

    def tell() -> None:
        while not old.closed:
            scripted.tell(old, 4)
            gevent.sleep(0)

    telling = gevent.spawn(tell)
    scripted.clock.advance(OVERLAP_SECONDS)
    scripted.step()
    assert not old.closed
    scripted.clock.advance(UNREAD_SECONDS)
    scripted.step()
    assert old.closed
    telling.join()


def test_what_an_old_session_says_late_never_counts_as_the_truth() -> None:
    assert OVERLAP_SECONDS + UNREAD_SECONDS < CLAIM_SECONDS


def test_what_an_old_session_could_not_say_any_more_is_a_gap(scripted: Scripted) -> None:
    old = scripted.begin(FakeSession(), 1)
    scripted.begin(FakeSession(), 5)
    scripted.end(old)
    scripted.step()
    assert (scripted.gaps, scripted.lost) == ([True, False, True], 1)
    assert scripted.feed.status().state == "live"


def test_an_old_session_that_ends_when_it_has_caught_up_leaves_none(scripted: Scripted) -> None:
    old = scripted.begin(FakeSession(), 1)
    scripted.begin(FakeSession(), 5)
    scripted.tell(old, 6)
    scripted.end(old)
    scripted.step()
    assert (scripted.gaps, scripted.lost) == ([True, False], 0)


@pytest.mark.parametrize("at_once", [(True, False), (False, True), (False, False)])
def test_one_of_many_connections_or_messages_says_nothing_of_the_rest(
    scripted: Scripted, at_once: tuple[bool, bool]
) -> None:
    old = scripted.begin(FakeSession(at_once=at_once[0]), 1)
    scripted.begin(FakeSession(at_once=at_once[1]), 5)
    scripted.tell(old, 6)
    scripted.step()
    assert not old.closed
    scripted.clock.advance(OVERLAP_SECONDS)
    scripted.step()
    assert old.closed


def test_the_old_session_goes_on_where_the_new_one_breaks(scripted: Scripted) -> None:
    old = scripted.begin(FakeSession(), 1)
    new = scripted.begin(FakeSession(), 5)
    scripted.end(new)
    scripted.clock.advance(OVERLAP_SECONDS)
    scripted.step()
    scripted.tell(old, 6)
    scripted.step()
    assert (scripted.taken, scripted.gaps, scripted.lost) == (
        [1, 5, 6],
        [True, False, False],
        0,
    )
    assert (old.closed, scripted.feed.status().state) == (False, "live")
    # Its time is up all the same.
    assert scripted.feed._sources[0] in scripted.feed._candidates()


def test_the_old_session_goes_on_where_the_new_one_breaks_just_when_its_time_is_up(
    scripted: Scripted,
) -> None:
    old = scripted.begin(FakeSession(), 1)
    new = scripted.begin(FakeSession(), 5)
    scripted.clock.advance(OVERLAP_SECONDS)
    # While it is looked whether the old one has said all.
    gevent.spawn(scripted.end, new)
    scripted.step()
    scripted.step()
    assert (old.closed, scripted.lost, scripted.feed.status().state) == (False, 0, "live")


def test_what_an_old_session_has_not_said_when_a_third_one_comes_is_a_gap(
    scripted: Scripted,
) -> None:
    old = scripted.begin(FakeSession(), 1)
    second = scripted.begin(FakeSession(), 5)
    second.retiring = True
    scripted.begin(FakeSession(), 9)
    assert old.closed
    assert (scripted.gaps, scripted.lost) == ([True, False, True], 1)


@pytest.mark.parametrize("old_breaks", [False, True])
def test_prices_of_an_old_session_never_meet_those_of_the_other_kind(
    scripted: Scripted, old_breaks: bool
) -> None:
    old = scripted.begin(FakeSession(), 1)
    new = scripted.begin(FakeSession(), 5)
    if old_breaks:
        scripted.end(old)
    scripted.end(new)
    scripted.step()
    scripted.begin(FakeSession(SIMULATED), 9)
    scripted.tell(old, 6)
    scripted.tell(new, 7)
    assert scripted.taken == [1, 5, 9]
    assert old.closed or old_breaks
    # Going back is announced as well: prices come from there again.
    assert scripted.gaps == [True, False, *([True] if old_breaks else [False, False])]


def test_a_session_of_the_other_kind_ends_both(scripted: Scripted) -> None:
    old = scripted.begin(FakeSession(), 1)
    new = scripted.begin(FakeSession(), 5)
    scripted.begin(FakeSession(SIMULATED), 9)
    for session in (old, new):
        scripted.tell(session, 10)
    assert (scripted.taken, old.closed, new.closed) == ([1, 5, 9], True, True)


def test_a_session_that_ended_a_moment_ago_left_a_gap(scripted: Scripted) -> None:
    scripted.end(scripted.begin(FakeSession(), 1))
    scripted.begin(FakeSession(), 5)
    assert (scripted.gaps, scripted.lost, scripted.feed.rotations) == ([True, True], 1, 0)


def test_a_session_that_has_ended_takes_over_from_none(scripted: Scripted) -> None:
    scripted.begin(FakeSession(), 1)
    late = FakeSession()
    scripted.end(late)
    scripted.begin(late, 5)
    assert (scripted.taken, scripted.feed.rotations) == ([1], 0)
