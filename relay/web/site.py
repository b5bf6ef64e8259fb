"""The Flask application: every route, and a clear answer to every bad request."""

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import NullSession, SessionInterface
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from relay.config import Config
from relay.fanout.door import Full
from relay.fanout.hub import Hub
from relay.history.library import Library
from relay.home import HOME
from relay.server.bounds import bounds_of
from relay.web import (
    contract,
    embed,
    history,
    metrics,
    pages,
    policy,
    prices,
    probes,
    selftest,
    sparklines,
    sse,
    status,
    tickets,
    ws,
)
from relay.web.access import Access
from relay.web.answer import json_response
from relay.web.assets import Assets
from relay.web.chart_library import NAME, chart_library
from relay.web.compression import compress
from relay.web.cors import Origins
from relay.web.fresh import NotMade
from relay.web.preferences import Preferring
from relay.web.ration import Ration
from relay.web.strangers import Strangers
from relay.web.subscription import BadQuery

#: Headers of an error that its answer keeps.
_KEPT = ("Allow", "Location", "WWW-Authenticate")


class _NoSession(SessionInterface):
    """Nobody has a session here; one that nobody may change is given to every request."""

    _none = NullSession()

    def open_session(self, app: Flask, request: Request) -> NullSession:  # noqa: ARG002
        return self._none


class _Site(Flask):
    """Flask without what no route here uses, since every stream's opening pays for it."""

    session_interface = _NoSession()
    request_class = Preferring

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


def create_site(
    hub: Hub,
    config: Config,
    library: Library,
    expose: metrics.Expose | None = None,
    present: status.Roll = status.nobody,
) -> Flask:
    """The application around a hub, and what is known of the time before. `expose` makes /metrics; `present`
    says which processes there are."""
    site = _Site("relay", template_folder=str(HOME / "templates"), static_folder=None)
    origins = Origins(config.allowed_origins)
    refusals = hub.door.refusals
    ration = Ration(refusals, hub.clock)
    access = Access(
        config.access_tokens,
        config.operator_tokens,
        config.ticket_keys,
        config.ticket_seconds,
        bounds=bounds_of(config, "token"),
        strangers=Strangers(ration, refusals, hub.clock),
    )
    site.register_blueprint(tickets.blueprint(access))
    site.register_blueprint(sse.blueprint(hub, config.max_symbols, config.compression))
    site.register_blueprint(ws.blueprint(hub, config.max_symbols, config.compression))
    site.register_blueprint(prices.blueprint(hub, config.max_symbols))
    site.register_blueprint(history.blueprint(hub, library.past))
    site.register_blueprint(sparklines.blueprint(hub, library.closes, config.max_symbols))
    site.register_blueprint(contract.blueprint(hub, config.max_symbols))
    site.register_blueprint(probes.blueprint(hub))
    site.register_blueprint(metrics.blueprint(expose))
    site.register_blueprint(status.blueprint(hub, present, config.in_process))
    site.register_blueprint(selftest.blueprint(hub, config.heartbeat_seconds))
    assets = Assets(HOME / "static", chart_library())
    site.register_blueprint(assets.blueprint())
    site.add_template_global(assets.address, "asset")
    site.add_template_global(assets.modules, "modules")
    charts = assets.address(NAME) if NAME in assets else ""
    site.register_blueprint(pages.blueprint(hub, site.jinja_env, charts))
    site.register_blueprint(embed.blueprint(hub, config.embed_ancestors))

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
        said = {"error": error.description}
        name = request.headers.get("X-Request-Id", "")
        if name and (error.code or 500) >= 500:
            said["request_id"] = name
        answer = json_response(said, error.code or 500)
        answer.headers.extend((k, v) for k, v in error.get_headers() if k in _KEPT)
        return answer

    site.before_request(partial(_judge, origins, access))
    ration.attach(site)
    site.after_request(partial(_finish, origins, access, config.frame_ancestors))
    return site


def _judge(origins: Origins, access: Access) -> None:
    """Raises Forbidden, Unauthorized or Overspent."""
    origins.check(request)
    access.check(request)


def _finish(
    origins: Origins, access: Access, ancestors: Collection[str], answer: Response
) -> Response:
    """Adds who may read it and what a page may do, and compresses it for those who take that."""
    origins.tell(request, answer)
    access.keep_private(request, answer)
    answer.headers.extend(policy.HEADERS)
    if answer.mimetype == "text/html":
        answer.headers.extend(policy.PAGE_HEADERS)
        answer.headers.setdefault("Content-Security-Policy", policy.content_policy(ancestors))
    else:
        answer.headers["Content-Security-Policy"] = policy.DATA_POLICY
    compress(request, answer)
    return answer
