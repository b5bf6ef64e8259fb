"""Prices as a spreadsheet reads them: CSV and single numbers, in process."""

import csv
import io
import re
from functools import partial
from typing import Any

import gevent
import pytest
from flask.testing import FlaskClient

from relay.batch import Batch
from relay.config import Config
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.feed_status import FeedStatus
from relay.ticker import Ticker
from relay.web import prices
from relay.web.sheet import Sheet
from relay.web.site import create_site
from tests.archive import nothing_past
from tests.scribe import now

#: What makes a spreadsheet calculate, or ends a cell.
EVIL = ["=1+1", "@SUM(A1)", "+1", "-1", "\t=1", "\r=1", 'A"', "A,B", "A\nB", "=cmd|' /C calc'!A0"]


@pytest.fixture
def hub() -> Hub:
    return Hub(Health())


@pytest.fixture
def client(hub: Hub) -> FlaskClient:
    return create_site(hub, Config(_env_file=None), nothing_past()).test_client()


def take(hub: Hub, *tickers: Ticker, simulated: bool = False) -> None:
    live = FeedStatus("live", simulated=simulated, time=now(), age=0.0)
    hub.take(Batch("e1", 0, len(tickers), live, list(tickers)))


def ticker(symbol: str, price: str) -> Ticker:
    return Ticker(symbol, price, "trade", now(), now())


def read(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def test_named_symbols_keep_their_order_and_their_lines(hub: Hub, client: FlaskClient) -> None:
    take(hub, ticker("A", "0.00000866"), ticker("B", "67123.45000000"), ticker("币安USDT", "1"))
    answer = client.get("/api/prices.csv?symbols=b,NONE,币安usdt,A,B")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Relay-Id"] == "e1-3"
    head, *rows = read(answer.text)
    assert head == ["symbol", "price", "state", "time"]
    assert [row[:3] for row in rows] == [
        ["B", "67123.45000000", "live"],
        ["NONE", "", "unknown"],
        ["币安USDT", "1", "live"],
        ["A", "0.00000866", "live"],
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", rows[0][3])


def test_the_whole_market_stands_in_the_order_of_the_alphabet(
    hub: Hub, client: FlaskClient
) -> None:
    take(hub, *(ticker(f"S{number:04}", "1.5") for number in reversed(range(1_000))))
    _, *rows = read(client.get("/api/prices.csv").text)
    assert [row[0] for row in rows] == [f"S{number:04}" for number in range(1_000)]


def test_one_price_is_one_number_and_how_it_stands_is_in_the_headers(
    hub: Hub, client: FlaskClient
) -> None:
    take(hub, ticker("BTCUSDT", "67123.45000000"), simulated=True)
    answer = client.get("/api/prices/btcusdt.txt")
    assert answer.text == "67123.45000000"
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.headers["Relay-State"] == "simulated"
    assert answer.headers["Cache-Control"] == "public, max-age=1, must-revalidate"
    again = client.get("/api/prices/BTCUSDT.txt", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.text) == (304, "")
    assert client.get("/api/prices/NONE.txt").status_code == 404
    assert read(client.get("/api/prices.csv").text)[1][2] == "simulated"


def test_a_table_says_how_the_feed_stands_whatever_its_form(hub: Hub, client: FlaskClient) -> None:
    take(hub, ticker("A", "1"))
    live = {form: client.get(f"/api/prices{form}") for form in (".txt", ".csv", ".ndjson")}
    assert {answer.headers["Relay-State"] for answer in live.values()} == {"live"}
    down = FeedStatus("down", simulated=True, time=now(), age=20.0, reason="exchange: silent")
    hub.take(Batch("e1", 1, 1, down, []))
    for form, answer in live.items():
        again = client.get(f"/api/prices{form}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.headers["Relay-State"]) == (200, "simulated down")
    assert "Relay-State" in again.headers["Access-Control-Expose-Headers"]


def test_no_cell_can_be_a_formula(hub: Hub, client: FlaskClient) -> None:
    tickers = [ticker(evil, "1") for evil in EVIL]
    tickers += [ticker(f"P{number}", evil) for number, evil in enumerate(EVIL)]
    take(hub, *tickers, ticker("GOOD", "1"))
    _, *rows = read(client.get("/api/prices.csv").text)
    assert [row[0] for row in rows] == ["GOOD"]
    for evil in EVIL[:7]:
        query = {"symbols": evil}
        assert client.get("/api/prices.csv", query_string=query).status_code == 400
    for number in range(len(EVIL)):
        assert client.get(f"/api/prices/P{number}.txt").status_code == 404


def test_without_prices_it_says_that_they_are_not_there_yet(client: FlaskClient) -> None:
    for path in ("/api/prices.csv", "/api/prices/BTCUSDT.txt"):
        assert client.get(path).status_code == 503


def test_the_whole_market_is_made_once_for_all_who_ask_within_a_second(
    hub: Hub, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(hub, *(ticker(f"S{number:04}", "1.5") for number in range(1_000)))
    made, make = [], prices.sheet

    def counted(*args: Any) -> Sheet:
        made.append(args)
        return make(*args)

    monkeypatch.setattr(prices, "sheet", counted)
    ask = partial(client.application.test_client().get, "/api/prices.csv")
    asking = [gevent.spawn(ask) for _ in range(100)]
    gevent.joinall(asking, timeout=20)
    assert {len(read(each.value.text)) for each in asking} == {1_001}
    assert len(made) == 1
    # But never as live as it was.
    hub.take(FeedStatus("down", time=now()))
    assert read(client.get("/api/prices.csv").text)[1][2] == "down"
