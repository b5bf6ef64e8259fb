"""The pages for people, rendered by Flask so that the first paint needs no JavaScript."""

from collections.abc import Collection

from flask import Blueprint, Request, Response, abort, make_response, render_template, request
from jinja2 import Environment

from relay import pace
from relay.fanout.hub import Hub
from relay.history.interval import SECONDS
from relay.ticker import Ticker, upper
from relay.web import figures
from relay.web.answer import check_loaded
from relay.web.dollars import split
from relay.web.fresh import NotMade
from relay.web.history import MAX_CANDLES
from relay.web.packed import Packed, Packer
from relay.web.policy import content_policy
from relay.web.rows import Market, Row, Rows
from relay.web.sent import fill

#: A page is old a moment after it was made, but Back may show it.
HEADERS = {"Cache-Control": "no-cache"}
#: Where the rows belong in index.html.
ROWS_MARK = b"<!--rows-->"
#: Bytes of deflated rows that one worker keeps: those of the last few seconds.
PACKED_BYTES = 1 << 20
#: Seconds until it is worth asking again for rows that could not be rendered.
RETRY_SECONDS = 5
#: The intervals that the chart of a symbol has buttons for; its URL may name any other one that there is.
INTERVALS = ("1s", "1m", "5m", "15m", "1h", "4h", "1d")
#: The one that it begins with unless its URL names another.
USUAL_INTERVAL = "1m"


def blueprint(hub: Hub, templates: Environment, library: str) -> Blueprint:
    """The routes. Rows are rendered outside of any request, so `templates` must be at hand.

    `library`: where a page finds what draws charts; empty where there is nothing.
    """
    routes = Blueprint("pages", __name__)

    def standings(tickers: list[Ticker]) -> list[pace.Standing]:
        """While prices as a whole are not live, the banner speaks for each of them."""
        live = hub.verdict().state == "live"
        return [hub.health.standing_of(ticker) if live else "live" for ticker in tickers]

    def render(rows: list[Row]) -> str:
        rendered = zip(rows, standings([row.ticker for row in rows]), strict=True)
        return templates.get_template("rows.html").render(rows=rendered)

    market = Market(hub.board, render)
    packer = Packer(PACKED_BYTES)

    @routes.get("/")
    def index() -> Response:
        if "wall" in request.args:
            return page("wall.html", hub)
        if "all" in request.args:
            return _around("all.html", market.all(), hub, packer)
        return _around("index.html", market.first(), hub, packer)

    @routes.get("/symbols/<path:symbol>")
    def symbol(symbol: str) -> Response:
        check_loaded(hub)
        ticker = hub.board.get(upper(symbol))
        if ticker is None:
            abort(404, f"No price of {_printable(symbol)} is known here.")
        age, [standing] = hub.health.age_of(ticker), standings([ticker])
        return page(
            "symbol.html",
            hub,
            ticker=ticker,
            age=age,
            standing=standing,
            since=hub.board.id,
            library=library,
            interval=_interval(request.args.get("interval")),
            intervals=INTERVALS,
            max_candles=MAX_CANDLES,
        )

    @routes.errorhandler(NotMade)
    def not_made(error: NotMade) -> Response:
        said = f"The market cannot be shown at present: {error}."
        answer = page("notice.html", hub, 503, title="Not available", said=said)
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
        return answer

    for template_filter in (*figures.FILTERS, split):
        routes.add_app_template_filter(template_filter)
    routes.record_once(lambda _: _compile(templates))
    return routes


def wants_page(request: Request) -> bool:
    """Whether it is a person's browser that asks, and not for data."""
    accepts = request.headers.get("Accept", "")
    return "text/html" in accepts and not request.path.startswith("/api/")


def not_found(hub: Hub, said: str) -> Response:
    """The 404 for people."""
    return page("notice.html", hub, 404, title="Not found", said=said)


def _compile(templates: Environment) -> None:
    """Before the first request, which would be held up by it for ten milliseconds or more."""
    for name in templates.list_templates():
        templates.get_template(name)


def page(
    template: str,
    hub: Hub,
    status: int = 200,
    ancestors: Collection[str] = (),
    **shown: object,
) -> Response:
    """A rendered page, which only `ancestors` may show in a frame: those of FRAME_ANCESTORS where none are
    given. Its template knows `feed`, `now` in milliseconds since 1970, and how many symbols are `known`."""
    shown |= {"feed": hub.verdict(), "now": hub.health.now(), "known": len(hub.board)}
    html = render_template(template, **shown)
    answer = make_response(html, status, HEADERS)
    if ancestors:
        answer.headers["Content-Security-Policy"] = content_policy(ancestors)
    return answer


def _around(template: str, rows: Rows, hub: Hub, packer: Packer) -> Response:
    """A market page: the rows' bytes are the same for everybody, only what stands around them is not.
    Gives turns."""
    answer = page(template, hub, shown=rows.shown, number=rows.number, since=rows.id)
    head, _, tail = answer.get_data().partition(ROWS_MARK)
    answer.vary.add("Accept-Encoding")
    fill(request, answer, Packed(packer, head, rows.html, tail))
    return answer


def _interval(asked: str | None) -> str:
    """The interval that the chart begins with."""
    return asked if asked in SECONDS else USUAL_INTERVAL


def _printable(symbol: str) -> str:
    """The start of what somebody asked for, without anything that would not show."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in symbol[:40])
