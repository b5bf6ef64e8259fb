"""Cohort: the clients that are owed the same bytes.

Those with the same wire form, symbols and rate. What changed is encoded once for all of them and
offered to each socket without waiting. A client whose socket does not take all of it falls behind:
it leaves `live` until it has caught up by itself.
"""

import time
from collections.abc import Callable, Iterator
from itertools import repeat
from operator import call
from typing import TYPE_CHECKING

from relay.board import LOG_ENTRIES, Board, Entry
from relay.fanout.delivery import Delivery, deliver
from relay.fanout.encoding import Form, Shared

if TYPE_CHECKING:
    from relay.fanout.client import Client

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
        #: As live as those, but given bytes that stand on their own until they may share a past.
        self.aside: dict[Client, None] = {}
        #: No pass before this, by the monotonic clock.
        self.next_pass = 0.0
        #: Whether somebody has been asked to wake us for the next pass.
        self.waiting = False
        self._board = board
        # While a pass runs, some of the live have `_offered` and the others still `_settled`.
        self._offered = self._settled = board.version
        self._passes = 0
        self._recent: tuple[int, int, Delivery] | None = None
        self._shared = form.shared()
        # Of named symbols, each update since `_offered`; None where some may be missing.
        self._noted: list[Entry] | None = []

    @property
    def compresses(self) -> bool:
        """Whether the members share a past."""
        return self._shared is not None

    @property
    def settled(self) -> int:
        """The version that every live member is sure to have."""
        return self._settled

    def start_anew(self) -> None:
        """The epoch is new: nobody has anything, whatever pass is under way is void."""
        self._offered = self._settled = 0
        self._passes += 1
        self._recent = None
        self._noted = None
        # Those who missed the rest of a pass do not have the past that the others have.
        self._shared = self.form.shared()

    def may_join(self, version: int) -> bool:
        """Whether a client at `version` lacks nothing that the live will not get either."""
        return version >= self._offered

    def join(self, client: "Client") -> None:
        """From here on the client gets what the cohort gets."""
        client.joined = self._passes
        if self._shared is None:
            self.live[client] = None
        else:
            self.aside[client] = None

    def drop(self, client: "Client") -> None:
        """From here on the client gets nothing from us."""
        self.live.pop(client, None)
        self.aside.pop(client, None)

    def missing(self, version: int) -> Delivery | None:
        """All that a client at `version` has not got, or None. Shared by those who stand alike."""
        newest = self._board.version
        recent = self._recent
        if recent is not None and recent[:2] == (version, newest):
            return recent[2]
        entries = self._board.since(version, self.symbols)
        if not entries:
            return None
        delivery = self._deliver(self.form, entries, newest)
        self._recent = (version, newest, delivery)
        return delivery

    def note(self, entry: Entry) -> None:
        """An update of one of the named symbols has come."""
        if self._noted is not None:
            self._noted.append(entry)
            if len(self._noted) > LOG_ENTRIES:
                self._noted = None

    def lose_notes(self) -> None:
        """Updates may have come that were not noted one by one."""
        self._noted = None

    def flush(self, breathe: Callable[[], None]) -> None:
        """One pass: offers what changed since the last one to every live member."""
        version = self._board.version
        entries = self._changed()
        self._offered = version
        if entries and self.rate:
            self.next_pass = time.monotonic() + 1 / self.rate
        if entries:
            passed = self._pass(lambda maker: self._deliver(maker, entries, version), breathe)
            if not passed:
                return
        self._settled = version

    def _changed(self) -> list[Entry]:
        """What is due: each update since the last pass, or with a rate, only the newest ones."""
        noted, self._noted = self._noted, []
        if self.rate or (self.symbols is not None and noted is None):
            return self._board.since(self._offered, self.symbols)
        if self.symbols is None:
            return self._board.each_since(self._offered)
        return noted or []

    def announce(self, name: str, data: bytes, breathe: Callable[[], None]) -> None:
        """Offers an event to every live member. Those behind are told when they catch up."""
        settled = self._settled
        self._pass(lambda maker: Delivery([maker.event(name, data)], [settled]), breathe)

    def _pass(self, make: Callable[[Form | Shared], Delivery], breathe: Callable[[], None]) -> bool:
        """Offers what `make` makes to all; False if a new epoch has made it void meanwhile."""
        if self._shared is not None and self._shared.begin(alone=not self.live):
            self.live |= self.aside
            self.aside.clear()
        self._passes += 1
        this_pass = self._passes
        live, aside = list(self.live), list(self.aside)
        if live:
            self._offer(make(self._shared or self.form), live, self.live, breathe)
        if aside and self._passes == this_pass:
            self._offer(make(self.form), aside, self.aside, breathe)
        return self._passes == this_pass

    def _offer(
        self,
        delivery: Delivery,
        everyone: list["Client"],
        still: dict["Client", None],
        breathe: Callable[[], None],
    ) -> None:
        """The fan-out: one send for each client. Never waits; yields only in `breathe`."""
        data, size = delivery.data, len(delivery.data)
        for clients in self._slices(everyone, still):
            taken = _send_to_each(clients, data)
            if taken.count(size) != len(clients):
                for client, sent in zip(clients, taken, strict=True):
                    if sent < 0:
                        client.lost()
                    elif sent != size:
                        client.fall_behind(*delivery.rest(sent, self._settled))
            breathe()

    def _slices(
        self, everyone: list["Client"], still: dict["Client", None]
    ) -> Iterator[list["Client"]]:
        """Some at a time. Between two slices others run: who left meanwhile, or left and joined again
        with newer prices, is left out."""
        this_pass = self._passes
        for start in range(0, len(everyone), SENDS_PER_LOOK):
            if self._passes != this_pass:
                return
            part = everyone[start : start + SENDS_PER_LOOK]
            yield [client for client in part if client in still and client.joined < this_pass]

    def _deliver(self, maker: Form | Shared, entries: list[Entry], version: int) -> Delivery:
        size = self.form.entries_per_piece
        return deliver(entries, version, self._board.epoch, maker.encode, size)


def _send_to_each(clients: list["Client"], data: bytes) -> list[int]:
    """Offers `data` to each socket: how many bytes each took, -1 where the connection is gone.

    The loop itself runs in C, from one exception to the next: here every nanosecond counts by the
    number of clients.
    """
    taken: list[int] = []
    sends = iter([client.send for client in clients])
    while True:
        try:
            taken.extend(map(call, sends, repeat(data)))
        except BlockingIOError:
            taken.append(0)
        except OSError:
            taken.append(-1)
        else:
            return taken
