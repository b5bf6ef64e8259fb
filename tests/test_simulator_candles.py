"""The simulator's candles say what its trades and tickers said, in every interval."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import groupby, pairwise
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.exchange import WAIT, Simulator
from tests.long import long, long_after

LENGTHS = {
    "1s": 1, "1m": 60, "3m": 180, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600, "2h": 7200,
    "4h": 14_400, "6h": 21_600, "8h": 28_800, "12h": 43_200, "1d": 86_400, "3d": 259_200,
    "1w": 604_800, "1M": 0,
}  # fmt: skip

Row = list[Any]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator("--symbols", "5", "--activity", "1") as running:
        yield running


@contextmanager
def listen(simulator: Simulator, streams: str) -> Iterator[ClientConnection]:
    with connect(f"{simulator.url}/stream?streams={streams}", compression=None) as client:
        yield client


def hear(client: ClientConnection) -> Any:
    return json.loads(client.recv(timeout=WAIT))["data"]


def klines(simulator: Simulator, interval: str, symbol: str = "BTCUSDT", **query: object) -> Any:
    asked = {name: str(value) for name, value in query.items()}
    answer = simulator.get("/api/v3/klines", symbol=symbol, interval=interval, **asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


def all_klines(
    simulator: Simulator, interval: str, start: int, end: int, symbol: str = "BTCUSDT"
) -> list[Row]:
    """Every candle that opens from start up to, but not including, end; in ms."""
    rows: list[Row] = []
    while True:
        more = klines(simulator, interval, symbol, startTime=start, endTime=end - 1, limit=1000)
        rows += more
        if len(more) < 1000:
            return rows
        start = more[-1][6] + 1


def added_up(rows: list[Row]) -> Row:
    """One candle of several: computed here, in decimals."""

    def whole(column: int) -> str:
        return f"{sum(Decimal(row[column]) for row in rows):.8f}"

    # A candle opens with its first trade, not at the price before it.
    traded = [row for row in rows if row[8]] or rows
    high, low = max(Decimal(r[2]) for r in traded), min(Decimal(r[3]) for r in traded)
    return [
        rows[0][0],
        traded[0][1],
        f"{high:.8f}",
        f"{low:.8f}",
        rows[-1][4],
        whole(5),
        rows[-1][6],
        whole(7),
        sum(row[8] for row in rows),
        whole(9),
        whole(10),
        "0",
    ]


def of_trades(trades: list[Any], opened: int, length: int) -> Row:
    """A candle of trades as they came on the stream; length in seconds."""
    prices = [Decimal(trade["p"]) for trade in trades]
    amounts = [Decimal(trade["q"]) for trade in trades]
    # An exchange cuts the worth of each trade to eight decimals.
    worth = [
        (price * amount).quantize(Decimal("1e-8"), "ROUND_DOWN")
        for price, amount in zip(prices, amounts, strict=True)
    ]
    taken = [not trade["m"] for trade in trades]
    bought = sum((a for a, t in zip(amounts, taken, strict=True) if t), Decimal(0))
    bought_worth = sum((w for w, t in zip(worth, taken, strict=True) if t), Decimal(0))
    return [
        opened,
        f"{prices[0]:.8f}",
        f"{max(prices):.8f}",
        f"{min(prices):.8f}",
        f"{prices[-1]:.8f}",
        f"{sum(amounts):.8f}",
        opened + length * 1000 - 1,
        f"{sum(worth):.8f}",
        len(trades),
        f"{bought:.8f}",
        f"{bought_worth:.8f}",
        "0",
    ]


def length_of(row: Row) -> int:
    return int(row[6] + 1 - row[0])


class TestMadeUpPast:
    @pytest.mark.parametrize(
        ("whole", "part"),
        long_after(5, [
            ("1m", "1s"), ("3m", "1m"), ("5m", "1m"), ("15m", "3m"), ("15m", "5m"), ("30m", "15m"),
            ("1h", "1m"), ("2h", "30m"), ("4h", "1h"), ("6h", "2h"), ("8h", "4h"), ("12h", "1h"),
            ("1d", "1m"), ("1d", "8h"), ("3d", "6h"), ("1w", "12h"), ("1M", "1h"),
        ]),
    )  # fmt: skip
    @pytest.mark.parametrize("symbol", ["BTCUSDT", "BNBUSDT"])
    def test_candle_is_all_of_its_parts(
        self, simulator: Simulator, whole: str, part: str, symbol: str
    ) -> None:
        end = int(time.time() * 1000) - 70 * 86_400_000
        for row in klines(simulator, whole, symbol, endTime=end, limit=3):
            parts = all_klines(simulator, part, row[0], row[6] + 1, symbol)
            assert len(parts) >= 2
            assert added_up(parts) == row

    @pytest.mark.parametrize("interval", LENGTHS)
    def test_candles_follow_one_another_without_a_jump(
        self, simulator: Simulator, interval: str
    ) -> None:
        rows = klines(simulator, interval, symbol="ETHUSDT", limit=1000)
        assert len(rows) > 100
        for row, following in pairwise(rows[:-2]):
            opened, high, low, closed = map(Decimal, row[1:5])
            assert low <= min(opened, closed) <= max(opened, closed) <= high
            assert row[6] + 1 == following[0]
            if interval != "1s":
                assert Decimal(following[1]) == pytest.approx(closed, rel=Decimal("0.001"))
                assert length_of(row) == LENGTHS[interval] * 1000 or interval == "1M"
            if not row[8]:
                assert opened == high == low == closed
                assert row[5] == row[7] == "0.00000000"

    def test_weeks_begin_on_monday_and_months_on_the_first(self, simulator: Simulator) -> None:
        for week in klines(simulator, "1w", limit=10):
            assert datetime.fromtimestamp(week[0] / 1000, UTC).isoweekday() == 1
        for month in klines(simulator, "1M", limit=10):
            assert datetime.fromtimestamp(month[0] / 1000, UTC).day == 1

    def test_past_is_that_of_the_seed(self, simulator: Simulator) -> None:
        day = int(time.time()) // 86_400 * 86_400_000 - 5 * 86_400_000
        query = {"symbol": "BNBUSDT", "startTime": day, "limit": 100}
        options = ("--symbols", "5", "--activity", "1")
        asked = {
            interval: klines(simulator, interval, **query) for interval in ("1d", "15m", "1m", "1s")
        }
        with Simulator(*options) as same, Simulator(*options, "--seed", "2") as other:
            for interval, rows in asked.items():
                assert klines(same, interval, **query)[:4] == rows[:4]
                assert klines(other, interval, **query)[:4] != rows[:4]

    def test_nothing_is_older_than_the_listing(self, simulator: Simulator) -> None:
        oldest = klines(simulator, "1d", symbol="BNBUSDT", startTime=0, limit=1)[0][0]
        for interval in ("1m", "1h", "1d"):
            first = klines(simulator, interval, symbol="BNBUSDT", startTime=0, limit=2)
            assert first[0][0] == oldest
            assert first[1][0] > oldest
        assert klines(simulator, "1d", symbol="BNBUSDT", endTime=oldest - 1) == []


class TestTrades:
    def test_candles_are_made_of_the_trades_that_were_sent(self, simulator: Simulator) -> None:
        trades: list[Any] = []
        with listen(simulator, "btcusdt@trade/btcusdt@miniTicker") as client:
            while not trades or trades[-1]["T"] - trades[0]["T"] < 5000:
                event = hear(client)
                if event["e"] == "trade":
                    trades.append(event)
        first = trades[0]["T"] // 1000
        whole = first + 1, trades[-1]["T"] // 1000
        seconds = {
            second: list(group) for second, group in groupby(trades, lambda t: t["T"] // 1000)
        }
        before = seconds[first][-1]["p"]
        for second in range(*whole):
            (row,) = klines(simulator, "1s", startTime=second * 1000, limit=1)
            if second in seconds:
                assert row == of_trades(seconds[second], second * 1000, 1)
                before = seconds[second][-1]["p"]
            else:
                assert row[1:5] == [before] * 4
                assert (row[5], row[7], row[8]) == ("0.00000000", "0.00000000", 0)

    @long
    def test_minute_is_all_of_its_seconds_also_where_the_past_ends(self) -> None:
        with Simulator("--symbols", "1", "--activity", "1") as simulator:
            with listen(simulator, "btcusdt@trade") as client:
                number = hear(client)["t"]
                while hear(client)["t"] < number + 20:
                    pass
            day = simulator.get("/api/v3/ticker/24hr", symbol="BTCUSDT").json()
            simulator.listing(pause="BTCUSDT")
            minutes = klines(simulator, "1m", limit=3)
            for minute in minutes:
                seconds = all_klines(simulator, "1s", minute[0], minute[6] + 1)
                seconds[-1][6] = minute[6]
                assert added_up(seconds) == minute
            for row, following in pairwise(minutes):
                assert float(following[1]) == pytest.approx(float(row[4]), rel=1e-4)
        assert minutes[-1][2] <= day["highPrice"]

    def test_day_ticker_is_all_of_its_minutes(self, simulator: Simulator) -> None:
        simulator.listing(pause="BTCUSDT")
        day = simulator.get("/api/v3/ticker/24hr", symbol="BTCUSDT").json()
        minute = day["closeTime"] // 60_000 * 60_000
        rows = all_klines(simulator, "1m", minute - 1439 * 60_000, minute + 60_000)
        simulator.listing(resume="BTCUSDT")
        whole = added_up(rows)
        assert len(rows) == 1440
        named = ("openPrice", "highPrice", "lowPrice", "lastPrice", "volume")
        assert [day[name] for name in named] == whole[1:6]
        assert (day["quoteVolume"], day["count"]) == (whole[7], whole[8])
        assert day["lastId"] - day["firstId"] + 1 == day["count"]

    def test_kline_stream_says_what_rest_says(self, simulator: Simulator) -> None:
        ended: dict[str, Any] = {}
        names = "btcusdt@kline_1s/btcusdt@kline_1m/btcusdt@kline_1d"
        with listen(simulator, names) as client:
            heard: dict[str, Any] = {}
            while len(ended) < 3 or len(heard) < 3:
                k = hear(client)["k"]
                heard[k["i"]] = k
                if k["x"]:
                    ended[k["t"]] = k
        for k in ended.values():
            (row,) = klines(simulator, k["i"], startTime=k["t"], limit=1)
            assert [k[key] for key in "tohlcvTqnVQB"] == row
            assert k["L"] - k["f"] + 1 == k["n"] or (k["n"], k["f"], k["L"]) == (0, -1, -1)
        (row,) = klines(simulator, "1d", limit=1)
        assert (heard["1d"]["t"], heard["1d"]["o"]) == (row[0], row[1])


class TestCall:
    def test_default_and_greatest_number_of_candles(self, simulator: Simulator) -> None:
        assert len(klines(simulator, "1m")) == 500
        assert len(klines(simulator, "1m", limit=5000)) == 1000

    def test_start_leads_and_end_is_included(self, simulator: Simulator) -> None:
        begin = (int(time.time()) // 3600 - 48) * 3_600_000
        times = {"startTime": begin, "endTime": begin + 4 * 3_600_000}
        assert [row[0] for row in klines(simulator, "1h", **times)] == [
            begin + n * 3_600_000 for n in range(5)
        ]
        assert [row[0] for row in klines(simulator, "1h", **times, limit=2)] == [
            begin,
            begin + 3_600_000,
        ]
        late = klines(simulator, "1h", startTime=begin + 1, limit=1)
        assert late[0][0] == begin + 3_600_000
        before = klines(simulator, "1h", endTime=begin - 1, limit=2)
        assert [row[0] for row in before] == [begin - 2 * 3_600_000, begin - 3_600_000]

    def test_there_is_no_candle_of_the_future(self, simulator: Simulator) -> None:
        later = int(time.time() * 1000) + 7_200_000
        assert klines(simulator, "1h", startTime=later) == []
        assert klines(simulator, "1h", endTime=later, limit=1)[0][0] < later - 3_600_000
        assert klines(simulator, "1h", startTime=later - 10, endTime=later - 20) == []

    def test_prices_go_on_while_many_charts_are_asked_for(self) -> None:
        with (
            Simulator("--symbols", "100", "--activity", "1") as simulator,
            listen(simulator, "!miniTicker@arr") as client,
        ):
            stop = threading.Event()

            def ask() -> None:
                while not stop.is_set():
                    for interval in LENGTHS:
                        klines(simulator, interval, limit=1000)

            asking = threading.Thread(target=ask)
            asking.start()
            try:
                assert [len(hear(client)) for _ in range(4)] == [100] * 4
            finally:
                stop.set()
                asking.join()
