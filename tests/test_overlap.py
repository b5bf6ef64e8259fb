"""While one session takes over from another, both are read."""

from typing import Any

from relay.exchange.feed import OVERLAP_SECONDS, Feed
from relay.exchange.streams import Plan
from relay.ticker import Ticker
from tests.clocks import SetClock


class FakeSession:
    """Delivers when the test says so."""

    url = "ws://x"
    simulated = False
    complete = True

    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def ticker(event_time: int) -> Ticker:
    return Ticker("BTCUSDT", "1", "trade", event_time, event_time)


def handed_over(clock: SetClock) -> tuple[Any, list[int | None], Any, Any]:
    """A feed at the moment at which its new session has delivered an event of time 5."""
    taken: list[int | None] = []
    feed: Any = Feed(
        ["ws://x"],
        lambda _: Plan([], frozenset(), []),
        lambda tickers: taken.extend(t.event_time for t in tickers),
        lambda *_: None,
        silence=10,
        rotate=100,
        clock=clock,
    )
    old, new = FakeSession(), FakeSession()
    for session, first in ((old, 1), (new, 5)):
        feed._next = session
        feed.take(session, [ticker(first)])
    return feed, taken, old, new


def test_the_old_session_is_read_until_it_has_caught_up_with_the_new_one() -> None:
    feed, taken, old, new = handed_over(SetClock())
    feed._close_left()
    feed.take(old, [ticker(4)])
    feed._close_left()
    assert (taken, old.closed) == ([1, 5, 4], False)
    feed.take(old, [ticker(5)])
    feed._close_left()
    assert (old.closed, new.closed) == (True, False)


def test_an_old_session_that_stays_behind_is_closed_after_a_while() -> None:
    clock = SetClock()
    feed, _, old, _ = handed_over(clock)
    clock.advance(OVERLAP_SECONDS)
    feed._close_left()
    assert old.closed
