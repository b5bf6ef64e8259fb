"""What REST says: it fills the board, finds out who is halted or gone, and is never asked too often."""

import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from relay.ingest import catalogue as catalogue_module
from relay.ingest.catalogue import Catalogue
from relay.ingest.intake import Intake
from relay.ticker import Ticker
from tests.exchange import Simulator
from tests.processes import Gunicorn, wait_until
from tests.streams import EventSource

REGULAR = 300.0


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


@pytest.mark.parametrize("fault", ["rest-down", "rest-junk"])
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


def test_an_api_is_asked_at_most_every_thirty_seconds(simulator: Simulator, intake: Intake) -> None:
    catalogue = Catalogue([simulator.http], intake, lambda _: True, REGULAR)
    assert catalogue.look() == 0.0
    assert 29 < catalogue.look() <= 30
    assert simulator.status()["rest_calls"] == {"/api/v3/ticker/24hr": 1}


def test_an_api_that_lists_nothing_takes_nothing_away(catalogue: Catalogue, intake: Intake) -> None:
    catalogue.look()
    held = waiting(intake)

    class Empty(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"[]" if "24hr" in self.path else b'{"symbols":[]}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        Catalogue(
            [f"http://127.0.0.1:{server.server_address[1]}"], intake, lambda _: True, REGULAR
        ).look()
        server.shutdown()
    assert waiting(intake) == {}
    assert intake.silent_since(time.monotonic()) == held.keys()


def test_a_client_sees_the_whole_market_though_little_of_it_moves() -> None:
    with (
        Simulator("--symbols", "400", "--activity", "0.01") as simulator,
        Gunicorn(BINANCE_WS=simulator.url) as relay,
        EventSource(relay.port) as stream,
    ):
        stream.wait_for(lambda: len(stream.prices) == 400, "every symbol")
        wait_until(lambda: relay.ready()["symbols"] == 400, "every symbol")
        assert simulator.status()["rest_calls"] == {"/api/v3/ticker/24hr": 1}
