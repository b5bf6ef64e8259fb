"""Asker: whose request it is, what it holds while it is answered, and when its work may begin."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from flask import Request

from relay.server import turns, waiting
from relay.server.turns import Turns
from relay.server.visitors import KEY, Visitor

#: Who asks where no server says so.
_ANYBODY = Visitor("")


def visitor_of(request: Request) -> Visitor:
    """The visitor that the server found."""
    visitor: Visitor = request.environ.get(KEY, _ANYBODY)
    return visitor


def slot_of(request: Request) -> Callable[[Callable[[], None]], AbstractContextManager[None]]:
    """Holds what ends a wait for news, while it lasts: the server calls that where others need the
    connection's slot."""
    slot: Callable[[Callable[[], None]], AbstractContextManager[None]] = request.environ.get(
        waiting.KEY, lambda _: nullcontext()
    )
    return slot


def turns_of(request: Request) -> Turns:
    """The worker's turns; some of its own where no server has any."""
    found: Turns | None = request.environ.get(turns.KEY)
    return Turns() if found is None else found
