"""The web side: builds the hub and what feeds it, and exposes `app` to gunicorn.

With Redis, updates come from a `listener.py` somewhere. In-process (no REDIS_URL) the feed runs here.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

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


class Sides(NamedTuple):
    """What one worker reads from the store, and what has to run here to feed it."""

    updates: Updates
    archive: Archive
    demands: Demands
    begin: Callable[[], None]


class Relay:
    """One worker's hub, its history, and what feeds them."""

    def __init__(self, config: Config) -> None:
        sides = _in_process(config) if config.in_process else _with_redis(config)
        self._updates, _, _, self._begin = sides
        self.hub = Hub(
            Health(lambda: sides.updates.problem),
            heartbeat_seconds=config.heartbeat_seconds,
            stall_seconds=config.stall_seconds,
            max_clients=config.max_clients,
            rotate_seconds=config.rotate_seconds,
        )
        self.library = Library(
            sides.archive,
            sides.demands,
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
        self._begin()
        gevent.wait([self.hub.loaded, self.hub.health.heard], timeout=LOAD_SECONDS)


def _in_process(config: Config) -> Sides:
    store, archive, demands = MemoryStore(), MemoryArchive(), MemoryDemands()

    def begin() -> None:
        Pipeline(config, store, archive, demands).start()

    return Sides(store, archive, demands, begin)


def _with_redis(config: Config) -> Sides:
    url = config.redis_url
    updates = RedisUpdates(url, config.relay_secret.get_secret_value())
    return Sides(updates, RedisArchive(url), RedisDemands(url), lambda: None)


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
