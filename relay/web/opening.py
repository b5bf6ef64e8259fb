"""Opening: how a stream begins, whatever its transport, once its request is answered."""

import _socket
from typing import NamedTuple

from flask import Request

from relay.fanout.checksum import checksum_of
from relay.fanout.client import Client
from relay.fanout.door import Full
from relay.fanout.encoding import Form
from relay.fanout.hub import Hub
from relay.fanout.terms import Terms
from relay.server.takeover import Life
from relay.server.visitors import Visitor
from relay.web.asker import visitor_of
from relay.web.farewell import Farewell
from relay.web.subscription import Subscription


class Opening(NamedTuple):
    """A stream that may begin as far as its request goes."""

    hub: Hub
    terms: Terms
    #: The id that its client comes with, or nothing.
    since: str
    visitor: Visitor
    request_id: str
    farewell: Farewell

    @classmethod
    def of(
        cls, request: Request, hub: Hub, form: Form, wish: Subscription, farewell: Farewell
    ) -> "Opening":
        """What the request asks for, in this form."""
        terms = Terms(form, wish.symbols, wish.rate)
        name = request.headers.get("X-Request-Id", "")
        return cls(hub, terms, wish.since, visitor_of(request), name, farewell)

    def let_in(self, sock: _socket.socket, client: Client, first: bytes = b"") -> Life | None:
        """The client's life; or None, and farewell is said, where it may not enter. `first`: the bytes that
        its stream begins with."""
        client.request_id = self.request_id
        try:
            self.hub.crowd.enter(client, self.terms, self.visitor)
        except Full as full:
            # An EventSource that is refused by a status never comes back; one that is sent away does.
            form, given = self.terms.form, checksum_of(first)
            self.farewell.say(sock, first + self.hub.refusal(form, full, client.version, given))
            return None
        return self.hub.crowd.serve, client
