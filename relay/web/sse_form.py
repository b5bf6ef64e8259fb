"""The wire form of Server-Sent Events (WHATWG HTML, section 9.2), plain or as gzip."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import msgspec

from relay.board import Entry
from relay.clock import Clock
from relay.fanout.checksum import NOTHING, Checksum, Summed
from relay.fanout.counts import SSE_COMPRESSED, SSE_PLAIN, Kind
from relay.fanout.deflate import GZIP_HEADER, LAST_BLOCK, Deflater
from relay.fanout.encoding import ENTRIES_PER_PIECE, PAYLOADS, parted, removed_event

#: Milliseconds within which a browser that lost us comes back, at random, so that a crash does not bring
#: everybody back at once.
RETRY_MILLISECONDS = (1000, 4000)


def _as_it_is(data: bytes) -> bytes:
    return data


@dataclass(frozen=True, slots=True)
class EventStream:
    """The wire form of an SSE stream."""

    fields: str
    batch: bool
    #: HTTP/1.1 frames a body of unknown length in chunks (RFC 9112, 7.1); HTTP/1.0 cannot.
    chunked: bool
    gzip: bool = False
    #: What compresses, where it is gzip.
    block: Callable[[bytes], bytes] = field(default=_as_it_is, compare=False)

    @property
    def kind(self) -> Kind:
        return SSE_COMPRESSED if self.gzip else SSE_PLAIN

    @property
    def entries_per_piece(self) -> int:
        return ENTRIES_PER_PIECE[self.fields]

    def encode(self, entries: list[Entry], resume_id: str) -> bytes:
        tickers, gone = parted(entries)
        events = [f"event: removed\ndata: {removed_event(gone).decode()}\n\n"] if gone else []
        payloads = list(map(PAYLOADS[self.fields], tickers))
        if self.batch and payloads:
            events.append(f"data: [{','.join(payloads)}]\n\n")
        elif payloads:
            events.append("data: " + "\n\ndata: ".join(payloads) + "\n\n")
        before, mark, last = "".join(events).rpartition("data: ")
        return self._framed(f"{before}id: {resume_id}\n{mark}{last}".encode())

    def event(self, name: str, data: bytes) -> bytes:
        return self._framed(b"event: %b\ndata: %b\n\n" % (name.encode(), data))

    def end(self, name: str, data: bytes, given: Checksum = NOTHING) -> bytes:
        # An EventSource comes back by itself, and knows nothing of JSON.
        retry = msgspec.json.decode(data).get("retry")
        event = b"event: %b\ndata: %b\n\n" % (name.encode(), data)
        last = self._framed(event if retry is None else b"retry: %d\n%b" % (retry, event))
        if isinstance(last, Summed):
            last += self._chunk(LAST_BLOCK + given.then(last.checksum).trailer)
        return last + (b"0\r\n\r\n" if self.chunked else b"")

    def opening(self) -> bytes:
        """The first bytes of a body: when to come back should it end without a word."""
        retry = b"retry: %d\n\n" % random.randint(*RETRY_MILLISECONDS)
        return self._framed(retry, GZIP_HEADER if self.gzip else b"")

    def shared(self, clock: Clock) -> "SharedEvents | None":
        return SharedEvents(self, clock) if self.gzip else None

    def _framed(self, data: bytes, before: bytes = b"") -> bytes:
        framed = self._chunk(before + self.block(data))
        return Summed.of(framed, data) if self.gzip else framed

    def _chunk(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data


class SharedEvents:
    """gzip blocks of one past."""

    def __init__(self, form: EventStream, clock: Clock) -> None:
        deflater = Deflater(clock)
        together = replace(form, block=deflater.block)
        self.renew = deflater.renew
        self.encode = together.encode
        self.event = together.event
