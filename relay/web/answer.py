"""Answer: JSON for programs."""

import msgspec
from flask import Response


def json_response(value: object, status: int = 200) -> Response:
    """A JSON answer that nobody may cache: it is old when it arrives."""
    body = msgspec.json.encode(value)
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Response(body, status, headers)
