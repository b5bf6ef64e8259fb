"""The web side: builds the hub and what feeds it, and exposes `app` to gunicorn.

With Redis, updates come from a `listener.py` somewhere. In-process (no REDIS_URL) the feed runs here.
"""

import logging
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import gevent
from flask import Flask

from relay import diary, logs
from relay.__main__ import serve
from relay.absences import Absences
from relay.clock import SYSTEM
from relay.complaint import Complaint
from relay.config import Config, load_or_exit
from relay.descriptors import CONNECTIONS, Share, raise_limit, share
from relay.fanout.door import Door, Limits
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.history.library import Library
from relay.ingest.pipeline import Pipeline
from relay.metrics.attendance import Attendance, of_worker
from relay.metrics.families import text
from relay.metrics.listener import ListenerReport
from relay.metrics.reporter import Report, Reporter
from relay.metrics.worker import WorkerReport
from relay.server.bounds import bounds_of
from relay.server.bucket import Bucket
from relay.store.contract import Archive, Demands, Roll, Updates
from relay.store.failure import failures
from relay.store.memory import MemoryStore
from relay.store.memory_archive import MemoryArchive
from relay.store.memory_demands import MemoryDemands
from relay.store.memory_roll import MemoryRoll
from relay.store.redis_archive import RedisArchive
from relay.store.redis_demands import RedisDemands
from relay.store.redis_reader import RedisUpdates
from relay.store.redis_roll import RedisRoll
from relay.supervise import exit_status, spawn_essential
from relay.web import probes
from relay.web.site import create_site

log = logging.getLogger(__name__)

#: Seconds that a worker waits for prices and a beat at most; then it serves without, and says so.
LOAD_SECONDS = 3.0
#: The same where nothing is known that keeps it from them.
BUSY_SECONDS = 10.0
#: Between two looks at that.
_LOOK_SECONDS = 0.25
#: What to do in place of what was done.
_HOW = "start it by `gunicorn -k geventwebsocket app:app`, `python app.py` or `relay web`"


class Sides(NamedTuple):
    """What one worker reads from the store, and what has to run here to feed it."""

    updates: Updates
    archive: Archive
    demands: Demands
    begin: Callable[[], None]
    roll: Roll
    #: What else there is to report of this process.
    reports: Sequence[Report] = ()
    #: How many messages were none of our listener's.
    foreign: Callable[[], int] = lambda: 0


class Relay:
    """One worker's hub, its history, and what feeds them."""

    def __init__(self, config: Config) -> None:
        self._absences = Absences()
        away = self._absences.since
        sides = _in_process(config, away) if config.in_process else _with_redis(config, away)
        self._updates, self._begin = sides.updates, sides.begin
        self.hub = Hub(
            Health(lambda: sides.updates.problem, away=away),
            heartbeat_seconds=config.heartbeat_seconds,
            stall_seconds=config.stall_seconds,
            rotate_seconds=config.rotate_seconds,
            door=_door(config),
        )
        #: Paths whose requests wait for no others.
        self.probes = probes.PATHS
        #: Connections that are no streams, for each address; and what else it may have.
        self.address_connections = config.address_connections
        self.address_bounds = bounds_of(config, "address")
        #: How many of them there are, and how many were closed as soon as they were accepted: the worker
        #: knows.
        self.connections: Callable[[], int] = lambda: 0
        self.closed_connections: Callable[[], int] = lambda: 0
        self._sides = sides
        self._reports = config.metrics
        #: What this process says of itself, and what others say.
        self.attendance = Attendance(sides.roll, partial(of_worker, self.hub), diary.begin().events)
        self._started = False
        self._unserved = Complaint(log)
        self._drain_delay = config.drain_delay
        self.library = Library(
            sides.archive,
            sides.demands,
            minutes_hours=config.history_minutes_hours,
            hours_days=config.history_hours_days,
        )

    @property
    def drain_delay(self) -> float:
        """Seconds for which new connections are still taken when the end has been announced; none after a
        failure."""
        return 0.0 if exit_status() else self._drain_delay

    def refuse_unless_started(self) -> tuple[str, int] | None:
        """A sentence where another server than ours asks: there would be no prices, ever."""
        if self._started:
            return None
        said = f"This server cannot serve the relay: {_HOW}."
        self._unserved.make("%s", said)
        return f"{said}\n", 503

    def start(self) -> None:
        """Begins to take updates in; returns once the board is loaded and a beat has come, or it takes
        too long.

        Call it once, in the process that serves, before that serves: a client that comes back with an
        id would be told that it means nothing here, and a probe that nothing is heard of the listener.
        """
        self._started = True
        spawn_essential(self._absences.run)
        self.hub.start(self._updates.listen())
        self._begin()
        gevent.spawn(self.attendance.run)
        if self._reports:
            gevent.spawn(self._reporter().run)
        self._wait_until_loaded()

    def _wait_until_loaded(self) -> None:
        """Longer where nothing is known to be wrong: then this machine is busy."""
        events = [self.hub.loaded, self.hub.health.heard]
        began = SYSTEM.monotonic()
        while len(gevent.wait(events, timeout=_LOOK_SECONDS)) < len(events):
            problem = self._updates.problem
            if SYSTEM.monotonic() - began >= (LOAD_SECONDS if problem else BUSY_SECONDS):
                return

    def _reporter(self) -> Reporter:
        own = WorkerReport(
            self.hub,
            connections=self.connections,
            closed=self.closed_connections,
            foreign=self._sides.foreign,
        )
        return Reporter([*self._sides.reports, own], self._absences.take_lag, failures)


def _streams(config: Config) -> int:
    """MAX_CLIENTS, or what the descriptors of this process suffice for."""
    return share(raise_limit(), Share(CONNECTIONS, config.max_clients)).streams


def _door(config: Config) -> Door:
    return Door(Limits(streams=_streams(config), opens=config.opens), Bucket())


def _in_process(config: Config, away: Callable[[float], float]) -> Sides:
    store, archive, demands = MemoryStore(), MemoryArchive(), MemoryDemands()
    pipeline = Pipeline(config, store, archive, demands, away=away)
    report = ListenerReport(pipeline, alone=False)
    return Sides(store, archive, demands, pipeline.start, MemoryRoll(), [report])


def _with_redis(config: Config, away: Callable[[float], float]) -> Sides:
    url = config.redis_url
    updates = RedisUpdates(url, config.relay_secret.get_secret_value(), away=away)
    return Sides(
        updates,
        RedisArchive(url),
        RedisDemands(url),
        lambda: None,
        RedisRoll(url),
        foreign=lambda: updates.refused,
    )


def create_app() -> Flask:
    """The application, with its Relay under `extensions["relay"]`: the worker starts that."""
    if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
        print(f"flask run cannot serve the relay: {_HOW}.", file=sys.stderr)
        sys.exit(2)
    config = load_or_exit()
    logs.begin(config.log_level, config.log_format)
    relay = Relay(config)
    expose = text if config.metrics else None
    site = create_site(relay.hub, config, relay.library, expose, relay.attendance.present)
    site.extensions["relay"] = relay
    site.before_request(relay.refuse_unless_started)
    return site


if __name__ == "__main__":
    serve(sys.argv[1:])
else:
    app = create_app()
