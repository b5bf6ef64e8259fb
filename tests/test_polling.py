"""What programs poll: one answer in several forms, tags, and polls that wait, in process."""

import gzip
import json

import gevent
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from relay.batch import Batch
from relay.config import Config
from relay.fanout import vigil
from relay.fanout.door import Full
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.fanout.terms import Symbols
from relay.feed_status import FeedStatus
from relay.ticker import Ticker, removal
from relay.web.price_list import MAX_WAIT_SECONDS
from relay.web.site import create_site
from tests.archive import nothing_past
from tests.scribe import now


class Market:
    """A hub, what is written to it, and who asks."""

    def __init__(self, **settings: object) -> None:
        self.hub = Hub(Health())
        self.version = 0
        config = Config(_env_file=None, **settings)
        self.site = create_site(self.hub, config, nothing_past())

    def tell(self, **prices: str) -> None:
        tickers = [Ticker(symbol, price, "trade", now(), now()) for symbol, price in prices.items()]
        self.take(*tickers)

    def take(self, *tickers: Ticker) -> None:
        previous, self.version = self.version, self.version + len(tickers)
        live = FeedStatus("live", time=now(), age=0.0)
        self.hub.take(Batch("e1", previous, self.version, live, list(tickers)))

    def get(self, path: str, **headers: str) -> TestResponse:
        client: FlaskClient = self.site.test_client()
        return client.get(path, headers=headers)

    def ask(self, path: str) -> "gevent.Greenlet[[], TestResponse]":
        """Asks in a greenlet of its own, which has begun to wait when this returns."""
        asking = gevent.spawn(self.get, path)
        gevent.sleep(0.01)
        return asking


@pytest.fixture
def market() -> Market:
    market = Market()
    market.tell(A="1.50", B="2.5")
    return market


@pytest.mark.parametrize(
    ("path", "accept", "kind", "text"),
    [
        ("/api/prices.txt", "", "text/plain", "A 1.50\nB 2.5\n"),
        ("/api/prices?symbols=B", "text/plain", "text/plain", "B 2.5\n"),
        ("/api/prices/A", "text/plain", "text/plain", "1.50"),
        ("/api/prices/A.txt", "text/csv", "text/plain", "1.50"),
        ("/api/prices.txt?since=e1-1", "", "text/plain", "B 2.5\n"),
        ("/api/prices/A", "application/json;q=0.5, text/plain;charset=utf-8", "text/plain", "1.50"),
        ("/api/prices/A", "text/csv;q=0.4, text/plain;format=flowed;q=0.6", "text/plain", "1.50"),
        ("/api/prices/A", "application/json;q=0, text/plain;q=0.1", "text/plain", "1.50"),
    ],
)
def test_the_form_is_the_suffix_or_what_is_accepted(
    market: Market, path: str, accept: str, kind: str, text: str
) -> None:
    answer = market.get(path, **({"Accept": accept} if accept else {}))
    assert (answer.status_code, answer.mimetype, answer.text) == (200, kind, text)


@pytest.mark.parametrize("name", ["application/x-ndjson", "application/jsonl"])
def test_a_json_object_a_line(market: Market, name: str) -> None:
    market.take(removal("B", now()))
    for path, headers in (("/api/prices.ndjson", {}), ("/api/prices", {"Accept": name})):
        answer = market.get(f"{path}?since=e1-1&symbols=A,B", **headers)
        assert answer.mimetype == "application/x-ndjson"
        assert [json.loads(line) for line in answer.text.splitlines()] == [
            {"symbol": "B", "price": None, "state": "removed", "time": None}
        ]
    line = json.loads(market.get("/api/prices/A.ndjson").text)
    assert (line["symbol"], line["price"], line["state"]) == ("A", "1.50", "live")


