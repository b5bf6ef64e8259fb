"""What a worker says of itself."""

from collections import Counter
from collections.abc import Callable

from relay.fanout.counts import KINDS
from relay.fanout.hub import Hub
from relay.metrics.families import Metrics

_STATES = ("live", "stale", "down")


class WorkerReport:
    """Passes on what has happened in one worker."""

    def __init__(
        self,
        hub: Hub,
        *,
        connections: Callable[[], int] = lambda: 0,
        closed: Callable[[], int] = lambda: 0,
        foreign: Callable[[], int] = lambda: 0,
    ) -> None:
        """`connections`: how many there are that are no streams; `closed`: how many were closed for
        ADDRESS_CONNECTIONS; `foreign`: messages that were none of our listener's."""
        self._hub = hub
        self._connections = connections
        self._closed = closed
        self._foreign = foreign

    def pass_on(self, metrics: Metrics) -> None:
        """To be called once a second."""
        hub, counts = self._hub, self._hub.counts
        opens: Counter[str] = Counter()
        for kind, number, opened in zip(KINDS, counts.streams, counts.opens, strict=True):
            metrics.set("relay_streams", number, *kind)
            opens[kind[0]] += opened
        for name, by_label in (
            ("relay_opens_total", opens),
            ("relay_cut_total", counts.cuts),
            ("relay_resumes_total", counts.resumes),
            ("relay_refused_total", hub.door.refusals.counts),
        ):
            for label, total in by_label.items():
                metrics.advance(name, total, label)
        metrics.advance("relay_refused_total", self._closed(), "ADDRESS_CONNECTIONS")
        metrics.advance("relay_deliveries_total", counts.deliveries)
        metrics.advance("relay_sent_bytes_total", counts.sent, "compressed")
        metrics.advance("relay_sent_bytes_total", counts.sent + counts.saved, "plain")
        metrics.advance("relay_conflated_total", counts.conflated)
        metrics.advance("relay_slowings_total", hub.rounds.slowings)
        metrics.advance("relay_foreign_messages_total", self._foreign())
        writes, counts.writes = counts.writes, []
        metrics.observe("relay_publish_to_write_seconds", writes)
        connections = self._connections()
        metrics.set("relay_behind", counts.behind)
        metrics.set("relay_connections", connections)
        metrics.set("relay_greenlets", len(hub.crowd) + counts.behind + connections)
        metrics.set("relay_symbols", len(hub.board))
        metrics.set("relay_processes", 1, "worker")
        self._pass_on_health(metrics)

    def _pass_on_health(self, metrics: Metrics) -> None:
        health, verdict = self._hub.health, self._hub.verdict()
        for state in _STATES:
            metrics.set("relay_feed_state", state == verdict.state, state)
        metrics.set("relay_feed_simulated", verdict.simulated)
        if verdict.age is not None:
            metrics.set("relay_data_age_seconds", verdict.age, "exchange")
        metrics.set("relay_data_age_seconds", health.silent, "listener")
        metrics.set("relay_standbys", verdict.standbys)
        metrics.set("relay_history_degraded", bool(health.history))
