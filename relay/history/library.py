"""Library: everything that one worker reads of the past, with what it keeps of that in memory."""

from relay.clock import SYSTEM, Clock
from relay.history.closes import Closes
from relay.history.own import Own
from relay.history.pages import Pages
from relay.history.past import Past
from relay.history.supply import Supply
from relay.store.contract import Archive, Demands

#: Bytes of decoded pages, and of rows of our own candles, that one worker keeps.
PAGES_BYTES = 40 << 20
OWN_BYTES = 16 << 20


class Library:
    """Candles and closes, from one archive."""

    def __init__(
        self,
        archive: Archive,
        demands: Demands,
        *,
        minutes_hours: int = 24,
        hours_days: int = 30,
        clock: Clock = SYSTEM,
    ) -> None:
        """Our own minutes are kept for so many hours, and hours for so many days; 0 for not at all."""
        pages = Pages(archive, clock, PAGES_BYTES)
        own = Own(archive, minutes_hours, hours_days, OWN_BYTES)
        supply = Supply(demands)
        self.past = Past(pages, own, supply, clock)
        self.closes = Closes(pages, own, supply, clock)
