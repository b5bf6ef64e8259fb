"""The price routes: JSON for those who poll."""

import msgspec
from flask import Blueprint, Request, Response, request

from relay.fanout.encoding import parted
from relay.fanout.hub import Hub
from relay.ticker import public, upper
from relay.web.answer import check_loaded, json_response
from relay.web.subscription import parse


def blueprint(hub: Hub, max_symbols: int) -> Blueprint:
    """The routes below `/api/prices`."""
    routes = Blueprint("prices", __name__)

    @routes.get("/api/prices")
    def prices() -> Response:
        return json_response(_prices(hub, request, max_symbols))

    @routes.get("/api/prices/<symbol>")
    def price(symbol: str) -> Response:
        check_loaded(hub)
        ticker = hub.board.get(upper(symbol))
        if ticker is None:
            return json_response({"error": f"no price of {symbol[:40]!r} is known"}, 404)
        standing = {
            "state": hub.health.state_of(ticker),
            "age": round(hub.health.age_of(ticker), 1),
            "feed": hub.verdict(),
        }
        return json_response(msgspec.to_builtins(public(ticker)) | standing)

    return routes


def _prices(hub: Hub, request: Request, max_symbols: int) -> dict[str, object]:
    wish = parse(request.args, "", max_symbols)
    changes = hub.news.changes(hub.board.version_of(wish.since), wish.symbols)
    tickers, gone = parted(changes.entries)
    answer: dict[str, object] = {
        "id": hub.board.id,
        "mode": changes.mode,
        "prices": {ticker.symbol: ticker.price for ticker in tickers},
        "feed": hub.verdict(),
    }
    if gone:
        answer["removed"] = gone
    if wish.symbols is not None:
        answer["unknown"] = changes.unknown
    return answer
