"""Symbols of the simulator are halted, resumed, delisted and listed again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.exchange import WAIT, Simulator, hear_nothing
from tests.long import long_after

SILENCE = 1.5  # seconds; whatever speaks at all speaks once a second
TRADE = '{"e":"trade","E":1700000000000,"s":"%s","t":1,"p":"%s"}'
MINI = '{"e":"24hrMiniTicker","E":1700000000000,"s":"%s","c":"%s"}'

#: What each market has to be told to trade two symbols, BTCUSDT and another.
MARKETS = {
    "synthetic": ("--symbols", "2", "--activity", "1"),
    "clock": ("--market", "clock", "--symbols", "2", "--hz", "10"),
    "still": ("--market", "still"),
}


@pytest.fixture(scope="module", params=long_after(1, MARKETS))
def running(request: pytest.FixtureRequest) -> Iterator[Simulator]:
    with Simulator(*MARKETS[request.param], "--weight-limit", "10000000") as simulator:
        simulator.publish("!miniTicker@arr", f"[{MINI % ('BTCUSDT', '1')},{MINI % ('B', '2')}]")
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    yield running
    for change in ("list", "resume"):
        running.get("/simulator/listing", **{change: "BTCUSDT"})


@pytest.fixture(scope="module")
def synthetic() -> Iterator[Simulator]:
    with Simulator(*MARKETS["synthetic"], "--weight-limit", "10000000") as simulator:
        yield simulator


@contextmanager
def listen(simulator: Simulator, stream: str) -> Iterator[ClientConnection]:
    with connect(f"{simulator.url}/ws/{stream}", compression=None, close_timeout=1) as client:
        yield client


def hear(client: ClientConnection) -> Any:
    return json.loads(client.recv(timeout=WAIT))


def symbols(simulator: Simulator, call: str = "ticker/24hr", **query: str) -> set[str]:
    answer = simulator.get(f"/api/v3/{call}", **query).json()
    return {day["symbol"] for day in (answer["symbols"] if call == "exchangeInfo" else answer)}


def array(simulator: Simulator, client: ClientConnection) -> set[str]:
    """The symbols in the next array; what the still market says is published here."""
    other = next(s for s in symbols(simulator) if s not in ("BTCUSDT", *DEAD))
    simulator.publish("!miniTicker@arr", f"[{MINI % ('BTCUSDT', '1')},{MINI % (other, '2')}]")
    return {entry["s"] for entry in hear(client)}


DEAD = ("BCCUSDT", "VENUSDT", "BTCSTUSDT", "SRMUSDT", "BUSDUSDT")


class TestEveryMarket:
    @pytest.mark.parametrize("status", ["BREAK", "HALT", "CANCEL_ONLY", "END_OF_DAY"])
    def test_halted_symbol_is_shown_with_its_status(
        self, simulator: Simulator, status: str
    ) -> None:
        simulator.listing(halt="BTCUSDT", status=status)
        info = simulator.get("/api/v3/exchangeInfo", symbol="BTCUSDT").json()
        assert info["symbols"][0]["status"] == status
        assert simulator.status()["halted"] == {"BTCUSDT": status}
        assert "BTCUSDT" in symbols(simulator)
        for call in ("ticker/24hr", "ticker/price", "exchangeInfo"):
            assert "BTCUSDT" not in symbols(simulator, call, symbolStatus="TRADING")
            assert "BTCUSDT" in symbols(simulator, call, symbolStatus=status)
        simulator.listing(resume="BTCUSDT")
        assert "BTCUSDT" in symbols(simulator, symbolStatus="TRADING")

    def test_halted_symbol_keeps_its_last_day(self, simulator: Simulator) -> None:
        simulator.listing(halt="BTCUSDT")
        before = simulator.get("/api/v3/ticker/24hr", symbol="BTCUSDT").json()
        with listen(simulator, "!miniTicker@arr") as client:
            for _ in range(3):
                array(simulator, client)
        assert simulator.get("/api/v3/ticker/24hr", symbol="BTCUSDT").json() == before

    @pytest.mark.parametrize("change", ["halt", "delist"])
    def test_arrays_go_on_without_a_symbol_that_does_not_trade(
        self, simulator: Simulator, change: str
    ) -> None:
        back = {"halt": "resume", "delist": "list"}[change]
        with listen(simulator, "!miniTicker@arr") as client:
            simulator.listing(**{change: "BTCUSDT"})
            # What was under way may be two arrays, of which the first need not have it.
            under_way = [array(simulator, client) for _ in range(2)]
            while "BTCUSDT" in under_way[-1]:
                under_way.append(array(simulator, client))
            assert all("BTCUSDT" not in array(simulator, client) for _ in range(3))
            simulator.listing(**{back: "BTCUSDT"})
            while "BTCUSDT" not in array(simulator, client):
                pass

    @pytest.mark.parametrize("change", ["halt", "delist"])
    def test_streams_of_a_symbol_that_does_not_trade_are_silent(
        self, simulator: Simulator, change: str
    ) -> None:
        names = "btcusdt@trade/btcusdt@miniTicker/btcusdt@kline_1s/btcusdt@bookTicker"
        simulator.listing(**{change: "BTCUSDT"})
        with listen(simulator, names) as client:
            simulator.publish("btcusdt@trade", TRADE % ("BTCUSDT", "7"))
            with pytest.raises(TimeoutError):
                client.recv(timeout=SILENCE)

    def test_delisted_symbol_is_unknown_until_it_is_listed_again(
        self, simulator: Simulator
    ) -> None:
        simulator.listing(delist="BTCUSDT")
        assert simulator.status()["delisted"] == ["BTCUSDT"]
        for call in ("ticker/24hr", "exchangeInfo", "ticker/price"):
            answer = simulator.get(f"/api/v3/{call}", symbol="BTCUSDT")
            assert (answer.status_code, answer.json()["code"]) == (400, -1121)
            assert "BTCUSDT" not in symbols(simulator, call)
        assert simulator.get("/simulator/listing", halt="BTCUSDT").status_code == 400
        simulator.listing(list="BTCUSDT")
        assert "BTCUSDT" in symbols(simulator, symbolStatus="TRADING")

    def test_what_is_not_known_is_refused(self, simulator: Simulator) -> None:
        for change in ("halt", "resume", "delist", "list"):
            answer = simulator.get("/simulator/listing", **{change: "NOPEUSDT"})
            assert (answer.status_code, answer.json()["unknown"]) == (400, ["NOPEUSDT"])
        answer = simulator.get("/simulator/listing", halt="BTCUSDT", status="TRADING")
        assert answer.status_code == 400
        assert "BREAK" in answer.json()["known"]


class TestSyntheticMarket:
    def test_a_halt_loses_no_trades(self, synthetic: Simulator) -> None:
        with listen(synthetic, "btcusdt@trade") as client:
            last = hear(client)["t"]
            synthetic.listing(halt="BTCUSDT")
            hear_nothing(client, SILENCE)
            before = int(synthetic.get("/api/v3/ticker/24hr", symbol="BTCUSDT").json()["lastId"])
            synthetic.listing(resume="BTCUSDT")
            assert hear(client)["t"] == before + 1 > last

    def test_no_candle_opens_after_a_halt(self, synthetic: Simulator) -> None:
        query = {"symbol": "BTCUSDT", "interval": "1s", "limit": "1"}
        synthetic.listing(halt="BTCUSDT")
        halted = synthetic.get("/api/v3/time").json()["serverTime"]
        with listen(synthetic, "!miniTicker@arr") as client:
            for _ in range(3):  # seconds
                hear(client)
        for more in ({}, {"startTime": str(halted - 2000), "limit": "9"}):
            candles = synthetic.get("/api/v3/klines", **(query | more)).json()
            assert candles[-1][0] <= halted
        with listen(synthetic, "btcusdt@trade") as client:
            resumed = synthetic.get("/api/v3/time").json()["serverTime"]
            synthetic.listing(resume="BTCUSDT")
            traded = hear(client)["T"]
        candles = synthetic.get("/api/v3/klines", **(query | {"limit": "9"})).json()
        assert candles[-1][0] // 1000 >= traded // 1000
        # Nobody could trade meanwhile, so there are no candles, not even flat ones.
        assert [candle[0] for candle in candles if halted < candle[0] < resumed - 1000] == []


class TestExchangeInfo:
    def test_permission_sets_can_be_left_out(self, synthetic: Simulator) -> None:
        path = "/api/v3/exchangeInfo"
        shown = synthetic.get(path).json()["symbols"][0]
        assert shown["permissionSets"] == [["SPOT"]]
        hidden = synthetic.get(path, showPermissionSets="false").json()["symbols"][0]
        assert hidden == shown | {"permissionSets": []}

    def test_status_that_does_not_match(self, synthetic: Simulator) -> None:
        one = {"symbol": "BTCUSDT", "symbolStatus": "BREAK"}
        assert synthetic.get("/api/v3/exchangeInfo", **one).json()["code"] == -1128
        assert synthetic.get("/api/v3/ticker/price", **one).json()["code"] == -1220
        several = {"symbols": '["BTCUSDT","BCCUSDT"]', "symbolStatus": "BREAK"}
        assert symbols(synthetic, "ticker/price", **several) == {"BCCUSDT"}


class TestNewcomer:
    def test_new_symbol_appears_trades_and_goes(self, synthetic: Simulator) -> None:
        begun = int(synthetic.get("/api/v3/time").json()["serverTime"])
        with listen(synthetic, "!miniTicker@arr") as client:
            synthetic.listing(new="NEWUSDT", life="4")
            entry = None
            while entry is None:
                entry = next((e for e in hear(client) if e["s"] == "NEWUSDT"), None)
            assert entry["E"] >= begun
            assert float(entry["l"]) <= float(entry["o"]) <= float(entry["h"])
            assert "NEWUSDT" in symbols(synthetic, symbolStatus="TRADING")
            for interval in ("1s", "1m", "1d", "1M"):
                query = {"symbol": "NEWUSDT", "interval": interval, "startTime": "0"}
                candles = synthetic.get("/api/v3/klines", **query).json()
                assert candles[0][8] > 0
                assert candles[0][6] >= begun
            while synthetic.status()["delisted"] != ["NEWUSDT"]:
                hear(client)
            hear(client)
            assert all(e["s"] != "NEWUSDT" for _ in range(2) for e in hear(client))
        answer = synthetic.get("/api/v3/klines", symbol="NEWUSDT", interval="1m")
        assert (answer.status_code, answer.json()["code"]) == (400, -1121)
        assert "NEWUSDT" not in symbols(synthetic)

    def test_newcomer_comes_by_itself_at_its_time(self) -> None:
        options = ("--symbols", "2", "--newcomer", "币USDT", "0.5", "3")
        with Simulator(*options) as simulator, listen(simulator, "!miniTicker@arr") as client:
            assert "币USDT" not in symbols(simulator)
            seen = []
            while simulator.status()["delisted"] != ["币USDT"]:
                seen += [entry["s"] for entry in hear(client)]
        assert "币USDT" in seen

    @pytest.mark.parametrize("name", ["BTCUSDT", "BCCUSDT", 'A"B', "", "A" * 33])
    def test_a_name_that_cannot_be_is_refused(self, synthetic: Simulator, name: str) -> None:
        assert synthetic.get("/simulator/listing", new=name).status_code == 400


class TestGap:
    def test_paused_symbol_has_flat_candles(self, synthetic: Simulator) -> None:
        with listen(synthetic, "btcusdt@trade") as client:
            last = hear(client)
            synthetic.listing(pause="BTCUSDT", seconds="4")
            assert synthetic.status()["paused"] == ["BTCUSDT"]
            while (trade := hear(client))["T"] - last["T"] < 3000:
                last = trade
        assert synthetic.status()["paused"] == []
        assert trade["t"] == last["t"] + 1
        query = {"symbol": "BTCUSDT", "interval": "1s", "startTime": str(last["T"])}
        rows = synthetic.get("/api/v3/klines", **query).json()
        flat = [row for row in rows if row[0] < trade["T"] - 1000]
        assert len(flat) >= 2
        assert all(row[1:6] == [last["p"]] * 4 + ["0.00000000"] for row in flat)

    def test_whole_market_can_pause(self, synthetic: Simulator) -> None:
        with listen(synthetic, "!miniTicker@arr") as client:
            hear(client)
            synthetic.listing(pause="*")
            before = {s: day(synthetic, s)["lastId"] for s in ("BTCUSDT", "ETHUSDT")}
            for _ in range(3):
                if hear(client) == []:
                    break
            assert {s: day(synthetic, s)["lastId"] for s in before} == before
            synthetic.listing(resume="*")
            while hear(client) == []:
                pass

    def test_muted_symbol_trades_unheard(self, simulator: Simulator) -> None:
        with listen(simulator, "!miniTicker@arr") as client:
            simulator.listing(mute="BTCUSDT")
            while "BTCUSDT" in array(simulator, client):
                pass
            assert all("BTCUSDT" not in array(simulator, client) for _ in range(3))
            assert "BTCUSDT" in symbols(simulator, symbolStatus="TRADING")
            simulator.listing(resume="BTCUSDT")
            while "BTCUSDT" not in array(simulator, client):
                pass

    def test_candles_know_what_was_not_heard(self, synthetic: Simulator) -> None:
        with listen(synthetic, "btcusdt@trade") as client:
            last = hear(client)
            synthetic.listing(mute="*", seconds="2.5")
            while (trade := hear(client))["t"] <= last["t"] + 1:
                last = trade
        assert synthetic.status()["muted"] == []
        query = {"symbol": "BTCUSDT", "interval": "1s", "startTime": str(last["T"])}
        rows = synthetic.get("/api/v3/klines", **query).json()
        assert sum(row[8] for row in rows if row[0] < trade["T"]) > 1

    @pytest.mark.parametrize(
        "wrong", [{"pause": "NOPE"}, {"mute": "NOPE"}, {"pause": "BTCUSDT", "seconds": "soon"}]
    )
    def test_wrong_gap_is_refused(self, synthetic: Simulator, wrong: dict[str, str]) -> None:
        assert synthetic.get("/simulator/listing", **wrong).status_code == 400


def day(simulator: Simulator, symbol: str) -> Any:
    return simulator.get("/api/v3/ticker/24hr", symbol=symbol).json()
