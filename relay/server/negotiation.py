"""Agreeing on compression: what a client offers in `Sec-WebSocket-Extensions`, and what we answer.

Compressing is not done here: one compressor serves a whole cohort, so its window is fixed, and a
client that cannot live with it is served uncompressed.
"""

import re
from dataclasses import dataclass

_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
# Quantifiers are possessive because the header is the client's: no backtracking, whatever it holds.
_PIECE = re.compile(
    rf"[ \t]*+(?P<name>{_WORD})[ \t]*+"
    rf'(?:=[ \t]*+(?:(?P<token>{_WORD})|"(?P<quoted>(?:[^"\\]|\\.)*+)")[ \t]*+)?+'
    r"(?P<end>[;,]|\Z)"
)
_EMPTY = re.compile(r"[ \t,]*+")
_WINDOW_BITS = re.compile(r"[89]|1[0-5]")

Parameters = list[tuple[str, str | None]]


@dataclass(frozen=True, slots=True)
class Agreement:
    """The terms of permessage-deflate on one connection.

    The client never keeps its context between messages, so an idle connection holds no inflater.
    """

    #: We must compress each message on its own; False: our messages share one context.
    server_no_context_takeover: bool
    #: The value of the answer's `Sec-WebSocket-Extensions` header.
    response: str


def negotiate(offers: str) -> Agreement | None:
    """Accept the first offer of permessage-deflate that we can keep, or None for no compression.

    `offers` is the request's `Sec-WebSocket-Extensions`; several such headers are joined by commas.
    An offer with an unknown, repeated or ill-formed parameter is declined, as is one that asks for
    a window below 15 bits (RFC 7692, 7.1). A header that is not well-formed offers nothing.
    """
    for name, parameters in _parse(offers):
        if name == "permessage-deflate" and (agreement := _accept(parameters)):
            return agreement
    return None


def _accept(offered: Parameters) -> Agreement | None:
    parameters = dict(offered)
    if len(parameters) != len(offered):
        return None
    # RFC 7692, 7.1.1.2: the server may ask this of any client, offered or not.
    answer = ["permessage-deflate", "client_no_context_takeover"]
    for name, value in offered:
        match name, value:
            case "client_no_context_takeover", None:
                pass
            case "client_max_window_bits", None:
                pass  # A hint that we could lower it. Our inflater takes any window.
            case "client_max_window_bits", str() if _WINDOW_BITS.fullmatch(value):
                pass
            case "server_no_context_takeover", None:
                answer.append(name)
            case "server_max_window_bits", "15":
                # RFC 7692, 7.1.2.1: the answer must repeat what it grants.
                answer.append("server_max_window_bits=15")
            case _:
                return None
    return Agreement("server_no_context_takeover" in parameters, "; ".join(answer))


def _parse(header: str) -> list[tuple[str, Parameters]]:
    """Split the header into extensions with their parameters (RFC 6455, 9.1); [] if ill-formed."""
    extensions: list[tuple[str, Parameters]] = []
    position = _skip_empty(header, 0)
    separator = ","
    while position < len(header) or separator == ";":
        piece = _PIECE.match(header, position)
        if piece is None:
            return []
        name, token, quoted, end = piece.group("name", "token", "quoted", "end")
        value = token if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        if separator == ";":
            extensions[-1][1].append((name, value))
        elif value is None:
            extensions.append((name, []))
        else:
            return []
        separator = end
        # RFC 9110, 5.6.1: a list may have empty elements.
        position = piece.end() if end == ";" else _skip_empty(header, piece.end())
    return extensions


def _skip_empty(header: str, position: int) -> int:
    found = _EMPTY.match(header, position)
    return found.end() if found else position
