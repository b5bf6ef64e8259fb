"""A feed against what nobody foresaw: nothing that is said ends it, and it is never called live wrongly."""

import logging
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent.queue import SimpleQueue

from relay.absences import Absences
from relay.batch import DOWN_SECONDS
from relay.exchange import feed, frame_limits
from relay.exchange.failure import FeedError
from relay.exchange.feed import RECONNECT_SECONDS, Feed
from relay.exchange.overlap import OVERLAP_SECONDS
from relay.exchange.source import PROVEN_SECONDS, RETURN_FOR_SECONDS, RETURN_SECONDS, Source
from relay.exchange.streams import plan
from relay.ticker import Ticker
from tests.clocks import SetClock
from tests.fake_sockets import FakeSockets
from tests.processes import WAIT_SECONDS

SILENCE = 10.0


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> FakeSockets:
    return FakeSockets(monkeypatch)


class Running:
    """A feed of two URLs that runs, and the tickers that came of it."""

    def __init__(self, clock: SetClock | None = None, **options: Any) -> None:
        self.came: SimpleQueue[list[Ticker]] = SimpleQueue()
        self.clock = clock or SetClock()
        self.feed = Feed(
            ["ws://first", "ws://second"],
            plan,
            self.came.put,
            lambda *_: None,
            silence=SILENCE,
            rotate=1e6,
            clock=self.clock,
            **options,
        )
        gevent.spawn(self.feed.run)

    def price(self) -> str:
        return self.came.get(timeout=20)[-1].price

    def state(self) -> str:
        return self.feed.status().state

    def wait_until_lost(self) -> None:
        while not (self.state() == "down" or "reconnecting" in self.feed.status().reason):
            gevent.sleep(0.001)

    def wait_until_down(self) -> None:
        self.wait_until_lost()
        if self.state() != "down":
            self.clock.advance(DOWN_SECONDS)
        assert self.state() == "down"


@pytest.fixture
def running() -> Iterator[Running]:
    running = Running()
    yield running
    running.feed.stop()


def test_an_error_that_nobody_foresaw_fails_the_url_and_the_next_one_is_read(
    running: Running, sockets: FakeSockets, caplog: pytest.LogCaptureFixture
) -> None:
    _, first = sockets.next()
    first.said.put(KeyError("poison"))
    url, second = sockets.next()
    assert url.startswith("ws://second")
    second.tick(A="1")
    assert running.price() == "1"
    assert running.state() == "live"
    assert first.closed
    assert caplog.text.count("Traceback") == 1
    assert "unexpected: KeyError('poison')" in caplog.text


def test_the_same_error_over_and_over_is_traced_once(
    running: Running, sockets: FakeSockets, caplog: pytest.LogCaptureFixture
) -> None:
    failed = 0
    while failed < 6:
        url, socket = sockets.next()
        socket.said.put(KeyError(url))
        failed += 1
        running.clock.advance(31)
    assert caplog.text.count("Traceback") == 2


def test_a_tap_that_fails_ends_no_feed(sockets: FakeSockets) -> None:
    failures = [RuntimeError("no tap")]

    def tap(message: bytes, received: int) -> None:
        if failures:
            raise failures.pop()

    running = Running(tap=tap)
    _, first = sockets.next()
    first.tick(A="1")
    _, second = sockets.next()
    second.tick(A="2")
    assert running.price() == "2"
    running.feed.stop()


def test_after_a_sleep_of_the_machine_a_feed_is_not_live_until_data_comes(
    running: Running, sockets: FakeSockets
) -> None:
    _, first = sockets.next()
    first.tick(A="1")
    assert running.price() == "1"
    assert running.state() == "live"
    running.clock.advance(60)
    assert running.state() == "stale"
    assert running.feed.status().age == 60
    # It came before the sleep, and was not read yet.
    first.tick(time=2, A="2")
    running.wait_until_down()
    assert "no data for 10 s" in running.feed.status().reason
    running.clock.advance(1)
    _, again = sockets.next()
    assert running.state() == "down"
    again.tick(time=3, A="3")
    assert running.price() == "3"
    assert running.state() == "live"


def test_a_connection_that_is_lost_is_told_at_once_and_prices_are_as_old_as_they_are(
    sockets: FakeSockets,
) -> None:
    lost: list[str] = []
    running = Running(lost=lambda: lost.append(running.feed.status().reason))
    _, socket = sockets.next()
    socket.tick(A="1")
    running.price()
    socket.said.put(OSError("gone"))
    running.wait_until_lost()
    assert lost[-1] == "exchange: reconnecting (gone)"
    seen = []
    for seconds in (0, RECONNECT_SECONDS, DOWN_SECONDS - RECONNECT_SECONDS):
        running.clock.advance(seconds)
        seen.append((running.state(), running.feed.status().age))
    assert seen == [("live", 0), ("stale", RECONNECT_SECONDS), ("down", DOWN_SECONDS)]
    running.feed.stop()


