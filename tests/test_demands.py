"""What a worker lacks, it demands of the listener: through Redis, or in the same process."""

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import gevent
import gevent.select
import gevent.socket
import pytest
import redis._parsers.hiredis
import redis.connection
from gevent.pool import Group

from relay.store import memory_demands, redis_demands, waits
from relay.store.contract import (
    MAX_NAME,
    Demands,
    Orders,
    Refused,
    StoreUnavailable,
    Unanswered,
)
from relay.store.keys import ANSWERED, ANSWERS, BELL, DEMANDS, HEAD, REFUSED, TAKEN
from relay.store.memory_demands import MemoryDemands
from relay.store.redis_demands import RedisDemands
from relay.store.redis_writer import RedisStore
from tests.clocks import SetClock
from tests.processes import RedisServer
from tests.test_redis_trouble import RIGHTS

#: Seconds that nothing takes unless it hangs.
LONG = 20.0
#: Seconds within which what is never to happen would.
SHORT = 0.15


@pytest.fixture(autouse=True)
def green(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the relay's processes: whoever waits for Redis lets the others run."""
    make_green(monkeypatch)


def make_green(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis.connection, "socket", gevent.socket)
    monkeypatch.setattr(redis._parsers.hiredis, "select", gevent.select)


@dataclass
class Sides:
    """Two workers, and the listener."""

    here: Demands
    there: Demands
    orders: Orders
    #: The demands that wait for their turn.
    queue: Callable[[], list[str]]


@pytest.fixture
def leader(redis_server: RedisServer) -> RedisStore:
    """It leads."""
    store = RedisStore(redis_server.url)
    store.open()
    return store


@pytest.fixture
def workers(redis_server: RedisServer) -> Iterator[Callable[[], RedisDemands]]:
    """Makes workers, and ends what runs for them."""
    made: list[RedisDemands] = []

    def worker() -> RedisDemands:
        made.append(RedisDemands(redis_server.url))
        return made[-1]

    yield worker
    for each in made:
        end(each)


def end(worker: RedisDemands) -> None:
    gevent.killall([each for each in (worker._asking, worker._hearing) if each is not None])


@pytest.fixture(params=["redis", "memory"])
def sides(request: pytest.FixtureRequest) -> Sides:
    if request.param == "memory":
        both = MemoryDemands()
        return Sides(both, both, both, lambda: [*both._urgent, *both._others])
    leader = request.getfixturevalue("leader")
    worker = request.getfixturevalue("workers")
    client = request.getfixturevalue("redis_server").client
    return Sides(worker(), worker(), leader.orders, lambda: client.zrange(DEMANDS, 0, -1))


@pytest.fixture
def asking() -> Iterator[Group]:
    """Greenlets that end with the test."""
    group = Group()
    yield group
    group.kill()


def take(orders: Orders) -> str:
    """The next demand."""
    name = orders.take(LONG)
    assert name is not None
    return name


def failure(greenlet: gevent.Greenlet) -> str:
    """What it failed with."""
    with pytest.raises((Refused, Unanswered, StoreUnavailable)) as failed:
        greenlet.get(timeout=LONG)
    return f"{type(failed.value).__name__}: {failed.value}"


def until(condition: Callable[[], object]) -> None:
    """Waits for what another greenlet, or Redis, comes to."""
    with gevent.Timeout(LONG):
        while not condition():
            gevent.sleep(0.01)


def test_who_asks_goes_on_once_it_is_answered(sides: Sides, asking: Group) -> None:
    waiting = asking.spawn(sides.here.ask, ["a", "b"], LONG)
    assert [take(sides.orders), take(sides.orders)] == ["a", "b"]
    sides.orders.answer("a")
    assert not waiting.ready()
    sides.orders.answer("b")
    waiting.get(timeout=LONG)
    sides.here.ask([], LONG)
    waiting = asking.spawn(sides.here.ask, ["c", "c"], SHORT)
    assert failure(waiting).startswith("Unanswered")
    waiting = asking.spawn(sides.there.ask, ["c", "c"], LONG)
    gevent.sleep(0)
    sides.orders.answer(take(sides.orders))
    waiting.get(timeout=LONG)


def test_the_same_demands_meet(sides: Sides, asking: Group) -> None:
    waiting = [
        asking.spawn(side.ask, ["a"], LONG) for side in (sides.here, sides.there, sides.here)
    ]
    assert take(sides.orders) == "a"
    waiting.append(asking.spawn(sides.there.ask, ["a"], LONG))
    assert sides.orders.take(SHORT) is None
    sides.orders.answer("a")
    gevent.joinall(waiting, timeout=LONG, raise_error=True)
    assert all(each.ready() for each in waiting)
    assert sides.orders.take(SHORT) is None


def test_the_urgent_come_first_and_then_whoever_asked_first(sides: Sides) -> None:
    sides.here.post(["later 1", "later 2", "hurried"], urgent=False)
    until(lambda: len(sides.queue()) == 3)
    sides.here.post(["now 1", "now 2"])
    sides.here.post(["hurried", "now 3"])
    sides.here.post(["now 1", "later 2"], urgent=False)
    until(lambda: len(sides.queue()) == 6)
    order = [take(sides.orders) for _ in range(6)]
    assert order == ["now 1", "now 2", "hurried", "now 3", "later 1", "later 2"]


def test_what_was_refused_is_refused_again_at_once(sides: Sides, asking: Group) -> None:
    waiting = asking.spawn(sides.here.ask, ["a"], LONG)
    sides.orders.refuse(take(sides.orders), "no such symbol", LONG)
    assert failure(waiting) == "Refused: no such symbol"
    for side in (sides.here, sides.there):
        assert failure(asking.spawn(side.ask, ["a"], LONG)) == "Refused: no such symbol"
    sides.here.post(["a"])
    assert sides.orders.take(SHORT) is None
    sides.orders.answer("a")
    waiting = asking.spawn(sides.here.ask, ["b", "a"], LONG)
    assert take(sides.orders) == "b"


def test_the_others_are_waited_for_though_one_is_refused(sides: Sides, asking: Group) -> None:
    waiting = asking.spawn(sides.here.ask, ["a", "b"], LONG)
    sides.orders.refuse(take(sides.orders), "not that one", LONG)
    assert take(sides.orders) == "b"
    assert not waiting.ready()
    sides.orders.answer("b")
    assert failure(waiting) == "Refused: not that one"


def test_who_is_not_answered_is_told_why(sides: Sides, asking: Group) -> None:
    sides.there.post(["a", "b"])
    until(lambda: len(sides.queue()) == 2)
    late = asking.spawn(sides.here.ask, ["c"], 0.5)
    assert failure(late) == "Unanswered: it waits for its turn: 2 others come first"
    late = asking.spawn(sides.here.ask, ["b"], 0.5)
    assert failure(late) == "Unanswered: it waits for its turn: 1 other comes first"
    assert [take(sides.orders) for _ in range(3)] == ["a", "b", "c"]
    late = asking.spawn(sides.here.ask, ["c"], 0.5)
    assert failure(late) == "Unanswered: nobody has answered within 0.5 s"


def test_a_demand_outlives_whoever_made_it(sides: Sides, asking: Group) -> None:
    assert "Unanswered" in failure(asking.spawn(sides.here.ask, ["a"], SHORT))
    assert take(sides.orders) == "a"
    sides.orders.answer("a")
    asking.spawn(sides.here.ask, ["b"], LONG)
    assert take(sides.orders) == "b"


def test_a_name_that_is_none_is_refused(sides: Sides, asking: Group) -> None:
    for name in ("", "x" * (MAX_NAME + 1), "a\nb", "\udc80"):
        sides.here.post([name])
        assert failure(asking.spawn(sides.here.ask, [name], LONG)) == "Refused: that is no name"
    longest = "币" * MAX_NAME
    sides.here.post([longest])
    assert take(sides.orders) == longest


def test_no_more_wait_than_may(
    sides: Sides, asking: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_demands, "MAX_DEMANDS", 2)
    monkeypatch.setattr(redis_demands, "MAX_DEMANDS", 2)
    sides.here.post(["a", "b", "c"])
    until(lambda: len(sides.queue()) == 2)
    late = asking.spawn(sides.here.ask, ["d"], LONG)
    assert failure(late).endswith("others wait for their turn already")
    assert [take(sides.orders), take(sides.orders)] == ["a", "b"]
    assert sides.orders.take(SHORT) is None


def test_the_urgent_push_out_those_that_are_not(
    sides: Sides, asking: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_demands, "MAX_DEMANDS", 2)
    monkeypatch.setattr(redis_demands, "MAX_DEMANDS", 2)
    sides.here.post(["a", "b"], urgent=False)
    until(lambda: sides.queue() == ["a", "b"])
    asking.spawn(sides.here.ask, ["c"], LONG)
    until(lambda: sides.queue() == ["c", "a"])


def test_no_more_are_waited_for_than_may(
    sides: Sides, asking: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "MAX_WAITS", 2)
    waiting = asking.spawn(sides.here.ask, ["a", "b"], LONG)
    assert [take(sides.orders), take(sides.orders)] == ["a", "b"]
    late = asking.spawn(sides.here.ask, ["c"], LONG)
    assert failure(late) == "Unanswered: 2 others are waited for already"
    for name in ("a", "b"):
        sides.orders.answer(name)
    waiting.get(timeout=LONG)
    asking.spawn(sides.here.ask, ["c"], LONG)
    assert take(sides.orders) == "c"


def test_who_has_given_up_is_not_counted(
    sides: Sides, asking: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waits, "MAX_WAITS", 2)
    for name in ("a", "b", "c", "d"):
        both = [asking.spawn(side.ask, [name], SHORT) for side in (sides.here, sides.here)]
        assert all("others are waited for" not in failure(each) for each in both)


def test_five_hundred_ask_at_once_and_are_all_answered(sides: Sides, asking: Group) -> None:
    names = [f"klines/real/S{number}USDT/1m/2490" for number in range(500)]
    waiting = [asking.spawn(sides.here.ask, [name], LONG) for name in names]
    taken = []
    for _ in names:
        taken.append(take(sides.orders))
        sides.orders.answer(taken[-1])
    gevent.joinall(waiting, timeout=LONG, raise_error=True)
    assert all(each.successful() for each in waiting)
    assert taken == names


def test_a_take_that_may_not_wait_takes_what_there_is(sides: Sides) -> None:
    assert sides.orders.take(0) is None
    assert sides.orders.take(-1) is None
    sides.here.post(["a"])
    until(sides.queue)
    assert sides.orders.take(0) == "a"


# In memory.


def test_a_refusal_is_forgotten_in_time_and_so_is_who_took_a_demand(asking: Group) -> None:
    clock = SetClock()
    demands = MemoryDemands(clock=clock)
    demands.post(["a", "b"])
    demands.refuse(take(demands), "not now", 10)
    assert take(demands) == "b"
    clock.advance(9)
    assert failure(asking.spawn(demands.ask, ["a"], LONG)) == "Refused: not now"
    demands.post(["b"])
    assert demands.take(SHORT) is None
    clock.advance(memory_demands.TAKEN_SECONDS)
    demands.post(["a", "b"])
    assert [take(demands), take(demands)] == ["a", "b"]


def test_refusals_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_demands, "MAX_REFUSALS", 10)
    monkeypatch.setattr(memory_demands, "MAX_DEMANDS", 10)
    demands = MemoryDemands()
    for number in range(100):
        demands.post([f"{number}"])
        name = take(demands)
        if number % 2:
            demands.refuse(name, "no", LONG)
    assert len(demands._refused) == 10
    assert len(demands._taken) <= 10


