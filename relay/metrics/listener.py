"""What a listener says of itself; in-process, the part of the one worker that reads the exchange."""

from relay.ingest.pipeline import Pipeline
from relay.metrics.families import Metrics


class ListenerReport:
    """Passes on what has happened between the exchange and the store."""

    def __init__(self, pipeline: Pipeline, *, alone: bool) -> None:
        """`alone`: it is a process by itself, whose workers are others."""
        self._pipeline = pipeline
        self._alone = alone

    def pass_on(self, metrics: Metrics) -> None:
        """To be called once a second."""
        feed, writer = self._pipeline.feed, self._pipeline.writer
        latencies, feed.latencies = feed.latencies, []
        metrics.observe("relay_exchange_to_listener_seconds", latencies)
        for cause, total in feed.failures.items():
            metrics.advance("relay_reconnects_total", total, cause)
        metrics.advance("relay_feed_switches_total", feed.switches)
        metrics.advance("relay_feed_rotations_total", feed.rotations)
        metrics.advance("relay_updates_written_total", writer.written)
        metrics.advance("relay_history_lost_candles_total", self._pipeline.lost_candles)
        metrics.set("relay_history_waiting_candles", self._pipeline.waiting_candles)
        metrics.set("relay_rest_weight", self._pipeline.rest_weight)
        metrics.set("relay_leading", writer.leading)
        if self._alone:
            self._pass_on_feed(metrics)

    def _pass_on_feed(self, metrics: Metrics) -> None:
        status = self._pipeline.status()
        for state in ("live", "stale", "down"):
            metrics.set("relay_feed_state", state == status.state, state)
        metrics.set("relay_feed_simulated", status.simulated)
        metrics.set("relay_history_degraded", bool(status.history))
        metrics.set("relay_standbys", self._pipeline.writer.standbys)
        metrics.set("relay_processes", 1, "listener")
        if status.age is not None:
            metrics.set("relay_data_age_seconds", status.age, "exchange")
