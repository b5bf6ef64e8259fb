"""Writer: the one who gives every update its version.

Between the feed and the store. It keeps the newest ticker of every symbol. Those not yet written wait
one by one up to a limit, and beyond it only the newest of each symbol: a store that is slow or away
costs intermediate prices, never memory.
"""

import logging
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

import gevent
import msgspec
from gevent.event import Event

from relay.backoff import Backoff
from relay.batch import Batch, FeedStatus, Update
from relay.ticker import Ticker

log = logging.getLogger(__name__)

#: A batch or a beat at least so often: workers tell silence from quiet by it.
BEAT_SECONDS = 1.0
#: So many tickers wait to be written one by one: more than any frame of the whole market has.
MAX_PENDING = 2048
#: Carried over from the last message that had them: a trade does not say the day's high.
_DAY_FIELDS = (
    "open",
    "high",
    "low",
    "volume",
    "quote_volume",
    "change",
    "change_percent",
    "trades",
)


class StoreUnavailable(Exception):
    """The store could not be reached; nothing is known of what became of the batch."""


class StateLost(Exception):
    """The store does not hold what we wrote last: it was flushed, or came back older."""


class LeaseHeld(Exception):
    """Another listener may write, we may not."""


class Position(NamedTuple):
    """Where a store's state stands, for the writer to go on from."""

    epoch: str
    version: int
    simulated: bool
    tickers: list[Ticker]


class Store(Protocol):
    """Where batches go."""

    def open(self) -> Position | None:
        """Takes the lease; the state to go on from, or None if there is none.

        Raises StoreUnavailable or LeaseHeld.
        """

    def write(self, batch: Batch) -> None:
        """State, version and publish at once, or not at all; the same batch twice counts once.

        Raises StoreUnavailable, StateLost or LeaseHeld.
        """


class Writer:
    """Takes tickers, writes batches."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._encode = msgspec.json.Encoder().encode
        self._tickers: dict[str, Ticker] = {}
        self._pending: list[Ticker] = []
        self._bell = Event()
        self._epoch = _new_epoch()
        self._version = 0
        self._simulated: bool | None = None
        #: How many updates were written, and how many tickers were dropped as old or repeated.
        self.written = 0
        self.dropped = 0

    def begin(self, simulated: bool) -> None:
        """The next tickers come from the real exchange or from a simulated one.

        Where that differs from what is held, the board starts anew: the two never mix.
        """
        if self._simulated not in (None, simulated):
            log.warning("the board starts anew: prices are %s", _kind(simulated))
            self._tickers.clear()
            self._start_epoch()
        self._simulated = simulated

    def offer(self, tickers: list[Ticker]) -> None:
        """Takes tickers in, drops what is older than or the same as what is held. Never blocks."""
        for ticker in tickers:
            held = self._tickers.get(ticker.symbol)
            if held is not None:
                if _is_old(ticker, held):
                    self.dropped += 1
                    continue
                if ticker.open is None and held.open is not None:
                    day = {field: getattr(held, field) for field in _DAY_FIELDS}
                    ticker = msgspec.structs.replace(ticker, **day)  # noqa: PLW2901
            self._tickers[ticker.symbol] = ticker
            self._pending.append(ticker)
        if len(self._pending) > MAX_PENDING:
            self._pending = list({ticker.symbol: ticker for ticker in self._pending}.values())
        self._bell.set()

    def run(self, feed_status: Callable[[], FeedStatus]) -> None:
        """Writes for ever. Needs a greenlet of its own."""
        backoff = Backoff(first=0.1, cap=2.0)
        is_open = False
        unconfirmed: Batch | None = None
        while True:
            try:
                if not is_open:
                    self._adopt(self._store.open())
                    is_open, unconfirmed = True, None
                batch = unconfirmed or self._next_batch(feed_status)
                unconfirmed = batch
                self._store.write(batch)
                unconfirmed = None
                self.written += len(batch.updates)
                if backoff.failures:
                    log.info("the store is back")
                    backoff.reset()
            except StoreUnavailable as error:
                if not backoff.failures:
                    log.warning("the store is away: %s", error)
                gevent.sleep(backoff.next())
            except StateLost:
                log.warning("the store has lost its state: writing all of it, in a new epoch")
                self._start_epoch()
                unconfirmed = None
            except LeaseHeld:
                if is_open or not backoff.failures:
                    log.warning("another listener holds the lease: standing by")
                is_open = False
                backoff.next()
                gevent.sleep(BEAT_SECONDS)

    def _adopt(self, position: Position | None) -> None:
        if position is None:
            if self._version:
                self._start_epoch()
            return
        if self._simulated not in (None, position.simulated):
            log.warning("the stored prices are %s: starting anew", _kind(position.simulated))
            self._start_epoch()
            return
        self._epoch, self._version = position.epoch, position.version
        self._simulated = position.simulated
        fresh = list(self._tickers.values())
        self._tickers = {ticker.symbol: ticker for ticker in position.tickers}
        self._pending.clear()
        self.offer(fresh)

    def _start_epoch(self) -> None:
        self._epoch, self._version = _new_epoch(), 0
        self._pending = list(self._tickers.values())
        self._bell.set()

    def _next_batch(self, feed_status: Callable[[], FeedStatus]) -> Batch:
        self._bell.wait(BEAT_SECONDS)
        self._bell.clear()
        pending, self._pending = self._pending, []
        updates = [self._update(ticker) for ticker in pending]
        previous = self._version
        self._version += len(updates)
        return Batch(self._epoch, previous, self._version, feed_status(), updates)

    def _update(self, ticker: Ticker) -> Update:
        return Update(ticker.symbol, ticker.price, self._encode(ticker).decode())


def _is_old(ticker: Ticker, held: Ticker) -> bool:
    """Older by the exchange's clock, or the same again. Two symbols' clocks are not compared."""
    if ticker.event_time is not None and held.event_time is not None:
        if ticker.event_time < held.event_time:
            return True
        if ticker.event_time > held.event_time:
            return False
    return (ticker.price, ticker.event, ticker.bid, ticker.ask) == (
        held.price,
        held.event,
        held.bid,
        held.ask,
    )


def _new_epoch() -> str:
    """No two alike: the time, so that people can read it, and chance."""
    return f"{int(time.time()):x}{secrets.token_hex(3)}"


def _kind(simulated: bool) -> str:
    return "SIMULATED" if simulated else "real"
