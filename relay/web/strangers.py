"""Strangers: how often an address may ask for what it may not have.

Who shows nothing spends what the address may ask a second; who shows something wrong also has few attempts.
Whoever shows a right token or ticket is never asked, so nobody can shut out others behind the same address.
"""

import logging

from relay.clock import SYSTEM, Clock
from relay.complaint import Complaint
from relay.refusals import Refusals
from relay.server.visitors import Visitor
from relay.web.ration import Overspent, Ration

log = logging.getLogger(__name__)

#: Seconds' worth of wrong tokens and tickets that may come at once.
BURST_SECONDS = 20.0


class Strangers:
    """Bounds what costs the relay a refusal."""

    def __init__(self, ration: Ration, refusals: Refusals, clock: Clock = SYSTEM) -> None:
        self._ration = ration
        self._refusals = refusals
        self._clock = clock
        self._complaint = Complaint(log, clock.monotonic)

    def nothing(self, visitor: Visitor) -> None:
        """It has shown no token or ticket, or one whose time is over. Raises Overspent."""
        self._ration.take(visitor, 1)

    def wrong(self, visitor: Visitor) -> None:
        """It has shown one that is not ours. Raises Overspent."""
        self._complaint.make("a wrong token or ticket from %s", visitor.address or "this machine")
        bounds = visitor.bounds
        if not bounds.guesses:
            return
        burst = max(bounds.guesses * BURST_SECONDS, 1.0)
        missing = visitor.guesses.take(1, bounds.guesses, burst, self._clock.monotonic())
        if missing:
            self._refusals.count(bounds.setting("GUESSES"))
            why = bounds.reason("shows too many wrong tokens or tickets", "GUESSES")
            raise Overspent(why, missing)
