"""Everything Binance may say, and what becomes of it. Payloads are those of Binance's documentation."""

import json

import msgspec
import pytest

from relay.exchange.failure import FeedError
from relay.exchange.messages import Remark, normalise
from relay.exchange.reading import Reading
from relay.ticker import Ticker

NOW = 1_700_000_000_000
E = 1672515782136

TRADE = {
    "e": "trade",
    "E": E,
    "s": "BNBBTC",
    "t": 12345,
    "p": "0.001",
    "q": "100",
    "T": E,
    "m": True,
}
AGG_TRADE = TRADE | {"e": "aggTrade", "a": 12345, "f": 100, "l": 105}
KLINE = {
    "e": "kline",
    "E": E,
    "s": "BNBBTC",
    "k": {"t": 1, "T": 2, "s": "BNBBTC", "i": "1m", "o": "0.0010", "c": "0.0020", "x": False},
}
MINI = {
    "e": "24hrMiniTicker",
    "E": E,
    "s": "BNBBTC",
    "c": "0.0025",
    "o": "0.0010",
    "h": "0.0025",
    "l": "0.0010",
    "v": "10000",
    "q": "18",
}
TICKER = MINI | {
    "e": "24hrTicker",
    "p": "0.0015",
    "P": "250.00",
    "w": "0.0018",
    "b": "0.0024",
    "B": "10",
    "a": "0.0026",
    "A": "100",
    "n": 18151,
}
ROLLING = {k: v for k, v in TICKER.items() if k not in "bBaA"} | {"e": "1hTicker"}
BOOK = {
    "u": 400900217,
    "s": "BNBUSDT",
    "b": "25.35190000",
    "B": "31.2",
    "a": "25.36520000",
    "A": "40",
}
AVERAGE = {"e": "avgPrice", "E": E, "s": "BTCUSDT", "i": "5m", "w": "25776.86000000", "T": E}
REFERENCE = {"e": "referencePrice", "s": "BAZUSD", "r": "1.00", "t": E}
BLOCK = {"e": "blockTrade", "E": E, "s": "BNBBTC", "t": 582, "p": "0.052", "q": "5838", "m": True}
PARTIAL_DEPTH = {"lastUpdateId": 160, "bids": [["0.0024", "10"]], "asks": [["0.0026", "100"]]}
DEPTH = {"e": "depthUpdate", "E": E, "s": "BNBBTC", "U": 157, "u": 160, "b": [["1", "2"]], "a": []}
SHUTDOWN = {"e": "serverShutdown", "E": E}


def read(payload: object) -> tuple[list[Ticker], list[Remark]]:
    message = normalise(json.dumps(payload, ensure_ascii=False).encode(), NOW)
    return message.tickers, message.remarks


@pytest.mark.parametrize(
    ("payload", "symbol", "price", "event_time"),
    [
        (TRADE, "BNBBTC", "0.001", E),
        (AGG_TRADE, "BNBBTC", "0.001", E),
        (KLINE, "BNBBTC", "0.0020", E),
        (MINI, "BNBBTC", "0.0025", E),
        (TICKER, "BNBBTC", "0.0025", E),
        (ROLLING, "BNBBTC", "0.0025", E),
        (BOOK, "BNBUSDT", "25.35190000", None),
        (AVERAGE, "BTCUSDT", "25776.86000000", E),
        (REFERENCE, "BAZUSD", "1.00", E),
        (BLOCK, "BNBBTC", "0.052", E),
    ],
    ids=lambda value: value.get("e", "bookTicker") if isinstance(value, dict) else "",
)
@pytest.mark.parametrize("combined", [False, True], ids=["raw", "combined"])
@pytest.mark.parametrize("array", [False, True], ids=["object", "array"])
def test_every_payload_with_a_price_becomes_a_ticker(
    payload: dict[str, object],
    symbol: str,
    price: str,
    event_time: int | None,
    combined: bool,
    array: bool,
) -> None:
    data: object = [payload] if array else payload
    tickers, remarks = read({"stream": "x", "data": data} if combined else data)
    assert remarks == []
    (ticker,) = tickers
    assert (ticker.symbol, ticker.price, ticker.event_time) == (symbol, price, event_time)
    assert ticker.received_time == NOW
    assert ticker.stream == payload.get("e", "bookTicker")