# In Redis.


def test_a_listener_that_does_not_lead_takes_nothing(
    redis_server: RedisServer, leader: RedisStore, workers: Callable[[], RedisDemands]
) -> None:
    standby = RedisStore(redis_server.url)
    workers().post(["a"])
    until(lambda: redis_server.client.zcard(DEMANDS))
    assert standby.orders.take(SHORT) is None
    leader.release()
    assert leader.orders.take(SHORT) is None
    standby.open()
    assert take(standby.orders) == "a"


def test_a_standby_that_waits_takes_once_it_leads(
    redis_server: RedisServer,
    leader: RedisStore,
    workers: Callable[[], RedisDemands],
    asking: Group,
) -> None:
    standby = RedisStore(redis_server.url)
    taking = asking.spawn(standby.orders.take, LONG)
    gevent.sleep(0)
    leader.release()
    standby.open()
    workers().post(["a"])
    assert taking.get(timeout=LONG) == "a"


def test_a_demand_that_was_lost_with_its_listener_is_taken_by_the_next_one(
    redis_server: RedisServer,
    leader: RedisStore,
    workers: Callable[[], RedisDemands],
    asking: Group,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redis_demands, "RENEW_SECONDS", 0.2)
    waiting = asking.spawn(workers().ask, ["a"], LONG)
    assert take(leader.orders) == "a"
    # While it leads, it works on it, and nobody else does.
    assert leader.orders.take(1.0) is None
    leader.release()
    successor = RedisStore(redis_server.url)
    successor.open()
    assert take(successor.orders) == "a"
    successor.orders.answer("a")
    waiting.get(timeout=LONG)


