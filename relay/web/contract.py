"""Contract: the descriptions of the API, for machines, and a page of them for people."""

import msgspec
from flask import Blueprint, Response, request

from relay.fanout.hub import Hub
from relay.web.asyncapi import asyncapi
from relay.web.media import JSON
from relay.web.openapi import openapi
from relay.web.packed import Packed, Packer
from relay.web.pages import page
from relay.web.sent import MOVING, sent


def blueprint(hub: Hub, max_symbols: int) -> Blueprint:
    """The routes `/api`, `/api/openapi.json` and `/api/asyncapi.json`."""
    routes = Blueprint("contract", __name__)
    packer = Packer()
    described = openapi(max_symbols)
    http = Packed(packer, msgspec.json.encode(described))

    @routes.get("/api/openapi.json")
    def openapi_json() -> Response:
        return sent(request, http, http.tag, MOVING, JSON)

    @routes.get("/api/asyncapi.json")
    def asyncapi_json() -> Response:
        protocol = "wss" if request.scheme == "https" else "ws"
        said = Packed(packer, msgspec.json.encode(asyncapi(request.host, protocol, max_symbols)))
        answer = sent(request, said, said.tag, MOVING, JSON)
        answer.vary.add("Host")
        return answer

    @routes.get("/api")
    def readable() -> Response:
        spoken = asyncapi(request.host, "ws", max_symbols)
        return page("api.html", hub, http=described, ws=spoken)

    return routes
