"""A session names what was asked for and never came."""

from collections import Counter

from relay.exchange.session import Session
from relay.exchange.streams import Dial, Plan
from relay.ticker import Ticker
from tests.clocks import SetClock


class Nobody:
    """Watches, and does nothing about it."""

    def take(self, session: Session, tickers: list[Ticker]) -> None:
        pass

    def notice(self, session: Session) -> None:
        pass


def test_a_misspelt_symbol_is_named_and_a_quiet_one_is_not() -> None:
    plan = Plan([Dial("ws://127.0.0.1:1")], frozenset(("BTCUSDT", "QUIETUSDT", "NOSUCHUSDT")), [])
    clock = SetClock()
    session = Session("ws://x", plan, 10.0, Nobody(), Counter(), clock=clock)
    patience = {"BTCUSDT": 10.0, "QUIETUSDT": 9_000.0}
    connection = next(iter(session._readings))
    session.take(connection, b'{"e":"trade","E":1,"s":"BTCUSDT","t":1,"p":"1"}', 1_000_000)
    clock.advance(59)
    assert session.unheard(lambda symbol: patience.get(symbol, 0.0)) == []
    clock.advance(2)
    assert session.unheard(lambda symbol: patience.get(symbol, 0.0)) == ["NOSUCHUSDT"]
    clock.advance(8_940)
    assert len(session.unheard(lambda symbol: patience.get(symbol, 0.0))) == 2
