"""Which asset a symbol is priced in, and whether it is new: on each of its tickers, whoever leads."""

import json
from typing import Any

import msgspec
import pytest

from relay.batch import Batch, decode_batch, encode_batch
from relay.exchange.api import Apis
from relay.feed_status import FeedStatus
from relay.ingest.catalogue import Catalogue
from relay.ingest.intake import Intake
from relay.ingest.listings import NEW_MILLISECONDS
from relay.ticker import Ticker
from tests.clocks import SetClock
from tests.exchange import Simulator
from tests.processes import Gunicorn
from tests.scripted_api import Query, Said, ScriptedApi
from tests.streams import EventSource

DAY = 86_400.0
REST = "rest"


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def intake(clock: SetClock) -> Intake:
    return Intake(clock=clock)


def ticker(symbol: str, time: int = 1, stream: str = "24hrMiniTicker", **more: Any) -> Ticker:
    return Ticker(symbol, "5", stream, event_time=time, open="4", **more)


def waiting(intake: Intake) -> dict[str, Ticker]:
    return {ticker.symbol: ticker for ticker in intake.wait(0)}


def listed(intake: Intake) -> dict[str, int | None]:
    return {symbol: ticker.listed for symbol, ticker in waiting(intake).items()}


def test_a_quote_is_told_at_once_of_all_that_is_held_and_on_each_ticker_since(
    intake: Intake,
) -> None:
    intake.offer([ticker("BTCUSDT"), ticker("ETHBTC")])
    waiting(intake)
    intake.learn_quotes({"BTCUSDT": "USDT", "ETHBTC": "BTC", "XRPUSDT": "USDT"})
    assert {s: t.quote for s, t in waiting(intake).items()} == {"BTCUSDT": "USDT", "ETHBTC": "BTC"}
    intake.offer([ticker("BTCUSDT", 2)])
    assert waiting(intake)["BTCUSDT"].quote == "USDT"
    assert intake.without_quote() == set()
    intake.learn_quotes({"BTCUSDT": "USDT"})
    assert waiting(intake) == {}


@pytest.mark.parametrize("quote", ["", "EUR", "BTCUSDT", "XBTCUSDT", "U" * 17, "<B>"])
def test_what_can_be_no_quote_of_a_symbol_is_none(intake: Intake, quote: str) -> None:
    symbol = f"BTC{quote}" if len(quote) == 17 or "<" in quote else "BTCUSDT"
    intake.offer([ticker(symbol)])
    waiting(intake)
    intake.learn_quotes({symbol: quote})
    assert waiting(intake) == {}
    assert intake.without_quote() == {symbol}


def test_what_fills_an_empty_board_is_not_new(intake: Intake) -> None:
    intake.offer([ticker("A"), ticker("B")])
    intake.seed([ticker("A", stream=REST), ticker("C", stream=REST)], {"A": False, "C": False})
    assert listed(intake) == {"A": None, "B": None, "C": None}


def test_a_symbol_whose_first_trade_is_of_today_is_new(intake: Intake, clock: SetClock) -> None:
    intake.seed([ticker("A", stream=REST), ticker("B", stream=REST)], {"A": True, "B": False})
    since = clock.wall_ms()
    assert listed(intake) == {"A": since, "B": None}
    clock.advance(2 * DAY)
    intake.seed([ticker("A", 2, stream=REST)], {"A": False})
    intake.offer([ticker("A", 3)])
    assert listed(intake) == {"A": since}
    clock.advance(29 * DAY)
    intake.seed([], {})
    assert listed(intake) == {"A": None}


def test_a_symbol_that_comes_when_all_were_known_is_new_until_rest_knows_better(
    intake: Intake, clock: SetClock
) -> None:
    intake.seed([ticker("A", stream=REST)], {"A": False})
    intake.offer([ticker("NEW"), ticker("RESUMED"), ticker("UNSAID")])
    since = clock.wall_ms()
    assert listed(intake) == {"A": None} | dict.fromkeys(("NEW", "RESUMED", "UNSAID"), since)
    clock.advance(300)
    intake.seed([], {"NEW": True, "RESUMED": False})
    assert listed(intake) == {"RESUMED": None}
    clock.advance(300)
    intake.offer([ticker("NEW", 2), ticker("UNSAID", 2)])
    assert listed(intake) == {"NEW": since, "UNSAID": since}


