"""GET /selftest: a page that measures what the way between the relay and a browser does to a stream."""

import _socket
from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.datastructures import Headers

from relay.fanout.hub import Hub
from relay.server.takeover import KEY, Takeover
from relay.server.visitors import Visitor
from relay.web.answer import json_response
from relay.web.asker import visitor_of
from relay.web.handshake import refusal
from relay.web.pages import page
from relay.web.sse import HEADERS
from relay.web.stamps import WS_WIRE, Pace, Stamps, Wire, sse_wire
from relay.web.subscription import BadQuery

#: A look at what is held back.
QUICK = Pace(5, 0.4)
#: Events of the look for cuts, a heartbeat apart: about two minutes.
LONG_EVENTS = 11
#: What proxies add to a request that they pass on, and who does.
_MARKS = {
    "Cf-Ray": "Cloudflare",
    "X-Arr-Log-Id": "IIS with ARR",
    "X-Forwarded-Server": "Apache",
    "X-Amzn-Trace-Id": "an AWS load balancer",
    "X-Real-Ip": "nginx",
    "Via": "a proxy",
    "X-Forwarded-For": "a proxy",
}


def blueprint(hub: Hub, heartbeat_seconds: float) -> Blueprint:
    """The page, and what it measures with."""
    routes = Blueprint("selftest", __name__)
    stamps = Stamps(hub)
    paces = {"quick": QUICK, "long": Pace(LONG_EVENTS, heartbeat_seconds)}

    def begin(wire: Wire, websocket: bool) -> None:
        pace = _pace(request.args, paces)
        stamps.check()
        run = partial(_run, stamps, pace, wire, visitor_of(request))
        request.environ[KEY] = Takeover(run, websocket=websocket)

    @routes.get("/selftest")
    def selftest() -> Response:
        return page("selftest.html", hub, paces=paces)

    @routes.get("/selftest/hop")
    def hop() -> Response:
        """How a request looks when it arrives here, and when that is by our clock."""
        return json_response(
            {
                "time": hub.clock.wall_ms(),
                "protocol": request.environ["SERVER_PROTOCOL"],
                "proxies": _proxies(request.headers),
            }
        )

    @routes.get("/selftest/events")
    def events() -> Response:
        if request.method == "HEAD":
            return Response(b"", headers=HEADERS)
        begin(sse_wire(chunked=request.environ["SERVER_PROTOCOL"] != "HTTP/1.0"), websocket=False)
        return Response(iter(()), headers=HEADERS)

    @routes.get("/selftest/ws")
    def ws() -> Response:
        refused = refusal(request, "/selftest uses it")
        if refused is not None:
            return refused
        begin(WS_WIRE, websocket=True)
        return Response(status=101)

    return routes


def _run(
    stamps: Stamps,
    pace: Pace,
    wire: Wire,
    visitor: Visitor,
    sock: _socket.socket,
    _left: bytes,
    _websocket: Any,
) -> None:
    stamps.send(sock, pace, wire, visitor)


def _pace(query: Mapping[str, str], paces: Mapping[str, Pace]) -> Pace:
    pace = paces.get(query.get("pace", "quick"))
    if pace is None:
        raise BadQuery(f"pace must be one of {', '.join(paces)}")
    return pace


def _proxies(headers: Headers) -> list[str]:
    """Those that left their mark; who they are only where that is told."""
    found = list(dict.fromkeys(who for mark, who in _MARKS.items() if mark in headers))
    return found if found == ["a proxy"] else [who for who in found if who != "a proxy"]
