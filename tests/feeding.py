"""What tests of the feed share: the relay in one process, reading simulated exchanges."""

from typing import Any

from tests.exchange import Simulator
from tests.processes import Gunicorn
from tests.streams import EventSource

#: Instead of 10 seconds, so that a test need not wait for them. The market comes once a second.
SILENCE = {"FEED_SILENCE_SECONDS": "3"}


def relay_on(*simulators: Simulator, **env: str) -> Gunicorn:
    """The relay in one process, reading these in order of preference."""
    urls = ",".join(simulator.url for simulator in simulators)
    return Gunicorn(BINANCE_WS=urls, HEARTBEAT_SECONDS="1", **SILENCE, **env)


def wait_for_source(stream: EventSource, simulator: Simulator) -> None:
    """Until the client was told that prices come from there."""
    stream.wait_for(
        lambda: stream.events and is_live_on(stream.events[-1], simulator), simulator.url
    )


def is_live_on(event: dict[str, Any], simulator: Simulator) -> bool:
    return event.get("source") == simulator.url and event.get("state") == "live"