def test_a_symbol_that_went_and_comes_again_has_no_past(intake: Intake, clock: SetClock) -> None:
    intake.seed([ticker("AB", stream=REST)], {"AB": True})
    intake.learn_quotes({"AB": "B"})
    intake.remove("AB")
    clock.advance(10)
    intake.offer([ticker("AB", 2)])
    again = waiting(intake)["AB"]
    assert (again.quote, again.listed) == (None, clock.wall_ms())


def test_another_kind_of_prices_begins_anew(intake: Intake) -> None:
    intake.seed([ticker("AB", stream=REST)], {"AB": True})
    intake.learn_quotes({"AB": "B"})
    intake.clear()
    intake.offer([ticker("AB"), ticker("CD")])
    assert {(t.quote, t.listed) for t in waiting(intake).values()} == {(None, None)}


def test_a_new_leader_goes_on_with_what_the_state_says(intake: Intake, clock: SetClock) -> None:
    since = clock.wall_ms() - 5_000_000
    intake.restore([ticker("AB", quote="B", listed=since), ticker("CD", quote="D")])
    assert waiting(intake) == {}
    intake.offer([ticker("AB", 2), ticker("CD", 2)])
    assert {s: (t.quote, t.listed) for s, t in waiting(intake).items()} == {
        "AB": ("B", since),
        "CD": ("D", None),
    }
    assert intake.without_quote() == set()


def test_what_a_state_says_counts_for_what_came_before_it_was_read(intake: Intake) -> None:
    intake.offer([ticker("AB")])
    intake.restore([ticker("AB", 5, quote="B")])
    intake.offer([ticker("AB", 6)])
    assert waiting(intake)["AB"].quote == "B"


def test_what_a_standby_knows_and_an_older_state_does_not_is_written(
    intake: Intake, clock: SetClock
) -> None:
    """Such a state was written before tickers had these fields, or by one whom REST did not answer."""
    intake.seed([ticker("AB", stream=REST)], {"AB": True})
    intake.learn_quotes({"AB": "B"})
    waiting(intake)
    intake.restore([ticker("AB", stream=REST), ticker("CD")])
    written = waiting(intake)
    assert written.keys() == {"AB"}
    assert (written["AB"].quote, written["AB"].listed) == ("B", clock.wall_ms())


@pytest.mark.parametrize(
    ("quote", "since"),
    [("<b>", -1), ("X" * 40, 2**63 - 1), ("", -(2**62)), ("AB", 0), ("Ä", NEW_MILLISECONDS)],
)
def test_what_a_state_cannot_mean_is_not_believed_and_is_corrected(
    intake: Intake, quote: str, since: int
) -> None:
    intake.restore([ticker("AB", quote=quote, listed=since)])
    (written,) = waiting(intake).values()
    assert (written.quote, written.listed) == (None, None)


def test_a_clock_that_is_behind_the_one_before_loses_nothing(
    intake: Intake, clock: SetClock
) -> None:
    ahead = clock.wall_ms() + 5_000
    intake.restore([ticker("AB", listed=ahead)])
    intake.offer([ticker("AB", 2)])
    assert listed(intake) == {"AB": ahead}


def test_fields_that_a_reader_does_not_know_are_none_of_its_business() -> None:
    """While a new version is being deployed, workers of both read one state."""
    ours = Batch("e", 0, 1, FeedStatus("live", False), [ticker("AB", quote="B", listed=7)])
    batch = msgspec.msgpack.decode(encode_batch(ours))
    batch[-1][0] |= {"later": [1]}
    (update,) = decode_batch(msgspec.msgpack.encode(batch)).updates
    assert (update.quote, update.listed) == ("B", 7)


class Exchange:
    """REST of an exchange of these symbols, each with what ticker/24hr says of it, and its listing."""

    def __init__(self, listing: object, **symbols: dict[str, object]) -> None:
        self.listing = listing
        self.day = [
            {"symbol": symbol, "lastPrice": "1", "closeTime": 1, "count": 1, **row}
            for symbol, row in symbols.items()
        ]
        self.api = ScriptedApi(self._answer)

    def _answer(self, query: Query) -> Said:
        if "type" in query:
            return Said(json.dumps(self.day).encode())
        body = self.listing if isinstance(self.listing, bytes) else json.dumps(self.listing)
        return Said(body if isinstance(body, bytes) else body.encode())

    @property
    def asked_for_its_listing(self) -> int:
        return sum("exchangeInfo" in path for path in self.api.paths)


