"""Attendance: has this process say every two seconds how it is."""

import logging
import os
import socket
import time
from collections.abc import Callable

import gevent
import msgspec

from relay.complaint import Complaint
from relay.fanout.hub import Hub
from relay.ingest.pipeline import Pipeline
from relay.metrics.memory import resident_bytes
from relay.presence import MAX_TEXT, SAY_SECONDS, Occurrence, Presence
from relay.store.contract import Roll, StoreUnavailable

log = logging.getLogger(__name__)


class Attendance:
    """What one process says of itself."""

    def __init__(
        self, roll: Roll, part: Callable[[], Presence], events: Callable[[], list[Occurrence]]
    ) -> None:
        """`part`: what the process says of its work; `events`: what happened in it."""
        self._roll = roll
        self._part = part
        self._events = events
        self._name = f"{socket.gethostname()[:100]}:{os.getpid()}"
        self._began = int(time.time() * 1000)
        self._failed = Complaint(log)
        # Why nobody was told lately, or nothing: others will not have been able to say it either.
        self._unsaid = ""

    def presence(self) -> Presence:
        """How this process is now."""
        return msgspec.structs.replace(
            self._part(),
            name=self._name,
            began=self._began,
            memory=resident_bytes(),
            events=self._events(),
        )

    def present(self) -> tuple[list[Presence], str]:
        """All processes that said so lately, this one as it is now; and why that are not all, or nothing."""
        own = self.presence()
        try:
            others, reason = self._roll.read(), self._unsaid
        except StoreUnavailable as error:
            others, reason = [], str(error)
        return [own, *(one for one in others if one.name != own.name)], reason

    def run(self) -> None:
        """For ever. Needs a greenlet of its own. Prices do not depend on it."""
        while True:
            try:
                self._roll.say(self.presence())
                self._unsaid = ""
            except StoreUnavailable as error:
                self._unsaid = str(error)
                log.debug("nobody was told how this process is: %s", error)
            except Exception as error:  # noqa: BLE001 - prices go on
                self._failed.make("nobody was told how this process is: %r", error)
            gevent.sleep(SAY_SECONDS)


def of_worker(hub: Hub) -> Presence:
    """What a worker does."""
    verdict = hub.verdict()
    return Presence(
        "worker",
        "",
        0,
        verdict.state,
        verdict.reason[:MAX_TEXT],
        verdict.simulated,
        verdict.source[:MAX_TEXT],
        age=verdict.age,
        silent=round(hub.health.silent, 1),
        version=hub.board.id[:MAX_TEXT],
        standbys=verdict.standbys,
        streams=len(hub.crowd),
        behind=hub.counts.behind,
        draining=hub.draining,
        refused=hub.door.refusals.counts,
    )


def of_listener(pipeline: Pipeline) -> Presence:
    """What a listener does."""
    status, writer = pipeline.status(), pipeline.writer
    return Presence(
        "listener",
        "",
        0,
        status.state,
        status.reason[:MAX_TEXT],
        status.simulated,
        status.source[:MAX_TEXT],
        age=status.age,
        version=writer.id if writer.leading else "",
        leading=writer.leading,
        standbys=writer.standbys,
        refused={"ADMISSION": pipeline.intake.refused} if pipeline.intake.refused else {},
    )
