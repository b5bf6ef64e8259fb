"""REST: the calls that start-up and history need, in Binance's shapes (BINANCE docs, rest-api)."""

import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from relay.simulator.answer import Answer
from relay.simulator.interval import INTERVALS
from relay.simulator.market import Day
from relay.simulator.register import Register
from relay.simulator.weight import Weight

#: Most candles in one answer; and how many without `limit`.
_MAX_CANDLES = 1000
_DEFAULT_CANDLES = 500

Query = dict[str, str]


def reply(content: Any, status: int = 200) -> Answer:
    """Return status, body and headers of a JSON answer."""
    return status, json.dumps(content, ensure_ascii=False, separators=(",", ":")), {}


class _WrongError(Exception):
    """An error as Binance words it; the HTTP status is 400."""

    def __init__(self, code: int, msg: str) -> None:
        super().__init__(msg)
        self.code = code
        self.msg = msg


class Rest:
    """Answers `/api/v3/...` from the register, and says what each call weighs."""

    def __init__(self, register: Register, weight: Weight) -> None:
        self._register = register
        self._weight = weight
        self._calls: dict[str, Callable[[Query], tuple[int, Any]]] = {
            "/api/v3/ping": lambda _: (1, {}),
            "/api/v3/time": lambda _: (1, {"serverTime": _now()}),
            "/api/v3/exchangeInfo": self._exchange_info,
            "/api/v3/ticker/24hr": self._day_tickers,
            "/api/v3/ticker/price": self._prices,
            "/api/v3/ticker/bookTicker": self._books,
            "/api/v3/klines": self._candles,
        }

    def answer(self, path: str) -> tuple[int, Answer]:
        """Return the weight of a GET, and status, body and headers for its path and query."""
        url = urlsplit(path)
        call = self._calls.get(url.path)
        if call is None:
            return 1, reply({"code": -1, "msg": "Not found."}, 404)
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        try:
            weight, content = call(query)
        except _WrongError as wrong:
            return 1, reply({"code": wrong.code, "msg": wrong.msg}, 400)
        return weight, reply(content)

    def _chosen(self, query: Query) -> list[Day]:
        status = query.get("symbolStatus")
        if "symbol" in query and "symbols" in query:
            raise _WrongError(-1128, "Combination of optional parameters invalid.")
        if "symbol" in query:
            names = [query["symbol"]]
        elif "symbols" in query:
            names = _names(query["symbols"])
        else:
            return [day for day in self._register.days() if status in (None, day.status)]
        days = [day for name in names if (day := self._register.day(name)) is not None]
        if len(days) < len(names):
            raise _WrongError(-1121, "Invalid symbol.")
        matching = [day for day in days if status in (None, day.status)]
        if "symbol" in query and not matching:
            raise _WrongError(-1220, "The symbol's status does not match the symbolStatus.")
        return matching

    def _answer_list(self, query: Query, shape: Callable[[Day], Any]) -> Any:
        shaped = [shape(day) for day in self._chosen(query)]
        return shaped[0] if "symbol" in query else shaped

    def _exchange_info(self, query: Query) -> tuple[int, Any]:
        if "symbolStatus" in query and not query.keys().isdisjoint(("symbol", "symbols")):
            raise _WrongError(-1128, "Combination of optional parameters invalid.")
        sets = [["SPOT"]] if _flag(query, "showPermissionSets", default=True) else []
        limits = [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, self._weight.limit),
            _limit("RAW_REQUESTS", "MINUTE", 5, 300_000),
        ]
        return 20, {
            "timezone": "UTC",
            "serverTime": _now(),
            "rateLimits": limits,
            "exchangeFilters": [],
            "symbols": [
                {
                    "symbol": day.symbol,
                    "status": day.status,
                    **_assets(day),
                    "isSpotTradingAllowed": True,
                    "permissions": [],
                    "permissionSets": sets,
                }
                for day in self._chosen(query)
            ],
        }

    def _day_tickers(self, query: Query) -> tuple[int, Any]:
        shape = _mini if query.get("type") == "MINI" else _full
        content = self._answer_list(query, shape)
        count = len(content) if "symbols" in query else 1 if "symbol" in query else 101
        weight = next(w for most, w in ((20, 2), (100, 40), (10**9, 80)) if count <= most)
        return weight, content

    def _prices(self, query: Query) -> tuple[int, Any]:
        content = self._answer_list(query, lambda day: {"symbol": day.symbol, "price": day.last})
        return 2 if "symbol" in query else 4, content

    def _books(self, query: Query) -> tuple[int, Any]:
        return 2 if "symbol" in query else 4, self._answer_list(query, _book)

    def _candles(self, query: Query) -> tuple[int, Any]:
        symbol, interval = query.get("symbol"), query.get("interval")
        for name, value in (("symbol", symbol), ("interval", interval)):
            if not value:
                missing = (
                    f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
                )
                raise _WrongError(-1102, missing)
        if self._register.day(str(symbol)) is None:
            raise _WrongError(-1121, "Invalid symbol.")
        if interval not in INTERVALS:
            raise _WrongError(-1120, "Invalid interval.")
        limit = _number(query, "limit")
        limit = _DEFAULT_CANDLES if limit is None else min(limit, _MAX_CANDLES)
        start, end = _number(query, "startTime"), _number(query, "endTime")
        return 2, self._register.candles(str(symbol), interval, start, end, limit)


