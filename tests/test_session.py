"""A session names what was asked for and never came."""

import gevent
import pytest
from gevent.event import Event

from relay.exchange import connection as connection_module
from relay.exchange.session import TICKERS_AT_ONCE, TICKERS_PER_TURN, Session
from relay.exchange.streams import Dial, Plan, plan
from relay.ticker import Ticker
from tests.clocks import SetClock
from tests.fake_sockets import FakeSocket, FakeSockets


class Nobody:
    """Watches, and does nothing about it."""

    def take(self, session: Session, tickers: list[Ticker]) -> None:
        pass

    def notice(self, session: Session) -> None:
        pass


def test_a_misspelt_symbol_is_named_and_a_quiet_one_is_not() -> None:
    asked = Plan([Dial("ws://127.0.0.1:1")], frozenset(("BTCUSDT", "QUIETUSDT", "NOSUCHUSDT")), [])
    clock = SetClock()
    session = Session("ws://x", asked, 10.0, Nobody(), clock=clock)
    patience = {"BTCUSDT": 10.0, "QUIETUSDT": 9_000.0}
    connection = next(iter(session._readings))
    session.take(connection, b'{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"1"}', 1_000_000)
    clock.advance(59)
    assert session.unheard(lambda symbol: patience.get(symbol, 0.0)) == []
    clock.advance(2)
    assert session.unheard(lambda symbol: patience.get(symbol, 0.0)) == ["NOSUCHUSDT"]
    clock.advance(8_940)
    assert len(session.unheard(lambda symbol: patience.get(symbol, 0.0))) == 2
    session.close()


def test_a_session_is_complete_once_it_has_asked_for_every_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go_on = Event()

    def send(self: FakeSocket, payload: bytes) -> int:
        self.sent.append(payload)
        if len(self.sent) == 2:
            go_on.wait()
        return len(payload)

    monkeypatch.setattr(connection_module, "CONTROL_SECONDS", 0.001)
    monkeypatch.setattr(FakeSocket, "send", send)
    sockets = FakeSockets(monkeypatch)
    names = [f"S{number}USDT" for number in range(400)]
    session = Session("ws://x", plan("ws://x", names, "trade"), 10.0, Nobody(), clock=SetClock())
    _, socket = sockets.next()
    socket.tick(BTCUSDT="1")
    while session._waiting or len(socket.sent) < 2:
        gevent.sleep(0.001)
    assert (len(socket.sent), session.complete, session.at_once) == (2, False, False)
    go_on.set()
    while not session.complete:
        gevent.sleep(0.001)
    assert len(socket.sent) == 2
    session.close()


def test_a_session_of_one_url_has_all_its_streams_at_once() -> None:
    session = Session("ws://x", plan("ws://x", ["A", "B"], "trade"), 10.0, Nobody())
    assert session.at_once
    session.close()


def test_others_have_a_turn_though_messages_wait_all_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = SetClock()
    turns: list[int] = []
    looked: list[int] = []
    watcher = gevent.get_hub().loop.check(ref=False)
    watcher.start(lambda: looked.append(1))

    class Slow(Nobody):
        def take(self, session: Session, tickers: list[Ticker]) -> None:
            super().take(session, tickers)
            clock.advance(2 * connection_module.TURN_SECONDS)
            turns.append(len(looked))

    sockets = FakeSockets(monkeypatch)
    session = Session("ws://x", plan("ws://x", [], "miniTicker"), 10.0, Slow(), clock=clock)
    _, socket = sockets.next()
    for number in range(20):
        socket.tick(BTCUSDT=str(number + 1))
    while len(turns) < 20:
        gevent.sleep(0.001)
    watcher.close()
    session.close()
    assert len(set(turns)) >= 19


class Parts(Nobody):
    """Knows how many tickers came at a time, and how often everything else had a turn by then."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.turns: list[int] = []
        self._looked = 0
        self._watcher = gevent.get_hub().loop.check(ref=False)
        self._watcher.start(self._look)

    def take(self, session: Session, tickers: list[Ticker]) -> None:
        super().take(session, tickers)
        self.sizes.append(len(tickers))
        self.turns.append(self._looked)

    def stop(self) -> None:
        self._watcher.close()

    def _look(self) -> None:
        self._looked += 1


@pytest.mark.parametrize(
    ("number", "sizes"),
    [
        (TICKERS_AT_ONCE, [TICKERS_AT_ONCE]),
        (2 * TICKERS_PER_TURN + 1, [TICKERS_PER_TURN, TICKERS_PER_TURN, 1]),
    ],
)
def test_a_frame_that_is_larger_than_the_whole_market_comes_in_parts(
    monkeypatch: pytest.MonkeyPatch, number: int, sizes: list[int]
) -> None:
    parts = Parts()
    sockets = FakeSockets(monkeypatch)
    session = Session("ws://x", plan("ws://x"), 10.0, parts, clock=SetClock())
    _, socket = sockets.next()
    socket.tick(**{f"S{each}USDT": "1" for each in range(number)})
    while sum(parts.sizes) < number:
        gevent.sleep(0.001)
    parts.stop()
    session.close()
    assert parts.sizes == sizes
    assert len(set(parts.turns)) == len(sizes)


def test_of_a_session_that_is_closed_amid_a_large_frame_the_rest_does_not_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Closer(Nobody):
        taken = 0

        def take(self, session: Session, tickers: list[Ticker]) -> None:
            super().take(session, tickers)
            self.taken += 1
            session.close()

    closer = Closer()
    sockets = FakeSockets(monkeypatch)
    Session("ws://x", plan("ws://x"), 10.0, closer, clock=SetClock())
    _, socket = sockets.next()
    socket.tick(**{f"S{each}USDT": "1" for each in range(TICKERS_AT_ONCE + 1)})
    while not socket.closed:
        gevent.sleep(0.001)
    assert closer.taken == 1
