"""A bench for the fan-out: real hub, cohorts and clients, sockets that take what a script lets them take, and
a clock that stands until it is moved."""

import errno
import json
import socket
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import gevent
from gevent.event import Event

from relay.batch import Batch, Snapshot
from relay.fanout import deflate
from relay.fanout.client import Client
from relay.fanout.health import Health
from relay.fanout.hub import WAY_SECONDS, Hub
from relay.fanout.terms import Symbols, Terms
from relay.feed_status import FeedStatus
from relay.server.turns import Lane, Turns
from relay.server.visitors import Visitor
from relay.ticker import Ticker, removal
from relay.web.commands import Commands
from relay.web.sse_form import EventStream
from relay.web.ws_client import MessageClient
from relay.web.ws_form import Messages
from tests.clocks import SetClock

LIVE = FeedStatus("live", age=0.0)


class ScriptedSocket:
    """Takes as many bytes as it is let, and keeps them."""

    family = socket.AF_UNIX

    def __init__(self) -> None:
        self.taken = bytearray()
        self.room = 1 << 40
        self.gone = False
        self.closed = False
        self.ready = Event()

    def send(self, data: bytes) -> int:
        if self.closed or self.gone:
            raise OSError(errno.EPIPE, "gone")
        if not self.room:
            raise BlockingIOError
        part = data[: self.room]
        self.room -= len(part)
        self.taken += part
        return len(part)

    def let(self, room: int) -> None:
        """Has room for so many further bytes."""
        self.room = room
        if room:
            self.ready.set()

    def recv(self, _size: int) -> bytes:
        if self.gone:
            return b""
        raise BlockingIOError

    def vanish(self) -> None:
        self.gone = True
        self.ready.set()

    def setsockopt(self, *_: Any) -> None:
        pass

    def shutdown(self, _how: int) -> None:
        self.gone = True
        self.ready.set()

    def close(self) -> None:
        self.closed = True


class NoWebSocket:
    """Stands for the reading half, which these tests leave out: commands are given by hand."""

    def __init__(self) -> None:
        #: Units that were charged beside what messages cost by their size.
        self.charged = 0
        #: Is told what a pong carries.
        self.pong: Callable[[bytes], bool] = lambda _: False

    def attach(self, *_: Any, pong: Callable[[bytes], bool], **__: Any) -> None:
        self.pong = pong

    def charge(self, units: int) -> None:
        self.charged += units


class EverybodysTurn(Turns):
    """Nobody waits."""

    def wait(self, lane: Lane) -> None:
        pass


class _OnScript:
    """Waits for the script instead of the kernel."""

    sock: Any

    def _wait(self, _events: int, _seconds: float | None) -> bool:
        self.sock.ready.wait(10)
        self.sock.ready.clear()
        return True


class EventClient(_OnScript, Client):
    """A listener on SSE."""


class SpeakingClient(_OnScript, MessageClient):
    """A listener on WebSocket."""


