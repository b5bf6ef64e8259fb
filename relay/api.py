"""The JSON routes: prices for those who poll, and probes for those who watch."""

from collections import Counter

import msgspec
from flask import Blueprint, Request, Response, request

from relay import pace
from relay.form import parted
from relay.hub import Hub
from relay.subscription import parse
from relay.ticker import public, upper


def json_response(value: object, status: int = 200) -> Response:
    """A JSON answer that nobody may cache: it is old when it arrives."""
    body = msgspec.json.encode(value)
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Response(body, status, headers)


def blueprint(hub: Hub, max_symbols: int) -> Blueprint:
    """The routes."""
    routes = Blueprint("api", __name__)

    @routes.get("/api/prices")
    def prices() -> Response:
        return json_response(_prices(hub, request, max_symbols))

    @routes.get("/api/prices/<symbol>")
    def price(symbol: str) -> Response:
        ticker = hub.board.get(upper(symbol))
        if ticker is None:
            return json_response({"error": f"no price of {symbol[:40]!r} is known"}, 404)
        standing = {
            "state": hub.health.state_of(ticker),
            "age": round(hub.health.age_of(ticker), 1),
            "feed": hub.verdict(),
        }
        return json_response(msgspec.to_builtins(public(ticker)) | standing)

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


def _prices(hub: Hub, request: Request, max_symbols: int) -> dict[str, object]:
    wish = parse(request.args, "", max_symbols)
    board = hub.board
    version = board.version_of(wish.since)
    entries = board.since(version, wish.symbols)
    tickers, gone = parted(entries)
    answer: dict[str, object] = {
        "id": board.id,
        "mode": "full" if version == 0 else "changes" if entries else "none",
        "prices": {ticker.symbol: ticker.price for ticker in tickers},
        "feed": hub.verdict(),
    }
    if gone:
        answer["removed"] = gone
    if wish.symbols is not None:
        answer["unknown"] = sorted(s for s in wish.symbols if s not in board)
    return answer
