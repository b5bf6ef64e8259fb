"""Takeover: a request that ends as a stream leaves the web server and gets a greenlet of its own.

A view that wants the socket puts a Takeover into the WSGI environ and returns an empty response. Our
worker sends the response's head and then calls `run` with the bare socket, as Rack's "hijack" does.
What the request needed (environ, buffers, deep stacks) is freed: that is most of a stream's memory.
"""

import _socket
from collections.abc import Callable
from typing import Any, NamedTuple

#: The environ key under which the worker finds the Takeover.
KEY = "relay.server.takeover"


#: What goes on until the connection ends: a function, and what to call it with. Two plain values, since a
#: `partial` would put C frames on the stack that is kept for each stream.
Life = tuple[Callable[[Any], object], Any]


class Takeover(NamedTuple):
    """What to do with the socket once the head of the response is out."""

    #: run(sock, leftover, websocket): the non-blocking socket, bytes that came behind the request, and
    #: the WebSocket if one was shaken hands on. It may last as long as the stream; or return what does,
    #: and then all that `run` itself holds is freed.
    run: Callable[[_socket.socket, bytes, Any], Life | None]
    #: Whether to answer with a WebSocket handshake instead of the view's own head. The view has judged
    #: the request (RFC 6455, 4.2.1).
    websocket: bool = False
    #: The handshake's Sec-WebSocket-Extensions, or nothing.
    extensions: str = ""
