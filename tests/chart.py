"""A chart as a program keeps one: what `/api/history` says, then what `fields=candle` streams. No seam."""

import threading
from typing import Any

import httpx

from tests.closing import Closing
from tests.streams import WAIT_SECONDS, EventSource

MINUTE = 60_000
#: Of a row of `candles`: time, open, high, low, close, updates.
Row = tuple[int, str, str, str, str, int]


class Chart(Closing):
    """One symbol's minutes, made by the relay itself."""

    def __init__(self, port: int, symbol: str, query: str = "") -> None:
        self._port, self._symbol, self._query = port, symbol, query
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=WAIT_SECONDS)
        self.rows: dict[int, Row] = {}
        #: Every time that the newest row had, in order: it may never go back.
        self.course: list[int] = []
        #: How often it had to ask again, since minutes were missed.
        self.asked = 0
        self._id = ""
        self._lock = threading.RLock()
        self._ask(0)
        self.connect()

    def connect(self) -> None:
        """Follows from where the chart stands."""
        chart = self

        class Follower(EventSource):
            def _take(self, data: Any) -> None:
                if self is chart.stream or not hasattr(chart, "stream"):
                    for item in data if isinstance(data, list) else [data]:
                        chart._hear(item)
                super()._take(data)

        query = f"symbols={self._symbol}&fields=candle&since={self._id}&{self._query}"
        self.stream = Follower(self._port, query, receive_buffer=4096)

    def reconnect(self) -> None:
        """Comes back with the newest id, as an EventSource does."""
        self._id = self.stream.last_id or self._id
        self.stream.close()
        self.connect()

    def close(self) -> None:
        self.stream.close()
        self._http.close()

    def closed(self, before: int) -> dict[int, Row]:
        """The rows that open before this time."""
        with self._lock:
            return {time: row for time, row in self.rows.items() if time < before}

    def _hear(self, item: dict[str, Any]) -> None:
        if item.get("event") == "bye":
            threading.Timer(item["retry"] / 1000, self.reconnect).start()
        candles = [Row(row) for row in map(tuple, item.get("candles", ()))]
        if not candles or item.get("symbol") != self._symbol:
            return
        newest = max(self.rows, default=0)
        if newest and all(row[0] > newest for row in candles):
            self._ask(newest)
        for row in candles:
            self._put(row)

    def _ask(self, start: int) -> None:
        self.asked += 1
        query = {"interval": "1m", "limit": "2000", **({"from": str(start)} if start else {})}
        answer = self._http.get(f"/api/history/{self._symbol}", params=query).json()
        self._id = self._id or answer["id"]
        names = answer["fields"]
        for values in answer["candles"]:
            named = dict(zip(names, values, strict=True))
            assert named["source"] == "relay"
            self._put(
                (
                    named["time"],
                    named["open"],
                    named["high"],
                    named["low"],
                    named["close"],
                    named["updates"],
                )
            )

    def _put(self, row: Row) -> None:
        """An own candle with more updates is the newer one."""
        with self._lock:
            held = self.rows.get(row[0])
            if held is None or row[5] >= held[5]:
                self.rows[row[0]] = row
            self.course.append(max(self.rows))
