"""Catalogue: what the exchange lists, looked up by REST: at each start, after a gap, and regularly.

Fills the board before the first frame, and finds out about symbols that are halted or gone, of which
a stream says nothing: it falls silent.
"""

import logging
import math
import random
from collections.abc import Callable, Sequence

from gevent.event import Event

from relay.backoff import Backoff
from relay.clock import SYSTEM, Clock
from relay.exchange import rest
from relay.exchange.api import Api, Apis, RestError
from relay.ingest.intake import Intake
from relay.url import shown

log = logging.getLogger(__name__)

#: Seconds between two looks at one API, at least. A look costs 80 of the 6,000 that an address may spend a
#: minute, and a storm of reconnections must not multiply that.
LEAST_SECONDS = 30.0
_TRADING = "TRADING"


class Catalogue:
    """Looks things up for an intake."""

    def __init__(
        self,
        bases: Sequence[str],
        intake: Intake,
        wants: Callable[[bool], bool],
        regular: float,
        clock: Clock = SYSTEM,
        apis: Apis | None = None,
    ) -> None:
        """`bases`: URLs of REST APIs in order of preference. `wants` is asked before anything is taken
        in: are prices that are simulated, or not, wanted now? `regular`: seconds between two looks.
        `apis`: where the accounts are kept, if others ask these APIs too."""
        self._configured = list(dict.fromkeys(bases))
        self._bases = self._configured
        self._intake = intake
        self._wants = wants
        self._clock = clock
        self._apis = apis or Apis(clock)
        self._regular = regular
        # When to look next, by the monotonic clock: the first time at once.
        self._due = clock.monotonic()
        self._bell = Event()
        self._not_before: dict[str, float] = {}
        self._backoff = Backoff(first=LEAST_SECONDS, cap=regular)
        self._said = ""
        # The symbols whose quote asset the exchange did not say when it was asked for what it lists.
        self._without_quote: set[str] = set()

    @property
    def bases(self) -> Sequence[str]:
        """The URLs of the APIs to ask, in order of preference."""
        return self._bases

    def refresh(self, within: float = 0.0) -> None:
        """Something may have been missed: look within so many seconds, or as soon as that is allowed."""
        self._due = min(self._due, self._clock.monotonic() + within)
        self._bell.set()

    def prefer(self, base: str) -> None:
        """Prices come from there: what is listed there counts."""
        if base not in self._bases:
            self.refresh()
        self._bases = list(dict.fromkeys([base, *self._configured]))
        # A simulator that was started again has another address each time.
        self._not_before = {b: at for b, at in self._not_before.items() if b in self._bases}

    def run(self) -> None:
        """Looks for ever, whatever it is answered. Needs a greenlet of its own."""
        while True:
            self._wait()
            try:
                wait = self.look() or self._regular * random.uniform(0.9, 1.1)
            except Exception:  # it supervises: nothing that is answered may end it
                log.exception("a look at what is listed failed")
                wait = LEAST_SECONDS
            self._due = min(self._due, self._clock.monotonic() + wait)

    def _wait(self) -> None:
        """Until a look is due; what is missed from here on is worth another one."""
        while (left := self._due - self._clock.monotonic()) > 0:
            self._bell.clear()
            self._bell.wait(left)
        self._due = math.inf

    def look(self) -> float:
        """Asks one API after the other; seconds until it is worth asking again, 0 if one answered.

        One that was asked within LEAST_SECONDS, or that asked to be left alone, is passed over.
        """
        for base in self._bases:
            if self._wait_for(base) > 0:
                continue
            self._leave_alone(base, LEAST_SECONDS)
            try:
                if self._read(base):
                    self._backoff.reset()
                    self._said = ""
                    return 0.0
            except RestError as error:
                self._leave_alone(base, max(self._backoff.next(), error.retry_after))
                if str(error) != self._said:
                    log.warning("%s: %s", shown(base), error)
                self._said = str(error)
                if error.retry_after:
                    break
        return max(min(map(self._wait_for, self._bases), default=self._regular), 0.1)

    def _wait_for(self, base: str) -> float:
        """Seconds until an API may be asked: others may have been told to leave it alone."""
        own = self._not_before.get(base, 0.0) - self._clock.monotonic()
        return max(own, self._apis.of(base).weight.banned)

    def _leave_alone(self, base: str, seconds: float) -> None:
        """An API is not asked again for so long, or for as long as one may not be."""
        self._not_before[base] = self._clock.monotonic() + max(seconds, LEAST_SECONDS)

    def _read(self, base: str) -> bool:
        """Takes in what an API says; False if that is not wanted. Raises RestError."""
        asked = self._clock.monotonic()
        api = self._apis.of(base)
        day = rest.day(api, self._clock)
        if not self._wants(day.simulated):
            return False
        traded = {ticker.symbol for ticker in day.tickers}
        self._intake.seed(day.tickers, day.debuts)
        missing = self._intake.silent_since(asked) - traded
        listed: dict[str, rest.Listed] = {}
        if missing:
            listed = self._listed(api, len(traded))
        elif self._intake.without_quote() - self._without_quote:
            try:
                listed = self._listed(api, len(traded))
            except RestError as error:
                log.info("%s: quote assets stay unknown: %s", shown(base), error)
        if not self._wants(day.simulated):
            return False
        if listed:
            self._intake.learn_quotes({symbol: each.quote for symbol, each in listed.items()})
            self._without_quote = self._intake.without_quote()
        for symbol in sorted(missing & self._intake.silent_since(asked)):
            self._judge(symbol, listed.get(symbol))
        return True

    def _listed(self, api: Api, traded: int) -> dict[str, rest.Listed]:
        """What is listed, where so many symbols are traded. Raises RestError."""
        listed = rest.listing(api)
        if len(listed) < max(traded, len(self._intake) / 2):
            raise RestError(f"lists only {len(listed)} symbols: not believed")
        return listed

    def _judge(self, symbol: str, listed: rest.Listed | None) -> None:
        if listed is None:
            log.warning("%s is gone: the exchange does not list it any more", symbol)
            self._intake.remove(symbol)
        elif listed.status not in (_TRADING, rest.UNKNOWN_STATUS):
            self._intake.mark(symbol, listed.status)
