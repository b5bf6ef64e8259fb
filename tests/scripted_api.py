"""A REST API of an exchange that says exactly what a test tells it to, over a real HTTP server."""

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from tests.closing import Closing
from tests.serving import serve

Query = dict[str, str]


class Said(NamedTuple):
    """One answer."""

    body: bytes = b"[]"
    status: int = 200
    headers: dict[str, str] = {}  # noqa: RUF012 - nobody changes it


class ScriptedApi(Closing):
    """Answers every GET with what `answer` makes of its query, and remembers the queries."""

    def __init__(self, answer: Callable[[Query], Said]) -> None:
        self.answer = answer
        self.asked: list[Query] = []
        #: The paths with their queries, as they came.
        self.paths: list[str] = []
        #: A silent one says nothing to anybody until it is closed.
        self.silent = False
        self._closed = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api._serve(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        serve(self._server)

    def close(self) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        query = {
            name: values[-1] for name, values in parse_qs(urlsplit(request.path).query).items()
        }
        self.paths.append(request.path)
        self.asked.append(query)
        if self.silent:
            self._closed.wait()
            return
        said = self.answer(query)
        with suppress(OSError):
            request.send_response_only(said.status)
            if "Date" not in said.headers:
                request.send_header("Date", request.date_time_string())
            if "Content-Length" not in said.headers:
                request.send_header("Content-Length", str(len(said.body)))
            for name, value in said.headers.items():
                request.send_header(name, value)
            request.end_headers()
            request.wfile.write(said.body)
            request.wfile.flush()
            if int(said.headers.get("Content-Length", "0")) > len(said.body):
                self._closed.wait()


def row(time: int, length: int = 60_000, **changed: object) -> list[object]:
    """A row of klines that opens at this time, in milliseconds; `v2="x"` changes its third value."""
    values: list[object] = [
        time,
        *("2.00", "3.00", "1.00", "2.50", "10.5"),
        time + length - 1,
        *("25.25", 7, "5.0", "12.5", "0"),
    ]
    for name, value in changed.items():
        values[int(name[1:])] = value
    return values


def rows_of(query: Query, length: int = 60_000, end: int = 0) -> Said:
    """What an exchange would say: all candles from startTime, or the newest ones before `end`."""
    limit = int(query["limit"])
    start = (
        int(query["startTime"]) if "startTime" in query else (end // length - limit + 1) * length
    )
    return said([row(start + number * length, length) for number in range(limit)])


def said(content: object, status: int = 200, **headers: str) -> Said:
    """An answer of JSON."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Said(json.dumps(content).encode(), status, named)
