"""A chart as a program keeps one: what `/api/history` says, then what `fields=candle` streams. No seam."""

import threading
from typing import Any

import httpx

from tests.closing import Closing
from tests.plain_http import NO_TLS
from tests.streams import WAIT_SECONDS, EventSource

MINUTE = 60_000
#: Of a row of `candles`: time, open, high, low, close, updates.
Row = tuple[int, str, str, str, str, int]


class Chart(Closing):
    """One symbol's minutes, made by the relay itself."""

    def __init__(self, port: int, symbol: str, query: str = "") -> None:
        self._port, self._symbol, self._query = port, symbol, query
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", timeout=WAIT_SECONDS, verify=NO_TLS
        )
        self.rows: dict[int, Row] = {}
        #: Every time that the newest row had, in order: it may never go back.
        self.course: list[int] = []
        #: How often it had to ask again, since minutes were missed.
        self.asked = 0
        self._id = ""
        self._lock = threading.RLock()
        self._number = 0
        #: From where to ask again when minutes begin.
        self._doubts: list[int] = []
        self._ask(0)
        self.connect()

    def connect(self) -> None:
        """Follows from where the chart stands."""
        self._number += 1
        query = f"symbols={self._symbol}&fields=candle&since={self._id}&{self._query}"
        self.stream = _Follower(self, self._number, self._port, query)

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

    def hear(self, number: int, item: dict[str, Any]) -> None:
        """What the connection of this number says."""
        if number != self._number:
            return
        if item.get("event") == "bye":
            threading.Timer(item["retry"] / 1000, self.reconnect).start()
        candles: list[Row] = [tuple(row) for row in item.get("candles", ())]
        if not candles or item.get("symbol") != self._symbol:
            return
        newest = max(self.rows, default=0)
        if self._doubts and candles[-1][0] > newest:
            # What was missed may not have been kept yet when it was asked for.
            self._ask(self._doubts.pop())
        if newest and all(row[0] > newest for row in candles):
            self._ask(newest)
            self._doubts = [newest] * 8
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


class _Follower(EventSource):
    """One connection of a chart."""

    def __init__(self, chart: Chart, number: int, port: int, query: str) -> None:
        self._chart, self._number = chart, number
        super().__init__(port, query, receive_buffer=4096)

    def _take(self, data: Any) -> None:
        for item in data if isinstance(data, list) else [data]:
            self._chart.hear(self._number, item)
        super()._take(data)
