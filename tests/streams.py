"""Clients as users write them: they hold the newest price of each symbol and every event they got."""

import contextlib
import json
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.closing import Closing

WAIT_SECONDS = 20.0


class Stream(Closing):
    """What a client knows: prices, events, and the id to come back with."""

    def __init__(self) -> None:
        self.prices: dict[str, str] = {}
        self.updates: list[dict[str, str]] = []
        self.events: list[dict[str, Any]] = []
        self.last_id = ""
        self.ended = False
        self._changed = threading.Condition()

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """Waits until the condition holds; looks after everything that arrives."""
        with self._changed:
            held = self._changed.wait_for(condition, WAIT_SECONDS)
        assert held, f"waited for {what}; events {self.events[-3:]}, prices {len(self.prices)}"

    def wait_for_event(self, name: str, **fields: object) -> dict[str, Any]:
        """The first event of that name with those fields."""

        def matching() -> list[dict[str, Any]]:
            wanted = {"event": name, **fields}
            return [e for e in self.events if wanted.items() <= e.items()]

        self.wait_for(matching, f"event {name} {fields}")
        return matching()[0]

    def wait_for_price(self, symbol: str, price: str | None = None) -> str:
        """The symbol's price, once there is one (once it is `price`)."""
        self.wait_for(
            lambda: symbol in self.prices if price is None else self.prices.get(symbol) == price,
            f"{symbol} {price or ''}",
        )
        return self.prices[symbol]

    def wait_for_end(self) -> None:
        self.wait_for(lambda: self.ended, "the stream's end")

    def _take(self, data: Any) -> None:
        with self._changed:
            for item in data if isinstance(data, list) else [data]:
                if "event" in item:
                    self.events.append(item)
                    if item["event"] == "status" and item.get("mode") == "full":
                        self.prices = {}
                    if item["event"] == "removed":
                        for symbol in item["symbols"]:
                            self.prices.pop(symbol, None)
                else:
                    self.updates.append(item)
                    self.prices[item["symbol"]] = item["price"]
            self._changed.notify_all()

    def _end(self) -> None:
        with self._changed:
            self.ended = True
            self._changed.notify_all()


class EventSource(Stream):
    """An SSE client over a bare socket: sees the bytes, and may stop reading them."""

    def __init__(
        self,
        port: int,
        query: str = "",
        *,
        version: str = "1.1",
        receive_buffer: int = 0,
        context: ssl.SSLContext | None = None,
        **headers: str,
    ) -> None:
        super().__init__()
        self._socket = socket.socket()
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(WAIT_SECONDS)
        self._socket.connect(("127.0.0.1", port))
        if context is not None:
            self._socket = context.wrap_socket(self._socket, server_hostname="127.0.0.1")
        head = f"GET /events?{query} HTTP/{version}\r\nHost: relay\r\nAccept: text/event-stream\r\n"
        head += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self._socket.sendall(head.encode() + b"\r\n")
        self._reading = threading.Event()
        self._reading.set()
        self.status = 0
        self.headers: dict[str, str] = {}
        #: Whether the last chunk came before the end (RFC 9112, 7.1).
        self.terminated = False
        self._file = self._socket.makefile("rb")
        self._read_head()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def stop_reading(self) -> None:
        """From now on the kernel's buffers fill up."""
        self._reading.clear()

    def go_on_reading(self) -> None:
        self._reading.set()

    def close(self) -> None:
        self._reading.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(WAIT_SECONDS)
        self._file.close()
        self._socket.close()

    def _read_head(self) -> None:
        self.status = int(self._file.readline().split()[1])
        while (line := self._file.readline().decode().strip()) != "":
            name, _, value = line.partition(": ")
            self.headers[name.lower()] = value

    def _read(self) -> None:
        try:
            text = ""
            zipped = self.headers.get("content-encoding") == "gzip"
            inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
            for piece in self._pieces():
                text += (inflater.decompress(piece) if zipped else piece).decode()
                *events, text = text.split("\n\n")
                for event in events:
                    self._dispatch(event)
        except OSError:
            pass
        finally:
            self._end()

    def _pieces(self) -> Iterator[bytes]:
        chunked = self.headers.get("transfer-encoding") == "chunked"
        while True:
            self._reading.wait()
            if not chunked:
                line = self._file.readline()
                if not line:
                    return
                yield line
                continue
            size = self._file.readline()
            if not size:
                return
            if size == b"0\r\n":
                self.terminated = self._file.readline() == b"\r\n"
                return
            yield self._file.read(int(size, 16))
            self._file.readline()

    def _dispatch(self, event: str) -> None:
        fields = dict(line.split(": ", 1) for line in event.split("\n") if ": " in line)
        if "id" in fields:
            self.last_id = fields["id"]
        if "data" in fields:
            data = json.loads(fields["data"])
            assert ("event" in fields) == (isinstance(data, dict) and "event" in data)
            self._take(data)


class WebSocket(Stream):
    """A WebSocket client."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__()
        self._connection = connect(
            url, open_timeout=WAIT_SECONDS, max_size=None, **options
        ).__enter__()
        self.close_code: int | None = None
        self.close_reason = ""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def say(self, **command: object) -> None:
        self._connection.send(json.dumps(command))

    def send(self, data: str | bytes) -> None:
        self._connection.send(data)

    def close(self) -> None:
        self._connection.close()
        self._thread.join(WAIT_SECONDS)

    def _read(self) -> None:
        try:
            for message in self._connection:
                data = json.loads(message)
                last = data[-1] if isinstance(data, list) else data
                self.last_id = last.get("id", self.last_id)
                self._take(data)
        except ConnectionClosed:
            pass
        finally:
            self.close_code = self._connection.close_code
            self.close_reason = self._connection.close_reason or ""
            self._end()
