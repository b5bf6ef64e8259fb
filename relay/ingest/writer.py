"""Writer: the one who gives every update its version.

Takes what waits in the intake and writes it as batches. A store that is slow or away costs
intermediate prices, never memory, and gets the newest of everything when it is back.
"""

import logging
import secrets
from collections.abc import Callable

import gevent
import msgspec

from relay.backoff import Backoff
from relay.batch import BEAT_SECONDS, DOWN_SECONDS, STALE_SECONDS, Batch, encode_batch
from relay.board import resume_id
from relay.clock import SYSTEM, Clock
from relay.feed_status import CANNOT_BE_CARRIED, FeedStatus, as_carried
from relay.ingest.intake import Intake
from relay.store.contract import (
    LeaseHeld,
    Position,
    SnapshotLost,
    Store,
    StoreRefuses,
    StoreUnavailable,
    Unwritable,
)
from relay.ticker import Ticker

log = logging.getLogger(__name__)

#: Seconds between two requests for the lease by a listener that stands by.
STANDBY_SECONDS = 0.5
#: Symbols that are named in the log, once each, since a ticker of theirs cannot be carried.
_MAX_NAMED = 100


class Writer:
    """Takes tickers from the intake, writes batches to the store.

    The intake, an epoch and a batch hold prices of one kind only, real or simulated, and every batch
    says of which.
    """

    def __init__(
        self,
        store: Store,
        intake: Intake,
        feed_status: Callable[[], FeedStatus],
        *,
        leads: Callable[[], None] = lambda: None,
        clock: Clock = SYSTEM,
    ) -> None:
        """`leads` is called whenever we have become the one who writes, and the intake holds what the
        store did."""
        self._store = store
        self._intake = intake
        self._feed_status = feed_status
        self._leads = leads
        self._clock = clock
        self._epoch = self._new_epoch()
        self._version = 0
        # The kind of what is in the intake; None as long as nothing is.
        self._simulated: bool | None = None
        # The kind that a batch of this epoch has named; None as long as there is none.
        self._told: bool | None = None
        # The kind of what the store holds, and so of what workers show.
        self._shown: bool | None = None
        #: How many other listeners stood by when something was written last; 0 while we stand by.
        self.standbys = 0
        self._holds_lease = False
        # Since when nobody has written anything, by the monotonic clock; None while all is well.
        self._failing_since: float | None = None
        # What the store held last, as far as we know: epoch, version, and when its feed was said.
        self._held: tuple[str, int, int] | None = None
        self._named: set[str] = set()
        #: How many updates were written.
        self.written = 0

    @property
    def id(self) -> str:
        """The newest id that was given: <epoch>-<version>."""
        return resume_id(self._epoch, self._version)

    @property
    def leading(self) -> bool:
        """Whether we are the one who writes. While the store takes nothing we are not: another one may have
        taken over, and we could not know."""
        return self._holds_lease and self._failing_since is None

    @property
    def simulated(self) -> bool | None:
        """The kind of the prices in the intake; None as long as there are none."""
        return self._simulated

    def use(self, simulated: bool) -> bool:
        """From here on tickers come from the real exchange, or from a simulated one.

        To be called before the first of them is given to the intake. Where the kind differs from what
        is held, the board starts anew, and it is True: the two never mix.
        """
        anew = self._simulated not in (None, simulated)
        if anew:
            log.warning("the board starts anew: prices are %s", _kind(simulated))
            self._intake.clear()
        if anew or self._told not in (None, simulated):
            # Also where nothing is held yet: an epoch says one thing of itself from its first beat on.
            self._start_epoch()
        self._simulated = simulated
        return anew

    def run(self) -> None:
        """Writes for ever. Needs a greenlet of its own."""
        while True:
            position = self._take_lease()
            self._holds_lease = True
            try:
                self._lead(position)
            finally:
                self._holds_lease, self.standbys = False, 0
            gevent.sleep(STANDBY_SECONDS)

    def _take_lease(self) -> Position | None:
        """Waits until we may write; where to go on from."""
        backoff = Backoff(first=0.1, cap=1.0)
        leader = ""
        while True:
            try:
                position = self._store.open()
            except StoreUnavailable as error:
                if not backoff.failures:
                    log.warning("the store is away: %s", error.logged)
                gevent.sleep(backoff.next())
            except LeaseHeld as held:
                _say_that_it_is_back(backoff)
                if str(held) != leader:
                    log.warning("standby: %s holds the lease", held)
                leader = str(held)
                gevent.sleep(STANDBY_SECONDS)
            else:
                _say_that_it_is_back(backoff)
                log.info("leading%s", ", after standing by" if leader else "")
                return position

    def _lead(self, position: Position | None) -> None:
        """Writes as long as we may."""
        self._adopt(position)
        self._leads()
        backoff = Backoff(first=0.1, cap=1.0)
        unconfirmed: Batch | None = None
        while True:
            batch = unconfirmed = self._as_of_now(unconfirmed) or self._next_batch()
            try:
                self.standbys = self._store.write(batch)
            except StoreUnavailable as error:
                self._fail(error, backoff)
            except Unwritable as error:
                unconfirmed = self._without_what_cannot_be_carried(batch, error)
            except SnapshotLost:
                log.warning("the store has lost what it held: writing all of it, in a new epoch")
                self._start_epoch()
                unconfirmed = None
            except LeaseHeld as held:
                _say_that_it_is_back(backoff)
                log.warning("the lease was lost to %s", held)
                if batch.feed.simulated == self._simulated:
                    self._intake.remove_again(batch.updates)
                return
            else:
                unconfirmed = None
                self._failing_since = None
                self._held = _mark(batch.epoch, batch.version, batch.feed)
                self._shown = batch.feed.simulated
                self.written += len(batch.updates)
                _say_that_it_is_back(backoff)

    def _fail(self, error: StoreUnavailable, backoff: Backoff) -> None:
        if not backoff.failures:
            log.warning("the store is away: %s", error.logged)
        if self._failing_since is None:
            self._failing_since = self._clock.monotonic()
        if isinstance(error, StoreRefuses):
            self._store.tell(self._refused_status(error))
        gevent.sleep(backoff.next())

    def _adopt(self, position: Position | None) -> None:
        """Goes on from what the store holds, if it is of our kind; else starts anew.

        Before anything has come, ours is the kind of what is held; `use` sees to it if that proves wrong.
        """
        if position is None:
            if self._version:
                self._start_epoch()
            return
        snapshot = position.snapshot
        held = _mark(snapshot.epoch, snapshot.version, snapshot.feed)
        if held != self._held:
            # Another listener wrote after us: the store took that, whatever it refused us.
            self._held, self._failing_since = held, None
        simulated = None if snapshot.feed is None else snapshot.feed.simulated
        self._shown = simulated
        if simulated is None or self._simulated not in (None, simulated):
            kind = "of an unknown kind" if simulated is None else _kind(simulated)
            log.warning("the stored prices are %s: starting anew", kind)
            self._start_epoch()
            return
        self._simulated = simulated
        self._intake.restore(ticker for _, ticker in snapshot.entries)
        if position.intact:
            self._epoch, self._version = snapshot.epoch, snapshot.version
            self._told = simulated
        else:
            log.warning("the store is another server than before: starting a new epoch")
            self._start_epoch()

    def _start_epoch(self) -> None:
        self._epoch, self._version, self._told = self._new_epoch(), 0, None
        self._intake.resend()

    def _next_batch(self) -> Batch:
        updates = self._intake.wait(BEAT_SECONDS)
        previous = self._version
        self._version += len(updates)
        status = self._status(self._simulated)
        self._told = status.simulated
        return Batch(self._epoch, previous, self._version, status, updates)

    def _as_of_now(self, batch: Batch | None) -> Batch | None:
        """The same updates again, with how the feed is by now: much may have changed since."""
        if batch is None:
            return None
        return msgspec.structs.replace(batch, feed=self._status(batch.feed.simulated))

    def _without_what_cannot_be_carried(self, batch: Batch, error: Unwritable) -> Batch:
        """The batch as it can be written: a bad ticker costs itself."""
        updates = [ticker for ticker in batch.updates if _can_be_carried(ticker, batch.feed)]
        left_out = {ticker.symbol for ticker in batch.updates} - {t.symbol for t in updates}
        if not left_out:
            # It is none of them by itself.
            updates, left_out = [], {ticker.symbol for ticker in batch.updates}
        for symbol in sorted(left_out - self._named)[: _MAX_NAMED - len(self._named)]:
            log.error("%a is left out, since its ticker cannot be written: %s", symbol, error)
            self._named.add(symbol)
        self._version = batch.previous + len(updates)
        return msgspec.structs.replace(batch, version=self._version, updates=updates)

    def _status(self, simulated: bool | None) -> FeedStatus:
        """What the feed says of itself, marked as prices of this kind; None: as the feed says."""
        status = msgspec.structs.replace(
            self._feed_status(), time=self._clock.wall_ms(), standbys=self.standbys
        )
        if simulated is not None and simulated != status.simulated:
            status = msgspec.structs.replace(status, simulated=simulated)
        try:
            return as_carried(status)
        except CANNOT_BE_CARRIED:
            # A number out of bounds, say. What counts is known all the same.
            return FeedStatus(status.state, status.simulated, time=status.time)

    def _refused_status(self, error: StoreRefuses) -> FeedStatus:
        now = self._clock.monotonic()
        failing = now - (now if self._failing_since is None else self._failing_since)
        status = self._status(self._shown)
        if failing < STALE_SECONDS:
            return status
        state = "down" if failing > DOWN_SECONDS else "stale"
        age = max(failing, status.age or 0.0)
        return msgspec.structs.replace(
            status, state=state, age=round(age, 3), reason=f"redis: {error}"[:200]
        )

    def _new_epoch(self) -> str:
        """No two alike: the time in seconds, so that people can read it, and chance."""
        return f"{self._clock.wall_ms() // 1000:x}{secrets.token_hex(3)}"


def _mark(epoch: str, version: int, feed: FeedStatus | None) -> tuple[str, int, int]:
    """What tells two writes apart, also two beats."""
    return epoch, version, 0 if feed is None else feed.time


def _say_that_it_is_back(backoff: Backoff) -> None:
    """The store has answered: that is news where it was away before."""
    if backoff.failures:
        log.info("the store is back")
        backoff.reset()


def _can_be_carried(ticker: Ticker, feed: FeedStatus) -> bool:
    try:
        encode_batch(Batch("", 0, 1, feed, [ticker]))
    except CANNOT_BE_CARRIED:
        return False
    return True


def _kind(simulated: bool) -> str:
    return "SIMULATED" if simulated else "real"
