"""Pipeline: everything between the exchange and a store, introduced to one another."""

import logging
from collections.abc import Callable
from functools import partial

import gevent

from relay.clock import SYSTEM, Clock
from relay.config import SIMULATOR, Config
from relay.exchange import streams
from relay.exchange.feed import Feed
from relay.exchange.simulated import SimulatorChild
from relay.ingest.candles import Candles
from relay.ingest.catalogue import Catalogue
from relay.ingest.intake import Intake
from relay.ingest.writer import Writer
from relay.store.contract import Store
from relay.supervise import spawn_essential

log = logging.getLogger(__name__)

#: Seconds without a session until REST is asked. Most gaps are shorter, and one look after a gap is worth
#: more than one within it: an API may not be asked again at once.
GAP_SECONDS = 5.0
#: Seconds from the first data after a gap until REST is asked: by then every stream is subscribed to, so
#: that nothing falls between what REST says and what they say.
SETTLE_SECONDS = 2.0
#: Seconds that the writer may take to end.
END_SECONDS = 1.0


class Pipeline:
    """Feed, catalogue, intake and writer, for one store."""

    def __init__(
        self,
        config: Config,
        store: Store,
        tap: Callable[[bytes, int], None] | None = None,
        *,
        clock: Clock = SYSTEM,
    ) -> None:
        """`tap` is given every message of the exchange as it came, and when, in nanoseconds."""
        plan = partial(streams.plan, symbols=config.symbols, kind=config.stream)
        configured = [url for url in config.sources if url != SIMULATOR]
        plans = [plan(url) for url in configured]
        for url, made in zip(configured, plans, strict=True):
            for warning in made.warnings:
                log.warning("%s: %s", url, warning)
        named = [made.symbols for made in plans]
        self._candles = Candles(clock) if _keeps_history(config) else None
        symbols = frozenset().union(*named) if all(named) else frozenset()
        self.intake = Intake(symbols, clock, self._candles)
        self._catalogue = Catalogue(
            config.binance_rest or [streams.rest_url(url) for url in configured],
            self.intake,
            self._wants,
            regular=config.rest_seconds,
            clock=clock,
        )
        self._derives_rest = not config.binance_rest
        self.feed = Feed(
            config.sources,
            plan,
            self.intake.offer,
            self._session_delivers,
            lost=self._session_lost,
            patience=self.intake.patience,
            silence=config.feed_silence_seconds,
            rotate=config.feed_rotate_seconds,
            simulator=SimulatorChild().url,
            tap=tap,
            clock=clock,
        )
        self._writing: gevent.Greenlet[..., None] | None = None
        self.writer = Writer(
            store, self.intake, self.feed.status, leads=self._catalogue.refresh, clock=clock
        )
        if self._candles is not None:
            self._candles.simulated = lambda: self.writer.simulated

    def start(self) -> None:
        """Begins to read and to write."""
        spawn_essential(self.feed.run)
        self._writing = spawn_essential(self.writer.run)
        spawn_essential(self._catalogue.run)

    def stop(self) -> None:
        """Stops reading and writing, for good, and says what became of what was read."""
        self.feed.stop()
        if self._writing is not None:
            self._writing.kill(timeout=END_SECONDS)
        dropped, conflated = self.intake.counts
        log.info(
            "stopped: %d updates written, %d dropped, %d conflated",
            self.writer.written,
            dropped,
            conflated,
        )

    def _session_lost(self) -> None:
        """From here on the exchange says what we do not hear."""
        self.intake.doubt()
        self._catalogue.refresh(GAP_SECONDS)

    def _session_delivers(self, simulated: bool, after_gap: bool) -> None:
        """The first tickers of a session are about to be taken in."""
        if self._derives_rest:
            self._catalogue.prefer(streams.rest_url(self.feed.status().source))
        if self.writer.use(simulated):
            self._catalogue.refresh()
        elif after_gap:
            self._catalogue.refresh(SETTLE_SECONDS)

    def _wants(self, simulated: bool) -> bool:
        """Whether prices of that kind are wanted now: none of the other kind beside a session's."""
        if self.feed.status().state != "down":
            return simulated == self.feed.status().simulated
        self.feed.mark(simulated)
        self.writer.use(simulated)
        return True


def _keeps_history(config: Config) -> bool:
    return bool(config.history_minutes_hours or config.history_hours_days)
