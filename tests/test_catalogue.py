"""What REST says: it fills the board, finds out who is halted or gone, and is never asked too often."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gevent
import msgspec
import pytest

from relay.exchange import rest
from relay.exchange.api import Answer, Api, Apis
from relay.ingest import catalogue as catalogue_module
from relay.ingest.catalogue import Catalogue
from relay.ingest.intake import Intake
from relay.ticker import Ticker
from tests.clocks import SetClock
from tests.exchange import Simulator
from tests.long import long_after
from tests.processes import Gunicorn, wait_until
from tests.serving import serve
from tests.streams import EventSource

REGULAR = 300.0
#: What a first look asks: what is traded, and with which quote assets it is listed.
ONE_LOOK = {"/api/v3/ticker/24hr": 1, "/api/v3/exchangeInfo": 1}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator("--symbols", "50", stderr=subprocess.DEVNULL) as simulator:
        yield simulator


@pytest.fixture
def intake() -> Intake:
    return Intake()


@pytest.fixture
def catalogue(simulator: Simulator, intake: Intake, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """One that may look as often as it likes."""
    monkeypatch.setattr(catalogue_module, "LEAST_SECONDS", 0.0)
    return Catalogue([simulator.http], intake, lambda simulated: simulated, REGULAR)


def waiting(intake: Intake) -> dict[str, Ticker]:
    return {ticker.symbol: ticker for ticker in intake.wait(0)}


def test_everything_that_is_traded_is_known_before_the_first_frame(
    simulator: Simulator, catalogue: Catalogue, intake: Intake
) -> None:
    assert catalogue.look() == 0.0
    found = waiting(intake)
    listed = simulator.get("/api/v3/ticker/24hr", symbolStatus="TRADING").json()
    assert found.keys() == {row["symbol"] for row in listed}
    assert {row["symbol"]: row["openPrice"] for row in listed} == {
        symbol: ticker.open for symbol, ticker in found.items()
    }
    bitcoin = found["BTCUSDT"]
    assert (bitcoin.stream, bool(bitcoin.open and bitcoin.quote_volume)) == ("rest", True)


def test_halted_symbols_are_marked_and_delisted_ones_removed(
    simulator: Simulator, catalogue: Catalogue, intake: Intake
) -> None:
    catalogue.look()
    waiting(intake)
    simulator.listing(halt="ETHUSDT", status="HALT")
    simulator.listing(delist="BNBUSDT")
    catalogue.look()
    found = waiting(intake)
    assert (found["ETHUSDT"].status, found["BNBUSDT"].price) == ("HALT", "")
    assert found["ETHUSDT"].price
    simulator.listing(resume="ETHUSDT")
    simulator.listing(list="BNBUSDT")
    catalogue.look()
    found = waiting(intake)
    assert found["ETHUSDT"].status is None
    assert found["BNBUSDT"].price


def test_what_is_streamed_is_traded_whatever_rest_says(
    simulator: Simulator, catalogue: Catalogue, intake: Intake, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue.look()
    waiting(intake)
    simulator.listing(delist="BNBUSDT")
    monkeypatch.setattr(intake, "silent_since", lambda _: set())
    catalogue.look()
    assert "BNBUSDT" not in waiting(intake)


def test_only_the_wanted_symbols_are_taken_in(simulator: Simulator) -> None:
    intake = Intake(frozenset(("ETHUSDT",)))
    Catalogue([simulator.http], intake, lambda simulated: simulated, REGULAR).look()
    assert waiting(intake).keys() == {"ETHUSDT"}


def test_prices_of_the_unwanted_kind_are_left_alone(simulator: Simulator, intake: Intake) -> None:
    Catalogue([simulator.http], intake, lambda simulated: not simulated, REGULAR).look()
    assert waiting(intake) == {}


@pytest.mark.parametrize("fault", long_after(1, ["rest-down", "rest-junk"]))
def test_the_next_api_is_asked_where_one_fails(
    fault: str, simulator: Simulator, intake: Intake
) -> None:
    with Simulator("--fault", fault) as failing:
        catalogue = Catalogue(
            [failing.http, "http://127.0.0.1:1", simulator.http], intake, lambda _: True, REGULAR
        )
        assert catalogue.look() == 0.0
    assert waiting(intake)


def test_a_ban_is_obeyed_and_nobody_else_is_asked_instead(
    simulator: Simulator, intake: Intake
) -> None:
    with Simulator("--fault", "rest-418", "--retry-after", "600") as banning:
        catalogue = Catalogue([banning.http, simulator.http], intake, lambda _: True, REGULAR)
        catalogue.look()
        assert waiting(intake) == {}
        assert catalogue.look() == 0.0
        assert banning.status()["rest_calls"] == {"/api/v3/ticker/24hr": 1}


def test_what_it_spends_and_what_others_are_told_is_on_one_account(
    simulator: Simulator, intake: Intake
) -> None:
    apis = Apis(SetClock())
    catalogue = Catalogue([simulator.http], intake, lambda _: True, REGULAR, apis=apis)
    assert catalogue.look() == 0.0
    assert apis.of(simulator.http).weight.used == 80 + 20
    with api() as banned:
        apis.of(banned).weight.ban(60)
        wait = Catalogue([banned], intake, lambda _: True, REGULAR, apis=apis).look()
    assert wait == 60


def test_an_api_is_asked_at_most_every_thirty_seconds(simulator: Simulator, intake: Intake) -> None:
    catalogue = Catalogue([simulator.http], intake, lambda _: True, REGULAR)
    assert catalogue.look() == 0.0
    assert 29 < catalogue.look() <= 30
    assert simulator.status()["rest_calls"] == ONE_LOOK


def test_an_api_that_lists_nothing_takes_nothing_away(catalogue: Catalogue, intake: Intake) -> None:
    catalogue.look()
    held = waiting(intake)

    with api(b"[]", b'{"symbols":[]}') as url:
        Catalogue([url], intake, lambda _: True, REGULAR).look()
    assert waiting(intake) == {}
    assert intake.silent_since(time.monotonic()) == held.keys()


def row(symbol: str, **more: object) -> dict[str, object]:
    """A row of ticker/24hr."""
    prices = dict.fromkeys(("lastPrice", "openPrice", "highPrice", "lowPrice"), "1.0")
    day = {"volume": "1", "quoteVolume": "1", "closeTime": 1_700_000_000_000, "lastId": 1}
    return {"symbol": symbol, "count": 10} | prices | day | more


@contextmanager
def api(
    day: bytes = b"[]", listing: bytes = b"{}", status: int = 200, **headers: str
) -> Iterator[str]:
    """A REST API that answers so, and its URL."""

    class Api(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = day if "24hr" in self.path else listing
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            if "Transfer_Encoding" not in headers:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        serve(server)
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def looked_at(url: str) -> tuple[float, dict[str, Ticker]]:
    """What became of one look at this API: the wait, and what it brought."""
    intake = Intake()
    wait = Catalogue([url], intake, lambda _: True, REGULAR).look()
    return wait, waiting(intake)


BAD_ROWS: list[tuple[dict[str, object], str]] = [
    ({"closeTime": 10**30}, "event_time"),
    ({"closeTime": "now"}, "event_time"),
    ({"closeTime": -1}, "event_time"),
    ({"lastId": 10**30}, "sequence"),
    ({"count": -(10**30)}, "trades"),
    ({"quoteVolume": "NaN"}, "quote_volume"),
    ({"highPrice": 5}, "high"),
]


@pytest.mark.parametrize(("value", "field"), BAD_ROWS, ids=str)
def test_a_bad_value_of_rest_costs_that_value(value: dict[str, object], field: str) -> None:
    with api(json.dumps([row("A", **value), row("B")]).encode()) as url:
        _, found = looked_at(url)
    assert found.keys() == {"A", "B"}
    assert getattr(found["A"], field) is None
    assert getattr(found["B"], field) is not None
    msgspec.msgpack.encode(found["A"])


@pytest.mark.parametrize("price", [None, "NaN", "-1", 1, "1e5", "0.00", ["1"]])
def test_a_row_without_a_price_costs_that_row(price: object) -> None:
    with api(json.dumps([row("A", lastPrice=price), row("B")]).encode()) as url:
        _, found = looked_at(url)
    assert found.keys() == {"B"}


ABSURD = {
    "deep": b"[" * 500_000,
    "deep in a row": b'[{"x":' + b"[" * 30_000 + b"]" * 30_000 + b"}]",
    "no JSON": b"\xff\x00",
    "no rows": b"[7,null]",
    "empty rows": b"[" + b"{}," * 3_000_000 + b"{}]",
    "no list": b'{"symbol":"A"}',
    "long": b"[" + b" " * (20 << 20) + b"]",
    "many rows": json.dumps([row(f"R{number}") for number in range(30_000)]).encode(),
    "many digits": b'[{"closeTime":' + b"9" * 6000 + b"}]",
}


@pytest.mark.parametrize("body", ABSURD.values(), ids=ABSURD.keys())
def test_an_absurd_answer_of_rest_is_no_answer(body: bytes) -> None:
    with api(body) as url:
        wait, found = looked_at(url)
    assert found == {}
    assert wait >= 29


@contextmanager
def looks_of_the_loop() -> Iterator[list[int]]:
    """One entry for each time that the event loop has looked at its sockets."""
    looks: list[int] = []
    watcher = gevent.get_hub().loop.check(ref=False)
    watcher.start(lambda: looks.append(1))
    yield looks
    watcher.close()


class Answered(Api):
    """An API that answers at once."""

    def __init__(self, answer: object) -> None:
        super().__init__("http://127.0.0.1:1")
        self.body = msgspec.json.encode(answer)

    def get(self, path: str, weight: int, most: int) -> Answer:
        del path, weight, most
        return Answer(self.body, True, None)


def test_prices_come_between_the_rows_of_what_is_listed() -> None:
    rows = [row(f"C{number}USDT") for number in range(5 * rest.ROWS_PER_TURN)]
    day, listing = Answered(rows), Answered({"symbols": rows})
    with looks_of_the_loop() as looks:
        assert len(rest.day(day).tickers) == len(rows)
        assert len(looks) >= 4
    with looks_of_the_loop() as looks:
        assert len(rest.listing(listing)) == len(rows)
        assert len(looks) >= 4


def test_a_redirect_is_not_followed() -> None:
    with (
        api(json.dumps([row("A")]).encode()) as other,
        api(status=302, Location=f"{other}/api/v3/ticker/24hr") as url,
    ):
        wait, found = looked_at(url)
    assert found == {}
    assert wait >= 29


@pytest.mark.parametrize("asked", ["9" * 400, "-5", "1e9", "\u00b2", "soon"])
def test_what_it_asks_for_is_obeyed_within_reason(asked: str) -> None:
    with api(status=429, Retry_After=asked) as url:
        wait, _ = looked_at(url)
    assert 29 <= wait <= 3 * 86_400


def test_an_answer_that_never_ends_is_given_up() -> None:
    trailers = b"2\r\n[]\r\n0\r\n" + b"x: y\r\n" * 4_000_000
    with api(trailers, Transfer_Encoding="chunked") as url:
        wait, found = looked_at(url)
    assert found == {}
    assert wait >= 29


@pytest.mark.parametrize("status", ["<img src=x>" * 50, 5, None, "", "halt", "A" * 33])
def test_a_status_that_is_none_is_left_alone_and_removes_nothing(status: object) -> None:
    intake = Intake()
    symbols = [f"S{number}" for number in range(10)]
    with api(json.dumps([row(symbol) for symbol in symbols]).encode()) as url:
        Catalogue([url], intake, lambda _: True, REGULAR).look()
    waiting(intake)
    listing = {"symbols": [{"symbol": symbol, "status": status} for symbol in symbols]}
    with api(json.dumps([row("S0")]).encode(), json.dumps(listing).encode()) as url:
        Catalogue([url], intake, lambda _: True, REGULAR).look()
    assert waiting(intake) == {}
    assert len(intake) == 10


def test_what_was_asked_of_one_kind_says_nothing_of_the_other(
    simulator: Simulator, intake: Intake
) -> None:
    """A session of the other kind takes over between the two questions."""
    intake.offer([Ticker("REAL", "1", "trade", 0, 1)])
    wanted = iter((True, False))
    Catalogue([simulator.http], intake, lambda _: next(wanted), REGULAR).look()
    assert waiting(intake)["REAL"].price == "1"


def test_a_client_sees_the_whole_market_though_little_of_it_moves() -> None:
    with (
        Simulator("--symbols", "400", "--activity", "0.01") as simulator,
        Gunicorn(BINANCE_WS=simulator.url) as relay,
        EventSource(relay.port) as stream,
    ):
        stream.wait_for(lambda: len(stream.prices) == 400, "every symbol")
        wait_until(lambda: relay.ready()["symbols"] == 400, "every symbol")
        assert simulator.status()["rest_calls"] == ONE_LOOK


def test_what_rest_says_of_a_simulator_is_marked_though_no_session_ever_delivers() -> None:
    with (
        Simulator("--symbols", "20", "--fault", "silent") as simulator,
        Gunicorn(BINANCE_WS=simulator.url, HEARTBEAT_SECONDS="1") as relay,
        EventSource(relay.port) as stream,
    ):
        stream.wait_for(lambda: len(stream.prices) == 20, "every symbol")
        assert stream.wait_for_event("heartbeat", state="down")["simulated"] is True
        assert relay.http.get("/api/prices").json()["feed"]["simulated"] is True


def test_addresses_that_a_simulator_had_once_are_not_kept() -> None:
    catalogue = Catalogue(["http://a"], Intake(), lambda _simulated: True, REGULAR)
    for port in range(100):
        catalogue.prefer(f"http://127.0.0.1:{port}")
    assert catalogue._bases == ["http://127.0.0.1:99", "http://a"]
