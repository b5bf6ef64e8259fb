"""The price routes: JSON for those who poll, CSV and single numbers for spreadsheets."""

import msgspec
from flask import Blueprint, Request, Response, request

from relay.fanout.encoding import parted
from relay.fanout.hub import Hub
from relay.ticker import public, upper
from relay.web.answer import check_loaded, json_response
from relay.web.sheet import is_plain, sheet, single
from relay.web.subscription import parse


def blueprint(hub: Hub, max_symbols: int) -> Blueprint:
    """The routes below `/api/prices`."""
    routes = Blueprint("prices", __name__)

    @routes.get("/api/prices")
    def prices() -> Response:
        return json_response(_prices(hub, request, max_symbols))

    @routes.get("/api/prices.csv")
    def prices_csv() -> Response:
        check_loaded(hub)
        return _sheet(hub, request, max_symbols)

    @routes.get("/api/prices/<symbol>.txt")
    def price_txt(symbol: str) -> Response:
        check_loaded(hub)
        ticker = hub.board.get(upper(symbol))
        return _unknown(symbol) if ticker is None or not is_plain(ticker) else single(hub, ticker)

    @routes.get("/api/prices/<symbol>")
    def price(symbol: str) -> Response:
        check_loaded(hub)
        ticker = hub.board.get(upper(symbol))
        if ticker is None:
            return _unknown(symbol)
        standing = {
            "state": hub.health.state_of(ticker),
            "age": round(hub.health.age_of(ticker), 1),
            "feed": hub.verdict(),
        }
        return json_response(msgspec.to_builtins(public(ticker)) | standing)

    return routes


def _unknown(symbol: str) -> Response:
    return json_response({"error": f"no price of {symbol[:40]!r} is known"}, 404)


def _sheet(hub: Hub, request: Request, max_symbols: int) -> Response:
    """Those that are named, in the order in which they are, or every symbol from A on."""
    board = hub.board
    if parse(request.args, "", max_symbols).symbols is None:
        return sheet(hub, sorted((ticker.symbol, ticker) for ticker in board.tickers()))
    names = dict.fromkeys(upper(name) for name in request.args["symbols"].split(","))
    return sheet(hub, ((name, board.get(name)) for name in names))


def _prices(hub: Hub, request: Request, max_symbols: int) -> dict[str, object]:
    wish = parse(request.args, "", max_symbols)
    changes = hub.news.changes(hub.board.version_of(wish.since), wish.symbols)
    tickers, gone = parted(changes.entries)
    answer: dict[str, object] = {
        "id": hub.board.id,
        "time": hub.health.now(),
        "mode": changes.mode,
        "prices": {ticker.symbol: ticker.price for ticker in tickers},
        "feed": hub.verdict(),
    }
    if gone:
        answer["removed"] = gone
    if wish.symbols is not None:
        answer["unknown"] = changes.unknown
    return answer