class Viewer:
    """The other end: what a client in a browser would make of the bytes, and where it broke a promise."""

    def __init__(self, symbols: Symbols, held: dict[str, str] | None = None) -> None:
        self.prices = dict(held or {})
        #: What it has asked for, as far as that was acknowledged.
        self.symbols = symbols
        self.resume_id = ""
        #: Every id that it was ever given, what it held and what it had asked for at that moment.
        self.ids: list[tuple[str, dict[str, str], Symbols]] = []
        self.events: list[dict[str, Any]] = []
        #: What the pings carried that wait for an answer.
        self.pings: list[bytes] = []
        #: Prices that followed a newer one of the same symbol.
        self.went_back: list[tuple[str, str, str]] = []
        self._read = 0
        self._inflated = bytearray()
        self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
        self._given = 0

    def inflate(self, taken: bytearray) -> bytearray:
        """All that has come, as it was before it was compressed."""
        self._inflated += self._inflater.decompress(bytes(taken[self._given :]))
        self._given = len(taken)
        return self._inflated

    def look(self, taken: bytearray, websocket: bool) -> None:
        """Reads what is new among the bytes."""
        if websocket:
            self._look_at_frames(taken)
            return
        end = taken.rfind(b"\n\n") + 2
        if end <= self._read:
            return
        text = bytes(taken[self._read : end]).decode()
        self._read = end
        for block in text.split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.split("\n") if ": " in line)
            if "data" in fields:
                self._take(json.loads(fields["data"]), fields.get("id", ""))

    def _look_at_frames(self, taken: bytearray) -> None:
        while len(taken) - self._read >= 2:
            at = self._read
            first, size, start = taken[at], taken[at + 1], at + 2
            if size == 126:
                size, start = int.from_bytes(taken[at + 2 : at + 4], "big"), at + 4
            if len(taken) < start + size:
                return
            self._read = start + size
            if first & 15 == 1:
                self._take(json.loads(taken[start : start + size]), "")
            elif first & 15 == 9:
                self.pings.append(bytes(taken[start : start + size]))

    def _take(self, data: Any, resume_id: str) -> None:
        for item in data if isinstance(data, list) else [data]:
            if "event" in item:
                self._hear(item)
            else:
                self._see(item["symbol"], item["price"])
            given = resume_id or item.get("id", "")
        if given:
            self.ids.append((given, dict(self.prices), self.symbols))
            self.resume_id = given

    def _hear(self, event: dict[str, Any]) -> None:
        self.events.append(event)
        if event.get("mode") == "full":
            self.prices = {}
        if event["event"] == "status" and "symbols" in event:
            symbols = event["symbols"]
            self.symbols = None if symbols is None else tuple(symbols)
        if event["event"] == "removed":
            for symbol in event["symbols"]:
                self.prices.pop(symbol, None)

    def _see(self, symbol: str, price: str) -> None:
        before = self.prices.get(symbol)
        if before is not None and int(price) < int(before):
            self.went_back.append((symbol, before, price))
        self.prices[symbol] = price


class Connection:
    """One client of the bench and its viewer."""

    def __init__(self, client: Client, sock: ScriptedSocket, viewer: Viewer) -> None:
        self.client = client
        self.sock = sock
        self.viewer = viewer
        self.left = False

    @property
    def symbols(self) -> Symbols:
        return self.client.cohort.symbols