@pytest.mark.parametrize(("made", "time"), [(E - 90, E - 90), (None, E), ("x", E), (-1, E)])
def test_a_trade_has_the_time_at_which_it_was_made(made: object, time: int) -> None:
    (ticker,), _ = read({"e": "trade", "E": E, "s": "BNBBTC", "t": 1, "p": "0.5", "T": made})
    assert ticker.event_time == time


def test_the_24_hours_fields_are_kept_where_the_stream_has_them() -> None:
    (ticker,), _ = read(TICKER)
    assert (ticker.open, ticker.high, ticker.low) == ("0.0010", "0.0025", "0.0010")
    assert (ticker.volume, ticker.quote_volume, ticker.trades) == ("10000", "18", 18151)
    assert (ticker.change, ticker.change_percent) == ("0.0015", "250.00")
    assert (ticker.bid, ticker.ask) == ("0.0024", "0.0026")
    (mini,), _ = read(MINI)
    assert (mini.open, mini.change, mini.bid) == ("0.0010", None, None)


def test_one_hours_figures_are_not_taken_for_those_of_24() -> None:
    (ticker,), _ = read(ROLLING)
    assert (ticker.open, ticker.high, ticker.volume) == (None, None, None)


def test_microseconds_become_milliseconds() -> None:
    (ticker,), _ = read(TRADE | {"E": E * 1000})
    assert ticker.event_time == E


@pytest.mark.parametrize("symbol", ["1INCHUSDT", "1000SATSUSDT", "币安人生USDT", "这是测试币456"])
def test_symbols_of_any_alphabet_and_digits_first(symbol: str) -> None:
    (ticker,), remarks = read([MINI | {"s": symbol}])
    assert (ticker.symbol, remarks) == (symbol, [])


@pytest.mark.parametrize(
    ("payload", "remark"),
    [
        (DEPTH, Remark.DEPTH),
        (PARTIAL_DEPTH, Remark.DEPTH),
        ({"stream": "bnbbtc@depth5", "data": PARTIAL_DEPTH}, Remark.DEPTH),
        (SHUTDOWN, Remark.SHUTDOWN),
        ({"stream": "!serverShutdown", "data": SHUTDOWN}, Remark.SHUTDOWN),
        ({"result": None, "id": 1}, Remark.ACK),
        ({"result": ["btcusdt@trade"], "id": 3}, Remark.ACK),
        ({"code": 2, "msg": "Invalid request", "id": 1}, Remark.ERROR),
        ({"error": {"code": 2, "msg": "Invalid request"}, "id": 2}, Remark.ERROR),
        ({"error": {"code": 3, "msg": "Invalid JSON"}}, Remark.ERROR),
        ({"error": None, "code": None, "id": 1}, Remark.UNKNOWN_EVENT),
        ({"e": "tomorrow", "s": "BNBBTC"}, Remark.UNKNOWN_EVENT),
        ({}, Remark.UNKNOWN_EVENT),
        (REFERENCE | {"r": None}, Remark.NO_PRICE),
        ({k: v for k, v in TRADE.items() if k != "p"}, Remark.NO_PRICE),
        ({k: v for k, v in TRADE.items() if k != "s"}, Remark.MALFORMED),
        (TRADE | {"p": 0.001}, Remark.MALFORMED),
        (TRADE | {"p": "1e-3"}, Remark.MALFORMED),
        (TRADE | {"p": "-1"}, Remark.MALFORMED),
        (TRADE | {"p": ""}, Remark.MALFORMED),
        (TRADE | {"s": 'X","price":"1'}, Remark.MALFORMED),
        (TRADE | {"s": "X" * 33}, Remark.MALFORMED),
        (KLINE | {"k": None}, Remark.MALFORMED),
        ({"stream": "x", "data": None}, Remark.MALFORMED),
        (5, Remark.MALFORMED),
        ("text", Remark.MALFORMED),
        (None, Remark.MALFORMED),
    ],
    ids=str,
)
def test_what_gives_no_price_is_named_and_counted(payload: object, remark: Remark) -> None:
    assert read(payload) == ([], [remark])


