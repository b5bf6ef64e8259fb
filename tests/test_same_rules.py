"""Rules that the client has in common with the relay are the same there."""

import re

from relay import pace
from relay.history.interval import SECONDS
from tests.node import evaluate
from tests.processes import ROOT

BOARD = (ROOT / "static" / "relay" / "board.js").read_text()


def constant(name: str) -> float:
    """A number that board.js keeps to itself."""
    found = re.search(rf"^const {name} = ([0-9_.]+);$", BOARD, re.MULTILINE)
    assert found is not None, name
    return float(found[1])


def test_a_symbol_is_quiet_and_stale_at_the_same_age() -> None:
    assert constant("LIVE") == pace.LIVE_SECONDS
    assert constant("PACES") == pace.STALE_PACES


def test_candles_have_the_same_intervals() -> None:
    steps = evaluate('import { STEPS } from "./relay/candle.js"; answer = [...STEPS];')
    assert steps == [[interval, seconds * 1000] for interval, seconds in SECONDS.items()]