def _number(query: Query, name: str) -> int | None:
    value = query.get(name)
    if value is not None and not value.isdecimal():
        raise _WrongError(-1100, f"Illegal characters found in parameter '{name}'.")
    return None if value is None else int(value)


def _flag(query: Query, name: str, *, default: bool) -> bool:
    value = query.get(name, str(default).lower())
    if value not in ("true", "false"):
        raise _WrongError(-1100, f"Illegal characters found in parameter '{name}'.")
    return value == "true"


def _names(raw: str) -> list[str]:
    try:
        names = json.loads(raw)
    except ValueError:
        names = None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise _WrongError(-1100, "Illegal characters found in parameter 'symbols'.")
    return names


def _now() -> int:
    return time.time_ns() // 1_000_000


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {
        "rateLimitType": kind,
        "interval": interval,
        "intervalNum": number,
        "limit": limit,
    }


def _assets(day: Day) -> dict[str, str]:
    """Return both assets of a symbol, where a market knows them: a recording does not say."""
    if not day.quote:
        return {}
    return {"baseAsset": day.symbol.removesuffix(day.quote), "quoteAsset": day.quote}


def _mini(day: Day) -> dict[str, Any]:
    return {
        "symbol": day.symbol,
        "openPrice": day.open,
        "highPrice": day.high,
        "lowPrice": day.low,
        "lastPrice": day.last,
        "volume": day.volume,
        "quoteVolume": day.quote_volume,
        "openTime": day.open_time,
        "closeTime": day.close_time,
        "firstId": day.first_id,
        "lastId": day.last_id,
        "count": day.count,
    }


def _full(day: Day) -> dict[str, Any]:
    last, opened = Decimal(day.last), Decimal(day.open)
    volume, quote_volume = Decimal(day.volume), Decimal(day.quote_volume)
    mean = quote_volume / volume if volume else Decimal(0)
    percent = (last - opened) / opened * 100 if opened else Decimal(0)
    return {
        **_mini(day),
        "priceChange": f"{last - opened:.8f}",
        "priceChangePercent": f"{percent:.3f}",
        "weightedAvgPrice": f"{mean:.8f}",
        "prevClosePrice": day.open,
        "lastQty": day.last_quantity,
        "bidPrice": day.bid,
        "bidQty": day.bid_quantity,
        "askPrice": day.ask,
        "askQty": day.ask_quantity,
    }


def _book(day: Day) -> dict[str, Any]:
    return {
        "symbol": day.symbol,
        "bidPrice": day.bid,
        "bidQty": day.bid_quantity,
        "askPrice": day.ask,
        "askQty": day.ask_quantity,
    }
