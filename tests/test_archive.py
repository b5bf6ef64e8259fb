"""The archive keeps values for their time, in Redis and in memory, and only for who may write."""

from collections.abc import Iterator
from pathlib import Path

import gevent
import gevent.select
import gevent.socket
import pytest
import redis

from relay.batch import Batch
from relay.feed_status import FeedStatus
from relay.store import memory_archive, redis_archive
from relay.store.contract import Keeper, LeaseHeld, Patch, StoreRefuses, StoreUnavailable
from relay.store.keys import HEAD, HISTORY, ORDER
from relay.store.memory_archive import MemoryArchive
from relay.store.redis_archive import RedisArchive
from relay.store.redis_writer import RedisStore
from relay.ticker import Ticker
from tests.clocks import SetClock
from tests.processes import RedisServer, wait_until


@pytest.fixture
def redis_keeper_of(redis_server: RedisServer) -> Keeper:
    """The archive of a listener that leads."""
    store = RedisStore(redis_server.url)
    store.open()
    return store.keeper


@pytest.fixture
def green(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the relay's processes: whoever waits for Redis lets the others run."""
    monkeypatch.setattr(redis.connection, "socket", gevent.socket)
    monkeypatch.setattr(redis._parsers.hiredis, "select", gevent.select)


@pytest.fixture(params=["redis", "memory"])
def keeper(request: pytest.FixtureRequest) -> Keeper:
    if request.param == "memory":
        return MemoryArchive()
    found: Keeper = request.getfixturevalue("redis_keeper_of")
    return found


def only(keeper: Keeper, name: str) -> bytes | None:
    """The one value."""
    (value,) = keeper.read([name])
    return value


@pytest.mark.usefixtures("green")
def test_many_who_read_at_once_share_a_few_connections(
    redis_server: RedisServer, redis_keeper_of: Keeper
) -> None:
    redis_keeper_of.put("klines/1", b"x", 60)
    archive = RedisArchive(redis_server.url)
    readers = [gevent.spawn(archive.read, ["klines/1"]) for _ in range(500)]
    gevent.joinall(readers, timeout=20)
    assert [reader.value for reader in readers] == [[b"x"]] * 500
    assert len(redis_server.client.client_list()) < 100


def test_what_is_put_is_read_and_what_is_not_there_is_none(keeper: Keeper) -> None:
    keeper.put("klines/real/A/1m/1", b"\x00\xff", 60)
    keeper.put("klines/real/币安人生USDT/1m/1", b"x", 60)
    names = ["klines/real/A/1m/1", "klines/real/B/1m/1", "klines/real/币安人生USDT/1m/1"]
    assert keeper.read(names) == [b"\x00\xff", None, b"x"]
    assert keeper.read([]) == []
    keeper.put(names[0], b"newer", 60)
    assert only(keeper, names[0]) == b"newer"


def test_a_part_is_written_at_its_place_and_what_is_before_it_is_zero(keeper: Keeper) -> None:
    keeper.patch([Patch("minutes/real/A/1", 5, b"ab", 60)])
    assert only(keeper, "minutes/real/A/1") == b"R\x00\x00\x00\x00ab"
    keeper.patch([Patch("minutes/real/A/1", 2, b"cd", 60), Patch("minutes/real/A/1", 7, b"e", 60)])
    assert only(keeper, "minutes/real/A/1") == b"R\x00cd\x00abe"


def test_the_same_parts_twice_change_nothing(keeper: Keeper) -> None:
    patches = [Patch(f"minutes/real/{n}/1", 1 + n % 3, b"ab", 60) for n in range(450)]
    keeper.patch(patches)
    before = keeper.read([patch.name for patch in patches])
    keeper.patch(patches)
    assert keeper.read([patch.name for patch in patches]) == before
    assert before[1] == b"R\x00ab"
    assert None not in before


def test_a_value_that_was_put_as_a_whole_is_not_patched(keeper: Keeper) -> None:
    keeper.put("minutes/real/A/1", b"Zdeflated", 60)
    assert keeper.patch([Patch("minutes/real/A/1", 1, b"ab", 60)]) == ["minutes/real/A/1"]
    assert only(keeper, "minutes/real/A/1") == b"Zdeflated"
    keeper.put("minutes/real/A/1", b"R__", 60)
    keeper.patch([Patch("minutes/real/A/1", 1, b"ab", 60)])
    assert only(keeper, "minutes/real/A/1") == b"Rab"


def test_of_a_family_the_newest_so_many_are_kept(keeper: Keeper) -> None:
    for number in range(5):
        keeper.put(f"klines/{number}", b"x", 60, most=3)
    keeper.put("closes/1", b"x", 60, most=3)
    keeper.put("blocks/1", b"x", 60)
    keeper.put("klines/2", b"again", 60, most=3)
    keeper.put("klines/5", b"x", 60, most=3)
    kept = [name for name in map("klines/{}".format, range(6)) if only(keeper, name)]
    assert kept == ["klines/2", "klines/4", "klines/5"]
    assert keeper.read(["closes/1", "blocks/1"]) == [b"x", b"x"]


# In memory.


def test_a_value_is_kept_for_its_time() -> None:
    clock = SetClock()
    archive = MemoryArchive(clock=clock)
    archive.put("klines/1", b"x", 10, most=3)
    archive.patch([Patch("minutes/1", 1, b"x", 20)])
    clock.advance(9)
    assert only(archive, "klines/1") == b"x"
    clock.advance(1)
    assert archive.read(["klines/1", "minutes/1"]) == [None, b"Rx"]
    archive.patch([Patch("minutes/1", 2, b"y", 20)])
    clock.advance(15)
    assert only(archive, "minutes/1") == b"Rxy"


def test_values_that_nobody_reads_any_more_leave_the_memory() -> None:
    clock = SetClock()
    archive = MemoryArchive(clock=clock)
    for number in range(100):
        archive.put(f"klines/{number}", b"x" * 1000, 10)
    clock.advance(memory_archive.SWEEP_SECONDS)
    assert archive.size > 100_000
    archive.patch([])
    assert archive.size == 0


def test_where_there_is_too_much_the_oldest_page_goes_before_any_block() -> None:
    archive = MemoryArchive(max_bytes=5_500)
    archive.patch([Patch("minutes/1", 1, b"x" * 1000, 60)])
    for number in range(4):
        archive.put(f"klines/{number}", b"x" * 1000, 60, most=100)
    names = ["minutes/1", *(f"klines/{number}" for number in range(4))]
    assert [value is not None for value in archive.read(names)] == [True, False, True, True, True]
    for number in range(2, 7):
        archive.patch([Patch(f"minutes/{number}", 1, b"x" * 1000, 60)])
    names = [f"minutes/{number}" for number in range(1, 7)]
    held = [value is not None for value in archive.read(names)]
    assert held == [False, False, True, True, True, True]
    assert archive.size <= 5_500


# In Redis.


def test_what_is_written_to_redis_expires(
    redis_server: RedisServer, redis_keeper_of: Keeper
) -> None:
    redis_keeper_of.put("klines/1", b"x", 60, most=3)
    redis_keeper_of.put("klines/2", b"x", 600, most=3)
    redis_keeper_of.put("klines/3", b"x", 6, most=3)
    redis_keeper_of.patch([Patch("minutes/1", 1, b"x", 60)])
    client = redis_server.client
    times = {key.removeprefix(HISTORY): client.ttl(key) for key in client.keys(HISTORY + "*")}
    wanted = {"klines/1": 60, "klines/2": 600, "klines/3": 6, "minutes/1": 60}
    assert {name: round(time, -1) or 6 for name, time in times.items()} == {
        **wanted,
        "klines/3": 10,
    }
    assert 590 < client.ttl(ORDER + "klines") <= 600


def test_only_the_leader_writes(redis_server: RedisServer) -> None:
    first, second = RedisStore(redis_server.url), RedisStore(redis_server.url)
    with pytest.raises(LeaseHeld, match="nobody"):
        first.keeper.put("klines/1", b"x", 60)
    first.open()
    first.keeper.put("klines/1", b"first", 60)
    first.release()
    second.open()
    for write in (
        lambda: first.keeper.put("klines/1", b"late", 60),
        lambda: first.keeper.patch([Patch("minutes/1", 1, b"x", 60)]),
    ):
        with pytest.raises(LeaseHeld):
            write()
    assert RedisArchive(redis_server.url).read(["klines/1", "minutes/1"]) == [b"first", None]
    second.keeper.put("klines/1", b"second", 60)
    assert only(first.keeper, "klines/1") == b"second"


def test_what_somebody_else_put_under_our_names_is_none_or_replaced(
    redis_server: RedisServer, redis_keeper_of: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = redis_server.client
    client.hset(HISTORY + "minutes/1", "a", "b")
    client.rpush(HISTORY + "minutes/2", "a")
    client.setrange(HISTORY + "minutes/3", redis_archive.MAX_VALUE_BYTES, b"x")
    client.set(HISTORY + "minutes/4", "")
    names = [f"minutes/{number}" for number in range(1, 5)]
    assert redis_keeper_of.read(names) == [None] * 4
    redis_keeper_of.patch([Patch("minutes/1", 1, b"x", 60), Patch("minutes/4", 1, b"x", 60)])
    redis_keeper_of.put("minutes/2", b"y", 60)
    redis_keeper_of.put("minutes/3", b"z", 60)
    assert redis_keeper_of.read(names) == [b"Rx", b"y", b"z", b"Rx"]


@pytest.mark.parametrize("rubbish", ["hash", "future", "many", "giant"])
def test_what_somebody_else_put_into_the_order_of_a_family_keeps_no_page_out(
    rubbish: str, redis_server: RedisServer, redis_keeper_of: Keeper
) -> None:
    client = redis_server.client
    order = ORDER + "klines"
    if rubbish == "hash":
        client.hset(order, "a", "b")
    elif rubbish == "future":
        client.zadd(order, {f"klines/{number}x": "inf" for number in range(10)})
    elif rubbish == "many":
        client.zadd(order, {f"klines/{number}x": number for number in range(5000)})
    else:
        client.zadd(order, {"x" * (8 << 20): 0})
    for number in range(4):
        redis_keeper_of.put(f"klines/{number}", b"x", 60, most=3)
    values = redis_keeper_of.read([f"klines/{number}" for number in range(4)])
    assert values == [None, b"x", b"x", b"x"]
    assert client.zcard(order) == 3


def test_large_values_are_read_in_several_answers(
    redis_server: RedisServer, redis_keeper_of: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 1 << 20
    names = [f"klines/{number}" for number in range(12)]
    for number, name in enumerate(names):
        redis_keeper_of.put(name, bytes([number]) * size, 60)
    redis_server.client.config_resetstat()
    assert redis_keeper_of.read(names) == [bytes([number]) * size for number in range(12)]
    calls = redis_server.client.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert calls == 12 * size // redis_archive.ANSWER_BYTES
    monkeypatch.setattr(redis_archive, "MAX_READ_BYTES", 6 * size)
    with pytest.raises(StoreUnavailable, match="more than"):
        redis_keeper_of.read(names)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that may be mistreated."""
    with RedisServer(tmp_path) as server:
        yield server


def test_a_full_redis_refuses_and_is_read_all_the_same(own_server: RedisServer) -> None:
    store = RedisStore(own_server.url)
    store.open()
    store.keeper.put("klines/1", b"x", 60)
    own_server.client.config_set("maxmemory", 1)
    for write in (
        lambda: store.keeper.put("klines/1", b"late", 60),
        lambda: store.keeper.patch([Patch("minutes/1", 1, b"x", 60)]),
    ):
        with pytest.raises(StoreRefuses, match=r"^Redis is out of memory$") as refused:
            write()
        assert "maxmemory" in refused.value.detail
        # Clients are told, and it is no use to them which script it was.
        assert "script" not in refused.value.logged
    assert store.keeper.read(["klines/1", "minutes/1"]) == [b"x", None]
    own_server.client.config_set("maxmemory", 0)
    store.keeper.put("klines/1", b"y", 60)
    assert only(store.keeper, "klines/1") == b"y"


def put_pages(keeper: Keeper, count: int) -> list[str]:
    """Pages that fill several megabytes; their names, the oldest first."""
    names = [f"klines/{number}" for number in range(count)]
    for name in names:
        keeper.put(name, b"x" * 100_000, 60, most=1000)
    return names


def fill(server: RedisServer, part: float) -> None:
    """Lets it have so much memory that this part of it is used."""
    server.client.config_set("maxmemory", int(server.client.info("memory")["used_memory"] / part))


def test_pages_leave_room_for_prices(own_server: RedisServer) -> None:
    store = RedisStore(own_server.url)
    store.open()
    names = put_pages(store.keeper, 100)
    fill(own_server, 0.9)
    for most in (1000, 1):
        with pytest.raises(StoreRefuses) as refused:
            store.keeper.put("closes/1", b"x", 60, most=most)
        assert "the last fifth of Redis's memory" in refused.value.detail
    with pytest.raises(StoreRefuses):
        store.keeper.put("klines/new", b"x", 60, most=1000)
    # The oldest have made room.
    values = [value is not None for value in store.keeper.read([*names, "klines/new", "closes/1"])]
    assert values == [False] * 10 + [True] * 90 + [False] * 2
    live = FeedStatus("live", time=1, age=0.0)
    store.write(Batch("e1", 0, 1, live, [Ticker("BTCUSDT", "1", "trade", 1)]))
    assert own_server.client.hgetall("prices") == {"BTCUSDT": "1"}
    store.keeper.patch([Patch("minutes/1", 1, b"x", 60)])
    assert only(store.keeper, "minutes/1") == b"Rx"


@pytest.mark.parametrize("part", [0.9, 1.5])
def test_a_redis_that_pages_filled_takes_pages_again_in_a_while(
    own_server: RedisServer, part: float
) -> None:
    store = RedisStore(own_server.url)
    store.open()
    put_pages(store.keeper, 100)
    fill(own_server, part)

    def takes_one() -> bool:
        try:
            store.keeper.put("klines/new", b"x", 60, most=1000)
        except StoreRefuses:
            return False
        return True

    wait_until(takes_one, "room for a page")
    assert only(store.keeper, "klines/new") == b"x"


def test_a_user_who_may_not_ask_for_the_memory_puts_pages(own_server: RedisServer) -> None:
    rights = "~* &* +@all -info"
    own_server.client.execute_command("ACL", "SETUSER", "few", "on", ">few", *rights.split())
    store = RedisStore(f"redis://few:few@127.0.0.1:{own_server.port}")
    store.open()
    put_pages(store.keeper, 20)
    fill(own_server, 0.9)
    store.keeper.put("klines/new", b"x", 60, most=1000)
    assert only(store.keeper, "klines/new") == b"x"


def test_a_replica_refuses(own_server: RedisServer) -> None:
    store = RedisStore(own_server.url)
    store.open()
    own_server.client.execute_command("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(StoreRefuses):
        store.keeper.put("klines/1", b"x", 60)


def test_a_redis_that_is_away_is_unavailable_and_comes_back(own_server: RedisServer) -> None:
    store = RedisStore(own_server.url)
    store.open()
    store.keeper.put("klines/1", b"x", 60)
    reader = RedisArchive(own_server.url)
    assert only(reader, "klines/1") == b"x"
    own_server.kill()
    for use in (
        lambda: reader.read(["klines/1"]),
        lambda: store.keeper.patch([Patch("minutes/1", 1, b"x", 60)]),
    ):
        with pytest.raises(StoreUnavailable):
            use()
    own_server.start()
    assert only(reader, "klines/1") is None
    with pytest.raises(LeaseHeld):
        store.keeper.put("klines/1", b"x", 60)
    store.open()
    store.keeper.put("klines/1", b"x", 60)
    assert only(reader, "klines/1") == b"x"


@pytest.mark.parametrize("answer", [b"rubbish", [], [b"x", b"y"], [7], None, [[b"x"]]])
def test_an_answer_of_another_shape_is_no_value(
    answer: object, redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = RedisArchive(redis_server.url)
    monkeypatch.setattr(archive, "_read", lambda **_: answer)
    with pytest.raises(StoreUnavailable, match="oddly"):
        archive.read(["klines/1"])


def test_a_head_of_another_type_lets_nobody_write(
    redis_server: RedisServer, redis_keeper_of: Keeper
) -> None:
    redis_server.client.delete(HEAD)
    redis_server.client.set(HEAD, "x")
    with pytest.raises(StoreUnavailable):
        redis_keeper_of.put("klines/1", b"x", 60)
    assert redis_server.client.keys(HISTORY + "*") == []
