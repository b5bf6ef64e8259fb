"""The probes: whether the process lives, and whether it serves live prices."""

from collections import Counter

import msgspec
from flask import Blueprint, Response

from relay import pace
from relay.fanout.hub import Hub
from relay.web.answer import json_response


def blueprint(hub: Hub) -> Blueprint:
    """The routes `/livez` and `/readyz`."""
    routes = Blueprint("probes", __name__)

    @routes.get("/livez")
    def livez() -> Response:
        return json_response({"alive": True})

    @routes.get("/readyz")
    def readyz() -> Response:
        verdict = hub.verdict()
        ready = verdict.state == "live" and len(hub.board) > 0 and not hub.draining
        answer = {
            "ready": ready,
            "draining": hub.draining,
            "symbols": len(hub.board),
            **_standings(hub),
            "clients": len(hub),
        } | msgspec.structs.asdict(verdict)
        return json_response(answer, 200 if ready else 503)

    return routes


def _standings(hub: Hub) -> dict[str, int]:
    """How many symbols are not live, by how they stand."""
    counts = Counter(map(hub.health.standing_of, hub.board.tickers()))
    return {standing: counts[standing] for standing in pace.NOT_LIVE}
