"""GET /metrics: for Prometheus. Who may ask is for Access to say."""

from collections.abc import Callable

from flask import Blueprint, Response, abort, request

#: Makes all metrics as an Accept header wants them: the text, and its content type.
Expose = Callable[[str], tuple[bytes, str]]


def blueprint(expose: Expose | None) -> Blueprint:
    """The route; without `expose` there are no metrics here."""
    routes = Blueprint("metrics", __name__)

    @routes.get("/metrics")
    def metrics() -> Response:
        if expose is None:
            abort(404, "metrics are turned off here (METRICS)")
        body, content_type = expose(request.headers.get("Accept", ""))
        headers = {"Content-Type": content_type, "Cache-Control": "no-store"}
        return Response(body, headers=headers)

    return routes