def catalogue(exchange: Exchange, intake: Intake, clock: SetClock) -> Catalogue:
    url = exchange.api.url
    return Catalogue([url], intake, lambda _: True, 300.0, clock, Apis(clock))


def of(symbol: str, **assets: object) -> dict[str, object]:
    return {"symbol": symbol, "status": "TRADING", **assets}


def test_the_listing_is_asked_for_once_and_again_for_what_is_listed_later(
    intake: Intake, clock: SetClock
) -> None:
    exchange = Exchange(
        {"symbols": [of("AB", baseAsset="A", quoteAsset="B"), of("CD", quoteAsset="D"), of("EF")]},
        AB={"firstId": 0},
        CD={"firstId": 7},
        EF={"firstId": -1},
    )
    with exchange.api:
        looks = catalogue(exchange, intake, clock)
        assert looks.look() == 0.0
        found = waiting(intake)
        assert {s: (t.quote, t.listed) for s, t in found.items()} == {
            "AB": ("B", clock.wall_ms()),
            "CD": ("D", None),
            "EF": (None, None),
        }
        for _ in range(3):
            clock.advance(300)
            assert looks.look() == 0.0
        assert exchange.asked_for_its_listing == 1
        intake.offer([ticker("GH")])
        exchange.day.append({"symbol": "GH", "lastPrice": "1", "firstId": 0})
        exchange.listing["symbols"].append(of("GH", quoteAsset="H"))  # type: ignore[index]
        for _ in range(3):
            clock.advance(300)
            assert looks.look() == 0.0
        assert exchange.asked_for_its_listing == 2
        assert waiting(intake)["GH"].quote == "H"


@pytest.mark.parametrize(
    "listing", [b"", b"[]", b'{"symbols":5}', b'{"symbols":[]}', b"[" * 9_000], ids=str
)
def test_an_exchange_that_says_nothing_of_its_listing_costs_only_that(
    intake: Intake, clock: SetClock, listing: bytes
) -> None:
    exchange = Exchange(listing, AB={"firstId": 5})
    with exchange.api:
        looks = catalogue(exchange, intake, clock)
        assert looks.look() == 0.0
        assert waiting(intake)["AB"].quote is None
        exchange.listing = {"symbols": [of("AB", quoteAsset="B")]}
        clock.advance(300)
        assert looks.look() == 0.0
        assert waiting(intake)["AB"].quote == "B"


@pytest.mark.parametrize("value", [None, 5, True, ["B"], {"B": 1}, "", "<b>", "b", "AB", "B" * 99])
def test_absurd_assets_and_ids_cost_those_values(
    intake: Intake, clock: SetClock, value: object
) -> None:
    exchange = Exchange(
        {"symbols": [of("AB", quoteAsset=value), of("CD", quoteAsset="D")]},
        AB={"firstId": value},
        CD={"firstId": 10**30},
    )
    with exchange.api:
        assert catalogue(exchange, intake, clock).look() == 0.0
    found = waiting(intake)
    assert (found["AB"].quote, found["AB"].listed) == (None, None)
    assert (found["CD"].quote, found["CD"].listed) == ("D", None)


def test_clients_are_told_of_quotes_and_of_what_is_new() -> None:
    quotes = {"BTCUSDT": "USDT", "BTCTRY": "TRY", "ETHBTC": "BTC", "币安人生USDC": "USDC"}
    with (
        Simulator("--symbols", "60") as simulator,
        Gunicorn(BINANCE_WS=simulator.url) as relay,
        EventSource(relay.port, "fields=ticker") as stream,
    ):

        def told() -> dict[str, str]:
            return {t["symbol"]: t["quote"] for t in stream.updates if "quote" in t}

        stream.wait_for(lambda: told().items() >= quotes.items(), "their quotes")
        for symbol, quote in quotes.items():
            assert relay.http.get(f"/api/prices/{symbol}").json()["quote"] == quote
        assert not any("listed" in ticker for ticker in stream.updates)
        simulator.listing(new="NEWEUR")
        stream.wait_for_price("NEWEUR")
        new = relay.http.get("/api/prices/NEWEUR").json()
        assert abs(new["listed"] - new["received_time"]) < 60_000
