"""The simulator speaks as Binance does: URLs, control messages, streams, REST."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.exchange import WAIT, Simulator, hear_nothing, hear_until_closed

SILENCE = 1.5  # seconds; a 1 Hz stream would have spoken

#: What the documentation shows of each stream.
KEYS = {
    "btcusdt@trade": "e E s t p q T m M",
    "btcusdt@aggTrade": "e E s a p q f l T m M",
    "btcusdt@miniTicker": "e E s c o h l v q",
    "币安人生usdt@miniTicker": "e E s c o h l v q",
    "btcusdt@ticker": "e E s p P w x c Q b B a A o h l v q O C F L n",
    "btcusdt@ticker_1h": "e E s p P o h l c w v q O C F L n",
    "btcusdt@bookTicker": "u s b B a A",
    "btcusdt@avgPrice": "e E s i w T",
    "btcusdt@depth5": "lastUpdateId bids asks",
    "btcusdt@depth20@100ms": "lastUpdateId bids asks",
    "btcusdt@depth": "e E s U u b a",
    "btcusdt@depth@100ms": "e E s U u b a",
    "btcusdt@kline_1s": "e E s k",
    "btcusdt@kline_1d@+08:00": "e E s k",
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture(scope="module")
def still() -> Iterator[Simulator]:
    with Simulator("--market", "still") as running:
        yield running


def join(simulator: Simulator, path: str) -> ClientConnection:
    return connect(simulator.url + path, max_size=None, compression=None)


def hear(client: ClientConnection) -> Any:
    return json.loads(client.recv(timeout=WAIT))


def ask(client: ClientConnection, **request: Any) -> Any:
    client.send(json.dumps(request))
    return hear(client)


def hear_close(client: ClientConnection) -> tuple[int, str]:
    _, closed = hear_until_closed(client)
    assert closed.rcvd is not None
    return closed.rcvd.code, closed.rcvd.reason


class TestAddress:
    def test_every_answer_says_that_it_is_simulated(self, still: Simulator) -> None:
        with join(still, "/ws") as client:
            assert client.response is not None
            assert client.response.headers["X-Relay-Simulator"] == "1"
        assert still.get("/api/v3/ping").headers["X-Relay-Simulator"] == "1"

    def test_unknown_path_is_not_found(self, still: Simulator) -> None:
        with pytest.raises(InvalidStatus) as refused:
            join(still, "/stream/nonsense")
        assert refused.value.response.status_code == 404

    def test_raw_url_gives_bare_payloads(self, still: Simulator) -> None:
        with join(still, "/ws/btcusdt@trade/ethusdt@trade") as client:
            still.publish("ethusdt@trade", '{"e":"trade","s":"ETHUSDT","p":"1.0"}')
            assert hear(client) == {"e": "trade", "s": "ETHUSDT", "p": "1.0"}

    def test_combined_url_gives_wrapped_payloads(self, still: Simulator) -> None:
        with join(still, "/stream?streams=btcusdt@trade/ethusdt@trade") as client:
            still.publish("btcusdt@trade", "[1]")
            assert hear(client) == {"stream": "btcusdt@trade", "data": [1]}

    def test_percent_encoded_url_names_the_stream_decoded(self, still: Simulator) -> None:
        stream = "币安人生usdt@trade"
        with join(still, f"/stream?streams={quote(stream, safe='')}") as client:
            still.publish(stream, "[]")
            assert hear(client)["stream"] == stream

    def test_microseconds_make_times_longer(self, still: Simulator) -> None:
        with join(still, "/ws/a@trade?timeUnit=MICROSECOND") as client:
            still.publish("a@trade", '{"e":"trade","E":1672515782136,"t":12345,"q":"1"}')
            assert hear(client) == {"e": "trade", "E": 1672515782136000, "t": 12345, "q": "1"}

    def test_only_loopback_is_served(self) -> None:
        with pytest.raises(RuntimeError):
            Simulator("--host", "0.0.0.0")  # noqa: S104 - that it is refused is the point


class TestControlMessages:
    def test_subscribing_and_unsubscribing(self, still: Simulator) -> None:
        with join(still, "/ws") as client:
            names = ["btcusdt@trade", "ethusdt@trade"]
            assert ask(client, method="SUBSCRIBE", params=names, id=1) == {"result": None, "id": 1}
            assert ask(client, method="UNSUBSCRIBE", params=names[:1], id="b2")["id"] == "b2"
            assert ask(client, method="LIST_SUBSCRIPTIONS", id=None)["result"] == names[1:]
            still.publish("btcusdt@trade", "[1]")
            still.publish("ethusdt@trade", "[2]")
            assert hear(client) == [2]

    def test_upper_case_unknown_and_retired_streams_are_acknowledged_and_silent(
        self, simulator: Simulator
    ) -> None:
        names = ["BTCUSDT@miniTicker", "nosuch@ticker", "btcusdt@nosuch", "!ticker@arr"]
        with join(simulator, "/ws") as client:
            assert ask(client, method="SUBSCRIBE", params=names, id=1)["result"] is None
            assert ask(client, method="LIST_SUBSCRIPTIONS", id=2)["result"] == names
            hear_nothing(client, SILENCE)

    def test_combined_is_a_property(self, still: Simulator) -> None:
        with join(still, "/ws/a@trade") as client:
            assert ask(client, method="GET_PROPERTY", params=["combined"], id=1)["result"] is False
            ask(client, method="SET_PROPERTY", params=["combined", True], id=2)
            still.publish("a@trade", "[]")
            assert hear(client) == {"stream": "a@trade", "data": []}

    @pytest.mark.parametrize(
        ("request_text", "code", "msg"),
        [
            ("{nonsense", 3, "Invalid JSON: "),
            ('{"method":"NOPE","id":7}', 2, "Invalid request: unknown variant `NOPE`, expected"),
            ('{"id":7}', 2, "Invalid request: missing field `method`"),
            ('{"method":"SUBSCRIBE","id":[]}', 2, "Invalid request: request ID must be"),
            ('{"method":"GET_PROPERTY","params":[1],"id":7}', 2, "Invalid request: property name"),
            ('{"method":"GET_PROPERTY","params":["x"],"id":7}', 0, "Unknown property"),
            (
                '{"method":"SET_PROPERTY","params":["combined",1],"id":7}',
                1,
                "Invalid value type: expected Boolean",
            ),
            (
                '{"method":"SET_PROPERTY","params":["combined",true,1],"id":7}',
                2,
                "Invalid request: too many parameters",
            ),
        ],
    )
    def test_errors_are_nested(
        self, still: Simulator, request_text: str, code: int, msg: str
    ) -> None:
        with join(still, "/ws") as client:
            client.send(request_text)
            reply = hear(client)
            assert reply["error"]["code"] == code
            assert reply["error"]["msg"].startswith(msg)
            assert ("id" in reply) == (code != 3)

    def test_message_over_4096_bytes_is_cut_off(self, still: Simulator) -> None:
        with join(still, "/ws") as client:
            reply = ask(client, method="SUBSCRIBE", params=["a" * 4096], id=1)
            assert reply["error"]["msg"].endswith("line 1 column 4096")

    def test_more_than_1024_streams_end_the_connection(self, still: Simulator) -> None:
        names = "/".join(f"a{number}@trade" for number in range(500))
        with join(still, f"/ws/{names}") as client:
            for start in (500, 770):
                more = [f"a{number}@b" for number in range(start, start + 270)]
                client.send(json.dumps({"method": "SUBSCRIBE", "params": more, "id": 1}))
            assert hear(client)["result"] is None
            assert hear(client)["error"]["code"] == 4
            assert hear_close(client) == (1008, "Invalid request")

    def test_six_messages_in_a_second_end_the_connection(self, still: Simulator) -> None:
        with join(still, "/ws") as client:
            for number in range(6):
                client.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": number}))
            assert hear_close(client) == (1008, "Too many requests")

    def test_pings_count_as_messages(self, still: Simulator) -> None:
        with join(still, "/ws") as client:
            for _ in range(6):
                client.ping()
            assert hear_close(client) == (1008, "Too many requests")


class TestTally:
    def test_attempts_and_control_messages_are_counted_by_address(self) -> None:
        with Simulator("--market", "still") as simulator:
            with join(simulator, "/ws/a@trade") as client:
                client.ping().wait(WAIT)
                ask(client, method="SUBSCRIBE", params=["b@trade"], id=1)
                ask(client, method="LIST_SUBSCRIPTIONS", id=2)
            other = ("127.0.0.2", 0)
            with connect(f"{simulator.url}/ws", source_address=other) as client:
                ask(client, method="LIST_SUBSCRIPTIONS", id=1)
            simulator.fault("refuse-503")
            with pytest.raises(InvalidStatus):
                connect(f"{simulator.url}/ws", source_address=other)
            status = simulator.status()
        assert status["attempts"] == {"127.0.0.1": 1, "127.0.0.2": 2}
        assert status["control_messages"] == {"127.0.0.1": 2, "127.0.0.2": 1}
        assert status["accepted"] == 2
        assert status["too_many"] == 0

    def test_rest_calls_are_counted_by_path(self) -> None:
        with Simulator("--market", "still") as simulator:
            simulator.get("/api/v3/ticker/24hr", type="MINI")
            simulator.get("/api/v3/ticker/24hr")
            simulator.fault("rest-down")
            simulator.get("/api/v3/ping")
            status = simulator.status()
        assert status["rest_calls"] == {"/api/v3/ticker/24hr": 2, "/api/v3/ping": 1}
        assert status["attempts"] == {}

    def test_what_exceeds_a_limit_is_counted_once(self) -> None:
        many = "/".join(f"{number:x}@t" for number in range(1025))  # a URL has at most 8 KiB
        with Simulator("--market", "still") as simulator:
            with join(simulator, "/ws") as client:
                for _ in range(9):
                    client.ping()
                hear_close(client)
            assert simulator.status()["too_many"] == 1
            with join(simulator, f"/ws/{many[: many.rindex('/')]}") as client:
                client.send('{"method":"SUBSCRIBE","params":["b@trade"],"id":1}')
                hear_close(client)
            assert simulator.status()["too_many"] == 2
            with pytest.raises(InvalidStatus):
                join(simulator, f"/ws/{many}")
            assert simulator.status()["too_many"] == 3


class TestLifetime:
    def test_missing_pong_ends_the_connection(self) -> None:
        clocks = ("--ping-interval", "0.1", "--pong-timeout", "0.3")
        with (
            Simulator("--market", "still", *clocks) as simulator,
            join(simulator, "/ws") as client,
        ):
            client.protocol.receive_data = lambda data: _receive_without_pong(client, data)  # type: ignore[method-assign]
            assert hear_close(client) == (1008, "Pong timeout")

    def test_data_goes_on_between_the_announcement_and_the_end(self) -> None:
        clocks = ("--shutdown-after", "0.1", "--shutdown-notice", "0.5")
        market = ("--market", "clock", "--symbols", "1", "--hz", "50")
        with (
            Simulator(*market, *clocks) as simulator,
            join(simulator, "/ws/!miniTicker@arr") as client,
        ):
            messages, closed = hear_until_closed(client)
        kinds = [type(json.loads(message)) for message in messages]
        assert kinds.count(dict) == 1
        assert list in kinds[kinds.index(dict) :]
        assert closed.rcvd is not None
        assert closed.rcvd.code == 1001

    @pytest.mark.parametrize(
        ("path", "wrap"), [("/ws/a@b", lambda x: x), ("/stream?streams=a@b", lambda x: x["data"])]
    )
    def test_shutdown_is_announced_before_the_end(self, path: str, wrap: Any) -> None:
        clocks = ("--shutdown-after", "0", "--shutdown-notice", "0.2")
        with Simulator("--market", "still", *clocks) as simulator, join(simulator, path) as client:
            message = hear(client)
            assert wrap(message)["e"] == "serverShutdown"
            assert message is wrap(message) or message["stream"] == "!serverShutdown"
            assert hear_close(client) == (1001, "")


class TestSyntheticMarket:
    def test_a_new_client_gets_a_frame_at_once_and_then_others(self, simulator: Simulator) -> None:
        with join(simulator, "/ws/!miniTicker@arr") as client:
            frames = [hear(client) for _ in range(3)]
        for frame in frames:
            assert 300 < len(frame) < 700
            assert len({entry["s"] for entry in frame}) == len(frame)
            times = [entry["E"] for entry in frame]
            assert max(times) - min(times) < 2000  # ms
        # The very first frame after a start holds every symbol's state of that moment.
        spread = [entry["E"] for entry in frames[-1]]
        assert spread != sorted(spread)
        for entry in (entry for frame in frames for entry in frame):
            values = [entry[key] for key in "cohlvq"]
            assert all(len(value.partition(".")[2]) == 8 for value in values)
            assert float(entry["l"]) <= float(entry["o"]) <= float(entry["h"])
            assert float(entry["l"]) <= float(entry["c"]) <= float(entry["h"])
            mean = float(entry["q"]) / float(entry["v"])
            assert float(entry["l"]) * 0.999 <= mean <= float(entry["h"]) * 1.001

    def test_symbols_look_real(self, simulator: Simulator) -> None:
        prices = {p["symbol"]: p["price"] for p in simulator.get("/api/v3/ticker/price").json()}
        names = {"BTCUSDT", "ETHUSDT", "ETHBTC", "1INCHUSDT", "1000SATSUSDT", "币安人生USDT"}
        assert names <= prices.keys()
        assert len(prices) >= 1300

    def test_all_symbols_can_be_made_to_trade(self) -> None:
        with (
            Simulator("--symbols", "50", "--activity", "1") as simulator,
            join(simulator, "/ws/!miniTicker@arr") as client,
        ):
            assert len(hear(client)) == 50

    def test_streams_have_their_keys(self, simulator: Simulator) -> None:
        awaited = dict.fromkeys(KEYS, 1)
        names = quote("/".join(KEYS), safe="")
        with join(simulator, f"/stream?streams={names}") as client:
            while any(count > 0 for count in awaited.values()):
                message = hear(client)
                assert message["data"].keys() == set(KEYS[message["stream"]].split())
                awaited[message["stream"]] -= 1

    def test_candle_ends_and_the_next_begins(self, simulator: Simulator) -> None:
        with join(simulator, "/ws/btcusdt@kline_1s") as client:
            candles = [hear(client)["k"] for _ in range(4)]
        closed = next(n for n, candle in enumerate(candles) if candle["x"])
        assert candles[closed + 1]["t"] == candles[closed]["T"] + 1


class TestClock:
    def test_price_is_the_time(self) -> None:
        options = ("--market", "clock", "--symbols", "5", "--hz", "50", "--per-frame", "2")
        with Simulator(*options) as simulator, join(simulator, "/ws/!miniTicker@arr") as client:
            frames = [hear(client) for _ in range(4)]
            now = time.monotonic()
        symbols = [[entry["s"] for entry in frame] for frame in frames]
        assert symbols[:3] == [["BTCUSDT", "C0001USDT"], ["C0002USDT", "C0003USDT"], ["C0004USDT"]]
        assert symbols[3] == symbols[0]
        prices = [entry["c"] for frame in frames for entry in frame]
        assert all(len(price.partition(".")[2]) == 9 for price in prices)
        assert [float(price) for price in prices] == sorted(map(float, prices))
        assert float(prices[-1]) <= now

    def test_every_symbol_has_streams_of_its_own(self) -> None:
        options = ("--market", "clock", "--symbols", "3", "--hz", "50")
        names = ("btcusdt@trade", "c0002usdt@trade", "c0002usdt@miniTicker", "!miniTicker@arr")
        heard: dict[str, list[Any]] = {name: [] for name in names}
        with (
            Simulator(*options) as simulator,
            join(simulator, f"/stream?streams={'/'.join(names)}") as client,
        ):
            while any(len(payloads) < 5 for payloads in heard.values()):
                message = hear(client)
                heard[message["stream"]].append(message["data"])
            now = time.monotonic()
        for name in names[:2]:
            trades = heard[name]
            assert {trade["s"] for trade in trades} == {name.partition("@")[0].upper()}
            assert [trade["t"] for trade in trades] == list(range(1, len(trades) + 1))
            assert trades[0].keys() == set(KEYS["btcusdt@trade"].split())
            prices = [float(trade["p"]) for trade in trades]
            assert prices == sorted(prices)
            assert prices[-1] <= now
        mini = heard["c0002usdt@miniTicker"][0]
        assert mini["s"] == "C0002USDT"
        assert mini.keys() == heard["!miniTicker@arr"][0][0].keys()

    def test_no_trade_is_counted_while_a_symbol_is_halted(self) -> None:
        options = ("--market", "clock", "--symbols", "1", "--hz", "50")
        with Simulator(*options) as simulator, join(simulator, "/ws/btcusdt@trade") as client:
            numbers = [hear(client)["t"]]
            simulator.listing(halt="BTCUSDT")
            with suppress(TimeoutError):  # what was under way still arrives
                while True:
                    numbers.append(json.loads(client.recv(timeout=SILENCE))["t"])
            simulator.listing(resume="BTCUSDT")
            numbers.append(hear(client)["t"])
        assert numbers == list(range(1, len(numbers) + 1))


class TestRest:
    def test_day_tickers_can_leave_out_the_delisted(self, simulator: Simulator) -> None:
        path = "/api/v3/ticker/24hr"
        answer = simulator.get(path, type="MINI", symbolStatus="TRADING")
        assert len(answer.json()) == 1300
        assert int(answer.headers["X-MBX-USED-WEIGHT-1M"]) >= 80
        everything = {day["symbol"]: day for day in simulator.get(path).json()}
        assert everything["BCCUSDT"]["lastPrice"] == "0.00000000"
        one = simulator.get(path, symbol="BTCUSDT").json()
        assert float(one["lowPrice"]) <= float(one["lastPrice"]) <= float(one["highPrice"])
        several = simulator.get(path, symbols='["ETHUSDT","BTCUSDT"]').json()
        assert [day["symbol"] for day in several] == ["ETHUSDT", "BTCUSDT"]

    def test_candles_are_the_same_whenever_asked(self, simulator: Simulator) -> None:
        query = {"symbol": "BTCUSDT", "interval": "1m", "limit": "20"}
        first, second = (simulator.get("/api/v3/klines", **query).json() for _ in range(2))
        closed = {candle[0]: candle[1:5] for candle in first[:-1]}
        assert len(first) == 20
        assert all(closed.get(c[0], c[1:5]) == c[1:5] for c in second[:-1])
        for candle, following in pairwise(first):
            opened, highest, lowest, last = map(float, candle[1:5])
            assert lowest <= min(opened, last) <= max(opened, last) <= highest
            assert candle[6] + 1 == following[0]
            assert float(following[1]) == pytest.approx(last, rel=1e-3)

    def test_candles_between_two_times(self, simulator: Simulator) -> None:
        hour = 3_600_000
        end = int(simulator.get("/api/v3/time").json()["serverTime"]) // hour * hour
        query = {"startTime": str(end - 3 * hour), "endTime": str(end - 1)}
        answer = simulator.get("/api/v3/klines", symbol="ETHUSDT", interval="1h", **query)
        assert [candle[0] for candle in answer.json()] == [end - n * hour for n in (3, 2, 1)]

    @pytest.mark.parametrize(
        ("path", "query", "code"),
        [
            ("/api/v3/ticker/price", {"symbol": "NOPE"}, -1121),
            ("/api/v3/ticker/24hr", {"symbols": "nonsense"}, -1100),
            ("/api/v3/ticker/24hr", {"symbol": "BTCUSDT", "symbols": "[]"}, -1128),
            ("/api/v3/klines", {"interval": "1m"}, -1102),
            ("/api/v3/klines", {"symbol": "NOPE", "interval": "1m"}, -1121),
            ("/api/v3/klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
        ],
    )
    def test_errors(
        self, simulator: Simulator, path: str, query: dict[str, str], code: int
    ) -> None:
        answer = simulator.get(path, **query)
        assert answer.status_code == 400
        assert answer.json()["code"] == code

    @pytest.mark.parametrize("call", ["ticker/bookTicker", "exchangeInfo", "ping", "time"])
    def test_other_calls_answer(self, simulator: Simulator, call: str) -> None:
        assert simulator.get(f"/api/v3/{call}").status_code == 200


def _receive_without_pong(client: ClientConnection, data: bytes) -> None:
    type(client.protocol).receive_data(client.protocol, data)
    client.protocol.writes = [
        wire for wire in client.protocol.writes if not wire or wire[0] & 0x0F != 0x0A
    ]
