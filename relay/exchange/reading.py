"""Reading: what the messages of one connection mean to its session.

Only tickers, the canary's among them, prove that a connection lives. Acknowledgements, books and
whatever cannot be understood are remembered, and prove nothing.
"""

import logging
from collections import Counter

from relay.exchange.failure import FeedError
from relay.exchange.messages import Remark, normalise
from relay.exchange.streams import CANARY
from relay.ticker import Ticker, upper

log = logging.getLogger(__name__)

#: Times the usual silence that a symbol's stream may pass over on an exchange without the canary, once it
#: delivers: nothing tells then whether it is quiet or dead.
QUIET_FACTOR = 6

#: What is left out of what we read: a value, an entry or a message. The first of a connection is logged.
_LEFT_OUT = (Remark.BAD_VALUE, Remark.MALFORMED)

_CANARY_SYMBOL, _CANARY_STREAM = upper(CANARY.partition("@")[0]), "24hrMiniTicker"


class Reading:
    """Reads messages into tickers, and remembers what they told of the connection."""

    def __init__(self, canary: bool) -> None:
        """`canary`: whether one was subscribed to only to tell quiet from dead."""
        #: Whether the exchange has announced that it will close the connection.
        self.retiring = False
        #: The connection is dead after this many times the usual silence.
        self.factor = 1
        #: How often there was which remark.
        self.counts: Counter[Remark] = Counter()
        self._canary = canary
        self._canary_sings = False
        self._delivers = False
        # What there was to say of the messages since the last tickers came.
        self._remarks: set[Remark] = set()

    @property
    def instead(self) -> str:
        """What has come since the last tickers, in words; empty if nothing has.

        It does not say how often: then the same trouble is told in the same words each time.
        """
        kinds = ", ".join(sorted(self._remarks))
        return f"messages came that give no price: {kinds}" if kinds else ""

    def read(self, message: bytes, received_time: int) -> list[Ticker] | None:
        """The tickers in a message; none for a canary's, None where there is no data in it.

        `received_time` is in milliseconds since 1970. Raises FeedError where the exchange refuses what
        was asked for.
        """
        tickers, remarks, detail = normalise(message, received_time)
        if remarks:
            self._heed(remarks, detail)
        if not tickers:
            return None
        if self._remarks:
            self._remarks.clear()
        return self._without_canary(tickers) if self._canary else tickers

    def _heed(self, remarks: list[Remark], detail: str) -> None:
        self._remarks.update(remarks)
        for kind in _LEFT_OUT:
            if kind in remarks and kind not in self.counts:
                log.warning(
                    "left out as %s%s; others like it are not told of",
                    kind,
                    f": {detail}" if detail else "",
                )
        self.counts.update(remarks)
        if Remark.ERROR in remarks:
            # The only thing we ever ask for is a subscription.
            raise FeedError(f"the exchange says: {detail}", cause="error")
        if Remark.SHUTDOWN in remarks:
            self.retiring = True

    def _without_canary(self, tickers: list[Ticker]) -> list[Ticker]:
        wanted = [t for t in tickers if (t.symbol, t.stream) != (_CANARY_SYMBOL, _CANARY_STREAM)]
        self._canary_sings |= len(wanted) < len(tickers)
        self._delivers |= bool(wanted)
        self.factor = QUIET_FACTOR if self._delivers and not self._canary_sings else 1
        return wanted
