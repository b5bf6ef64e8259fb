"""The pages for people, rendered by Flask so that the first paint needs no JavaScript."""

from flask import Blueprint, Request, Response, abort, make_response, render_template

from relay import pace
from relay.fanout.hub import Hub
from relay.ticker import Ticker, upper
from relay.web import figures
from relay.web.rows import Market

HEADERS = {
    # Everything a page needs comes from this relay, and nothing of it is inline.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}


def blueprint(hub: Hub) -> Blueprint:
    """The routes."""
    routes = Blueprint("pages", __name__)

    def standings(tickers: list[Ticker]) -> list[pace.Standing]:
        """While prices as a whole are not live, the banner speaks for each of them."""
        live = hub.verdict().state == "live"
        return [hub.health.standing_of(ticker) if live else "live" for ticker in tickers]

    def render(tickers: list[Ticker]) -> str:
        return render_template("rows.html", rows=zip(tickers, standings(tickers), strict=True))

    market = Market(hub.board, render)

    @routes.get("/")
    def index() -> Response:
        rows = market.rows()
        return _page("index.html", hub, rows=rows, since=rows.id)

    @routes.get("/symbols/<symbol>")
    def symbol(symbol: str) -> Response:
        ticker = hub.board.get(upper(symbol))
        if ticker is None:
            abort(404, f"No price of {symbol[:40]} is known here.")
        age, [standing] = hub.health.age_of(ticker), standings([ticker])
        since = hub.board.id
        return _page("symbol.html", hub, ticker=ticker, age=age, standing=standing, since=since)

    for template_filter in figures.FILTERS:
        routes.add_app_template_filter(template_filter)
    return routes


def wants_page(request: Request) -> bool:
    """Whether it is a person's browser that asks, and not for data."""
    accepts = request.headers.get("Accept", "")
    return "text/html" in accepts and not request.path.startswith("/api/")


def not_found(hub: Hub, said: str) -> Response:
    """The 404 for people."""
    return _page("not_found.html", hub, 404, said=said, known=len(hub.board))


def _page(template: str, hub: Hub, status: int = 200, **shown: object) -> Response:
    return make_response(render_template(template, feed=hub.verdict(), **shown), status, HEADERS)
