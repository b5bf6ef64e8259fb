"""Exchange: the server. It accepts clients, and carries payloads to those who subscribed."""

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, BinaryIO

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from relay.simulator import backstage, wire
from relay.simulator.audience import Audiences
from relay.simulator.client import Client, Connection, Lifetime, Target
from relay.simulator.control import MAX_STREAMS, answer
from relay.simulator.desk import Desk
from relay.simulator.faults import MOMENTARY, Faults
from relay.simulator.frame import Frame
from relay.simulator.register import Register
from relay.simulator.response import respond, sign
from relay.simulator.rest import Rest
from relay.simulator.tally import Tally
from relay.simulator.weight import Weight

log = logging.getLogger(__name__)

#: Bytes of the longest message that is read at all.
_MAX_INCOMING = 2**16


class Exchange:
    """Binance's side of every connection: handshake, subscriptions, data, REST and faults."""

    def __init__(
        self,
        register: Register,
        lifetime: Lifetime,
        faults: Faults,
        *,
        weight: Weight,
        handshake_delay: float = 0.0,
        rest_delay: float = 0.0,
        to_all: bool = False,
        record: BinaryIO | None = None,
    ) -> None:
        self.register = register
        self._lifetime = lifetime
        self._faults = faults
        self._handshake_delay = handshake_delay  # seconds, under the fault `slow-handshake`
        self._to_all = to_all
        self._record = record
        self.weight = weight
        self._clients: set[Client] = set()
        self._audiences = Audiences()
        self._accepted = 0
        self._tally = Tally()
        self._desk = Desk(Rest(register, weight), faults, self._tally, weight, rest_delay)
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, host: str, port: int) -> Server:
        """Open the port; port 0 takes a free one."""
        return await serve(
            self._converse,
            host,
            port,
            create_connection=Connection,
            process_request=self._respond,
            process_response=sign,
            compression=None,
            open_timeout=None,
            ping_interval=None,  # the client keeps Binance's own rhythm and close codes
            close_timeout=2,
            max_size=_MAX_INCOMING,
            server_header=None,
        )

    def wanted(self) -> Iterable[str]:
        return self._audiences.streams()

    def is_wanted(self, stream: str) -> bool:
        return bool(self._audiences.of(stream))

    def publish(self, stream: str, payload: bytes) -> None:
        """Send a payload to the subscribed, or with `to_all` to whoever subscribed to anything."""
        to_all = self._to_all or stream == "!serverShutdown"
        audience = self._audiences.everyone if to_all else self._audiences.of(stream)
        if not audience or self._faults.mute(stream):
            return
        if self._record is not None:
            head = f'{{"time":{time.time_ns()},"stream":"{stream}","data":'
            self._record.write(head.encode() + payload + b"}\n")
        frame = Frame(stream, payload)
        for client in audience:
            self._send(client, client.offer(frame))

    def publish_bare(self, message: bytes) -> None:
        if self._faults.mute(""):
            return
        if self._record is not None and self._audiences.everyone:
            self._record.write(b"%d %b\n" % (time.time_ns(), message))
        text = wire.is_text(message)
        for client in self._audiences.everyone:
            client.write(message, text)

    async def subscribed(self) -> None:
        await self._audiences.somebody()

    async def settle(self) -> None:
        await asyncio.sleep(0)
        for client in tuple(self._clients):
            await client.connection.drain()

    def status(self) -> dict[str, Any]:
        """Return faults, clients now, all ever accepted, streams, the tally, and the register."""
        return {
            "faults": sorted(self._faults.active),
            "clients": len(self._clients),
            "accepted": self._accepted,
            "streams": self._audiences.sizes(),
            **self._tally.shown(),
            **self.weight.shown(),
            **self.register.shown(),
        }

    def play(self, stream: str, payload: bytes) -> None:
        """Publish a payload that a test has made up; REST knows it if the market takes notice."""
        allowed = self.register.allow(stream, payload)
        if allowed is not None:
            self.register.notice(allowed)
            self.publish(stream, allowed)

    def set_fault(self, name: str) -> None:
        """Switch a fault on, or let it happen if it is momentary."""
        log.info("fault: %s", name)
        if name not in MOMENTARY:
            self._faults.active.add(name)
            self._obey()
            return
        for client in tuple(self._clients):
            if name == "drop":
                client.reset()
            elif name == "close":
                client.close(1001, "")
            else:
                client.shut_down()
                self._later(client)

    def clear_faults(self, names: Iterable[str]) -> None:
        """Switch faults off."""
        self._faults.active.difference_update(names)
        self._obey()

    def _obey(self) -> None:
        for client in self._clients:
            client.fragmented = "fragmented" in self._faults.active
            client.freeze("half-open" in self._faults.active)

    def _later(self, client: Client) -> None:
        async def close() -> None:
            await asyncio.sleep(self._lifetime.shutdown_notice)
            client.close(1001, "")

        task = asyncio.create_task(close())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _send(self, client: Client, message: bytes) -> None:
        if not self._faults.active:
            client.write(message)
            return
        if "mid-frame" in self._faults.active:
            client.break_off(message)
            return
        for data, text in self._faults.distort(message):
            client.write(data, text)

    async def _respond(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer REST calls and refusals; None lets the WebSocket handshake go on."""
        if request.path.startswith("/simulator/"):
            return respond(*backstage.answer(request.path, self))
        if request.path.startswith("/api/"):
            said = await self._desk.answer(request.path, connection.transport.is_closing)
            return respond(*(said or (503, "", {})))
        self._tally.attempts[_address(connection)] += 1
        refusal = self._faults.refusal(rest=False)
        if refusal is not None:
            return respond(*refusal)
        target = Target.parse(request.path)
        if target is None:
            return respond(404, "", {})
        if len(target.streams) > MAX_STREAMS:
            self._tally.too_many += 1
            return respond(400, "", {})
        if "slow-handshake" in self._faults.active:
            await asyncio.sleep(self._handshake_delay)
        assert isinstance(connection, Connection)  # noqa: S101 - tells mypy what serve() was given
        connection.client = Client(connection, target, self._lifetime, self._tally)
        return None

    async def _converse(self, connection: ServerConnection) -> None:
        assert isinstance(connection, Connection)  # noqa: S101
        client = connection.client
        if client is None:
            return
        self._clients.add(client)
        self._accepted += 1
        self._obey()
        keeper = asyncio.create_task(client.keep())
        try:
            client.subscriptions.add(client.target.streams)
            self._follow(client, set())
            with suppress(ConnectionClosed):
                await self._read(client)
        finally:
            keeper.cancel()
            before = set(client.subscriptions.streams)
            client.subscriptions.streams = {}
            self._follow(client, before)
            self._clients.discard(client)

    async def _read(self, client: Client) -> None:
        async for message in client.connection:
            if client.over_limit:
                continue
            self._tally.control_messages[_address(client.connection)] += 1
            before = set(client.subscriptions.streams)
            refusing = "subscribe-error" in self._faults.active
            reply, fatal = answer(message, client.subscriptions, refusing=refusing)
            client.write(reply.encode())
            if fatal:
                client.expel("Invalid request")
            self._follow(client, before)

    def _follow(self, client: Client, before: set[str]) -> None:
        """Bring the audiences up to date, and greet the client on each new stream."""
        for name in self._audiences.follow(client, before):
            payload = None if self._faults.mute(name) else self.register.newest(name)
            if payload is not None:
                self._send(client, client.offer(Frame(name, payload)))


def _address(connection: ServerConnection) -> str:
    return str(connection.remote_address[0])
