"""What the answers of the history are built on: a cache with a bound, waits with a bound, makings shared."""

import gzip
import zlib

import gevent
import msgspec
import pytest
from flask import Request, Response
from gevent.event import Event

from relay.history.cache import Cache
from relay.history.page import Page, PageName, decode_page, encode_page
from relay.history.pages import READ_SECONDS, Pages
from relay.history.supply import MAX_WAITING, Supply
from relay.store.contract import StoreUnavailable
from relay.turn import give_turn
from relay.web import packed
from relay.web.packed import Packed, Packer
from relay.web.sent import fill
from relay.web.shared import MAX_ANSWERS, Shared
from tests.archive import Shelf, Wants, kline
from tests.clocks import SetClock


def test_a_cache_gives_up_what_was_asked_for_longest_ago() -> None:
    cache: Cache[str] = Cache(100)
    for name in "abc":
        cache.put(name, name.upper(), 30)
    assert cache.get("a") == "A"
    cache.put("d", "D", 30)
    assert [cache.get(name) for name in "abcd"] == ["A", None, "C", "D"]
    assert cache.bytes == 90


def test_a_value_that_is_put_again_counts_once() -> None:
    cache: Cache[str] = Cache(100)
    cache.put("a", "1", 60)
    cache.put("a", "2", 70)
    assert (cache.get("a"), cache.bytes, len(cache)) == ("2", 70, 1)
    cache.drop("a")
    cache.drop("a")
    assert (cache.get("a"), cache.bytes) == (None, 0)


def test_a_value_that_is_larger_than_the_cache_is_not_kept() -> None:
    cache: Cache[str] = Cache(100)
    cache.put("a", "1", 60)
    cache.put("a", "2", 101)
    assert (cache.get("a"), cache.bytes) == (None, 0)


def test_a_page_that_lacks_a_candle_is_read_again_though_its_time_is_over() -> None:
    shelf, clock = Shelf(), SetClock()
    name = PageName("klines", False, "BTCUSDT", "1m", 39_351)
    pages = Pages(shelf, clock, 1 << 20)

    def known(*, whole: bool) -> tuple[int, bool]:
        klines = [kline(name.start + 60 * number) for number in range(10 if whole else 9)]
        shelf.values[str(name)] = encode_page(Page(name.end * 1000, klines, whole))
        clock.advance(READ_SECONDS)
        found = pages.read([name])[name]
        return len(found.final), found.whole

    assert known(whole=False) == (9, False)
    assert known(whole=True) == (10, True)
    assert known(whole=False) == (10, True)
    assert shelf.reads == [str(name)] * 2


def test_a_page_of_a_former_release_is_whole() -> None:
    former = zlib.compress(msgspec.msgpack.encode([7, []]))
    assert decode_page(former) == Page(7, [], True)


def test_so_many_answers_wait_and_the_others_go_without() -> None:
    wants, release = Wants(), Event()
    wants.supply = lambda _: release.wait() and None
    supply = Supply(wants)
    waiting = [gevent.spawn(supply.ask, [f"n{number}"], 5.0) for number in range(MAX_WAITING)]
    gevent.sleep(0)
    assert "wait" in supply.ask(["one more"], 5.0)
    assert wants.posted == ["one more"]
    release.set()
    assert [each.get(timeout=20) for each in waiting] == [""] * MAX_WAITING
    assert supply.ask(["after"], 5.0) == ""


def test_an_answer_that_fails_waits_no_longer() -> None:
    wants = Wants()
    supply = Supply(wants)

    def fail(_: object) -> None:
        raise StoreUnavailable("redis: it is away")

    wants.supply = fail
    for _ in range(MAX_WAITING + 1):
        assert "it is away" in supply.ask(["n"], 5.0)
    assert wants.posted == []


def test_each_question_is_answered_once_at_a_time_and_only_so_many_are_kept() -> None:
    made: list[int] = []

    def make(question: int) -> int:
        made.append(question)
        return question

    shared: Shared[int, int] = Shared(make, lambda: "e1")
    for _ in range(2):
        assert [shared.get(number) for number in range(MAX_ANSWERS)] == list(range(MAX_ANSWERS))
    assert len(made) == MAX_ANSWERS
    shared.get(MAX_ANSWERS)
    shared.get(0)
    assert made[-2:] == [MAX_ANSWERS, 0]


@pytest.mark.parametrize("size", [0, 1, 5_000, 64 << 10, 300_000])
def test_what_is_packed_in_parts_is_the_whole(size: int) -> None:
    long = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    packer = Packer()
    for head in (b"", b"first", b"second, with what was kept of the long part"):
        whole = Packed(packer, head, long, b"]}")
        body = b"".join(whole.parts)
        assert body == head + long + b"]}"
        assert whole.size == len(body)
        assert gzip.decompress(whole.gzip()) == body
        assert whole.gzip() is whole.gzip()


def test_who_waits_for_a_plain_answer_holds_what_all_others_hold() -> None:
    whole = Packed(Packer(), b"first", b"x" * 5_000)
    answers = [Response() for _ in range(2)]
    for answer in answers:
        fill(Request({}), answer, whole)
        assert answer.content_length == whole.size
        sent = answer.iter_encoded()
        assert all(part is mine for part, mine in zip(sent, whole.parts, strict=True))


def test_all_who_want_a_part_at_once_share_one_deflating(monkeypatch: pytest.MonkeyPatch) -> None:
    deflated = []

    def deflate(part: bytes) -> bytes:
        deflated.append(part)
        give_turn()
        return part

    monkeypatch.setattr(packed, "_deflated", deflate)
    packer, long = Packer(), b"x" * 10_000
    asking = [gevent.spawn(packer.deflated, long) for _ in range(100)]
    gevent.joinall(asking, timeout=20)
    assert [each.value for each in asking] == [long] * 100
    assert len(deflated) == 1


def test_a_long_part_that_comes_again_is_deflated_once() -> None:
    packer = Packer()
    long = bytes(range(256)) * 100
    assert packer.deflated(long) is packer.deflated(bytes(bytearray(long)))
    assert packer.deflated(long[1:]) is not packer.deflated(long)
