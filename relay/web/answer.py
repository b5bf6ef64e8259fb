"""Answer: JSON for programs."""

import msgspec
from flask import Response

from relay.fanout.hub import Hub
from relay.web.fresh import NotMade


def json_response(value: object, status: int = 200) -> Response:
    """A JSON answer that nobody may cache: it is old when it arrives."""
    body = msgspec.json.encode(value)
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Response(body, status, headers)


def check_loaded(hub: Hub) -> None:
    """Raises NotMade while this worker holds no prices at all: what it does not know may well exist."""
    if not len(hub.board):
        raise NotMade(hub.verdict().reason or "no prices are known here yet")
