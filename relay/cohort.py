"""Cohort: the clients that are owed the same bytes.

Those with the same wire form, symbols and rate. What changed is encoded once for all of them and
offered to each socket without waiting. A client whose socket does not take all of it falls behind:
it leaves `live` until it has caught up by itself.
"""

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from relay.board import Board, Entry
from relay.delivery import Delivery, deliver
from relay.form import Form

if TYPE_CHECKING:
    from relay.client import Client

#: After so many sends the event loop gets its turn, if enough time has gone by.
SENDS_PER_LOOK = 128

CohortKey = tuple[Form, frozenset[str] | None, float]


class Cohort:
    """One shared encoding and everyone who gets it."""

    def __init__(
        self, board: Board, form: Form, symbols: frozenset[str] | None, rate: float
    ) -> None:
        """`symbols`: None for all; `rate`: passes a second at most, 0 for no limit."""
        self.form = form
        self.symbols = symbols
        self.rate = rate
        self.key: CohortKey = (form, symbols, rate)
        #: Everyone, and those of them who have all that was offered.
        self.members: set[Client] = set()
        self.live: dict[Client, None] = {}
        #: No pass before this, by the monotonic clock.
        self.next_pass = 0.0
        #: Whether somebody has been asked to wake us for the next pass.
        self.waiting = False
        self._board = board
        # While a pass runs, some of the live have `_offered` and the others still `_settled`.
        self._offered = self._settled = board.version
        self._passes = 0
        self._recent: tuple[int, int, Delivery] | None = None

    @property
    def settled(self) -> int:
        """The version that every live member is sure to have."""
        return self._settled

    def start_anew(self) -> None:
        """The epoch is new: nobody has anything, whatever pass is under way is void."""
        self._offered = self._settled = 0
        self._passes += 1
        self._recent = None

    def may_join(self, version: int) -> bool:
        """Whether a client at `version` lacks nothing that the live will not get either."""
        return version >= self._offered

    def join(self, client: "Client") -> None:
        """From here on the client gets what the cohort gets."""
        client.joined = self._passes
        self.live[client] = None

    def missing(self, version: int) -> Delivery | None:
        """All that a client at `version` has not got, or None. Shared by those who stand alike."""
        newest = self._board.version
        recent = self._recent
        if recent is not None and recent[:2] == (version, newest):
            return recent[2]
        entries = self._board.since(version, self.symbols)
        if not entries:
            return None
        delivery = self._deliver(entries, newest)
        self._recent = (version, newest, delivery)
        return delivery

    def flush(self, breathe: Callable[[], None]) -> None:
        """One pass: offers what changed since the last one to every live member."""
        version = self._board.version
        entries = self._board.since(self._offered, self.symbols)
        self._offered = version
        if entries and self.rate:
            self.next_pass = time.monotonic() + 1 / self.rate
        if entries and self.live:
            self._passes += 1
            this_pass = self._passes
            self.offer(self._deliver(entries, version), breathe)
            if self._passes != this_pass:
                return  # a new epoch began meanwhile
        self._settled = version

    def announce(self, data: bytes, breathe: Callable[[], None]) -> None:
        """Offers an event to every live member. Those behind are told when they catch up."""
        self._passes += 1
        self.offer(Delivery([data], [self._settled]), breathe)

    def offer(self, delivery: Delivery, breathe: Callable[[], None]) -> None:
        """The fan-out: one send for each live member. Never waits; yields only in `breathe`."""
        data, size = delivery.data, len(delivery.data)
        for clients in self._slices():
            for client in clients:
                try:
                    sent = client.send(data)
                except BlockingIOError:
                    sent = 0
                except OSError:
                    client.lost()
                    continue
                if sent != size:
                    client.fall_behind(*delivery.rest(sent, self._settled))
            breathe()

    def _slices(self) -> Iterator[list["Client"]]:
        """The live members of this moment, some at a time.

        Between two slices others run: who left meanwhile, or joined with newer prices, is left out.
        """
        this_pass = self._passes
        everyone = list(self.live)
        yield everyone[:SENDS_PER_LOOK]
        for start in range(SENDS_PER_LOOK, len(everyone), SENDS_PER_LOOK):
            if self._passes != this_pass:
                return
            part = everyone[start : start + SENDS_PER_LOOK]
            live = self.live
            yield [client for client in part if client in live and client.joined < this_pass]

    def _deliver(self, entries: list[Entry], version: int) -> Delivery:
        form = self.form
        return deliver(entries, version, self._board.epoch, form.encode, form.entries_per_piece)
