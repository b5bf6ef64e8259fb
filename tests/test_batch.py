"""What is no batch of ours goes no further than its bytes."""

from typing import Any

import msgspec
import pytest

from relay.batch import (
    MAX_BATCH_BYTES,
    Batch,
    Snapshot,
    Unreadable,
    decode_batch,
    decode_snapshot,
    encode_batch,
    encode_snapshot,
)
from relay.feed_status import MAX_TEXT, FeedStatus, as_carried
from relay.ticker import Ticker, removal

LIVE = FeedStatus("live")

#: What no listener of ours says of a symbol.
FORGED: dict[str, dict[str, Any]] = {
    "a line in the symbol": {"symbol": "BTC\ndata: {}"},
    "a quote in the symbol": {"symbol": 'BTC"'},
    "no symbol": {"symbol": ""},
    "a long symbol": {"symbol": "B" * 41},
    "a line in the price": {"price": "1\ndata: {}"},
    "two prices": {"price": "1\n2"},
    "a line after the price": {"price": "1\n"},
    "an exponent": {"price": "1E+30"},
    "no number": {"price": "NaN"},
    "a sign": {"price": "-1"},
    "digits of another alphabet": {"price": "٣"},
    "a long price": {"price": "1" * 25},
    "a long figure": {"change": "1" * 51},
    "a long status": {"status": "H" * 41},
    "a long stream": {"stream": "s" * 41},
    "another kind": {"open": 5},
}
FORGED_FEEDS: dict[str, dict[str, Any]] = {
    "a long reason": {"reason": "x" * (MAX_TEXT + 1)},
    "a long source": {"source": "x" * (MAX_TEXT + 1)},
    "an unknown state": {"state": "fine"},
    "an age that is no number": {"age": float("nan")},
    "an age without end": {"age": float("inf")},
    "a time before all": {"time": -1},
    "a time after all": {"time": 2**62},
}


def forged(values: dict[str, Any]) -> Ticker:
    ticker = Ticker("BTCUSDT", "1", "trade")
    return msgspec.structs.replace(ticker, **values)


@pytest.mark.parametrize("values", FORGED.values(), ids=FORGED)
def test_a_batch_with_a_forged_ticker_is_refused_as_a_whole(values: dict[str, Any]) -> None:
    data = encode_batch(Batch("e1", 0, 2, LIVE, [Ticker("A", "1", "trade"), forged(values)]))
    with pytest.raises(Unreadable):
        decode_batch(data)


@pytest.mark.parametrize("values", FORGED.values(), ids=FORGED)
def test_a_snapshot_with_a_forged_ticker_is_refused_as_a_whole(values: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        decode_snapshot(encode_snapshot(Snapshot("e1", 1, LIVE, [(1, forged(values))])))


@pytest.mark.parametrize("values", FORGED_FEEDS.values(), ids=FORGED_FEEDS)
def test_a_batch_with_a_forged_status_is_refused(values: dict[str, Any]) -> None:
    feed = msgspec.structs.replace(LIVE, **values)
    with pytest.raises(Unreadable):
        decode_batch(encode_batch(Batch("e1", 0, 0, feed, [])))


@pytest.mark.parametrize("epoch", ["a\ndata: {}", "a-b", "é", "e" * 41])
def test_an_epoch_that_would_not_fit_into_an_id_is_refused(epoch: str) -> None:
    with pytest.raises(Unreadable):
        decode_batch(encode_batch(Batch(epoch, 0, 0, LIVE, [])))


def test_more_bytes_than_a_batch_has_are_not_looked_at() -> None:
    with pytest.raises(Unreadable, match="bytes"):
        decode_batch(bytes(MAX_BATCH_BYTES + 1))


def test_what_a_listener_says_passes() -> None:
    symbols = ["1INCHUSDT", "币安人生USDT", "B" * 32]
    prices = ["0", "0.00000001", f"{'9' * 20}.{'9' * 18}"]
    updates = [Ticker(s, p, "trade", 1) for s, p in zip(symbols, prices, strict=True)]
    batch = Batch("68a0aa", 7, 11, LIVE, [*updates, removal("A", 1)])
    assert decode_batch(encode_batch(batch)) == batch
    beat = Batch("68a0aa", 7, 7, LIVE, [])
    assert decode_batch(encode_batch(beat)) == beat


def test_a_listener_says_no_longer_text_than_a_worker_takes() -> None:
    long = "x" * (MAX_TEXT + 1)
    said = as_carried(FeedStatus("live", source=long, reason=long, history=long, age=1.0))
    assert (len(said.source), len(said.reason), len(said.history)) == (MAX_TEXT,) * 3
    assert said.age == 1.0