WRAPPINGS = [
    '{"stream":"bnbbtc@miniTicker","data":%s}',
    '{"data":%s,"stream":"x"}',
    '{"stream":"x","data":%s,"more":[1]}',
    '{"stream":"x","data":%s,"more":{}}',
    ' { "stream" : "x" , "data" : %s } ',
    '{"stream":"x\\",\\"data\\":5","data":%s}',
    '{"stream":"' + "x" * 500 + '","data":%s}',
    '{"stream":null,"data":%s}',
    '{"stream":"x","data":%s}\n',
]


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("payload", [MINI, [MINI, TRADE]], ids=["object", "array"])
def test_a_payload_is_found_however_it_is_wrapped(wrapping: str, payload: object) -> None:
    message = wrapping % json.dumps(payload)
    assert normalise(message.encode(), NOW) == normalise(json.dumps(payload).encode(), NOW)


@pytest.mark.parametrize("end", ["", "}}", "]}", ",}"])
def test_a_wrapped_message_that_is_no_json_is_malformed(end: str) -> None:
    message = f'{{"stream":"x","data":{json.dumps(MINI)}{end}'
    assert normalise(message.encode(), NOW) == ([], [Remark.MALFORMED], "")


def test_an_errors_own_words_are_kept_within_reason() -> None:
    for error in ({"code": 2, "msg": "Invalid"}, "soon", {"msg": "x" * 1_000_000}):
        said = normalise(json.dumps({"error": error, "id": 1}).encode(), NOW)
        assert said.remarks == [Remark.ERROR]
        msgspec.msgpack.encode(str(FeedError(said.detail)))
        assert len(said.detail) <= 200
    assert str(FeedError("a\nb\ud800")) == "a b "


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"[",
        b'{"e":"trade","E":16725',
        b"\xff\xfe\x00",
        b'[{"e":"24hrMiniTicker"',
        b"\x00" * 100,
    ],
)
def test_truncated_or_binary_messages_are_malformed(message: bytes) -> None:
    assert normalise(message, NOW) == ([], [Remark.MALFORMED], "")


BAD_VALUES: list[tuple[dict[str, object], str]] = [
    ({"E": "now"}, "event_time"),
    ({"E": -5}, "event_time"),
    ({"E": 10**17}, "event_time"),
    ({"E": 10**30}, "event_time"),
    ({"E": -(10**30)}, "event_time"),
    ({"E": True}, "event_time"),
    ({"o": 1}, "open"),
    ({"h": "Infinity"}, "high"),
    ({"l": "abc"}, "low"),
    ({"v": "1" * 60}, "volume"),
    ({"q": "NaN"}, "quote_volume"),
    ({"q": "-1"}, "quote_volume"),
    ({"p": "--1"}, "change"),
    ({"P": "1e100000"}, "change_percent"),
    ({"b": ["1"]}, "bid"),
    ({"a": "1\n"}, "ask"),
    ({"a": "١"}, "ask"),
    ({"n": 10**30}, "trades"),
    ({"n": -1}, "trades"),
    ({"n": True}, "trades"),
    ({"L": 2**63}, "sequence"),
    ({"L": "7"}, "sequence"),
]


@pytest.mark.parametrize(("value", "field"), BAD_VALUES, ids=str)
@pytest.mark.parametrize("array", [False, True], ids=["object", "array"])
def test_a_bad_value_costs_that_value_and_nothing_else(
    value: dict[str, object], field: str, array: bool
) -> None:
    bad = TICKER | value
    tickers, remarks = read([bad, TICKER | {"s": "GOOD"}] if array else bad)
    assert getattr(tickers[0], field) is None
    assert remarks == [Remark.BAD_VALUE]
    (whole, *_), _ = read(TICKER)
    others = set(Ticker.__struct_fields__) - {field}
    assert [getattr(tickers[0], f) for f in others] == [getattr(whole, f) for f in others]
    assert len(tickers) == 1 + array


@pytest.mark.parametrize("key", ["status", "pace", "received_time", "price", "stream", "removed"])
@pytest.mark.parametrize("value", ["HALT", 5, 99_999])
def test_the_relays_own_fields_cannot_be_set_from_outside(key: str, value: object) -> None:
    for kind in (MINI, TICKER):
        assert read([kind | {key: value}, kind]) == read([kind, kind])
        assert read(kind | {key: value}) == read(kind)


def test_whatever_is_read_travels_in_messagepack_and_json() -> None:
    big = 10**30
    for key in (*"EcohlvqpPwrbantuL", "k", "lastUpdateId"):
        for value in (big, -big, [big], {"L": big, "c": "1"}):
            for event in (MINI, TICKER, TRADE, AGG_TRADE, KLINE, BOOK, REFERENCE):
                for ticker in read([event | {key: value}])[0]:
                    msgspec.msgpack.encode(ticker)
                    msgspec.json.encode(ticker)


