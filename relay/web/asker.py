"""Asker: whose request it is."""

from flask import Request

from relay.server.visitors import KEY, Visitor

#: Who asks where no server says so.
_ANYBODY = Visitor("")


def visitor_of(request: Request) -> Visitor:
    """The visitor that the server found."""
    visitor: Visitor = request.environ.get(KEY, _ANYBODY)
    return visitor