def test_an_answer_that_was_not_heard_is_found(
    leader: RedisStore,
    workers: Callable[[], RedisDemands],
    asking: Group,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redis_demands, "RENEW_SECONDS", 0.2)
    monkeypatch.setattr(RedisDemands, "_hear_of", lambda *_: None)
    worker = workers()
    waiting = asking.spawn(worker.ask, ["a", "b"], LONG)
    leader.orders.answer(take(leader.orders))
    leader.orders.refuse(take(leader.orders), "no", 10)
    assert failure(waiting) == "Refused: no"


def test_who_asks_again_is_not_content_with_an_older_answer(
    redis_server: RedisServer,
    leader: RedisStore,
    workers: Callable[[], RedisDemands],
    asking: Group,
) -> None:
    worker = workers()
    redis_server.client.set(ANSWERED + "a", "1000", px=5000)
    waiting = asking.spawn(worker.ask, ["a"], LONG)
    assert take(leader.orders) == "a"
    assert not waiting.ready()
    leader.orders.answer("a")
    waiting.get(timeout=LONG)
    # This one was given while the other worker looked for it in vain.
    workers().ask(["a"], LONG)
    assert leader.orders.take(SHORT) is None


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that may be mistreated."""
    with RedisServer(tmp_path) as server:
        yield server


def test_who_waits_while_redis_dies_is_answered_by_the_next_one(
    own_server: RedisServer, asking: Group
) -> None:
    leader, worker = RedisStore(own_server.url), RedisDemands(own_server.url)
    leader.open()
    waiting = [asking.spawn(worker.ask, [name], LONG) for name in ("a", "b")]
    assert take(leader.orders) == "a"
    own_server.kill()
    until(lambda: worker._problem is not None)
    assert "StoreUnavailable" in failure(asking.spawn(worker.ask, ["c"], SHORT))
    with pytest.raises(StoreUnavailable):
        leader.orders.take(SHORT)
    leader.orders.answer("a")
    leader.orders.refuse("a", "no", 1)
    worker.post(["d"])
    own_server.start()
    leader.open()
    names = {take(leader.orders) for _ in range(4)}
    assert names == {"a", "b", "c", "d"}
    for name in names:
        leader.orders.answer(name)
    gevent.joinall(waiting, timeout=LONG, raise_error=True)
    assert all(each.successful() for each in waiting)
    # Of the new one's answers it hears, too.
    heard = gevent.event.Event()
    worker._hear_of = lambda _: heard.set()  # type: ignore[method-assign]
    until(lambda: own_server.client.publish(ANSWERS, "x"))
    assert heard.wait(LONG)
    end(worker)


def test_nobody_hangs_with_a_redis_that_does(own_server: RedisServer, asking: Group) -> None:
    leader, worker = RedisStore(own_server.url), RedisDemands(own_server.url)
    leader.open()
    waiting = asking.spawn(worker.ask, ["a"], LONG)
    until(lambda: own_server.client.zcard(DEMANDS))
    own_server.signal(signal.SIGSTOP)
    assert "StoreUnavailable" in failure(asking.spawn(worker.ask, ["b"], 2.0))
    with pytest.raises(StoreUnavailable):
        leader.orders.take(SHORT)
    own_server.signal(signal.SIGCONT)
    leader.open()
    names = {take(leader.orders), take(leader.orders)}
    assert names == {"a", "b"}
    leader.orders.answer("a")
    waiting.get(timeout=LONG)
    end(worker)


def test_a_full_redis_carries_demands_and_what_became_of_them(
    own_server: RedisServer, asking: Group
) -> None:
    leader, worker = RedisStore(own_server.url), RedisDemands(own_server.url)
    leader.open()
    own_server.client.config_set("maxmemory", 1)
    waiting = asking.spawn(worker.ask, ["a"], LONG)
    leader.orders.refuse(take(leader.orders), "Redis is full", 1)
    assert failure(waiting) == "Refused: Redis is full"
    end(worker)


def test_a_redis_that_takes_no_writes_is_named(own_server: RedisServer, asking: Group) -> None:
    worker = RedisDemands(own_server.url)
    own_server.client.execute_command("REPLICAOF", "127.0.0.1", "1")
    assert "StoreUnavailable" in failure(asking.spawn(worker.ask, ["a"], 0.5))
    own_server.client.execute_command("REPLICAOF", "NO", "ONE")
    until(lambda: own_server.client.zcard(DEMANDS))
    end(worker)


def test_a_user_with_few_rights_is_enough(own_server: RedisServer, asking: Group) -> None:
    client = own_server.client
    client.execute_command("ACL", "SETUSER", "relay", "on", ">p@ss", *RIGHTS.split())
    url = f"redis://relay:p%40ss@127.0.0.1:{own_server.port}"
    leader, worker = RedisStore(url), RedisDemands(url)
    leader.open()
    waiting = asking.spawn(worker.ask, ["klines/a", "klines/b"], LONG)
    name = take(leader.orders)
    leader.keeper.put(name, b"x", 60, most=1)
    assert leader.keeper.read([name]) == [b"x"]
    leader.orders.answer(name)
    leader.orders.refuse(take(leader.orders), "no", 1)
    assert leader.orders.take(SHORT) is None
    assert failure(waiting) == "Refused: no"
    assert client.acl_log() == []
    end(worker)


Spoil = Callable[[redis.Redis], object]


def another_type(key: str) -> Spoil:
    def spoil(client: redis.Redis) -> None:
        client.delete(key)
        client.hset(key, "a", "b")

    return spoil


#: What somebody else does to our keys and channels.
SPOILED: dict[str, Spoil] = {
    "demands": another_type(DEMANDS),
    "bell": another_type(BELL),
    "taken": another_type(TAKEN + "a"),
    "answered": another_type(ANSWERED + "a"),
    "refused": another_type(REFUSED + "a"),
    "taken for ever": lambda client: client.set(TAKEN + "a", client.hget(HEAD, "writer") or ""),
    "refused for ever": lambda client: client.set(REFUSED + "a", "no"),
    "refused too long": lambda client: client.set(REFUSED + "a", "no", ex=36_000),
    "answered long ago": lambda client: client.set(ANSWERED + "a", "x" * 5000, ex=5),
    "first for ever": lambda client: client.zadd(DEMANDS, {f"x{n}": "-inf" for n in range(3000)}),
    "last for ever": lambda client: client.zadd(DEMANDS, {f"x{n}": "inf" for n in range(3000)}),
    "between": lambda client: client.zadd(DEMANDS, {f"x{n}": 3e15 for n in range(3000)}),
    "bells": lambda client: client.rpush(BELL, *["x" * 10_000] * 1000),
    "messages": lambda client: [client.publish(ANSWERS, b"\xff" * n) for n in (0, 5, 1 << 22)],
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED)
def test_rubbish_keeps_nobody_from_being_answered(
    spoil: Spoil,
    redis_server: RedisServer,
    leader: RedisStore,
    workers: Callable[[], RedisDemands],
    asking: Group,
) -> None:
    worker = workers()
    taking = asking.spawn(leader.orders.take, LONG)
    worker.post(["first"])
    assert taking.get(timeout=LONG) == "first"
    spoil(redis_server.client)
    waiting = asking.spawn(worker.ask, ["a"], LONG)
    assert take(leader.orders) == "a"
    spoil(redis_server.client)
    leader.orders.answer("a")
    waiting.get(timeout=LONG)


def test_what_is_no_name_is_dropped(redis_server: RedisServer, leader: RedisStore) -> None:
    now = redis_server.client.time()[0] * 10**6
    names = {b"\xff\xfe": now, "x" * (8 << 20): now + 1, "y" * 5000: now + 2, "fine": now + 3}
    redis_server.client.zadd(DEMANDS, names)
    assert take(leader.orders) == "fine"


def test_posts_fill_no_memory_while_redis_is_away(own_server: RedisServer) -> None:
    worker = RedisDemands(own_server.url)
    own_server.kill()
    for number in range(5):
        worker.post([f"{number}/{index}" for index in range(500)])
        gevent.sleep(0.02)
    # Those that are on their way come back.
    most = redis_demands.MAX_POSTED + redis_demands._NAMES
    assert len(worker._due) <= most
    own_server.start()
    until(lambda: own_server.client.zcard(DEMANDS) >= redis_demands.MAX_POSTED)
    assert own_server.client.zcard(DEMANDS) <= most
    end(worker)


def test_asking_fills_no_memory_while_redis_is_away(
    own_server: RedisServer, asking: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_demands, "MAX_DUE", 20)
    worker = RedisDemands(own_server.url)
    own_server.kill()
    for start in range(0, 60, 10):
        group = [asking.spawn(worker.ask, [f"{start + n}"], 0.05) for n in range(10)]
        gevent.joinall(group, timeout=LONG)
        assert len(worker._due) <= 20
    own_server.start()
    leader = RedisStore(own_server.url)
    leader.open()
    waiting = asking.spawn(worker.ask, ["a"], LONG)
    while (name := take(leader.orders)) != "a":
        leader.orders.answer(name)
    leader.orders.answer("a")
    waiting.get(timeout=LONG)
    end(worker)


@pytest.mark.parametrize("answer", [b"rubbish", [], [b"waits"], [1, 2, 3], None, [b"a", b"b", []]])
def test_an_answer_of_another_shape_ends_nothing(
    answer: object,
    leader: RedisStore,
    workers: Callable[[], RedisDemands],
    asking: Group,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = workers()
    monkeypatch.setattr(worker, "_ask", lambda **_: answer)
    failure(asking.spawn(worker.ask, ["a"], SHORT))
    monkeypatch.undo()
    make_green(monkeypatch)
    waiting = asking.spawn(worker.ask, ["a"], LONG)
    leader.orders.answer(take(leader.orders))
    waiting.get(timeout=LONG)


@pytest.mark.parametrize("answer", [b"rubbish", [], [b"taken", 7], [b"waits", b"a"], None])
def test_a_taking_of_another_shape_is_unavailable(
    answer: object, leader: RedisStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leader.orders, "_take", lambda **_: answer)
    with pytest.raises(StoreUnavailable, match="oddly"):
        leader.orders.take(SHORT)


def test_a_subscription_that_hangs_is_replaced(
    redis_server: RedisServer,
    workers: Callable[[], RedisDemands],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(redis_demands, "_SILENT_SECONDS", 0.2)
    monkeypatch.setattr(redis_demands, "_PING_SECONDS", 0.3)
    worker = workers()
    worker.post(["a"])
    client = redis_server.client
    until(lambda: client.pubsub_numsub(ANSWERS)[0][1])
    before = {each["id"] for each in client.client_list(_type="pubsub")}
    until(lambda: {each["id"] for each in client.client_list(_type="pubsub")} - before)
