"""Still: a market where nothing happens unless a test says so, with /simulator/publish."""

from relay.simulator.market import Carrier
from relay.simulator.seen import Seen


class Still(Seen):
    """No symbols, no prices; REST knows what has been published."""

    async def run(self, exchange: Carrier) -> None:
        """Do nothing."""
