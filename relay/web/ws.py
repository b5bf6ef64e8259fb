"""GET /ws: the same updates as text messages over a WebSocket, and commands from the client."""

import _socket
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import gevent
import msgspec
from flask import Blueprint, Request, Response, request

from relay.board import Entry
from relay.fanout.client import LINGER_SECONDS, Client
from relay.fanout.deflate import Deflater
from relay.fanout.delivery import deliver
from relay.fanout.encoding import ENTRIES_PER_PIECE, PAYLOADS, WHOLE, parted, removal
from relay.fanout.hub import Hub
from relay.server.frames import PING, TEXT, close_frame, frame, text_frames
from relay.server.negotiation import negotiate
from relay.server.takeover import KEY, Takeover
from relay.server.websocket import Closed, WebSocket
from relay.web.subscription import BadQuery, Subscription, parse, parse_rate, parse_symbols

#: The longest message a client may send: 512 symbols of 32 characters.
MAX_MESSAGE_BYTES = 32 << 10
#: Messages and control frames a second; above it the client is closed with 1008.
MAX_MESSAGES_PER_SECOND = 20.0
#: RFC 6455, 7.4.1, and the IANA registry for 1012.
POLICY_VIOLATION, SERVICE_RESTART = 1008, 1012
_KEY = re.compile(r"[A-Za-z0-9+/]{22}==")


@dataclass(frozen=True, slots=True)
class Messages:
    """The wire form of a WebSocket.

    What is made for one client alone is never compressed, which leaves alone the past that the
    client's decompressor shares with others (RFC 7692, 6: that is up to the sender, message by message).
    """

    fields: str
    batch: bool
    deflated: bool = False

    @property
    def entries_per_piece(self) -> int:
        return WHOLE if self.batch else ENTRIES_PER_PIECE[self.fields]

    def encode(self, entries: list[Entry], resume_id: str) -> bytes:  # noqa: ARG002
        return text_frames(self.messages(entries))

    def messages(self, entries: list[Entry]) -> list[bytes]:
        """The text messages: one an update, or one a batch."""
        tickers, gone = parted(entries)
        payloads = list(map(PAYLOADS[self.fields], tickers))
        if self.batch and payloads:
            payloads = [f"[{','.join(payloads)}]"]
        messages = [payload.encode() for payload in payloads]
        return [removal(gone), *messages] if gone else messages

    def event(self, name: str, data: bytes) -> bytes:
        """The JSON names the event itself. A heartbeat also asks for a pong: RFC 6455, 5.5.2."""
        return frame(TEXT, data) + (frame(PING, b"") if name == "heartbeat" else b"")

    def end(self, name: str, data: bytes) -> bytes:
        retry = msgspec.json.decode(data).get("retry", 0)
        return self.event(name, data) + close_frame(SERVICE_RESTART, f'{{"retry_ms":{retry}}}')

    def shared(self) -> "SharedMessages | None":
        return SharedMessages(self) if self.deflated else None


class SharedMessages:
    """Deflated messages of one past: permessage-deflate with context takeover, once for all."""

    def __init__(self, form: Messages) -> None:
        self._messages = form.messages
        self._deflater = Deflater()
        self.begin = self._deflater.begin
        self.event = form.event

    def encode(self, entries: list[Entry], resume_id: str) -> bytes:  # noqa: ARG002
        block = self._deflater.block
        # A message ends where its last, empty block would have stood (RFC 7692, 7.2.1).
        deflated = (block(message)[:-4] for message in self._messages(entries))
        return b"".join([frame(TEXT, data, rsv1=True) for data in deflated])


class Command(msgspec.Struct):
    """What a client may say."""

    op: Literal["subscribe", "unsubscribe", "rate", "ping"]
    symbols: list[str] | None = None
    rate: float | None = None
    #: Comes back with a pong.
    id: int | str | None = None


_decode = msgspec.json.Decoder(Command).decode


