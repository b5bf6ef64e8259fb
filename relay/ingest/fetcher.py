"""Fetcher: gets candles of the exchange, page by page, from whichever of its APIs may be asked."""

import logging
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import gevent

from relay.amount import amount
from relay.clock import Clock
from relay.exchange.api import ANSWER_SECONDS, Api, Apis, RestError
from relay.exchange.failure import REFUSED_SECONDS
from relay.exchange.klines import WEIGHT, InvalidSymbol, Wanted, klines
from relay.history.interval import SECONDS
from relay.history.page import NEWEST_CANDLES, PAGE_CANDLES, Page, PageName
from relay.history.wish import EARLIEST
from relay.store.contract import Refused
from relay.url import shown

log = logging.getLogger(__name__)

#: Seconds for which a refusal stands: of what may be had soon, of what depends on the demand, and of a
#: symbol that the exchange does not know.
SOON_SECONDS = 5.0
WRONG_SECONDS = 60.0
UNKNOWN_SECONDS = 300.0
#: Seconds for which an API is passed over that gave no usable answer.
REST_SECONDS = 5.0
#: Seconds that a page waits for weight at most: the minute's turn comes before that, but others may spend
#: the next minute too.
WEIGHT_SECONDS = 90.0
#: Seconds between two looks, while it waits.
LOOK_SECONDS = 1.0
#: Seconds for which a problem is told, unless a page comes meanwhile.
PROBLEM_SECONDS = 60.0
#: Milliseconds that a candle may still change after its end, and by which our clock may be ahead of the
#: exchange's where that does not tell its time.
APART_MILLISECONDS = 1_000
#: Seconds by which a running candle's time may be ahead of our clock.
MAX_AHEAD_SECONDS = 86_400
_MAX_REASON = 200


class Refusal(Refused):
    """The page cannot be had; says why, and for how long that is so."""

    def __init__(self, reason: str, seconds: float = SOON_SECONDS) -> None:
        super().__init__(reason)
        self.seconds = seconds


class Fetched(NamedTuple):
    """A page, and whether it stays as it is: all of its time is over, and all of it is known."""

    page: Page
    final: bool


