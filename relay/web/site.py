"""The Flask application: every route, and a clear answer to every bad request."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import NullSession, SessionInterface
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from relay.config import Config
from relay.fanout.hub import Full, Hub
from relay.history.library import Library
from relay.web import history, pages, prices, probes, sparklines, sse, ws
from relay.web.answer import json_response
from relay.web.chart_library import ChartLibrary
from relay.web.fresh import NotMade
from relay.web.subscription import BadQuery

_ROOT = Path(__file__).resolve().parents[2]


class _NoSession(SessionInterface):
    """Nobody has a session here; one that nobody may change is given to every request."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002
        return self._none


class _Site(Flask):
    """Flask without what no route here uses, since every stream's opening pays for it."""

    session_interface = _NoSession()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Finds routes by path and method alone. An upgrade is the route's own affair, and one that it does
        not know is ignored (RFC 9110, 7.8)."""
        adapter = super().create_url_adapter(request)
        if adapter is not None and request is not None:
            adapter.websocket = False
            adapter.url_scheme = request.environ["wsgi.url_scheme"]
        return adapter

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Gives the function itself: none is `async`."""
        return func


def create_site(hub: Hub, config: Config, library: Library) -> Flask:
    """The application around a hub, and what is known of the time before."""
    site = _Site(
        "relay", template_folder=str(_ROOT / "templates"), static_folder=str(_ROOT / "static")
    )
    site.register_blueprint(sse.blueprint(hub, config.max_symbols, config.compression))
    site.register_blueprint(
        ws.blueprint(hub, config.max_symbols, config.allowed_origins, config.compression)
    )
    site.register_blueprint(prices.blueprint(hub, config.max_symbols))
    site.register_blueprint(history.blueprint(hub, library.past))
    site.register_blueprint(sparklines.blueprint(hub, library.closes, config.max_symbols))
    site.register_blueprint(probes.blueprint(hub))
    charts = ChartLibrary()
    site.register_blueprint(charts.blueprint())
    site.register_blueprint(pages.blueprint(hub, site.jinja_env, charts.path))

    @site.template_global()
    def asset(name: str) -> str:
        """The address of a file of static/."""
        return f"/static/{name}"

    @site.errorhandler(BadQuery)
    def bad_query(error: BadQuery) -> Response:
        return json_response({"error": str(error)}, 400)

    @site.errorhandler(Full)
    def full(error: Full) -> Response:
        answer = json_response({"error": str(error)}, 503)
        answer.headers["Retry-After"] = "5"
        return answer

    @site.errorhandler(NotMade)
    def not_made(error: NotMade) -> Response:
        answer = json_response({"error": f"this cannot be had at present: {error}"}, 503)
        answer.headers["Retry-After"] = "5"
        return answer

    @site.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        if error.code == 404 and pages.wants_page(request):
            return pages.not_found(hub, error.description or "")
        answer = json_response({"error": error.description}, error.code or 500)
        answer.headers.extend((k, v) for k, v in error.get_headers() if k in ("Allow", "Location"))
        return answer

    allows_any = "*" in config.allowed_origins

    @site.after_request
    def allow_origin(answer: Response) -> Response:
        if allows_any:
            answer.headers["Access-Control-Allow-Origin"] = "*"
        elif (origin := request.headers.get("Origin")) in config.allowed_origins:
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.vary.add("Origin")
        return answer

    return site
