"""The history routes, in process: what they answer, in which form, and how long it may be kept."""

import csv
import gzip
import io
import json
from collections.abc import Sequence

import gevent
import pytest
from flask.testing import FlaskClient

from relay.batch import Batch
from relay.candle import Candle, packed
from relay.config import Config
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.feed_status import FeedStatus
from relay.history.library import Library
from relay.history.page import PageName
from relay.store.contract import Refused
from relay.ticker import Ticker
from relay.web.site import create_site
from tests.archive import Shelf, Wants, kline, pages_at
from tests.clocks import SetClock

DAY = 1_699_920_000  # a day begins, in seconds since 1970
NOON = DAY + 12 * 3600


class Site:
    """The application, with what it knows under the test's control. A is on the board, and 币安人生USDT."""

    def __init__(self) -> None:
        self.shelf, self.wants = Shelf(), Wants()
        self.clock = SetClock(wall_ms=NOON * 1000 + 500)
        self.hub = Hub(Health(clock=self.clock), clock=self.clock)
        library = Library(self.shelf, self.wants, clock=self.clock)
        self.client: FlaskClient = create_site(
            self.hub, Config(_env_file=None), library
        ).test_client()
        self.tell("A", "币安人生USDT")

    def tell(
        self, *symbols: str, epoch: str = "e1", close: int = 125, simulated: bool = False
    ) -> None:
        now = self.clock.wall_ms()
        candle = Candle(NOON, 2, 100, 150, 90, close, 7)
        version = self.hub.board.version if epoch == self.hub.board.epoch else 0
        tickers = [Ticker(s, "1.2500", "trade", now, now, minutes=packed(candle)) for s in symbols]
        feed = FeedStatus("live", simulated, time=now, age=0.0)
        self.hub.take(Batch(epoch, version, version + len(tickers), feed, tickers))


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def client(site: Site) -> FlaskClient:
    return site.client


def with_page(site: Site, interval: str = "1m") -> PageName:
    """The exchange's page of the time before noon is there."""
    [page] = pages_at("A", interval, NOON - 60)
    site.shelf.put_page(page, until=NOON * 1000)
    return page


CLOSED = f"/api/history/A?from={(NOON - 3600) * 1000}&to={(NOON - 60) * 1000}"


def test_an_answer_names_what_it_is_of_and_from_where_to_go_on(
    site: Site, client: FlaskClient
) -> None:
    with_page(site)
    answer = client.get("/api/history/a?limit=3").json
    assert answer is not None
    candles, sources = answer.pop("candles"), answer.pop("sources")
    assert answer == {
        "symbol": "A", "interval": "1m", "id": site.hub.board.id, "time": NOON * 1000 + 500,
        "simulated": False, "complete": True, "closed": NOON * 1000,
        "from": (NOON - 120) * 1000, "to": (NOON + 60) * 1000,
        "fields": ["time", "open", "high", "low", "close", "volume", "quote_volume", "trades",
                   "updates", "source"],
    }  # fmt: skip
    assert [row[9] for row in candles] == ["exchange", "exchange", "relay"]
    assert candles[-1] == [
        NOON * 1000,
        "1.00",
        "1.50",
        "0.90",
        "1.25",
        None,
        None,
        None,
        7,
        "relay",
    ]
    assert sources.keys() == {"exchange", "relay", "both"}


def test_a_fetch_that_fails_is_named_and_what_is_known_is_told(
    site: Site, client: FlaskClient
) -> None:
    def supply(_: object) -> None:
        raise Refused("the exchange bans us, until 12:03 — “sorry”")

    site.wants.supply = supply
    answer = client.get("/api/history/A")
    assert answer.status_code == 200
    assert answer.json is not None
    assert not answer.json["complete"]
    assert "bans us" in answer.json["reason"]
    assert len(answer.json["candles"]) == 1
    assert answer.headers["Cache-Control"] == "no-store"
    as_csv = client.get("/api/history/A.csv")
    assert as_csv.headers["Relay-Complete"] == "false"
    assert "bans us, until 12:03 ? ?sorry?" in as_csv.headers["Relay-Reason"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/api/history/A.csv", {}), ("/api/history/A", {"Accept": "text/csv"})],
)
def test_csv_has_the_same_candles(
    site: Site, client: FlaskClient, path: str, headers: dict[str, str]
) -> None:
    with_page(site)
    said = client.get("/api/history/A").json
    assert said is not None
    answer = client.get(path, headers=headers)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="A-1m.csv"'
    assert answer.headers["Relay-Id"] == said["id"]
    assert answer.headers["Relay-Complete"] == "true"
    first, *rows = csv.reader(io.StringIO(answer.text))
    assert first == said["fields"]
    assert rows == [
        ["" if value is None else str(value) for value in row] for row in said["candles"]
    ]


