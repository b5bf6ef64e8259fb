"""Embed: a small page of a few prices, made to stand in a frame of any other site's page."""

from collections.abc import Collection

from flask import Blueprint, Response, request

from relay.fanout.hub import Hub
from relay.ticker import Ticker, upper
from relay.web.answer import check_loaded
from relay.web.fresh import NotMade
from relay.web.pages import page
from relay.web.subscription import BadQuery, parse_symbols

#: Symbols that one frame shows at most.
MAX_SYMBOLS = 20
#: What `theme` may be; anything else follows the reader's own setting.
THEMES = ("light", "dark")
#: Seconds until a frame asks again for prices that were not there yet.
RETRY_SECONDS = 5


def blueprint(hub: Hub, ancestors: Collection[str]) -> Blueprint:
    """The route `/embed/<symbols>`: one symbol, or several with commas between them.

    `ancestors`: who may show it in a frame, as Content-Security-Policy spells it.
    """
    routes = Blueprint("embed", __name__)

    @routes.get("/embed/<path:symbols>")
    def embed(symbols: str) -> Response:
        check_loaded(hub)
        names = _named(symbols)
        tickers = {name: hub.board.get(name) for name in names}
        if not any(tickers.values()):
            return notice(404, f"No price of {', '.join(names)[:60]} is known here.")
        rows = [(name, ticker, _standing(hub, ticker)) for name, ticker in tickers.items()]
        return answer("embed.html", 200, rows=rows, since=hub.board.id)

    @routes.errorhandler(BadQuery)
    def bad(error: BadQuery) -> Response:
        said = str(error)
        return notice(404 if said.endswith("no symbol") else 400, f"{said[0].upper()}{said[1:]}.")

    @routes.errorhandler(NotMade)
    def not_made(_: NotMade) -> Response:
        return notice(503, "No prices are known here yet.", retry=RETRY_SECONDS)

    def notice(status: int, said: str, retry: int = 0) -> Response:
        noticed = answer("embed_notice.html", status, said=said, retry=retry)
        if retry:
            noticed.headers["Retry-After"] = str(retry)
        return noticed

    def answer(template: str, status: int, **shown: object) -> Response:
        asked = request.args.get("theme")
        theme = asked if asked in THEMES else ""
        return page(template, hub, status, ancestors=ancestors, theme=theme, **shown)

    return routes


def _named(text: str) -> list[str]:
    """Symbols in upper case, each once, in the order in which they are named; raises BadQuery."""
    names = text.split(",")
    parse_symbols(names, MAX_SYMBOLS)
    return list(dict.fromkeys(upper(name) for name in names))


def _standing(hub: Hub, ticker: Ticker | None) -> str:
    if ticker is None:
        return "unknown"
    return hub.health.standing_of(ticker) if hub.verdict().state == "live" else "live"
