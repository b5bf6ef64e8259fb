"""The exchange's candles by REST: exactly what it said, and nothing that makes no sense."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from relay.exchange import api as api_module
from relay.exchange import klines as klines_module
from relay.exchange.api import Api, RestError
from relay.exchange.klines import InvalidSymbol, Klines, Wanted, klines
from relay.history.interval import SECONDS
from relay.kline import Kline
from tests.clocks import SetClock
from tests.exchange import Simulator
from tests.scripted_api import Said, ScriptedApi, row, rows_of, said

MINUTE = 60_000
START = 1_700_000_000_000 // MINUTE * MINUTE
LIMIT = 10
WANTED = Wanted("BTCUSDT", "1m", MINUTE, LIMIT, START + LIMIT * MINUTE, START)
NEWEST = WANTED._replace(start=None)


def heard(answer: Said, wanted: Wanted = WANTED) -> Klines:
    """What is made of this answer."""
    with ScriptedApi(lambda _: answer) as exchange:
        return klines(Api(exchange.url), wanted)


def error_of(answer: Said, wanted: Wanted = WANTED) -> RestError:
    with pytest.raises(RestError) as raised:
        heard(answer, wanted)
    return raised.value


def times(answer: Klines) -> list[int]:
    return [(kline.time - START) // MINUTE for kline in answer.klines]


def test_values_are_kept_exactly_as_received() -> None:
    values = row(START, v1="0.00002000", v2="0.00002100", v3="0.0000100", v4="0.0000101")
    assert heard(said([values])).klines == [
        Kline(START, "0.00002000", "0.00002100", "0.0000100", "0.0000101", "10.5", "25.25", 7)
    ]


@pytest.mark.parametrize("symbol", ["BTCUSDT", "币安人生USDT", "1000SATSUSDT"])
def test_it_is_asked_for_in_the_exchange_s_own_words(symbol: str) -> None:
    with ScriptedApi(rows_of) as exchange:
        found = klines(Api(exchange.url), WANTED._replace(symbol=symbol))
    assert times(found) == list(range(LIMIT))
    assert exchange.asked == [
        {
            "symbol": symbol,
            "interval": "1m",
            "limit": "10",
            "startTime": str(START),
            "endTime": str(START + LIMIT * MINUTE - 1),
        }
    ]
    assert exchange.paths[0].isascii()
    assert exchange.paths[0].startswith("/api/v3/klines?")


def test_the_newest_are_asked_for_without_a_time() -> None:
    with ScriptedApi(lambda query: rows_of(query, end=START)) as exchange:
        found = klines(Api(exchange.url), NEWEST)
    assert exchange.asked == [{"symbol": "BTCUSDT", "interval": "1m", "limit": "10"}]
    assert times(found) == list(range(-LIMIT + 1, 1))


def test_a_symbol_that_was_not_listed_yet_has_no_candles() -> None:
    found = heard(said([]))
    assert (found.klines, found.dropped) == ([], 0)


def test_candles_of_a_simulator_are_told_apart() -> None:
    assert heard(said([row(START)], X_Relay_Simulator="1")).simulated
    assert not heard(said([row(START)])).simulated


def test_an_invalid_symbol_is_told_apart_from_other_errors() -> None:
    with pytest.raises(InvalidSymbol):
        heard(said({"code": -1121, "msg": "Invalid symbol."}, 400))
    error = error_of(said({"code": -1120, "msg": "Invalid interval."}, 400))
    assert (error.status, error.code) == (400, -1120)
    assert error_of(said({"code": -1121}, 503)).status == 503


WRONG_BODIES = {
    "nothing": b"",
    "no JSON": b"<html>",
    "a list": b"[-1121]",
    "a text": b'{"code":"-1121"}',
    "deep": b"[" * 4000,
    "long": b" " * 2_000_000 + b'{"code":-1121}',
    "digits": b'{"code":' + b"9" * 4000 + b"}",
    "many digits": b'{"code":-' + b"9" * 50 + b"}",
    "no text": b"\xff\xfe",
}


@pytest.mark.parametrize("body", WRONG_BODIES.values(), ids=WRONG_BODIES.keys())
def test_an_error_that_says_rubbish_is_an_error(body: bytes) -> None:
    error = error_of(Said(body, 400))
    assert (error.status, error.code) == (400, 0)


def test_a_status_counts_though_its_body_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module.http_limits, "_REASON_SECONDS", 0.05)
    monkeypatch.setattr(api_module, "ANSWER_SECONDS", 0.5)
    error = error_of(Said(b"{", 429, {"Content-Length": "100", "Retry-After": "17"}))
    assert (error.status, error.retry_after) == (429, 17)


BAD = [
    "NaN",
    "-1",
    "1e5",
    "",
    " 1",
    "1.",
    None,
    2,
    2.0,
    True,
    [],
    {},
    "1" * 25,
    "\uff11",
    "x" * 500,
]
BAD_VALUES = [
    *((f"v{place}", value) for place in (1, 2, 3, 4, 5, 7) for value in BAD),
    *(("v8", value) for value in ("7", -1, 7.5, None, True, 2**63, 10**30, [])),
    *(("v0", value) for value in ("now", -MINUTE, None, True, 10**30, START + MINUTE + 1, 0.5)),
]


@pytest.mark.parametrize(("place", "value"), BAD_VALUES)
def test_a_row_with_a_bad_value_costs_itself(place: str, value: object) -> None:
    rows = [row(START), row(START + MINUTE, **{place: value}), row(START + 2 * MINUTE)]
    found = heard(said(rows))
    assert times(found) == [0, 2]
    assert found.dropped == 1


DISORDER = {
    "low above open": {"v3": "2.01"},
    "low above close": {"v3": "2.6", "v1": "2.7"},
    "high below open": {"v2": "2.99999999", "v1": "3.00000000"},
    "high below close": {"v2": "2.4999"},
    "low above high": {"v1": "5", "v2": "4", "v3": "5", "v4": "5"},
    "by the last digit": {"v1": "0.300000000000000001", "v2": "0.3", "v3": "0.1", "v4": "0.2"},
    "zero": {"v1": "0.00", "v2": "0.00", "v3": "0.00", "v4": "0.00"},
    "more digits than we hold": {"v2": "3." + "0" * 20},
}


@pytest.mark.parametrize("changed", DISORDER.values(), ids=DISORDER.keys())
def test_a_row_whose_prices_contradict_each_other_costs_itself(changed: dict[str, str]) -> None:
    found = heard(said([row(START, **changed), row(START + MINUTE)]))
    assert times(found) == [1]


def test_prices_of_different_lengths_are_compared_as_numbers() -> None:
    same = row(START, v1="10", v2="10.000", v3="10.0", v4="10.00")
    apart = row(START + MINUTE, v1="9.5", v2="10", v3="9.4999", v4="9.5000")
    assert times(heard(said([same, apart]))) == [0, 1]


@pytest.mark.parametrize("odd", [7, None, "row", {}, [], [START + MINUTE], [[]] * 9])
def test_what_is_no_row_costs_itself(odd: object) -> None:
    rows = [row(START), odd, row(START + 2 * MINUTE)]
    assert times(heard(said(rows), WANTED._replace(limit=30))) == [0, 2]


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        ([0, 2, 1, 3], [0, 2, 3]),
        ([0, 0, 1], [0, 1]),
        ([-1, 0, 1], [0, 1]),
        ([0, 10, 1], [0, 1]),
        ([0, 10**6, 1], [0, 1]),
    ],
)
def test_times_that_are_out_of_order_or_were_not_asked_for_are_left_out(
    came: list[int], kept: list[int]
) -> None:
    found = heard(said([row(START + number * MINUTE) for number in came]))
    assert (times(found), found.dropped) == (kept, len(came) - len(kept))


def test_times_in_microseconds_are_understood() -> None:
    assert times(heard(said([row(START * 1000)]))) == [0]


RUBBISH: dict[str, Callable[[], Said]] = {
    "nothing": lambda: Said(b""),
    "no JSON": lambda: Said(b"\xff\x00"),
    "no list": lambda: said({"code": 0}),
    "no rows": lambda: said([7, None]),
    "bad rows only": lambda: said([row(START, v1="NaN"), row(START + MINUTE, v1="NaN")]),
    "deep": lambda: Said(b"[" * 5000),
    "deep in a row": lambda: Said(b'[{"x":' * 1000),
    "more than asked for": lambda: said([row(START + number * MINUTE) for number in range(11)]),
    "empty rows": lambda: Said(b"[" + b"[]," * 2000 + b"[]]"),
    "empty lists in a row": lambda: said([row(START), [[]] * 2000]),
    "many values": lambda: Said(b"[" + b"1," * 4000 + b"1]"),
    "many digits": lambda: Said(b"[[" + b"9" * 5000 + b"]]"),
    "giant": lambda: Said(b"[" + b" " * (40 << 20) + b"]"),
    "giant without length": lambda: Said(b" " * (4 << 20), 200, {"Content-Length": "-1"}),
    "redirect": lambda: Said(b"", 302, {"Location": "http://127.0.0.1:1/"}),
    "no content": lambda: Said(b"", 204),
}


@pytest.mark.parametrize("answer", RUBBISH.values(), ids=RUBBISH.keys())
def test_rubbish_is_no_answer(answer: Callable[[], Said]) -> None:
    assert str(error_of(answer()))


def test_an_answer_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "ANSWER_SECONDS", 0.1)
    with ScriptedApi(rows_of) as exchange:
        exchange.silent = True
        with pytest.raises(RestError):
            klines(Api(exchange.url), WANTED)
    assert str(error_of(Said(b"[", 200, {"Content-Length": "9"})))


def test_the_longest_answer_that_is_asked_for_is_taken() -> None:
    values: dict[str, Any] = {f"v{place}": "1234567890.12345678" for place in (1, 2, 3, 4, 5, 7)}
    wanted = WANTED._replace(limit=720, before=START + 720 * MINUTE)
    rows = [row(START + n * MINUTE, v9="9" * 24, v10="9" * 24, **values) for n in range(720)]
    body = json.dumps(rows, indent=4).encode()
    assert len(body) < 720 * klines_module.MAX_ROW_BYTES
    assert len(heard(Said(body), wanted).klines) == 720


def test_what_was_spent_is_read_from_every_answer() -> None:
    for status in (200, 400, 503):
        with ScriptedApi(lambda _, s=status: said([], s, X_MBX_USED_WEIGHT_1M="1234")) as exchange:
            api = Api(exchange.url, SetClock())
            try:
                klines(api, WANTED)
            except RestError:
                assert status != 200
        assert api.weight.used == 1234


@pytest.mark.parametrize("used", ["", "-5", "1e9", "9" * 400, "\u00b2", "much"])
def test_a_weight_that_makes_no_sense_leaves_our_own_count(used: str) -> None:
    headers = {"X-MBX-USED-WEIGHT-1M": used}
    with ScriptedApi(lambda _: Said(b"[]", 200, headers)) as exchange:
        api = Api(exchange.url, SetClock())
        klines(api, WANTED)
    assert api.weight.used == klines_module.WEIGHT


DATES = {
    "Tue, 14 Nov 2023 22:13:17 GMT": 1_699_999_997_000,
    "Tue, 14 Nov 2023 22:13:17 -0000": 1_699_999_997_000,
    "Wed, 15 Nov 2023 00:13:17 +0200": 1_699_999_997_000,
    "Wed, 15 Nov 2023 22:13:19 GMT": 1_700_086_399_000,
    "Wed, 15 Nov 2023 22:13:22 GMT": None,
    "Tue, 14 Nov 2022 22:13:17 GMT": None,
    "": None,
    "now": None,
    "1700000000": None,
    "Tue, 99 Nov 2023 22:13:17 GMT": None,
    "Tue, 14 Nov 2023 22:13:17 +9999999999": None,
    "Tue, 14 Nov 99999999999 22:13:17 GMT": None,
    "Tue, 14 Nov 0001 00:00:00 +2359": None,
    "Tue, 14 Nov " + "9" * 5000 + " 22:13:17 GMT": None,
    "," * 5000: None,
}


@pytest.mark.parametrize("date", DATES, ids=lambda date: repr(date[:40]))
def test_the_date_of_an_answer_is_told_where_it_is_within_a_day_of_our_clock(date: str) -> None:
    with ScriptedApi(lambda _: Said(b"[]", 200, {"Date": date})) as exchange:
        assert klines(Api(exchange.url, SetClock()), WANTED).date == DATES[date]


def test_every_interval_is_read_from_the_simulator() -> None:
    with Simulator("--symbols", "20") as simulator:
        api = Api(simulator.http)
        for interval, seconds in SECONDS.items():
            length = seconds * 1000
            start = START // length * length
            wanted = Wanted("BTCUSDT", interval, length, 50, start + 50 * length, start)
            found = klines(api, wanted)
            assert found.simulated
            assert found.dropped == 0
            assert [kline.time for kline in found.klines][:2] == [start, start + length]
        with pytest.raises(InvalidSymbol):
            klines(api, WANTED._replace(symbol="NOSUCH"))
