"""The web side: builds the hub and what feeds it, and exposes `app` to gunicorn.

With Redis, updates come from a `listener.py` somewhere. In-process (no REDIS_URL) the feed runs here.
"""

import logging

import gevent
from flask import Flask

from relay.config import Config, load_or_exit
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.history.library import Library
from relay.ingest.pipeline import Pipeline
from relay.store.contract import Archive, Demands, Updates
from relay.store.memory import MemoryStore
from relay.store.memory_archive import MemoryArchive
from relay.store.memory_demands import MemoryDemands
from relay.store.redis_archive import RedisArchive
from relay.store.redis_demands import RedisDemands
from relay.store.redis_reader import RedisUpdates
from relay.web.site import create_site

#: Seconds that a worker waits for prices and a beat at most; then it serves without, and says so.
LOAD_SECONDS = 3.0


class Relay:
    """One worker's hub, and what feeds it."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._updates: Updates = (
            MemoryStore() if config.in_process else RedisUpdates(config.redis_url)
        )
        self._archive: Archive = (
            MemoryArchive() if config.in_process else RedisArchive(config.redis_url)
        )
        self._demands: Demands = (
            MemoryDemands() if config.in_process else RedisDemands(config.redis_url)
        )
        self.hub = Hub(
            Health(lambda: self._updates.problem),
            heartbeat_seconds=config.heartbeat_seconds,
            stall_seconds=config.stall_seconds,
            max_clients=config.max_clients,
            rotate_seconds=config.rotate_seconds,
        )
        self.library = Library(
            self._archive,
            self._demands,
            minutes_hours=config.history_minutes_hours,
            hours_days=config.history_hours_days,
        )

    def start(self) -> None:
        """Begins to take updates in; returns once the board is loaded and a beat has come, or it takes
        too long.

        Call it once, in the process that serves, before that serves: a client that comes back with an
        id would be told that it means nothing here, and a probe that nothing is heard of the listener.
        """
        self.hub.start(self._updates.listen())
        if isinstance(self._updates, MemoryStore):
            Pipeline(self._config, self._updates).start()
        gevent.wait([self.hub.loaded, self.hub.health.heard], timeout=LOAD_SECONDS)


def create_app() -> Flask:
    """The application, with its Relay under `extensions["relay"]`: the worker starts that."""
    config = load_or_exit()
    logging.basicConfig(
        level=config.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    relay = Relay(config)
    site = create_site(relay.hub, config, relay.library)
    site.extensions["relay"] = relay
    return site


app = create_app()