def test_the_name_of_a_csv_file_is_plain(client: FlaskClient) -> None:
    answer = client.get("/api/history/币安人生USDT.csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="history-1m.csv"'


def test_json_is_what_whoever_takes_anything_gets(client: FlaskClient) -> None:
    for accept in ("*/*", "text/html, text/csv;q=0.5, application/json"):
        answer = client.get("/api/history/A", headers={"Accept": accept})
        assert answer.content_type == "application/json"


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("interval=7m", "interval"),
        ("interval=", "interval"),
        ("from=-1", "from"),
        ("from=1e9", "from"),
        ("from=١٢", "from"),
        ("from=" + "9" * 16, "from"),
        ("to=now", "to"),
        ("from=5&to=5", "from"),
        ("from=6&to=5", "from"),
        ("limit=0", "limit"),
        ("limit=2001", "limit"),
        ("limit=1.5", "limit"),
        ("limit=", "limit"),
    ],
)
def test_a_wrong_parameter_is_named(client: FlaskClient, query: str, named: str) -> None:
    answer = client.get(f"/api/history/A?{query}")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"].startswith(f"{named} must be")


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", "symbols"),
        ("symbols=", "symbols"),
        ("symbols=A,,B", "symbols"),
        ("symbols=" + ",".join(f"S{n}" for n in range(101)), "symbols"),
        ("symbols=A&points=49", "points"),
        ("symbols=A&points=٤٨", "points"),
    ],
)
def test_a_wrong_parameter_of_many_symbols_is_named(
    client: FlaskClient, query: str, named: str
) -> None:
    answer = client.get(f"/api/history?{query}")
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"].startswith(named)