@pytest.mark.parametrize("accept", ["*/*", "application/json, text/plain, */*", "image/png"])
def test_whoever_does_not_care_gets_json(market: Market, accept: str) -> None:
    for path in ("/api/prices", "/api/prices/A"):
        assert market.get(path, Accept=accept).mimetype == "application/json"


def test_an_unknown_suffix_is_no_form(market: Market) -> None:
    for path in ("/api/prices.xml", "/api/prices/A.xml", "/api/history/A.txt", "/api/history.txt"):
        assert market.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/api/prices", "/api/prices.csv", "/api/prices.ndjson"])
def test_every_large_answer_is_a_gzip_file_for_those_who_take_it(path: str) -> None:
    market = Market()
    market.tell(**{f"S{number}": "1.5" for number in range(500)})
    answer = market.get(path, **{"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert b"S499" in gzip.decompress(answer.data)


@pytest.mark.parametrize(
    "path",
    [
        "/api/prices?symbols=A,B",
        "/api/prices.csv?symbols=A,B",
        "/api/prices/A",
        "/api/prices/A.csv",
    ],
)
def test_who_holds_an_answer_is_told_so_until_a_price_changes(market: Market, path: str) -> None:
    tag = market.get(path).headers["ETag"]
    again = market.get(path, **{"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    market.tell(A="1.60")
    assert market.get(path, **{"If-None-Match": tag}).status_code == 200


def test_the_order_of_a_query_does_not_change_its_tag(market: Market) -> None:
    tags = {
        market.get(f"/api/prices?{query}").headers["ETag"]
        for query in (
            "symbols=A,B&since=e1-1",
            "since=e1-1&symbols=B,A",
            "symbols=b,a,a&since=e1-1",
        )
    }
    assert len(tags) == 1


def test_a_poll_waits_for_a_change_of_its_symbols_and_goes_on_from_there(market: Market) -> None:
    asking = market.ask("/api/prices?symbols=A&since=e1-2&wait=20")
    market.tell(B="3")
    gevent.sleep(2 * vigil.TICK_SECONDS)
    assert not asking.ready()
    market.tell(A="4")
    first = asking.get(timeout=5).json
    assert (first["mode"], first["prices"], first["id"]) == ("changes", {"A": "4"}, "e1-4")
    asking = market.ask(f"/api/prices?since={first['id']}&wait=20")
    market.take(removal("B", now()))
    assert asking.get(timeout=5).json["removed"] == ["B"]


def test_a_wait_that_ends_says_nothing_and_may_not_be_kept(market: Market) -> None:
    answer = market.get("/api/prices?since=e1-2&wait=1")
    assert (answer.json["mode"], answer.json["prices"], answer.json["id"]) == ("none", {}, "e1-2")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("suffix", [".csv", ".ndjson", ".txt"])
def test_a_table_without_news_may_not_be_kept(market: Market, suffix: str) -> None:
    answer = market.get(f"/api/prices{suffix}?since=e1-2&symbols=A")
    assert (answer.status_code, answer.headers["Relay-Id"]) == (200, "e1-2")
    assert answer.headers["Cache-Control"] == "no-store"
    market.tell(A="1.60")
    answer = market.get(f"/api/prices{suffix}?since=e1-2&symbols=A")
    assert answer.headers["Cache-Control"] == "public, max-age=1, must-revalidate"


def test_what_is_known_already_is_not_waited_for(market: Market) -> None:
    for since in ("e1-1", "0ff-7"):
        with gevent.Timeout(5):
            answer = market.get(f"/api/prices?since={since}&wait=20")
        assert answer.json["prices"]["B"] == "2.5"
        assert answer.headers["Cache-Control"] == "public, max-age=1, must-revalidate"


def test_an_id_that_was_given_before_there_were_prices_is_one() -> None:
    market = Market()
    given = market.get("/api/prices").json["id"]
    assert market.get(f"/api/prices?since={given}").status_code == 200
    asking = market.ask(f"/api/prices?since={given}&wait=20")
    assert not asking.ready()
    market.tell(A="1.50")
    assert asking.get(timeout=5).json["prices"] == {"A": "1.50"}


def test_a_change_of_the_feed_ends_a_wait(market: Market) -> None:
    asking = market.ask("/api/prices?since=e1-2&wait=20")
    market.hub.take(FeedStatus("down", time=now()))
    assert asking.get(timeout=5).json["feed"]["state"] == "down"


def test_a_drain_ends_every_wait(market: Market) -> None:
    asking = market.ask("/api/prices?since=e1-2&wait=20")
    gevent.spawn(market.hub.drain, 1.0)
    assert asking.get(timeout=5).status_code == 200
    with gevent.Timeout(5):
        assert market.get("/api/prices?since=e1-2&wait=20").json["mode"] == "none"


def test_all_who_wait_for_the_same_are_given_one_answer(market: Market) -> None:
    asking = [market.ask("/api/prices?since=e1-2&wait=20") for _ in range(20)]
    assert len(market.hub.vigil) == 20
    market.tell(A="4")
    answers = [each.get(timeout=5) for each in asking]
    assert len({answer.data for answer in answers}) == 1
    assert len(market.hub.vigil) == 0


def test_no_more_wait_than_may(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vigil, "MAX_WAITING", 1)
    first = market.ask("/api/prices?since=e1-2&wait=20")
    second = market.get("/api/prices?since=e1-2&wait=20")
    assert (second.status_code, second.headers["Retry-After"]) == (503, "5")
    assert market.hub.door.refusals.counts["WAITING_POLLS"] == 1
    market.tell(A="4")
    assert first.get(timeout=5).status_code == 200


def waiting(hub: Hub, holder: str, symbols: Symbols = None) -> "gevent.Greenlet[[], None]":
    """A poll of the holder's, which has begun to wait when this returns."""
    poll = gevent.spawn(hub.vigil.wait, symbols, 20.0, holder)
    gevent.sleep(0)
    return poll


def test_whoever_has_most_polls_makes_room_for_others(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vigil, "MAX_WAITING", 3)
    first, second, third = (waiting(market.hub, "greedy") for _ in range(3))
    other = waiting(market.hub, "modest")
    first.get(timeout=5)
    assert not any(poll.ready() for poll in (second, third, other))
    with pytest.raises(Full):
        market.hub.vigil.wait(None, 20.0, "greedy")
    with pytest.raises(Full):
        market.hub.vigil.wait(None, 20.0, "modest")
    market.hub.vigil.note_all()
    gevent.joinall([second, third, other], timeout=5, raise_error=True)
    assert len(market.hub.vigil) == 0


def test_a_poll_for_many_symbols_takes_the_room_of_several(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vigil, "MAX_WAITING", 8)
    names = frozenset(f"S{number}" for number in range(7 * vigil.NAMES_A_UNIT))
    long = waiting(market.hub, "one", names)
    with pytest.raises(Full):
        market.hub.vigil.wait(None, 20.0, "one")
    other = waiting(market.hub, "another")
    long.get(timeout=5)
    assert not other.ready()
    other.kill()
    assert len(market.hub.vigil) == 0


@pytest.mark.parametrize(
    "query", ["wait=5", "since=e1-2&wait=-1", f"since=e1-2&wait={MAX_WAIT_SECONDS + 1}", "wait=x"]
)
def test_a_wait_that_cannot_be_is_refused_in_a_sentence(market: Market, query: str) -> None:
    answer = market.get(f"/api/prices?{query}")
    assert (answer.status_code, "wait" in answer.json["error"]) == (400, True)


def test_what_needs_a_token_is_kept_by_no_shared_cache() -> None:
    market = Market(access_tokens="me:0123456789abcdef")
    market.tell(A="1")
    answer = market.get("/api/prices", Authorization="Bearer 0123456789abcdef")
    assert answer.headers["Cache-Control"] == "private, max-age=1, must-revalidate"
