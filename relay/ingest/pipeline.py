"""Pipeline: everything between the exchange and a store, introduced to one another."""

import logging
from collections.abc import Callable
from functools import partial

import gevent
import msgspec

from relay.absences import never
from relay.amount import amount
from relay.candle import HOUR
from relay.clock import SYSTEM, Clock
from relay.config import SIMULATOR, Config
from relay.exchange import streams
from relay.exchange.api import Apis
from relay.exchange.feed import Feed
from relay.exchange.simulated import SimulatorChild
from relay.feed_status import FeedStatus
from relay.ingest.candles import Candles
from relay.ingest.catalogue import Catalogue
from relay.ingest.chronicle import Chronicle
from relay.ingest.fetcher import Fetcher
from relay.ingest.intake import Intake
from relay.ingest.supplier import Supplier
from relay.ingest.writer import Writer
from relay.store.contract import Keeper, Orders, Store
from relay.supervise import spawn_essential
from relay.url import shown

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
    """Feed, catalogue, intake, writer, chronicle and supplier, for one store."""

    def __init__(
        self,
        config: Config,
        store: Store,
        keeper: Keeper,
        orders: Orders,
        tap: Callable[[bytes, int], None] | None = None,
        *,
        away: Callable[[float], float] = never,
        clock: Clock = SYSTEM,
    ) -> None:
        """`keeper` keeps the candles, `orders` are what workers demand.

        `tap` is given every message of the exchange as it came, and when, in nanoseconds. `away`: for
        how many seconds since a moment this process did not run; see Absences."""
        plan = partial(streams.plan, symbols=config.symbols, kind=config.stream)
        configured = [url for url in config.sources if url != SIMULATOR]
        plans = [plan(url) for url in configured]
        for url, made in zip(configured, plans, strict=True):
            for warning in made.warnings:
                log.warning("%s: %s", shown(url), warning)
        named = [made.symbols for made in plans]
        hours, days = config.history_minutes_hours, config.history_hours_days
        self._candles = Candles(clock) if hours or days else None
        symbols = frozenset().union(*named) if all(named) else frozenset()
        self.intake = Intake(symbols, clock, self._candles)
        self._apis = Apis(clock)
        self._catalogue = Catalogue(
            config.binance_rest or [streams.rest_url(url) for url in configured],
            self.intake,
            self._wants,
            regular=config.rest_seconds,
            clock=clock,
            apis=self._apis,
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
            away=away,
            clock=clock,
        )
        self._writing: gevent.Greenlet[..., None] | None = None
        self.writer = Writer(
            store, self.intake, self.status, leads=self._catalogue.refresh, clock=clock
        )
        fetcher = Fetcher(
            lambda: self._catalogue.bases, lambda: self.writer.simulated, self._apis, clock
        )
        self._supplier = Supplier(orders, keeper, fetcher, clock)
        self._chronicle = None
        if self._candles is not None:
            self._candles.simulated = lambda: self.writer.simulated
            self._chronicle = Chronicle(
                self._candles, keeper, hours * HOUR, days * 24 * HOUR, clock
            )

    @property
    def waiting_candles(self) -> int:
        """How many candles wait to be kept."""
        return 0 if self._candles is None else self._candles.waiting

    @property
    def lost_candles(self) -> int:
        """How many could not wait any longer."""
        return 0 if self._candles is None else self._candles.lost

    @property
    def rest_weight(self) -> int:
        """What is spent of this minute at the REST API where that is most."""
        return self._apis.used

    def start(self) -> None:
        """Begins to read and to write."""
        spawn_essential(self.feed.run)
        self._writing = spawn_essential(self.writer.run)
        spawn_essential(self._catalogue.run)
        spawn_essential(self._supplier.run)
        if self._chronicle is not None:
            spawn_essential(self._chronicle.run)

    def stop(self) -> None:
        """Stops reading and writing, for good, and says what became of what was read."""
        self.feed.stop()
        if self._writing is not None:
            self._writing.kill(timeout=END_SECONDS)
        dropped, conflated = self.intake.counts
        log.info(
            "stopped: %s written, %d dropped, %d conflated",
            amount(self.writer.written, "update"),
            dropped,
            conflated,
        )

    def status(self) -> FeedStatus:
        """What the feed says of itself, and what keeps the history from being kept or fetched."""
        problem = self._supplier.problem
        if self._chronicle is not None:
            problem = self._chronicle.problem or problem
        status = self.feed.status()
        return msgspec.structs.replace(status, history=problem) if problem else status

    def _session_lost(self) -> None:
        """From here on the exchange says what we do not hear."""
        self.intake.doubt()
        if self.feed.status().age is not None:
            self.intake.ring()
        self._catalogue.refresh(GAP_SECONDS)

    def _session_delivers(self, simulated: bool, after_gap: bool) -> None:
        """The first tickers of a session are about to be taken in."""
        if self._derives_rest:
            self._catalogue.prefer(streams.rest_url(self.feed.url))
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
