"""Polls through a cache: a crowd costs the relay one answer, and nobody is told what is old or another's."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.caching import CachingNginx, crowd
from tests.processes import Gunicorn, wait_until
from tests.scripted import ScriptedExchange

POLLERS = 200
SYMBOLS = [f"S{number}" for number in range(100)]


class Cached:
    """A relay, its exchange, and nginx before it."""

    def __init__(self, exchange: ScriptedExchange, relay: Gunicorn, nginx: CachingNginx) -> None:
        self._exchange = exchange
        self.relay = relay
        self.port = nginx.port
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{nginx.port}", timeout=20)
        self._price = 0

    def tick(self) -> None:
        """A new price of every symbol."""
        self._price += 1
        self._exchange.tick(**dict.fromkeys(SYMBOLS, str(self._price)))

    @property
    def price(self) -> str:
        return str(self._price)

    @property
    def cursor(self) -> str:
        """The newest id, asked of the relay itself."""
        return str(self.relay.http.get("/api/prices?symbols=S0").json()["id"])

    def reached(self, path: str) -> int:
        """How many requests for it came to the relay, by its access log."""
        return sum(f"GET {path} " in line for line in self.relay.output)


@pytest.fixture(scope="module")
def cached(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cached]:
    settings = {"FEED_SILENCE_SECONDS": "600", "ADDRESS_REQUESTS": "5000"}
    log = ("--access-logfile", "-")
    with (
        ScriptedExchange() as exchange,
        Gunicorn(BINANCE_WS=exchange.url, options=log, **settings) as relay,
        CachingNginx(tmp_path_factory.mktemp("nginx"), relay.port) as nginx,
    ):
        cached = Cached(exchange, relay, nginx)
        cached.tick()
        relay.wait_until_ready()
        yield cached
        cached.http.close()


@pytest.mark.parametrize(
    ("query", "number"), [("symbols=S0&", 1), ("", len(SYMBOLS))], ids=["one symbol", "all"]
)
def test_of_all_who_wait_from_one_id_one_of_each_encoding_reaches_the_relay(
    cached: Cached, query: str, number: int
) -> None:
    path = f"/api/prices?{query}since={cached.cursor}&wait=20"
    encodings = ["gzip, deflate, br" if i % 2 else "identity" for i in range(POLLERS)]
    answers = crowd(cached.port, path, encodings, cached.tick)
    assert {answer.status for answer in answers} == {200}
    said = [json.loads(answer.body) for answer in answers]
    assert all(len(each["prices"]) == number for each in said)
    assert all(set(each["prices"].values()) == {cached.price} for each in said)
    assert {each["id"] for each in said} == {cached.cursor}
    # Those of one encoding wait for one of them; somebody who comes late may find it gone.
    wait_until(lambda: cached.reached(path) > 0, "the access log")
    assert cached.reached(path) <= 6
    zipped = {answer.headers.get("content-encoding") for answer in answers[1::2]}
    assert zipped == ({"gzip"} if number > 1 else {None})
    assert all("content-encoding" not in answer.headers for answer in answers[::2])
    assert not any("ratelimit" in answer.headers for answer in answers)


def test_where_nothing_changes_each_is_answered_in_its_time(cached: Cached) -> None:
    path = f"/api/prices?symbols=S0&since={cached.cursor}&wait=1"
    answers = crowd(cached.port, path, ["identity"] * 20, lambda: None)
    said = [json.loads(answer.body) for answer in answers]
    assert {(each["mode"], len(each["prices"])) for each in said} == {("none", 0)}
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


def test_who_holds_a_cached_answer_is_told_so_by_the_cache(cached: Cached) -> None:
    first = cached.http.get("/api/prices?symbols=S0,S1")
    held = {"If-None-Match": first.headers["ETag"]}
    again = cached.http.get("/api/prices?symbols=S0,S1", headers=held)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["Cache-Control"] == "public, max-age=1, must-revalidate"
    assert {"Accept", "Accept-Encoding"} <= set(again.headers["Vary"].split(", "))


def test_forms_are_kept_apart(cached: Cached) -> None:
    for accept in ("application/json", "text/csv", "application/x-ndjson", "text/plain") * 2:
        answer = cached.http.get("/api/prices?symbols=S2", headers={"Accept": accept})
        assert answer.headers["Content-Type"].partition(";")[0] == accept


def test_nobody_fills_the_cache_for_another_host(cached: Cached) -> None:
    """As a request whose target names that host, and whose Host another one (RFC 9112, 3.2.2)."""
    first = cached.http.get(
        "/api/prices?symbols=S4",
        headers={"Host": "another.example", "X-Request-Id": "another"},
        extensions={"target": b"http://relay.example/api/prices?symbols=S4"},
    )
    assert first.headers["X-Cache"] == "MISS"
    answer = cached.http.get("/api/prices?symbols=S4", headers={"Host": "relay.example"})
    assert answer.headers["X-Cache"] == "MISS"
    again = cached.http.get("/api/prices?symbols=S4", headers={"Host": "another.example"})
    assert again.headers["X-Cache"] == "HIT"
    assert "X-Request-Id" not in again.headers


def test_what_is_old_is_replaced(cached: Cached) -> None:
    path = "/api/prices?symbols=S3"
    assert cached.http.get(path).json()["prices"] == {"S3": cached.price}
    cached.tick()

    def is_new() -> bool:
        return cached.http.get(path).json()["prices"] == {"S3": cached.price}

    wait_until(is_new, "the new price")


@pytest.mark.parametrize("path", ["/api/prices?since=x", "/api/prices/NONE", "/api/nothing"])
def test_errors_are_kept_by_nobody(cached: Cached, path: str) -> None:
    for number in (1, 2):
        answer = cached.http.get(path)
        assert answer.status_code in (400, 404)
        assert answer.headers["Cache-Control"] == "no-store"
        wait_until(lambda n=number: cached.reached(path) == n, "the request at the relay")
