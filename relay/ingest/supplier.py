"""Supplier: the listener's side of demands: it gets what workers lack, and nobody else asks the exchange.

At most FETCHES demands are taken at a time. All others stay in their queue, where their place is known to
those who wait.
"""

import logging

import gevent
from gevent.pool import Pool

from relay.backoff import Backoff
from relay.clock import Clock
from relay.history.page import encode_page, page_name
from relay.ingest.fetcher import PROBLEM_SECONDS, SOON_SECONDS, WRONG_SECONDS, Fetcher, Refusal
from relay.store.contract import Keeper, LeaseHeld, Orders, StoreUnavailable

log = logging.getLogger(__name__)

#: Pages that are fetched at a time.
FETCHES = 4
#: Seconds to wait for a demand, and between two tries while another listener leads.
TAKE_SECONDS = 1.0
#: Seconds within which a demand that was answered is not fetched again.
FRESH_SECONDS = 1.0
#: Seconds that a page is kept: one that stays as it is, and one that still runs.
FINAL_SECONDS = 86_400
RUNNING_SECONDS = 3_600
#: Pages of each family that are kept at most.
MAX_PAGES = {"klines": 1_000, "closes": 5_000}


class Supplier:
    """Answers or refuses every demand."""

    def __init__(self, orders: Orders, keeper: Keeper, fetcher: Fetcher, clock: Clock) -> None:
        self._orders = orders
        self._keeper = keeper
        self._fetcher = fetcher
        self._clock = clock
        self._taking, self._keeping = _Side(clock), _Side(clock)
        self._in_progress: set[str] = set()
        # When each was answered, by the monotonic clock, the oldest first.
        self._answered: dict[str, float] = {}

    @property
    def problem(self) -> str:
        """What keeps demands from being answered at the moment, or nothing."""
        return self._taking.problem or self._keeping.problem or self._fetcher.problem

    def run(self) -> None:
        """Takes demands for ever, whatever becomes of them. Needs a greenlet of its own."""
        pool = Pool(FETCHES)
        while True:
            pool.wait_available()
            name = self._take()
            if name is not None and self._is_new(name):
                self._in_progress.add(name)
                pool.spawn(self._supply, name)

    def _take(self) -> str | None:
        """The next demand, once there is one. None: look again."""
        began = self._clock.monotonic()
        try:
            name = self._orders.take(TAKE_SECONDS)
        except StoreUnavailable as error:
            self._taking.failed(error)
            return None
        self._taking.works()
        if name is None:
            # While another leads there is nothing to wait for.
            gevent.sleep(max(0.0, began + TAKE_SECONDS - self._clock.monotonic()))
        return name

    def _is_new(self, name: str) -> bool:
        """Whether it is to be fetched. What was answered a moment ago is answered again."""
        now = self._clock.monotonic()
        while self._answered and now - next(iter(self._answered.values())) > FRESH_SECONDS:
            del self._answered[next(iter(self._answered))]
        if name in self._answered:
            self._orders.answer(name)
            return False
        return name not in self._in_progress

    def _supply(self, name: str) -> None:
        try:
            self._fetch(name)
        except Refusal as refusal:
            self._orders.refuse(name, str(refusal), refusal.seconds)
        except LeaseHeld:
            # Whoever leads now takes demands; this one is asked for again.
            log.info("%s is left to the listener that leads now", name)
        except StoreUnavailable as error:
            self._orders.refuse(name, f"the store: {error}", SOON_SECONDS)
            self._keeping.failed(error)
        except Exception:  # it supervises: nothing that is answered may end it
            log.exception("a demand failed: %.200r", name)
            self._orders.refuse(name, "the listener failed", WRONG_SECONDS)
        finally:
            self._in_progress.discard(name)

    def _fetch(self, name: str) -> None:
        """Puts what is demanded into the archive. Raises Refusal, LeaseHeld or StoreUnavailable."""
        wanted = page_name(name)
        if wanted is None:
            raise Refusal("nothing that can be demanded", WRONG_SECONDS)
        fetched = self._fetcher.fetch(wanted)
        # Off this thread: to deflate a page takes milliseconds, in which a price would wait.
        data = gevent.get_hub().threadpool.apply(encode_page, (fetched.page,))
        seconds = FINAL_SECONDS if fetched.final else RUNNING_SECONDS
        self._keeper.put(name, data, seconds, most=MAX_PAGES[wanted.family])
        self._keeping.works()
        self._answered[name] = self._clock.monotonic()
        self._orders.answer(name)


class _Side:
    """One of the two things that we ask of the store."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._backoff = Backoff(first=0.1, cap=5.0)
        # Until when it is worth to be told, and what it is: nobody may ask for anything after it is over.
        self._problem = (0.0, "")

    @property
    def problem(self) -> str:
        """What went wrong lately, or nothing."""
        until, reason = self._problem
        return reason if until > self._clock.monotonic() else ""

    def works(self) -> None:
        self._backoff.reset()
        self._problem = (0.0, "")

    def failed(self, error: StoreUnavailable) -> None:
        """Waits, longer each time."""
        if not self.problem:
            log.warning("demands wait for the store: %s", error.logged)
        reason = f"the store: {error}"[:200]
        self._problem = self._clock.monotonic() + PROBLEM_SECONDS, reason
        gevent.sleep(self._backoff.next())
