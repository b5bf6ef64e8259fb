"""Reporter: once a second, passes on what was counted."""

import logging
from collections.abc import Callable, Iterable
from typing import Protocol

import gevent

from relay.complaint import Complaint
from relay.metrics.families import Metrics
from relay.metrics.memory import resident_bytes

log = logging.getLogger(__name__)

#: Seconds between two times.
REPORT_SECONDS = 1.0


class Report(Protocol):
    """A part of this process that has something to say."""

    def pass_on(self, metrics: Metrics) -> None:
        """Says it."""


class Reporter:
    """Has each part of this process say what it has counted."""

    def __init__(
        self,
        reports: Iterable[Report],
        take_lag: Callable[[], float],
        redis_failures: Callable[[], int],
    ) -> None:
        """`take_lag`: how many seconds the event loop was late, since it was asked last."""
        self._reports = list(reports)
        self._take_lag = take_lag
        self._redis_failures = redis_failures
        self._metrics = Metrics()
        self._failed = Complaint(log)

    def run(self) -> None:
        """For ever. Needs a greenlet of its own. Nothing that goes wrong here ends it: prices go on."""
        while True:
            try:
                self.report()
            except Exception as error:  # noqa: BLE001 - a full disk, say
                self._failed.make("metrics are not kept: %r", error)
            gevent.sleep(REPORT_SECONDS)

    def report(self) -> None:
        """Once."""
        metrics = self._metrics
        for report in self._reports:
            report.pass_on(metrics)
        metrics.set("relay_memory_bytes", resident_bytes())
        metrics.set("relay_loop_lag_seconds", self._take_lag())
        metrics.advance("relay_redis_errors_total", self._redis_failures())