class Bench:
    """A hub whose every step is the test's."""

    def __init__(self, heartbeat_seconds: float = 12.0) -> None:
        self.clock = SetClock()
        self.hub = Hub(
            Health(clock=self.clock), heartbeat_seconds=heartbeat_seconds, clock=self.clock
        )
        self.commands = Commands(self.hub, 512)
        self.connections: list[Connection] = []
        self.epoch = 1
        self.version = 0
        #: Each symbol's price, and when it changed. No two prices are alike, and each new one is higher.
        self.prices: dict[str, int] = {}
        self._entries: dict[str, tuple[int, Ticker]] = {}
        self._highest = 0
        #: What happens each time a pass would let others run.
        self.meanwhile: Callable[[], None] = lambda: None
        self.hub.rounds.breathe = self._breathe  # type: ignore[method-assign]

    def publish(self, *symbols: str) -> None:
        """Each symbol's price rises."""
        previous = self.version
        updates = [self._rise(symbol) for symbol in symbols]
        self.hub.take(Batch(f"e{self.epoch}", previous, self.version, LIVE, updates))

    def remove(self, *symbols: str) -> None:
        """The exchange lists them no more."""
        previous = self.version
        updates = [self._give_version(removal(symbol, 0)) for symbol in symbols]
        for symbol in symbols:
            self.prices.pop(symbol, None)
        self.hub.take(Batch(f"e{self.epoch}", previous, self.version, LIVE, updates))

    def lose_some(self, *symbols: str) -> None:
        """Updates of which the worker learns only by loading the whole snapshot."""
        for symbol in symbols:
            self._rise(symbol)
        self.hub.take(Snapshot(f"e{self.epoch}", self.version, LIVE, list(self._entries.values())))

    def start_anew(self) -> None:
        """A new epoch with the same symbols."""
        self.epoch += 1
        self.version = 0
        self._entries = {}
        self.publish(*self.prices)

    def join(
        self,
        symbols: Symbols = None,
        rate: float = 0.0,
        *,
        websocket: bool = False,
        batch: bool = False,
        gzip: bool = False,
        since: str = "",
        held: dict[str, str] | None = None,
        room: int = 1 << 40,
        guest: Visitor | None = None,
    ) -> Connection:
        """A client comes, perhaps back."""
        sock: Any = ScriptedSocket()
        sock.let(room)
        hub = self.hub
        version = hub.board.version_of(since)
        form: Any
        if websocket:
            form = Messages("price", batch)
            client: Client = SpeakingClient(
                sock,
                version,
                hub.news,
                NoWebSocket(),  # type: ignore[arg-type]
                self.commands.obey,
                EverybodysTurn(),
                leftover=b"",
                deflates=False,
                stall_seconds=10,
                clock=self.clock,
            )
        else:
            form = EventStream("price", batch, chunked=False)
            if gzip:
                form = replace(form, gzip=True, block=deflate.block)
            client = EventClient(sock, version, hub.news, stall_seconds=10, clock=self.clock)
            client.begin(form.opening())
        hub.crowd.enter(client, Terms(form, symbols, rate), guest or Visitor(""))
        if not client.catch_up():
            client._flush_later()
        connection = Connection(client, sock, Viewer(symbols, held))
        self.connections.append(connection)
        return connection

    def command(self, connection: Connection, **command: Any) -> None:
        assert isinstance(connection.client, MessageClient)
        if not connection.client.leaving:
            self.commands.obey(connection.client, json.dumps(command))

    def answer(self, connection: Connection) -> None:
        """It answers every ping that it has read."""
        self.look()
        pings, connection.viewer.pings = connection.viewer.pings, []
        for ping in pings:
            if isinstance(connection.client, MessageClient) and not connection.left:
                connection.client._websocket.pong(ping)  # type: ignore[attr-defined]
        self.run_others()

    def goodbye(self, connection: Connection) -> None:
        self.hub.crowd.send_away(connection.client)

    def leave(self, connection: Connection) -> None:
        """The peer is gone, and its greenlet has seen it."""
        if not connection.left:
            connection.left = True
            connection.sock.vanish()
            self.hub.crowd.leave(connection.client)
            connection.client.close()

    def turn(self, seconds: float = 0.0) -> None:
        """Time passes, and the hub does what is due."""
        self.clock.advance(seconds)
        self.hub.rounds.go_round()
        self.run_others()

    def settle(self) -> None:
        """Every socket takes everything, and every rate has its tick."""
        for connection in self.connections:
            connection.sock.let(1 << 40)
        for _ in range(9):
            self.run_others()
            self.turn(200.0)
            for connection in self.connections:
                self.answer(connection)
            self.hub.take(LIVE)

    def look_at_ways(self, seconds: float) -> None:
        """For so long the hub looks, every second, at who has answered."""
        while seconds > 0:
            self.clock.advance(min(seconds, WAY_SECONDS))
            self.hub.crowd.look_at_ways()
            seconds -= WAY_SECONDS
        self.run_others()

    def run_others(self) -> None:
        """The greenlets that finish writes get their turn."""
        for _ in range(6):
            gevent.sleep(0)

    def look(self) -> None:
        """Every viewer reads what has come."""
        for connection in self.connections:
            websocket = isinstance(connection.client, MessageClient)
            taken = connection.sock.taken
            if connection.client.cohort.compresses:
                taken = connection.viewer.inflate(taken)
            connection.viewer.look(taken, websocket)

    def expected(self, symbols: Symbols) -> dict[str, str]:
        """What a client that asked for these symbols should hold in the end."""
        return {s: str(p) for s, p in self.prices.items() if symbols is None or s in symbols}

    def _rise(self, symbol: str) -> Ticker:
        self._highest += 1
        self.prices[symbol] = self._highest
        return self._give_version(Ticker(symbol, str(self._highest), "trade"))

    def _give_version(self, ticker: Ticker) -> Ticker:
        self.version += 1
        self._entries[ticker.symbol] = (self.version, ticker)
        return ticker

    def _breathe(self) -> None:
        self.meanwhile()
