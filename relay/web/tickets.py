"""POST /api/ticket: a ticket for those who hold a token, to be put into the URL of a stream."""

from flask import Blueprint, Response, request

from relay.web.access import Access
from relay.web.answer import json_response


def blueprint(access: Access) -> Blueprint:
    """The route."""
    routes = Blueprint("tickets", __name__)

    @routes.post("/api/ticket")
    def ticket() -> Response:
        return json_response({"ticket": access.ticket(request), "seconds": access.seconds})

    return routes
