"""Ration: how many pages and answers one visitor may have a second.

A request costs units by the work it makes, one for about a quarter of a millisecond. Files, probes and
streams cost none: files are small and kept, probes must be answered, and streams have limits of their own.
The fields are those of draft-ietf-httpapi-ratelimit-headers-11.
"""

import math
from typing import NamedTuple

from flask import Flask, Request, Response, g, request

from relay.clock import SYSTEM, Clock
from relay.refusals import Refusals
from relay.server.bounds import Bounds
from relay.server.visitors import BURST_SECONDS, Visitor
from relay.web.answer import json_response
from relay.web.asker import visitor_of

#: Blueprints whose routes cost nothing.
FREE = frozenset({"assets", "probes", "sse", "ws"})
#: Units of a route, where it is not 1; and of the page that holds the whole market.
UNITS = {
    "pages.index": 2,
    "pages.symbol": 2,
    "history.chart": 5,
    "sparklines.sparklines": 5,
    "sparklines.sparklines_as": 5,
    "contract.readable": 8,
    "contract.asyncapi_json": 4,
}
WHOLE_PAGE = 10
#: The most that an answer costs, however long it is.
DEAREST = 30


class Overspent(Exception):
    """The visitor has to wait; the text says why."""

    def __init__(self, why: str, seconds: float) -> None:
        super().__init__(why)
        #: Until what was asked for can be had.
        self.seconds = seconds


class _Spent(NamedTuple):
    """What an answer has to say."""

    #: Whose ration it is, and how large: see RateLimit-Policy.
    bounds: Bounds
    left: float
    #: Seconds until nothing of it is missing.
    full_in: float


class Ration:
    """So many units a second for each visitor, and some seconds' worth at once."""

    def __init__(self, refusals: Refusals, clock: Clock = SYSTEM) -> None:
        self._refusals = refusals
        self._clock = clock

    def attach(self, site: Flask) -> None:
        """Every request of the site is asked for its units from here on."""
        site.before_request(self._spend)
        site.after_request(self._tell)
        site.register_error_handler(Overspent, _too_many)

    def _spend(self) -> None:
        """Takes what is known of a request's price when it comes; raises Overspent."""
        cost = units(request)
        if cost:
            g.ration = self
            self.take(visitor_of(request), cost)

    def take(self, visitor: Visitor, cost: int) -> None:
        """Takes so many units of a visitor's; raises Overspent. The answer will say what is left."""
        bounds = visitor.bounds
        rate, burst, now = bounds.requests, _burst(bounds), self._clock.monotonic()
        if not rate:
            return
        missing = visitor.requests.take(cost, rate, burst, now)
        left = visitor.requests.left(rate, burst, now)
        g.spent = _Spent(bounds, left, (burst - left) / rate)
        if missing:
            self._refusals.count(bounds.setting("REQUESTS"))
            raise Overspent(bounds.reason("asks too fast", "REQUESTS"), missing)

    def _tell(self, answer: Response) -> Response:
        spent: _Spent | None = g.get("spent")
        if spent is not None:
            name, burst = spent.bounds.whose, _burst(spent.bounds)
            window = math.ceil(burst / spent.bounds.requests)
            answer.headers["RateLimit-Policy"] = f'"{name}";q={burst:.0f};w={window}'
            left, full_in = max(0, int(spent.left + 1e-6)), math.ceil(spent.full_in)
            answer.headers["RateLimit"] = f'"{name}";r={left};t={full_in}'
        return answer


def _burst(bounds: Bounds) -> float:
    """Units that may be had at once: the dearest request must fit into them."""
    return max(bounds.requests * BURST_SECONDS, float(DEAREST))


def units(request: Request) -> int:
    """What a request costs whatever its answer holds."""
    if request.blueprint in FREE:
        return 0
    route = request.endpoint or ""
    if route.startswith("selftest.") and route != "selftest.selftest":
        # Two streams, and the question that is put beside them.
        return 0
    if route == "pages.index" and "all" in request.args:
        return WHOLE_PAGE
    return UNITS.get(route, 1)


def charge(further: int) -> None:
    """Takes what the answer to the present request costs besides: how much it holds is known by now.

    Raises Overspent.
    """
    ration: Ration | None = g.get("ration")
    if ration is not None and further:
        ration.take(visitor_of(request), min(further, DEAREST - 1))


def _too_many(error: Overspent) -> Response:
    answer = json_response({"error": str(error)}, 429)
    answer.headers["Retry-After"] = str(max(1, math.ceil(error.seconds)))
    return answer
