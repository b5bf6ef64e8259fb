"""Values of the archive that are none of ours: they are refused, and cost neither memory nor an answer."""

import struct
import zlib

import msgspec
import pytest

from relay.batch import Unreadable
from relay.candle import Candle
from relay.history.block import HOURS, MINUTES, Span, block, candles
from relay.history.page import Page, decode_page, encode_page
from relay.ticker import MAX_COUNT
from tests.archive import kline

#: The beginning of a day, in seconds since 1970.
DAY = 1_700_006_400
#: Bytes of a record.
RECORD = 37


def test_a_page_is_read_as_it_was_kept() -> None:
    page = Page(1000 * DAY, [kline(DAY), kline(DAY + 60, "0")])
    assert decode_page(encode_page(page)) == page


def test_a_page_that_would_fill_memory_is_refused() -> None:
    rows = [kline(DAY + 60 * number) for number in range(30_000)]
    bomb = encode_page(Page(1000 * DAY, rows))
    assert len(bomb) < 1 << 18
    with pytest.raises(Unreadable):
        decode_page(bomb)


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume", "quote_volume"])
@pytest.mark.parametrize("text", ["", "1e5", "-1", "NaN", "1.", '1","x', "1" * 25, "١"])
def test_a_page_with_a_figure_that_is_no_decimal_is_refused(field: str, text: str) -> None:
    odd = msgspec.structs.replace(kline(DAY + 60), **{field: text})
    with pytest.raises(Unreadable, match="no decimal"):
        decode_page(encode_page(Page(1000 * DAY, [kline(DAY), odd])))


@pytest.mark.parametrize(
    "counts", [{"time": -1}, {"trades": -1}, {"trades": MAX_COUNT + 1}], ids=str
)
def test_a_page_with_a_count_that_cannot_be_is_refused(counts: dict[str, int]) -> None:
    odd = msgspec.structs.replace(kline(DAY), **counts)
    with pytest.raises(Unreadable):
        decode_page(encode_page(Page(1000 * DAY, [odd])))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        zlib.compress(b""),
        zlib.compress(b"nonsense"),
        zlib.compress(b"\x91" * 100_000),
        zlib.compress(msgspec.msgpack.encode([1, [[1, 2, 3, 4, 5, 6, 7, 8]]])),
        encode_page(Page(1000 * DAY, [kline(DAY)]))[:-20],
    ],
)
def test_a_page_of_other_bytes_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_page(data)


@pytest.mark.parametrize("span", [MINUTES, HOURS])
def test_a_block_is_inflated_only_as_far_as_one_can_reach(span: Span) -> None:
    bomb = b"Z" + zlib.compress(bytes(64 << 20), 1)
    # What it names is what was inflated.
    with pytest.raises(Unreadable, match=f"of {span.size * RECORD + 1} bytes"):
        candles(span, DAY, bomb)


def test_a_whole_block_is_read() -> None:
    hour = [Candle(DAY + 60 * number, 2, 500, 700, 400, 500 + number, 9) for number in range(60)]
    assert candles(MINUTES, DAY, block(MINUTES, hour)) == hour


def _raw(*values: int) -> bytes:
    return b"R" + struct.pack("<qqqqIB", *values)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        b"Znonsense",
        b"R" + bytes(RECORD - 1),
        b"R" + bytes(RECORD * 61),
        _raw(5, 4, 3, 3, 1, 0),
        _raw(5, 9, 6, 7, 1, 0),
        _raw(5, 9, 3, 10, 1, 0),
        _raw(5, 9, -1, 7, 1, 0),
        _raw(5, 9, 3, 7, 1, 25),
    ],
)
def test_a_block_of_other_bytes_is_refused(data: bytes) -> None:
    with pytest.raises(Unreadable):
        candles(MINUTES, DAY, data)


def test_a_block_that_ends_early_has_what_it_has() -> None:
    assert candles(MINUTES, DAY, b"R") == []
    assert candles(MINUTES, DAY, _raw(5, 9, 3, 7, 1, 2)) == [Candle(DAY, 2, 5, 9, 3, 7, 1)]
