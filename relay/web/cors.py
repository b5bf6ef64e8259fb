"""Cors: the pages of which origins may use the relay, and how a browser is told (Fetch, 3.2)."""

from collections.abc import Collection

from flask import Request, Response
from werkzeug.datastructures import Headers
from werkzeug.exceptions import Forbidden

#: What a page may send and a browser asks about first: fetch-based SSE clients send the first three.
_ASKED = (
    "Authorization, Cache-Control, Content-Type, Last-Event-ID, If-None-Match, X-Requested-With"
)
#: What a page may read of an answer besides the headers that are always open.
_TOLD = "ETag, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate, X-Request-Id"
#: Seconds that a browser remembers the answer to its question. Chromium takes two hours at most.
_MAX_AGE = "7200"
_USUAL_PORTS = {"http": ":80", "https": ":443"}


class Origins:
    """Whose pages may use the relay: its own always, and those of ALLOWED_ORIGINS."""

    def __init__(self, allowed: Collection[str]) -> None:
        """`allowed` as in Config: `scheme://host[:port]` in lower case, or "*"."""
        self._everybody = "*" in allowed
        self._allowed = frozenset(allowed)

    def check(self, request: Request) -> None:
        """Raises Forbidden where a page of an origin that is not allowed asks.

        What is no browser's page says nothing of an origin, and is let through.
        """
        origin = request.headers.get("Origin")
        if origin is not None and not self._allows(origin, request):
            raise Forbidden("pages of this origin may not use the relay (ALLOWED_ORIGINS)")

    def tell(self, request: Request, answer: Response) -> None:
        """Adds what a browser wants to know before a page may read the answer, or ask its question."""
        headers = answer.headers
        headers.add("Access-Control-Expose-Headers", _TOLD)
        if self._everybody:
            headers["Access-Control-Allow-Origin"] = "*"
        else:
            answer.vary.add("Origin")
            origin = request.headers.get("Origin")
            if origin is None or not self._allows(origin, request):
                return
            headers["Access-Control-Allow-Origin"] = origin
        if request.method == "OPTIONS":
            headers["Access-Control-Allow-Methods"] = headers.get("Allow", "GET, HEAD, OPTIONS")
            headers["Access-Control-Allow-Headers"] = _ASKED
            headers["Access-Control-Max-Age"] = _MAX_AGE

    def _allows(self, origin: str, request: Request) -> bool:
        return self._everybody or origin in self._allowed or _is_own(origin, request.headers)


def _is_own(origin: str, headers: Headers) -> bool:
    """Whether a page of this very host asks. A proxy may have taken the TLS off, so http or https is one."""
    scheme, _, authority = origin.lower().partition("://")
    usual = _USUAL_PORTS.get(scheme)
    if usual is None:
        return False
    host = headers.get("Host", "").lower()
    return authority != "" and authority.removesuffix(usual) == host.removesuffix(usual)
