"""The price routes: JSON for those who poll, CSV and single numbers for spreadsheets."""

from collections.abc import Iterator

import msgspec
from flask import Blueprint, Request, Response, request

from relay.fanout.encoding import parted
from relay.fanout.hub import Hub
from relay.ticker import Ticker, public, upper
from relay.web.answer import check_loaded, json_response
from relay.web.fresh import Fresh
from relay.web.packed import Packer
from relay.web.sheet import Sheet, is_plain, sent, sheet, single
from relay.web.subscription import parse

#: Bytes of deflated tables that one worker keeps.
PACKED_BYTES = 256 << 10


def blueprint(hub: Hub, max_symbols: int) -> Blueprint:
    """The routes below `/api/prices`."""
    routes = Blueprint("prices", __name__)
    packer = Packer(PACKED_BYTES)
    # Where the prices stand otherwise, each line says so.
    market = Fresh(lambda: _market(hub, packer), lambda: _standing(hub), hub.clock)

    @routes.get("/api/prices")
    def prices() -> Response:
        return json_response(_prices(hub, request, max_symbols))

    @routes.get("/api/prices.csv")
    def prices_csv() -> Response:
        check_loaded(hub)
        named = _named(hub, request, max_symbols)
        return sent(request, market.get() if named is None else sheet(hub, named, packer))

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


def _market(hub: Hub, packer: Packer) -> Sheet:
    """Every symbol, from A on."""
    return sheet(hub, sorted((ticker.symbol, ticker) for ticker in hub.board.tickers()), packer)


def _standing(hub: Hub) -> str:
    verdict = hub.verdict()
    return f"{hub.board.epoch} {verdict.state} {verdict.simulated}"


def _named(
    hub: Hub, request: Request, max_symbols: int
) -> Iterator[tuple[str, Ticker | None]] | None:
    """Those that are named, in the order in which they are; None where none is."""
    if parse(request.args, "", max_symbols).symbols is None:
        return None
    names = dict.fromkeys(upper(name) for name in request.args["symbols"].split(","))
    return ((name, hub.board.get(name)) for name in names)


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
