"""A session names what was asked for and never came."""

from collections import Counter

import pytest

from relay.exchange.session import Session
from relay.exchange.streams import Plan
from relay.ticker import Ticker


class Nobody:
    """Watches, and does nothing about it."""

    def take(self, session: Session, tickers: list[Ticker]) -> None:
        pass

    def notice(self, session: Session) -> None:
        pass


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("relay.exchange.session.time.monotonic", lambda: now[0])
    return now


def test_a_misspelt_symbol_is_named_and_a_quiet_one_is_not(clock: list[float]) -> None:
    plan = Plan([], frozenset(("BTCUSDT", "QUIETUSDT", "NOSUCHUSDT")), [])
    session = Session("ws://x", plan, 10.0, Nobody(), Counter())
    patience = {"BTCUSDT": 10.0, "QUIETUSDT": 9_000.0}
    session.take(None, [Ticker("BTCUSDT", "1", "trade", 0)])  # type: ignore[arg-type]
    clock[0] = 59.0
    assert session.unheard(lambda symbol: patience.get(symbol, 0.0)) == []
    clock[0] = 61.0
    assert session.unheard(lambda symbol: patience.get(symbol, 0.0)) == ["NOSUCHUSDT"]
    clock[0] = 9_001.0
    assert len(session.unheard(lambda symbol: patience.get(symbol, 0.0))) == 2