class Fetcher:
    """Gets pages. Safe to be used by several greenlets at once."""

    def __init__(
        self,
        bases: Callable[[], Sequence[str]],
        simulated: Callable[[], bool | None],
        apis: Apis,
        clock: Clock,
        *,
        pause: Callable[[float], object] = gevent.sleep,
    ) -> None:
        """`bases`: URLs of REST APIs in order of preference. `simulated`: the kind of the prices that are
        shown at present. `apis`: their accounts, shared with all who ask them."""
        self._bases = bases
        self._simulated = simulated
        self._apis = apis
        self._clock = clock
        self._pause = pause
        # Until when an API is passed over, by the monotonic clock, and why.
        self._resting: dict[str, tuple[float, str]] = {}
        self._said: dict[str, str] = {}
        # Until when it is worth to be told, and what it is.
        self._problem = (0.0, "")

    def fetch(self, name: PageName) -> Fetched:
        """The page of this name. May wait for the minute's turn. Raises Refusal."""
        self._check(name)
        give_up = self._clock.monotonic() + WEIGHT_SECONDS
        failures: dict[str, str] = {}
        while True:
            waits = []
            for base in self._bases():
                if base in failures:
                    continue
                api = self._apis.of(base)
                if reason := self._reason_to_pass(api):
                    failures[base] = reason
                elif wait := api.weight.wait(WEIGHT):
                    waits.append(wait)
                else:
                    try:
                        return self._ask(api, name)
                    except RestError as error:
                        failures[base] = self._failed(api, error)
            if not waits:
                reasons = ", ".join(dict.fromkeys(failures.values()))
                raise self._trouble(f"the exchange: {reasons or 'no REST API is configured'}")
            spent = self._trouble("the weight that may be spent in this minute is spent")
            if self._clock.monotonic() >= give_up:
                raise spent
            self._pause(min(LOOK_SECONDS, *waits))

    @property
    def problem(self) -> str:
        """What has kept a page from us lately, or nothing."""
        until, reason = self._problem
        return reason if until > self._clock.monotonic() else ""

    def _check(self, name: PageName) -> None:
        """Raises Refusal where it is no use to ask."""
        self._check_kind(name, self._simulated())
        if name.family == "klines":
            if name.end <= EARLIEST:
                raise Refusal("nothing was traded before July 2017", UNKNOWN_SECONDS)
            if name.start * 1000 > self._clock.wall_ms():
                raise Refusal("that is in the future")

    def _check_kind(self, name: PageName, simulated: bool | None) -> None:
        if simulated not in (None, name.simulated):
            raise Refusal(f"prices are {'SIMULATED' if simulated else 'real'} at present")

    def _reason_to_pass(self, api: Api) -> str:
        """Why an API is not asked now; empty if it is."""
        if banned := api.weight.banned:
            return f"asks to be left alone for {math.ceil(banned)} s"
        until, reason = self._resting.get(api.base, (0.0, ""))
        return reason if until > self._clock.monotonic() else ""

    def _ask(self, api: Api, name: PageName) -> Fetched:
        """Raises RestError, or Refusal where no other API would say anything else."""
        self._try_alone(api)
        asked, began = self._clock.wall_ms(), self._clock.monotonic()
        try:
            answer = klines(api, _wanted(name, asked))
        except InvalidSymbol:
            self._answered(api)
            raise Refusal("the exchange does not know the symbol", UNKNOWN_SECONDS) from None
        except RestError as error:
            if error.status == 400:
                # The demand is wrong, not the API: it is not to suffer for that.
                self._answered(api)
                raise Refusal(f"the exchange: {error}", WRONG_SECONDS) from error
            raise
        self._answered(api)
        self._check_kind(name, answer.simulated)
        if answer.dropped:
            log.warning("%s: without sense: %s", name, amount(answer.dropped, "candle"))
        # By whichever clock is behind: ours may be ahead of the one that ends candles. The answer's date is
        # of its end, and what it says may be of its beginning.
        took = int(1000 * (self._clock.monotonic() - began))
        theirs = asked if answer.date is None else answer.date - took
        until = min(asked, theirs) - APART_MILLISECONDS
        page = Page(until, answer.klines, whole=not answer.dropped)
        return Fetched(page, _is_final(name, page))

    def _try_alone(self, api: Api) -> None:
        """An API that failed last time is asked for one page; meanwhile it is passed over for all others,
        which might wait for nothing."""
        if api.base in self._resting:
            _, reason = self._resting[api.base]
            self._resting[api.base] = self._clock.monotonic() + ANSWER_SECONDS, reason

    def _answered(self, api: Api) -> None:
        self._resting.pop(api.base, None)
        self._said.pop(api.base, None)
        self._problem = (0.0, "")

    def _failed(self, api: Api, error: RestError) -> str:
        """Passes over this API for a while; why."""
        seconds = max(REST_SECONDS, error.retry_after)
        if error.status in (403, 451):
            seconds = max(seconds, REFUSED_SECONDS)
        self._forget_former()
        self._resting[api.base] = self._clock.monotonic() + seconds, str(error)
        if self._said.get(api.base) != str(error):
            log.warning("%s: %s", shown(api.base), error)
        self._said[api.base] = str(error)
        return self._reason_to_pass(api)

    def _forget_former(self) -> None:
        """A simulator that was started again has another address each time."""
        present = set(self._bases())
        for base in [base for base in self._said if base not in present]:
            del self._said[base]
        for base in [base for base in self._resting if base not in present]:
            del self._resting[base]

    def _trouble(self, reason: str) -> Refusal:
        """What a page is refused with; it is told for a while."""
        reason = reason[:_MAX_REASON]
        self._problem = self._clock.monotonic() + PROBLEM_SECONDS, reason
        return Refusal(reason)


def _wanted(name: PageName, now: int) -> Wanted:
    """What to ask for at this time, in milliseconds."""
    length = SECONDS[name.interval] * 1000
    if name.family == "closes":
        before = now + MAX_AHEAD_SECONDS * 1000
        return Wanted(name.symbol, name.interval, length, NEWEST_CANDLES, before)
    start, before = name.start * 1000, name.end * 1000
    return Wanted(name.symbol, name.interval, length, PAGE_CANDLES, before, start)


def _is_final(name: PageName, page: Page) -> bool:
    return name.family == "klines" and name.end * 1000 <= page.until and page.whole