class MessageClient(Client):
    """A client that may also speak."""

    __slots__ = ("_max_symbols", "_websocket")

    def __init__(
        self, hub: Hub, sock: _socket.socket, version: int, websocket: WebSocket, max_symbols: int
    ) -> None:
        super().__init__(hub, sock, version)
        self._websocket = websocket
        self._max_symbols = max_symbols

    def too_quiet(self, seconds: float) -> bytes:
        if time.monotonic() - self.heard < seconds:
            return b""
        return close_frame(POLICY_VIOLATION, f"no pong within {seconds:.0f} s")

    def read(self) -> None:
        try:
            while not self.leaving:
                self._obey(self._websocket.receive())
        except Closed:
            # What is due to be said, a close frame among it, has been written by now.
            self.finish(b"")
            # Closing before the peer has would throw away what it has not read yet.
            with gevent.Timeout(LINGER_SECONDS, False):  # type: ignore[arg-type]
                super().read()

    def _obey(self, message: str | bytes) -> None:
        try:
            if isinstance(message, bytes):
                raise BadQuery("messages must be text, not binary")
            command = _decode(message)
            _COMMANDS[command.op](self, command)
        except (BadQuery, msgspec.MsgspecError) as error:
            self._say({"event": "error", "error": str(error)[:200]})

    def _subscribe(self, command: Command) -> None:
        """Adds the named symbols; all of them where none are named.

        One who gets all of them so far gets only the named ones from here on.
        """
        old = self.cohort.symbols
        if command.symbols is None:
            self._change(None, self.cohort.rate)
            return
        named = parse_symbols(command.symbols, self._max_symbols)
        new = named | (old or frozenset())
        if len(new) > self._max_symbols:
            raise BadQuery(f"symbols may name {self._max_symbols} at most in all")
        self._change(new, self.cohort.rate)

    def _unsubscribe(self, command: Command) -> None:
        """Takes the named symbols away; all of them where none are named."""
        old = self.cohort.symbols
        if command.symbols is None:
            self._change(frozenset(), self.cohort.rate)
        elif old is None:
            raise BadQuery("symbols cannot be taken out of all; subscribe to the ones you want")
        else:
            named = parse_symbols(command.symbols, self._max_symbols)
            self._change(old - named, self.cohort.rate)

    def _set_rate(self, command: Command) -> None:
        rate = 0.0 if command.rate == 0 else parse_rate(command.rate)
        self._change(self.cohort.symbols, rate)

    def _pong(self, command: Command) -> None:
        event = self.hub.event("pong", **({} if command.id is None else {"re": command.id}))
        self.write(frame(TEXT, event))

    def _change(self, symbols: frozenset[str] | None, rate: float) -> None:
        """Goes over to these symbols and this rate: a status event, the new symbols' prices, then
        what changed of the old ones."""
        old, board, form = self.cohort.symbols, self.hub.board, self.cohort.form
        version, first, mode = self.stands_at, b"", "none"
        if symbols is None and old is not None:
            version, mode = 0, "full"
        elif symbols is not None:
            entries = board.since(0, symbols - (old or frozenset()))
            if entries:
                mode = "changes"
                first = deliver(
                    entries, board.version, board.epoch, form.encode, form.entries_per_piece
                ).data
        status = self.hub.event(
            "status",
            mode=mode,
            symbols=None if symbols is None else sorted(symbols),
            unknown=[s for s in sorted(symbols or ()) if s not in board],
            rate=rate,
        )
        self.hub.move(self, symbols, rate, version, frame(TEXT, status) + first)

    def _say(self, event: dict[str, object]) -> None:
        self.write(frame(TEXT, msgspec.json.encode(event)))


_COMMANDS: dict[str, Callable[[MessageClient, Command], None]] = {
    "subscribe": MessageClient._subscribe,
    "unsubscribe": MessageClient._unsubscribe,
    "rate": MessageClient._set_rate,
    "ping": MessageClient._pong,
}


def blueprint(
    hub: Hub, max_symbols: int, allowed_origins: tuple[str, ...], compression: bool
) -> Blueprint:
    """The route. `compression`: whether permessage-deflate may be agreed on."""
    routes = Blueprint("ws", __name__)

    @routes.get("/ws", websocket=True)
    def ws() -> Response:
        origin = request.headers.get("Origin")
        if origin and "*" not in allowed_origins and origin not in allowed_origins:
            return Response("origin not allowed\n", 403)
        problem = _handshake_problem(request)
        if problem:
            return Response(f"{problem}\n", 426, {"Sec-WebSocket-Version": "13"})
        wish = parse(request.args, "", max_symbols)
        hub.admit()
        form = Messages(wish.fields, wish.batch)
        extensions = ""
        agreed = negotiate(request.headers.get("Sec-WebSocket-Extensions", ""))
        if compression and agreed is not None and not agreed.server_no_context_takeover:
            zipped = replace(form, deflated=True)
            if hub.may_compress(zipped, wish.symbols, wish.rate):
                form = zipped
                extensions = agreed.response
        run = partial(_stream, hub, form, wish, max_symbols)
        request.environ[KEY] = Takeover(run, websocket=True, extensions=extensions)
        return Response(status=101)

    @routes.get("/ws")
    def not_an_upgrade() -> Response:
        headers = {"Upgrade": "websocket", "Connection": "Upgrade"}
        return Response(
            "/ws speaks WebSocket only; /events is the same as plain HTTP\n", 426, headers
        )

    return routes


def _handshake_problem(request: Request) -> str:
    """What is wrong with an opening handshake, or nothing (RFC 6455, 4.2.1)."""
    if request.environ["SERVER_PROTOCOL"] != "HTTP/1.1":
        return "a WebSocket needs HTTP/1.1"
    if request.headers.get("Sec-WebSocket-Version") != "13":
        return "Sec-WebSocket-Version must be 13"
    if not _KEY.fullmatch(request.headers.get("Sec-WebSocket-Key", "")):
        return "Sec-WebSocket-Key must be 16 bytes in base64"
    return ""


def _stream(
    hub: Hub,
    form: Messages,
    wish: Subscription,
    max_symbols: int,
    sock: _socket.socket,
    leftover: bytes,
    websocket: Any,
) -> None:
    version = hub.board.version_of(wish.since)
    client = MessageClient(hub, sock, version, websocket, max_symbols)
    websocket.attach(
        client.receive,
        client.write,
        leftover,
        max_message=MAX_MESSAGE_BYTES,
        max_rate=MAX_MESSAGES_PER_SECOND,
        deflate=form.deflated,
    )
    hub.enter(client, form, wish.symbols, wish.rate)
    client.run()
