"""The price routes: what programs, spreadsheets and shells poll, each in its own form."""

import msgspec
from flask import Blueprint, Request, Response, request

from relay.fanout.hub import Hub
from relay.ticker import Ticker, public, upper
from relay.web.answer import check_loaded, json_response
from relay.web.asker import slot_of, visitor_of
from relay.web.media import CSV, JSON, NDJSON, TEXT, chosen, content_type, parted
from relay.web.packed import Packed, Packer
from relay.web.price_list import Asked, Priced, PriceList, asked
from relay.web.ration import charge
from relay.web.sent import MOVING, sent
from relay.web.shared import Shared
from relay.web.sheet import Sheet, is_plain, sheet, single

#: Bytes of deflated tables that one worker keeps.
PACKED_BYTES = 256 << 10
#: The forms of a list and of one symbol.
LIST_FORMS = (JSON, CSV, NDJSON, TEXT)
SYMBOL_FORMS = (JSON, TEXT, CSV, NDJSON)
#: For so many names that are read, prices of a JSON list and lines of a table an answer costs one unit more.
NAMES_A_UNIT, PRICES_A_UNIT, LINES_A_UNIT = 64, 500, 50


def blueprint(hub: Hub, max_symbols: int) -> Blueprint:
    """The routes below `/api/prices`."""
    routes = Blueprint("prices", __name__)
    packer = Packer(PACKED_BYTES)
    # Where the prices stand otherwise, each line says so.
    market: Shared[str, Sheet] = Shared(
        lambda media: sheet(hub, _market(hub), packer, media), lambda: _era(hub), hub.clock
    )
    lists = PriceList(hub, packer)

    def listed(suffix: str) -> Response:
        media = chosen(request, suffix, LIST_FORMS)
        wish = asked(request.args, max_symbols)
        charge(len(wish.symbols or ()) // NAMES_A_UNIT)
        if wish.wait:
            lists.wait(wish, visitor_of(request), slot_of(request))
        if media == JSON:
            made = lists.get(wish)
            charge(made.number // PRICES_A_UNIT)
            return _told(request, made)
        check_loaded(hub)
        return _as_table(request, table(wish, media), media)

    def table(wish: Asked, media: str) -> Sheet:
        if wish.symbols is None and not hub.board.version_of(wish.since):
            # Whoever knows nothing that counts gets what all others get.
            charge(len(hub.board) // LINES_A_UNIT)
            return market.get(media)
        rows = _changed(hub, wish) if wish.since else _named(hub, request.args["symbols"])
        charge(len(rows) // LINES_A_UNIT)
        return sheet(hub, rows, packer, media)

    @routes.get("/api/prices")
    def prices() -> Response:
        return listed("")

    @routes.get("/api/prices.<suffix>")
    def prices_as(suffix: str) -> Response:
        return listed(suffix)

    @routes.get("/api/prices/<symbol>")
    def price(symbol: str) -> Response:
        name, suffix = parted(symbol)
        media = chosen(request, suffix, SYMBOL_FORMS)
        check_loaded(hub)
        ticker = hub.board.get(upper(name))
        if ticker is None or (media != JSON and not is_plain(ticker)):
            return json_response({"error": f"no price of {name[:40]!r} is known"}, 404)
        if media in (CSV, NDJSON):
            return _as_table(request, sheet(hub, [(ticker.symbol, ticker)], packer, media), media)
        if media == TEXT:
            return single(request, hub, ticker, packer)
        return _whole(request, hub, ticker, packer)

    return routes


def _whole(request: Request, hub: Hub, ticker: Ticker, packer: Packer) -> Response:
    state = {"state": hub.health.state_of(ticker)}
    steady = msgspec.json.encode(msgspec.to_builtins(public(ticker)) | state)
    moving = {"age": round(hub.health.age_of(ticker), 1), "feed": hub.verdict()}
    body = steady[:-1] + b"," + msgspec.json.encode(moving)[1:]
    return sent(request, Packed(packer, body), Packed(packer, steady).tag, MOVING, JSON)


def _told(request: Request, made: Priced) -> Response:
    return sent(request, made.packed, made.tag, made.cache, JSON)


def _as_table(request: Request, made: Sheet, media: str) -> Response:
    answer = sent(request, made.packed, made.tag, made.cache, content_type(media))
    answer.headers["Relay-Id"] = made.id
    answer.headers["Relay-State"] = made.state
    answer.headers["Access-Control-Expose-Headers"] = "Relay-Id, Relay-State"
    return answer


def _market(hub: Hub) -> list[tuple[str, Ticker | None]]:
    """Every symbol, from A on."""
    return sorted((ticker.symbol, ticker) for ticker in hub.board.tickers())


def _era(hub: Hub) -> str:
    verdict = hub.verdict()
    return f"{hub.board.epoch} {verdict.state} {verdict.simulated}"


def _named(hub: Hub, symbols: str) -> list[tuple[str, Ticker | None]]:
    """Those that are named, in the order in which they are."""
    names = dict.fromkeys(upper(name) for name in symbols.split(","))
    return [(name, hub.board.get(name)) for name in names]


def _changed(hub: Hub, wish: Asked) -> list[tuple[str, Ticker | None]]:
    """What changed since the id, those that are gone among it; everything where it is no id of now."""
    entries = hub.board.since(hub.board.version_of(wish.since), wish.symbols)
    return [(ticker.symbol, ticker) for _, ticker in entries]
