"""The floor under any Python fan-out: one loop, and for each client one non-blocking send.

What Redis has published is read, framed once, and sent. A client that cannot take all of it is gone.
REDIS_URL and PORT are read from the environment.
"""

import base64
import hashlib
import os
import re
import select
import socket
from urllib.parse import urlsplit

import hiredis

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SSE = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_SYMBOL = re.compile(rb'"symbol":"([^"]+)"')


def sse(data: bytes) -> bytes:
    """An event, as a chunk."""
    return b"%x\r\ndata: %b\n\n\r\n" % (len(data) + 8, data)


def ws(data: bytes) -> bytes:
    """A text frame of less than 64 KiB."""
    if len(data) < 126:
        return b"\x81%c%b" % (len(data), data)
    return b"\x81\x7e%b%b" % (len(data).to_bytes(2, "big"), data)


class Floor:
    """The server."""

    def __init__(self, port: int, redis_port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", port), backlog=4096)
        self._redis = socket.create_connection(("127.0.0.1", redis_port))
        self._redis.sendall(b"SUBSCRIBE prices:updates\r\n")
        self._replies = hiredis.Reader()
        self._poll = select.epoll()
        self._poll.register(self._listener, select.EPOLLIN)
        self._poll.register(self._redis, select.EPOLLIN)
        self._clients: dict[int, socket.socket] = {}
        #: By how the bytes are framed and which symbol is wanted; no symbol stands for all.
        self._wanting: dict[tuple[bool, bytes], dict[int, socket.socket]] = {}

    def run(self) -> None:
        while True:
            for fd, _ in self._poll.poll():
                if fd == self._redis.fileno():
                    self._fan_out(self._redis.recv(1 << 16))
                elif fd == self._listener.fileno():
                    client, _ = self._listener.accept()
                    client.setblocking(False)
                    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self._clients[client.fileno()] = client
                    self._poll.register(client, select.EPOLLIN)
                elif fd in self._clients:
                    self._hear(self._clients[fd])

    def _hear(self, client: socket.socket) -> None:
        """A request, which is taken to come whole, or the end."""
        try:
            request = client.recv(4096)
        except OSError:
            request = b""
        if not request:
            self._drop(client)
            return
        key = re.search(rb"Sec-WebSocket-Key: (\S+)", request)
        if key:
            accept = base64.b64encode(hashlib.sha1(key[1] + _GUID, usedforsecurity=False).digest())
            client.send(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                b"Connection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n" % accept
            )
        else:
            client.send(_SSE)
        query = re.search(rb"symbols=([^ &]+)", request)
        for symbol in query[1].split(b",") if query else [b""]:
            self._wanting.setdefault((bool(key), symbol), {})[client.fileno()] = client

    def _fan_out(self, data: bytes) -> None:
        self._replies.feed(data)
        messages = []
        while reply := self._replies.gets():
            if reply[0] == b"message":
                messages.append(reply[2])
        by_symbol: dict[bytes, list[bytes]] = {b"": messages}
        if any(symbol for _, symbol in self._wanting):
            for message in messages:
                by_symbol.setdefault(_SYMBOL.search(message)[1], []).append(message)  # type: ignore[index]
        for symbol, group in by_symbol.items():
            for is_websocket, frame in ((False, sse), (True, ws)):
                clients = self._wanting.get((is_websocket, symbol))
                if clients:
                    self._send(list(clients.values()), b"".join(map(frame, group)))

    def _send(self, clients: list[socket.socket], data: bytes) -> None:
        size = len(data)
        for client in clients:
            try:
                if client.send(data) == size:
                    continue
            except OSError:
                pass
            self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        fd = client.fileno()
        for wanting in self._wanting.values():
            wanting.pop(fd, None)
        del self._clients[fd]
        client.close()


if __name__ == "__main__":
    Floor(int(os.environ["PORT"]), urlsplit(os.environ["REDIS_URL"]).port or 6379).run()
