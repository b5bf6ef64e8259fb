"""Response: an HTTP answer, as the WebSocket server wants to be handed it."""

from http import HTTPStatus

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request, Response


def respond(status: int, body: str, headers: dict[str, str]) -> Response:
    """Return an answer after which the connection ends."""
    raw = body.encode()
    kind = "text/html" if body.startswith("<") else "application/json;charset=UTF-8"
    whole = Headers(headers)
    whole["Content-Type"] = kind
    whole["Content-Length"] = str(len(raw))
    whole["Connection"] = "close"
    return Response(status, HTTPStatus(status).phrase, whole, raw)


def sign(_connection: ServerConnection, _request: Request, response: Response) -> None:
    """Mark an answer, so that nobody can take these prices for real ones."""
    response.headers["X-Relay-Simulator"] = "1"