def test_an_unknown_symbol_is_not_found(client: FlaskClient) -> None:
    for path in ("/api/history/NOPE", "/api/history/NOPE.csv"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert answer.json is not None
        assert "is known" in answer.json["error"]
    assert client.get("/api/history/A.pdf").status_code == 404


def test_an_unknown_parameter_is_ignored(client: FlaskClient) -> None:
    assert client.get("/api/history/A?colour=red").status_code == 200


def test_how_long_an_answer_may_be_kept_depends_on_whether_it_can_change(
    site: Site, client: FlaskClient
) -> None:
    with_page(site)
    assert client.get(CLOSED).headers["Cache-Control"] == "public, max-age=86400"
    assert (
        client.get("/api/history/A").headers["Cache-Control"]
        == "public, max-age=1, must-revalidate"
    )


def test_simulated_candles_are_not_kept_for_the_time_when_real_ones_follow(
    site: Site, client: FlaskClient
) -> None:
    real = with_page(site)
    simulated = real._replace(simulated=True)
    site.shelf.put_page(simulated, NOON * 1000, [kline(NOON - 120, "6.66")])
    site.tell("A", epoch="e2", simulated=True)
    answer = client.get(CLOSED)
    assert answer.headers["Cache-Control"] == "public, max-age=1, must-revalidate"
    assert answer.json is not None
    assert answer.json["simulated"]
    assert [row[4] for row in answer.json["candles"]] == ["6.66"]
    site.tell("A", epoch="e3")
    answer = client.get(CLOSED, headers={"If-None-Match": answer.headers["ETag"]})
    assert answer.json is not None
    assert not answer.json["simulated"]
    assert len(answer.json["candles"]) == 59


def test_whoever_holds_an_answer_is_told_so(site: Site, client: FlaskClient) -> None:
    with_page(site)
    held = client.get(CLOSED)
    tag = held.headers["ETag"]
    assert tag.startswith('W/"')
    # The id and the time go on, and another minute runs; the candles are the same.
    site.clock.advance(70)
    site.tell("A")
    again = client.get(CLOSED, headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert again.data == b""
    assert again.headers["ETag"] == tag
    assert again.headers["Cache-Control"] == held.headers["Cache-Control"]
    assert client.get(CLOSED, headers={"If-None-Match": 'W/"x"'}).status_code == 200


def test_whoever_holds_a_running_candle_is_told_that_it_is_over(
    site: Site, client: FlaskClient
) -> None:
    with_page(site)
    tag = client.get("/api/history/A").headers["ETag"]
    site.clock.advance(70)
    site.tell("A")
    answer = client.get("/api/history/A", headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["closed"] == (NOON + 60) * 1000


def test_whoever_holds_an_answer_that_changed_gets_the_new_one(
    site: Site, client: FlaskClient
) -> None:
    tag = client.get("/api/history/A").headers["ETag"]
    site.clock.advance(2)
    site.tell("A", close=140)
    answer = client.get("/api/history/A", headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["candles"][-1][4] == "1.40"


def test_an_answer_is_compressed_for_those_who_take_it(site: Site, client: FlaskClient) -> None:
    with_page(site)
    plain = client.get(CLOSED)
    packed = client.get(CLOSED, headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert "Content-Encoding" not in plain.headers
    for answer in (plain, packed):
        assert {"Accept", "Accept-Encoding"} <= set(answer.headers["Vary"].split(", "))
    refused = client.get(CLOSED, headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


def test_a_head_has_what_the_get_has(site: Site, client: FlaskClient) -> None:
    with_page(site)
    head, get = client.head(CLOSED), client.get(CLOSED)
    assert head.data == b""
    assert head.headers["ETag"] == get.headers["ETag"]
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_the_same_answer_is_made_once_for_all_who_ask_for_it_at_a_time(site: Site) -> None:
    release = gevent.event.Event()
    site.wants.supply = lambda _: release.wait() and None
    asking = [gevent.spawn(site.client.get, "/api/history/A") for _ in range(20)]
    gevent.sleep(0.01)
    release.set()
    answers = [each.get(timeout=20) for each in asking]
    assert len({answer.data for answer in answers}) == 1
    assert len(site.wants.asked) == 1


def test_an_answer_serves_for_a_second_unless_another_epoch_begins(
    site: Site, client: FlaskClient
) -> None:
    first = client.get("/api/history/A").data
    site.tell("A", close=130)
    assert client.get("/api/history/A").data == first
    site.tell("A", close=131, epoch="e2")
    answer = client.get("/api/history/A").json
    assert answer is not None
    assert answer["id"] == "e2-1"


def test_many_symbols_are_told_in_one_answer(site: Site, client: FlaskClient) -> None:
    klines = [kline(NOON - 1800 * n, "1.10000") for n in range(49, -1, -1)]
    name = PageName("closes", False, "A", "30m")
    site.shelf.put_page(name, NOON * 1000, klines)
    answer = client.get("/api/history?symbols=a,NOPE,币安人生USDT&points=48")
    said = answer.json
    assert said is not None
    closes = said.pop("closes")
    assert said == {
        "id": site.hub.board.id, "interval": "30m", "points": 48,
        "start": (NOON - 47 * 1800) * 1000, "simulated": False, "complete": False,
        "waiting": ["币安人生USDT"], "unknown": ["NOPE"],
    }  # fmt: skip
    assert closes == {"A": ["1.1"] * 47 + ["1.25"], "币安人生USDT": [None] * 47 + ["1.25"]}
    assert answer.headers["Cache-Control"] == "no-store"
    complete = client.get("/api/history?symbols=A")
    assert complete.headers["Cache-Control"] == "public, max-age=1, must-revalidate"
    tag = complete.headers["ETag"]
    assert client.get("/api/history?symbols=A", headers={"If-None-Match": tag}).status_code == 304
    assert json.loads(complete.data)["complete"]


@pytest.mark.parametrize("path", ["/api/history", "/api/history/A"])
@pytest.mark.parametrize("form", [".csv", ".ndjson"])
def test_a_table_of_the_past_says_what_it_is_worth(
    site: Site, client: FlaskClient, path: str, form: str
) -> None:
    site.tell("A", epoch="e2", simulated=True)
    query = "?symbols=A" if path == "/api/history" else ""
    said = client.get(f"{path}{query}").json
    assert said is not None
    answer = client.get(f"{path}{form}{query}")
    assert answer.headers["Relay-Id"] == said["id"]
    assert answer.headers["Relay-Complete"] == json.dumps(said["complete"])
    assert answer.headers["Relay-Simulated"] == "true"
    assert "Relay-Simulated" in answer.headers["Access-Control-Expose-Headers"]


def test_an_answer_is_not_complete_while_prices_are_not_live(
    site: Site, client: FlaskClient
) -> None:
    with_page(site)
    site.clock.advance(20)
    answer = client.get("/api/history/A?limit=3").json
    assert answer is not None
    assert not answer["complete"]
    assert answer["reason"].startswith("prices are down: listener: no word from it")
    closes = client.get("/api/history?symbols=A").json
    assert closes is not None
    assert not closes["complete"]


def test_an_answer_never_mixes_kinds(site: Site, client: FlaskClient) -> None:
    site.wants.supply = lambda _: site.tell("A", epoch="e2", simulated=True)
    assert client.get("/api/history/A?limit=3").status_code == 503
    site.wants.supply = lambda _: None
    answer = client.get("/api/history/A?limit=3").json
    assert answer is not None
    assert answer["simulated"]


def test_the_newest_candles_of_a_silent_symbol_are_those_before_its_silence(
    site: Site, client: FlaskClient
) -> None:
    with_page(site)
    site.clock.advance(1000)
    site.tell("B")
    answer = client.get("/api/history/A?limit=3").json
    assert answer is not None
    assert [row[0] // 1000 - NOON for row in answer["candles"]] == [-120, -60, 0]
    assert answer["to"] == (NOON + 60) * 1000


def test_a_minute_of_which_we_saw_nothing_is_asked_of_the_exchange_at_once(
    site: Site, client: FlaskClient
) -> None:
    page = with_page(site)
    site.shelf.put_page(page, (NOON - 70) * 1000, [kline(NOON - 180)])

    def supply(_: Sequence[str]) -> None:
        site.shelf.put_page(page, NOON * 1000, [kline(NOON - 60 * n) for n in (3, 2, 1)])

    site.wants.supply = supply
    answer = client.get("/api/history/A?limit=3").json
    assert answer is not None
    assert (answer["complete"], [row[9] for row in answer["candles"]]) == (
        True,
        ["exchange", "exchange", "relay"],
    )
