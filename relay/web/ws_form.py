"""The wire form of a WebSocket: text messages, plain or deflated."""

from dataclasses import dataclass

import msgspec

from relay.board import Entry
from relay.clock import Clock
from relay.fanout.checksum import NOTHING, Checksum
from relay.fanout.counts import WS_COMPRESSED, WS_PLAIN, Kind
from relay.fanout.deflate import Deflater
from relay.fanout.encoding import ENTRIES_PER_PIECE, PAYLOADS, parted, removed_event
from relay.server.frames import PING, TEXT, close_frame, frame, text_frames
from relay.web.way import HEARTBEAT

#: RFC 6455, 7.4.1, and the IANA registry for 1012 and 1013.
INVALID_DATA, POLICY_VIOLATION = 1007, 1008
SERVICE_RESTART, TRY_AGAIN_LATER = 1012, 1013


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
    def kind(self) -> Kind:
        return WS_COMPRESSED if self.deflated else WS_PLAIN

    @property
    def entries_per_piece(self) -> int:
        return ENTRIES_PER_PIECE[self.fields]

    def encode(self, entries: list[Entry], resume_id: str) -> bytes:
        return text_frames(self.messages(entries, resume_id))

    def messages(self, entries: list[Entry], resume_id: str) -> list[bytes]:
        """The text messages: one an update, or one a batch. The last update has the id to resume from."""
        tickers, gone = parted(entries)
        payloads = list(map(PAYLOADS[self.fields], tickers))
        if not payloads:
            return [removed_event(gone, id=resume_id)]
        payloads[-1] = f'{payloads[-1][:-1]},"id":"{resume_id}"}}'
        if self.batch:
            payloads = [f"[{','.join(payloads)}]"]
        messages = [payload.encode() for payload in payloads]
        return [removed_event(gone), *messages] if gone else messages

    def event(self, name: str, data: bytes) -> bytes:
        """The JSON names the event itself. A heartbeat also asks for a pong: RFC 6455, 5.5.2."""
        return frame(TEXT, data) + (frame(PING, HEARTBEAT) if name == "heartbeat" else b"")

    def end(self, name: str, data: bytes, given: Checksum = NOTHING) -> bytes:  # noqa: ARG002
        said = msgspec.json.decode(data)
        code = TRY_AGAIN_LATER if said.get("reason") else SERVICE_RESTART
        return self.event(name, data) + close_frame(code, f'{{"retry_ms":{said.get("retry", 0)}}}')

    def shared(self, clock: Clock) -> "SharedMessages | None":
        return SharedMessages(self, clock) if self.deflated else None


class SharedMessages:
    """Deflated messages of one past: permessage-deflate with context takeover, once for all."""

    def __init__(self, form: Messages, clock: Clock) -> None:
        self._messages = form.messages
        self._deflater = Deflater(clock)
        self.renew = self._deflater.renew
        self.event = form.event

    def encode(self, entries: list[Entry], resume_id: str) -> bytes:
        block = self._deflater.block
        # A message ends where its last, empty block would have stood (RFC 7692, 7.2.1).
        deflated = (block(message)[:-4] for message in self._messages(entries, resume_id))
        return b"".join([frame(TEXT, data, rsv1=True) for data in deflated])
