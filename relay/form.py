"""Form: how updates and events look on the wire to one kind of client."""

from collections.abc import Callable
from typing import Protocol

from relay.batch import Update
from relay.board import Entry

#: What a client's `fields` parameter may say, and the JSON text that it stands for. Symbols and prices
#: were checked when they came in: they hold nothing that JSON would have to escape.
PAYLOADS: dict[str, Callable[[Update], str]] = {
    "price": lambda update: f'{{"symbol":"{update.symbol}","price":"{update.price}"}}',
    "ticker": lambda update: update.ticker,
}
#: So many entries make a piece of about 16 KiB, which is what one slow client may have unfinished.
ENTRIES_PER_PIECE = {"price": 256, "ticker": 64}
#: `batch=1` is one event a batch, whatever its size.
WHOLE = 1_000_000


class Form(Protocol):
    """A wire form. Equal forms give equal bytes: their clients may share them."""

    @property
    def entries_per_piece(self) -> int:
        """How many entries go into one piece of a delivery."""

    def encode(self, entries: list[Entry], resume_id: str) -> bytes:
        """The updates, the last one with the id to resume from."""

    def event(self, name: str, data: bytes) -> bytes:
        """A named event; `data` is a JSON object. It never changes the id to resume from."""

    def end(self, name: str, data: bytes) -> bytes:
        """A last event, and what properly ends the stream."""

    def shared(self) -> "Shared | None":
        """For a form whose bytes may refer to what went before them: one cohort's past."""


class Shared(Protocol):
    """Makes bytes for those who have all been given the same bytes so far."""

    def begin(self, alone: bool) -> bool:
        """A pass begins; True if it refers to nothing before: others may join here.

        `alone`: nobody shares the past.
        """

    def encode(self, entries: list[Entry], resume_id: str) -> bytes:
        """See Form."""

    def event(self, name: str, data: bytes) -> bytes:
        """See Form."""