def test_the_log_tells_of_an_outage_when_it_begins_however_late_the_next_attempt_is(
    sockets: FakeSockets, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(feed, "RECONNECT_SECONDS", 5.0)
    monkeypatch.setattr(feed, "DOWN_SECONDS", 5.03)
    running = Running()
    _, socket = sockets.next()
    socket.tick(A="1")
    running.price()

    refused: SimpleQueue[bool] = SimpleQueue()

    def refuse(*_: object) -> None:
        refused.put(True)
        raise frame_limits.BadStatus("no", 451, "", {}, b"")

    monkeypatch.setattr(frame_limits, "connect", refuse)
    socket.said.put(OSError("gone"))
    refused.get(timeout=WAIT_SECONDS)
    running.clock.advance(4.98)
    refused.get(timeout=WAIT_SECONDS)
    while "451" not in running.feed.status().reason:
        gevent.sleep(0.001)
    for state in ("stale", "down"):
        running.clock.advance(0.03)
        with gevent.Timeout(WAIT_SECONDS):
            while f"the feed is {state}: exchange: " not in caplog.text:
                gevent.sleep(0.001)
    running.feed.stop()


def test_a_good_url_that_broke_is_tried_again_soon_for_a_minute(sockets: FakeSockets) -> None:
    source = Source("ws://first", 0, clock := SetClock())
    source.broke(FeedError("gone"), PROVEN_SECONDS + 1)
    waits = []
    for _ in range(20):
        source.failed(FeedError("refused"))
        waits.append(source.wait)
        clock.advance(1)
    assert max(waits) <= RETURN_SECONDS
    clock.advance(RETURN_FOR_SECONDS)
    later = []
    for _ in range(20):
        source.failed(FeedError("refused"))
        later.append(source.wait)
    assert max(later) > RETURN_SECONDS


def test_what_is_held_of_a_simulator_is_marked_whatever_the_feed_does(
    running: Running, sockets: FakeSockets
) -> None:
    assert not running.feed.status().simulated
    running.feed.mark(True)
    assert (running.state(), running.feed.status().simulated) == ("down", True)
    _, real = sockets.next()
    assert running.feed.status().simulated
    real.tick(A="1")
    running.price()
    assert (running.state(), running.feed.status().simulated) == ("live", False)


def test_a_simulators_session_is_marked_live_stale_and_down(
    running: Running, sockets: FakeSockets
) -> None:
    sockets.headers = {"x-relay-simulator": "1"}
    _, socket = sockets.next()
    socket.tick(A="1")
    running.price()
    seen = {running.state(): running.feed.status().simulated}
    running.clock.advance(SILENCE / 2 + 1)
    seen[running.state()] = running.feed.status().simulated
    socket.said.put(OSError("gone"))
    running.wait_until_down()
    seen[running.state()] = running.feed.status().simulated
    assert seen == {"live": True, "stale": True, "down": True}


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ([], ""),
        (["{}", "[7]", "junk", "junk"], " (messages came that give no price: {})"),
    ],
)
def test_a_silence_is_told_with_what_came_instead_of_prices(
    running: Running, sockets: FakeSockets, said: list[str], named: str
) -> None:
    _, socket = sockets.next()
    socket.said.put('{"result":null}')
    socket.tick(A="1")
    running.price()
    for message in said:
        socket.said.put(message)
    while not socket.said.empty():
        gevent.sleep(0.001)
    running.clock.advance(SILENCE)
    socket.tick(time=2, A="2")
    running.wait_until_down()
    kinds = named.format("malformed, unknown_event")
    assert running.feed.status().reason == f"exchange: connected, but no data for 10 s{kinds}"


def test_a_listener_that_did_not_run_does_not_blame_the_exchange(sockets: FakeSockets) -> None:
    clock = SetClock()
    absences = Absences(clock)
    absences.look()
    running = Running(clock, away=absences.since)
    _, socket = sockets.next()
    socket.tick(A="1")
    assert running.price() == "1"
    clock.advance(60)
    status = running.feed.status()
    assert status.state != "live"
    assert status.reason == "listener: it did not run for 60 s, and reads again"
    for _ in range(int(4 * RECONNECT_SECONDS)):
        clock.advance(0.25)
        absences.look()
    assert running.feed.status().reason.startswith("exchange: ")
    running.feed.stop()


def test_what_lies_unread_of_an_old_connection_is_read_though_its_time_is_up(
    running: Running, sockets: FakeSockets
) -> None:
    _, old = sockets.next()
    old.tick(1, A="1")
    assert running.price() == "1"
    running.feed._rotate_at = running.clock.monotonic()
    running.feed._wake.set()
    _, new = sockets.next()
    new.tick(5, B="5")
    assert running.price() == "5"
    # It does not run for a while. When it does again, its timers come before its sockets.
    running.clock.advance(OVERLAP_SECONDS)
    running.feed._wake.set()
    for time in (2, 3, 4):
        old.tick(time, A=str(time))
    assert [running.price() for _ in range(3)] == ["2", "3", "4"]
    while not old.closed:
        gevent.sleep(0.001)
    assert not new.closed
