"""What workers read from Redis, where anybody may write who reaches it."""

import json

from relay.batch import (
    MAX_VERSION,
    Batch,
    Snapshot,
    Unreadable,
    decode_batch,
    decode_snapshot,
    encode_batch,
    encode_snapshot,
)
from relay.board import Board
from relay.fanout.encoding import PAYLOADS
from relay.feed_status import FeedStatus
from relay.ticker import PRICE, SYMBOL, Ticker, removal
from tests.fuzz.target import Target

_LIVE = FeedStatus("live", age=0.5)


def check(data: bytes) -> None:
    """A batch, or a snapshot."""
    batch = _decoded(decode_batch, data)
    if isinstance(batch, Batch):
        assert decode_batch(encode_batch(batch)) == batch, "it does not survive a second trip"
        _judge_tickers(batch.updates)
        assert 0 <= batch.previous <= batch.version <= MAX_VERSION
        board = _board()
        # Nobody gives a board what does not go on from where it stands.
        if batch.previous == (board.version if batch.epoch == board.epoch else 0):
            board.apply(batch)
        _judge(board)
    snapshot = _decoded(decode_snapshot, data)
    if isinstance(snapshot, Snapshot):
        assert decode_snapshot(encode_snapshot(snapshot)) == snapshot
        _judge_tickers([ticker for _, ticker in snapshot.entries])
        board = _board()
        board.load(snapshot)
        _judge(board)


def _decoded(decode, data: bytes):
    """What it says, or why not."""
    try:
        return decode(data)
    except Unreadable as refused:
        return str(refused)


def _judge_tickers(tickers: list[Ticker]) -> None:
    """Nothing that a client cannot be told: no line ends, no texts without end."""
    for ticker in tickers:
        assert SYMBOL.fullmatch(ticker.symbol)
        assert not ticker.price or PRICE.fullmatch(ticker.price)
        for payload in PAYLOADS.values():
            text = payload(ticker)
            json.loads(text)
            assert "\n" not in text
            assert len(text) <= 32 << 10


def _board() -> Board:
    board = Board()
    board.apply(Batch("e1", 0, 2, _LIVE, [_ticker("A"), _ticker("B")]))
    return board


def _judge(board: Board) -> None:
    """The board can do with it all that it does for clients."""
    assert 0 <= board.version <= MAX_VERSION
    entries = board.since(0)
    assert len(entries) == len(board) == len(board.tickers())
    board.each_since(board.version - 1)
    assert board.version_of(board.id) in (0, board.version)
    held = board.snapshot(_LIVE)
    again = Board()
    if board.epoch:
        again.load(decode_snapshot(encode_snapshot(held)))
        assert again.since(0) == sorted(entries, key=lambda entry: entry[0])


def _ticker(symbol: str) -> Ticker:
    return Ticker(symbol, "1.5", "24hrMiniTicker", 1_700_000_000_000)


_BATCH = encode_batch(Batch("e1", 2, 4, _LIVE, [_ticker("A"), removal("B", 5)]))
_SNAPSHOT = encode_snapshot(
    Snapshot("e1", 9, _LIVE, [(3, _ticker("A")), (9, _ticker("C"))], forgotten=2)
)
TARGET = Target(
    "batches",
    check,
    seeds=(
        _BATCH,
        encode_batch(Batch("e2", 0, 0, _LIVE, [])),
        encode_batch(Batch("e2", 0, 1, _LIVE, [_ticker("币")])),
        _SNAPSHOT,
    ),
    words=(
        *(
            b"\x95",
            b"\x90",
            b"\x91",
            b"\x80",
            b"\x81",
            b"\xc0",
            b"\xc2",
            b"\xc3",
            b"\xcf" + b"\xff" * 8,
        ),
        *(
            b"\xcf" + b"\x00\x20" + b"\0" * 6,
            b"\xd3" + b"\xff" * 8,
            b"\xdd\xff\xff\xff\xff",
            b"\xdb\0\0\1\0",
        ),
        *(
            b"\xa2e1",
            b"\xa1A",
            b"\xa3A\nB",
            b"\xa1s",
            b"\xa1c",
            b"\xa0",
            b"\x91" * 1200,
            b"\xca\x7f\x80\0\0",
        ),
    ),
)