DEEP = [
    "[" * 200_000,
    '[{"e":"24hrMiniTicker","s":"AUSDT","c":' + "[" * 200_000,
    '{"stream":"x","data":' + '{"a":' * 200_000,
    '{"e":"trade","p":' + "[" * 30_000 + "]" * 30_000 + "}",
    '{"result":' + "[" * 30_000 + "]" * 30_000 + "}",
    '[{"e":"trade","E":' + "9" * 6000 + "}]",
    "[" + "{}," * 5_000_000 + "{}]",
    "[" + "0," * 8_000_000 + "0]",
    '{"e":"trade","p":[' + "[]," * 5_000_000 + "[]]}",
    '[{"e":"trade","p":[' + "[]," * 5_000_000 + "[]]}]",
]


@pytest.mark.parametrize("message", DEEP, ids=range(len(DEEP)))
def test_what_would_take_too_much_is_malformed(message: str) -> None:
    assert normalise(message.encode(), NOW) == ([], [Remark.MALFORMED], "")


def test_one_bad_entry_spoils_nothing_beside_it() -> None:
    tickers, remarks = read([MINI, MINI | {"s": "BAD", "c": 1}, 7, DEPTH, MINI | {"s": 5}, TRADE])
    assert [ticker.price for ticker in tickers] == ["0.0025", "0.001"]
    assert sorted(remarks) == [Remark.DEPTH, Remark.MALFORMED, Remark.MALFORMED, Remark.MALFORMED]


@pytest.mark.parametrize("event", [MINI, TICKER], ids=["mini", "full"])
def test_an_entry_that_names_no_event_is_none_in_an_array_either(event: dict[str, object]) -> None:
    nameless = {letter: value for letter, value in event.items() if letter != "e"}
    assert read(nameless)[0] == read([nameless])[0] == []


def test_a_figure_that_a_mini_ticker_does_not_have_is_none_of_its_figures() -> None:
    with_more = MINI | {"p": "-1", "b": "2", "L": 5}
    assert read(with_more)[0] == read([with_more])[0] == read(MINI)[0]


def test_old_trades_with_order_ids_for_bid_and_ask_are_understood() -> None:
    (ticker,), _ = read(TRADE | {"b": 88, "a": 50})
    assert (ticker.price, ticker.bid) == ("0.001", None)


FIELDS = {"o": "open", "h": "high", "l": "low", "v": "volume", "q": "quote_volume"}


@pytest.mark.parametrize("letter", FIELDS)
@pytest.mark.parametrize(
    "figure", ["1e5", "1E-8", "+1", "-1", "1.", "NaN", "1" * 21, "0." + "1" * 19, "1" * 10_000]
)
@pytest.mark.parametrize("event", [MINI, TICKER], ids=["mini", "full"])
def test_a_figure_of_another_form_or_length_is_left_out_and_counted(
    event: dict[str, object], figure: str, letter: str
) -> None:
    for message in (event | {letter: figure}, [event, event | {letter: figure}]):
        said = normalise(json.dumps(message).encode(), NOW)
        assert getattr(said.tickers[-1], FIELDS[letter]) is None
        assert said.remarks == [Remark.BAD_VALUE]
        assert said.detail == repr(figure[:200])


def test_a_figure_as_long_as_may_be_is_taken() -> None:
    longest = "9" * 20 + "." + "9" * 18
    [made] = normalise(json.dumps(MINI | {"q": longest}).encode(), NOW).tickers
    assert made.quote_volume == longest


def test_a_connection_counts_what_is_left_out_and_says_the_first(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reading = Reading(canary=False)
    for price in ("1", "1e5", "2e5"):
        reading.read(json.dumps([MINI | {"h": price}]).encode(), NOW)
    for symbol in ("S" * 33, "a b"):
        reading.read(json.dumps([MINI, MINI | {"s": symbol}]).encode(), NOW)
    assert reading.counts == {Remark.BAD_VALUE: 2, Remark.MALFORMED: 2}
    assert [record.message for record in caplog.records] == [
        "left out as bad_value: '1e5'; others like it are not told of",
        "left out as malformed; others like it are not told of",
    ]
