"""/status: every process of a relay, for people and for programs."""

import json
import logging
from collections.abc import Iterator

import pytest

from relay.diary import Diary
from relay.presence import MAX_EVENTS, MAX_TEXT, Occurrence, Presence
from relay.redaction import keep
from relay.store import keys
from relay.store.redis_roll import MAX_BYTES, MAX_PRESENT, RedisRoll
from relay.web.status import newest_events
from tests.processes import Gunicorn, Listener, RedisServer, wait_until
from tests.scripted import ScriptedExchange

PERSON = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def relay(_redis_process: RedisServer) -> Iterator[Gunicorn]:
    _redis_process.client.flushall()
    settings = {"REDIS_URL": _redis_process.url, "FEED_SILENCE_SECONDS": "600"}
    with ScriptedExchange() as exchange, Listener(BINANCE_WS=exchange.url, **settings) as first:
        first.wait_for_line("leading")
        exchange.tick(BTCUSDT="1", ETHUSDT="2")
        with (
            Listener(BINANCE_WS=exchange.url, **settings) as second,
            Gunicorn(workers=2, REDIS_URL=_redis_process.url) as relay,
        ):
            second.wait_for_line("standby")
            relay.wait_until_ready()

            def all_are_live() -> bool:
                # Each listener has a connection of its own.
                exchange.tick(BTCUSDT="1", ETHUSDT="2")
                return [one["state"] for one in status(relay)["processes"]] == 4 * ["live"]

            wait_until(all_are_live, "all four processes")
            yield relay


def status(relay: Gunicorn) -> dict:
    return relay.http.get("/status").json()


def test_any_worker_tells_of_all_processes(relay: Gunicorn) -> None:
    told = status(relay)
    workers = [one for one in told["processes"] if one["role"] == "worker"]
    listeners = [one for one in told["processes"] if one["role"] == "listener"]
    assert {int(one["name"].split(":")[1]) for one in workers} == set(relay.worker_pids())
    assert sorted(one.get("leading", False) for one in listeners) == [False, True]
    assert {one["state"] for one in told["processes"]} == {"live"}
    assert all(one["memory"] > 10 << 20 for one in told["processes"])


def test_it_names_every_hop_with_age_and_version(relay: Gunicorn) -> None:
    version = relay.http.get("/api/prices").json()["id"]

    def hops_now() -> dict[str, dict]:
        return {hop["name"]: hop for hop in status(relay)["hops"]}

    # A process says how it is every two seconds.
    wait_until(lambda: f"writes, at {version}" in hops_now()["listener"]["said"], "the version")
    hops = hops_now()
    assert list(hops) == ["exchange", "listener", "redis", "worker"]
    assert all(hop["is_well"] for hop in hops.values())
    assert "newest data" in hops["exchange"]["said"]
    assert "1 stands by" in hops["listener"]["said"]
    assert f"this one at {version}" in hops["worker"]["said"]


def test_it_tells_what_happened_last_in_any_process(relay: Gunicorn) -> None:
    events = status(relay)["events"]
    assert any(event["text"] == "the feed is live" for event in events)
    assert any("holds the lease" in event["text"] for event in events)
    assert len(events) <= MAX_EVENTS
    assert events == sorted(events, key=lambda event: -event["time"])


def test_what_happened_within_a_millisecond_has_its_order() -> None:
    told = ["prices are stale", "prices are live", "draining"]
    events = [Occurrence(time, "info", text) for time, text in zip((1, 1, 2), told, strict=True)]
    one = Presence("worker", "here:1", 0, "live", events=events)
    assert [event.text for _, event in newest_events([one])] == told[::-1]


def test_a_person_gets_a_page(relay: Gunicorn) -> None:
    answer = relay.http.get("/status", headers=PERSON)
    assert answer.headers["content-type"].startswith("text/html")
    assert "script" in answer.headers["content-security-policy"]
    for told in ("Limits reached", "listener, writes", "listener, stands by", "the feed is live"):
        assert told in answer.text


def test_it_is_for_operators() -> None:
    with Gunicorn(BINANCE_WS="ws://127.0.0.1:1", OPERATOR_TOKENS=f"me:{'o' * 16}") as relay:
        assert relay.http.get("/status").status_code == 401
        right = {"Authorization": f"Bearer {'o' * 16}"}
        told = relay.http.get("/status", headers=right).json()
        assert [one["role"] for one in told["processes"]] == ["worker"]


def test_what_others_write_into_the_roll_costs_only_them(redis_server: RedisServer) -> None:
    client = redis_server.client
    roll = RedisRoll(redis_server.url)
    client.set(keys.ROLL, "a string")
    assert roll.read() == []
    one = Presence("worker", "here:1", 1, "live")
    roll.say(one)
    client.hset(
        keys.ROLL,
        mapping={
            "": "",
            "rubbish": f"{'9' * 13}\x81",
            "long": "9" * (MAX_BYTES + 1),
            "old": "0" * 13,
        },
    )
    assert roll.read() == [one]
    roll.say(one)
    assert client.hlen(keys.ROLL) == 1
    client.hset(keys.ROLL, mapping={str(number): "x" for number in range(MAX_PRESENT + 2)})
    assert roll.read() == []
    roll.say(one)
    assert roll.read() == [one]
    assert 0 < client.pttl(keys.ROLL) <= 60_000


def test_the_diary_is_bounded_and_keeps_secrets() -> None:
    keep(["a-planted-secret"])
    diary, log = Diary(), logging.Logger("relay.test", logging.DEBUG)
    log.addHandler(diary)
    log.debug("not told")
    for number in range(3 * MAX_EVENTS):
        log.warning("number %d\n with a-planted-secret %s", number, "x" * MAX_TEXT)
    events = diary.events()
    assert len(events) == MAX_EVENTS
    assert events[-1].text.startswith(f"number {3 * MAX_EVENTS - 1}\\n with")
    assert "planted" not in json.dumps([event.text for event in events])
    assert max(len(event.text) for event in events) == MAX_TEXT
