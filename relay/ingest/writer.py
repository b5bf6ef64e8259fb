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
from relay.batch import BEAT_SECONDS, DOWN_SECONDS, STALE_SECONDS, Batch
from relay.clock import SYSTEM, Clock
from relay.feed_status import FeedStatus
from relay.ingest.intake import Intake
from relay.store.contract import (
    LeaseHeld,
    Position,
    SnapshotLost,
    Store,
    StoreRefuses,
    StoreUnavailable,
)

log = logging.getLogger(__name__)

#: Seconds between two requests for the lease by a listener that stands by.
STANDBY_SECONDS = 0.5


class Writer:
    """Takes tickers from the intake, writes batches to the store."""

    def __init__(
        self,
        store: Store,
        intake: Intake,
        feed_status: Callable[[], FeedStatus],
        *,
        clock: Clock = SYSTEM,
    ) -> None:
        self._store = store
        self._intake = intake
        self._feed_status = feed_status
        self._clock = clock
        self._epoch = self._new_epoch()
        self._version = 0
        self._simulated: bool | None = None
        self._standbys = 0
        self._failing_since = 0.0
        #: How many updates were written.
        self.written = 0

    def use(self, simulated: bool) -> bool:
        """The next tickers come from the real exchange or from a simulated one.

        Where that differs from what is held, the board starts anew, and it is True: the two never mix.
        """
        anew = self._simulated not in (None, simulated)
        if anew:
            log.warning("the board starts anew: prices are %s", _kind(simulated))
            self._intake.clear()
            self._start_epoch()
        self._simulated = simulated
        return anew

    def run(self) -> None:
        """Writes for ever. Needs a greenlet of its own."""
        while True:
            self._lead(self._take_lease())

    def _take_lease(self) -> Position | None:
        """Waits until we may write; where to go on from."""
        backoff = Backoff(first=0.1, cap=1.0)
        leader = ""
        while True:
            try:
                position = self._store.open()
            except StoreUnavailable as error:
                if not backoff.failures:
                    log.warning("the store is away: %s", error)
                gevent.sleep(backoff.next())
            except LeaseHeld as held:
                if str(held) != leader:
                    log.warning("standby: %s holds the lease", held)
                leader = str(held)
                backoff.reset()
                gevent.sleep(STANDBY_SECONDS)
            else:
                log.info("leading%s", ", after standing by" if leader else "")
                return position

    def _lead(self, position: Position | None) -> None:
        """Writes as long as we may."""
        self._adopt(position)
        backoff = Backoff(first=0.1, cap=1.0)
        unconfirmed: Batch | None = None
        while True:
            batch = unconfirmed = unconfirmed or self._next_batch()
            try:
                self._standbys = self._store.write(batch)
            except StoreUnavailable as error:
                self._fail(error, backoff)
            except SnapshotLost:
                log.warning("the store has lost what it held: writing all of it, in a new epoch")
                self._start_epoch()
                unconfirmed = None
            except LeaseHeld as held:
                log.warning("the lease was lost to %s", held)
                return
            else:
                unconfirmed = None
                self.written += len(batch.updates)
                if backoff.failures:
                    log.info("the store is back")
                    backoff.reset()

    def _fail(self, error: StoreUnavailable, backoff: Backoff) -> None:
        if not backoff.failures:
            log.warning("the store is away: %s", error)
            self._failing_since = self._clock.monotonic()
        if isinstance(error, StoreRefuses):
            self._store.tell(self._refused_status(error))
        gevent.sleep(backoff.next())

    def _adopt(self, position: Position | None) -> None:
        if position is None:
            if self._version:
                self._start_epoch()
            return
        snapshot = position.snapshot
        simulated = snapshot.feed is not None and snapshot.feed.simulated
        if self._simulated not in (None, simulated):
            log.warning("the stored prices are %s: starting anew", _kind(simulated))
            self._start_epoch()
            return
        self._simulated = simulated
        self._intake.restore(ticker for _, ticker in snapshot.entries if not ticker.removed)
        if position.intact:
            self._epoch, self._version = snapshot.epoch, snapshot.version
        else:
            log.warning("the store is another server than before: starting a new epoch")
            self._start_epoch()

    def _start_epoch(self) -> None:
        self._epoch, self._version = self._new_epoch(), 0
        self._intake.resend()

    def _next_batch(self) -> Batch:
        updates = self._intake.wait(BEAT_SECONDS)
        previous = self._version
        self._version += len(updates)
        return Batch(self._epoch, previous, self._version, self._status(), updates)

    def _status(self) -> FeedStatus:
        return msgspec.structs.replace(
            self._feed_status(), time=self._clock.wall_ms(), standbys=self._standbys
        )

    def _refused_status(self, error: StoreRefuses) -> FeedStatus:
        failing = self._clock.monotonic() - self._failing_since
        status = self._status()
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


def _kind(simulated: bool) -> str:
    return "SIMULATED" if simulated else "real"
