"""Symbols that the exchange does not list any more: taken away from those who knew them."""

import pytest

from tests.processes import Gunicorn, wait_until
from tests.scribe import Scribe
from tests.streams import EventSource, Stream, WebSocket

QUERIES = ["", "batch=1", "fields=ticker", "rate=20", "symbols=A,B", "symbols=A&rate=20&batch=1"]


def follow(worker: Gunicorn, kind: str, query: str = "") -> Stream:
    """A stream of one of the kinds that there are."""
    if kind.startswith("sse"):
        headers = {"Accept_Encoding": "gzip"} if kind == "sse gzip" else {}
        return EventSource(worker.port, query, **headers)
    compression = "deflate" if kind == "ws deflate" else None
    return WebSocket(f"{worker.ws_url}?{query}", compression=compression)


@pytest.fixture(params=["sse", "sse gzip", "ws", "ws deflate"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(autouse=True)
def _two_symbols(worker: Gunicorn, scribe: Scribe) -> None:
    scribe.start_anew()
    scribe.tell("A", "1")
    scribe.tell("B", "2")
    wait_until(lambda: prices(worker) == {"A": "1", "B": "2"}, "A and B")


def prices(worker: Gunicorn) -> dict[str, str]:
    """What a poll says."""
    return worker.http.get("/api/prices").json()["prices"]


@pytest.mark.parametrize("query", QUERIES)
def test_who_knew_a_symbol_is_told_that_it_is_gone(
    worker: Gunicorn, scribe: Scribe, kind: str, query: str
) -> None:
    with follow(worker, kind, query) as stream:
        stream.wait_for_price("A", "1")
        scribe.remove("A")
        assert stream.wait_for_event("removed")["symbols"] == ["A"]
        assert "A" not in stream.prices
        scribe.tell("A", "5")
        stream.wait_for_price("A", "5")


def test_it_is_told_once_and_its_price_never_again(
    worker: Gunicorn, scribe: Scribe, kind: str
) -> None:
    with follow(worker, kind) as stream:
        stream.wait_for_price("B", "2")
        scribe.remove("A")
        scribe.tell("B", "3")
        scribe.tell("B", "4")
        stream.wait_for_price("B", "4")
        assert [e["symbols"] for e in stream.events if e["event"] == "removed"] == [["A"]]
        assert "" not in [update["price"] for update in stream.updates]


def test_who_comes_back_with_an_old_id_is_told(worker: Gunicorn, scribe: Scribe, kind: str) -> None:
    known = str(worker.http.get("/api/prices").json()["id"])
    scribe.remove("A")
    wait_until(lambda: "A" not in prices(worker), "A to be gone")
    for query in ("", "batch=1&", "symbols=A&"):
        with follow(worker, kind, f"{query}since={known}") as stream:
            assert stream.wait_for_event("status")["mode"] == "changes"
            assert stream.wait_for_event("removed")["symbols"] == ["A"]
            assert stream.updates == []


def test_who_is_new_never_hears_of_it(worker: Gunicorn, scribe: Scribe, kind: str) -> None:
    scribe.remove("A")
    wait_until(lambda: "A" not in prices(worker), "A to be gone")
    with follow(worker, kind) as stream, follow(worker, kind, "symbols=A,B") as named:
        assert named.wait_for_event("status")["unknown"] == ["A"]
        for each in (stream, named):
            each.wait_for_price("B", "2")
        scribe.tell("B", "3")
        for each in (stream, named):
            each.wait_for_price("B", "3")
            assert [e for e in each.events if e["event"] == "removed"] == []
            assert {update["symbol"] for update in each.updates} == {"B"}


@pytest.mark.parametrize("query", ["", "batch=1"])
def test_the_event_carries_the_id_where_nothing_comes_after_it(
    worker: Gunicorn, scribe: Scribe, query: str
) -> None:
    with EventSource(worker.port, query) as stream:
        stream.wait_for_price("B", "2")
        before = stream.last_id
        scribe.remove("A")
        stream.wait_for_event("removed")
        assert stream.last_id != before
    with EventSource(worker.port, query, Last_Event_ID=stream.last_id) as again:
        assert again.wait_for_event("status")["mode"] == "none"


def test_gone_and_moved_in_one_batch_resume_as_one(worker: Gunicorn, scribe: Scribe) -> None:
    known = worker.http.get("/api/prices").json()["id"]
    scribe.remove("A")
    scribe.tell("B", "7")
    scribe.tell("C", "8")
    wait_until(lambda: "C" in prices(worker), "C")
    with EventSource(worker.port, f"batch=1&since={known}") as stream:
        stream.wait_for_price("C", "8")
        assert stream.events[-1] == {"event": "removed", "symbols": ["A"]}
        assert stream.prices == {"B": "7", "C": "8"}
        assert stream.last_id == worker.http.get("/api/prices").json()["id"]


def test_polls_are_told_too(worker: Gunicorn, scribe: Scribe) -> None:
    known = worker.http.get("/api/prices").json()["id"]
    assert "removed" not in worker.http.get(f"/api/prices?since={known}").json()
    scribe.remove("A")
    wait_until(lambda: "A" not in prices(worker), "A to be gone")
    polled = worker.http.get(f"/api/prices?since={known}").json()
    assert (polled["mode"], polled["prices"], polled["removed"]) == ("changes", {}, ["A"])
    fresh = worker.http.get("/api/prices").json()
    assert fresh["prices"] == {"B": "2"}
    assert "removed" not in fresh
    assert worker.http.get("/api/prices/A").status_code == 404
    assert worker.http.get("/api/prices/B").json()["price"] == "2"
