"""The probes: whether the process lives, whether it serves live prices, and whether it can serve at all."""

from collections import Counter

import msgspec
from flask import Blueprint, Response

from relay import pace
from relay.fanout.hub import Hub
from relay.turn import give_turn
from relay.web.answer import json_response
from relay.web.fresh import Fresh, NotMade

#: What a supervisor, an alert and a balancer ask.
PATHS = frozenset({"/livez", "/readyz", "/routez"})
#: Symbols that are judged between two turns of everything else: about 1 ms of work.
SYMBOLS_PER_TURN = 500


def blueprint(hub: Hub) -> Blueprint:
    """The routes `/livez` (to restart by), `/readyz` (to alert by) and `/routez` (to route by)."""
    routes = Blueprint("probes", __name__)
    standings = Fresh(lambda: _standings(hub), lambda: hub.board.epoch)

    def counted() -> dict[str, int]:
        """Without the counts a probe still has its answer."""
        try:
            return standings.get()
        except NotMade:
            return {}

    @routes.get("/livez")
    def livez() -> Response:
        return json_response({"alive": True})

    @routes.get("/readyz")
    def readyz() -> Response:
        counts = counted()
        verdict = hub.verdict()
        ready = verdict.state == "live" and len(hub.board) > 0
        answer = {
            "ready": ready,
            "draining": hub.draining,
            "symbols": len(hub.board),
            **counts,
            "clients": len(hub.crowd),
            "degraded": [f"history: {problem}" for problem in [hub.health.history] if problem],
        } | msgspec.structs.asdict(verdict)
        return json_response(answer, 200 if ready else 503)

    @routes.get("/routez")
    def routez() -> Response:
        """Old prices that are marked as old are better than none: the exchange has no say here."""
        symbols = len(hub.board)
        routable = symbols > 0 and not hub.draining
        answer = {"routable": routable, "draining": hub.draining, "symbols": symbols}
        return json_response(answer, 200 if routable else 503)

    return routes


def _standings(hub: Hub) -> dict[str, int]:
    """How many symbols are not live, by how they stand."""
    counts: Counter[str] = Counter()
    tickers = hub.board.tickers()
    for start in range(0, len(tickers), SYMBOLS_PER_TURN):
        counts.update(map(hub.health.standing_of, tickers[start : start + SYMBOLS_PER_TURN]))
        give_turn()
    return {standing: counts[standing] for standing in pace.NOT_LIVE}
