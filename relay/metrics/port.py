"""Port: metrics by themselves, for a process that serves nothing else."""

import hmac
import logging
from collections.abc import Callable, Collection, Iterable
from typing import Any

from gevent.pywsgi import WSGIServer

from relay.metrics.families import text

log = logging.getLogger(__name__)

#: Connections at a time: a Prometheus has one.
MAX_CONNECTIONS = 20
_HERE = ("127.0.0.1", "::1")

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], object]


class MetricsPort:
    """Answers GET /metrics: to whoever shows a token of these, or where there are none, to this machine."""

    def __init__(self, host: str, port: int, tokens: Collection[str]) -> None:
        self._tokens = [f"Bearer {token}".encode() for token in tokens]
        self._server = WSGIServer(
            (host, port), self._answer, log=None, error_log=log, spawn=MAX_CONNECTIONS
        )

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_port or 0)

    def start(self) -> None:
        """Begins to listen, or raises OSError."""
        self._server.start()
        log.info("metrics are at port %d", self.port)

    def _answer(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/metrics":
            return _say(start, "404 Not Found", b"there is only /metrics here\n")
        if not self._may_ask(environ):
            return _say(start, "401 Unauthorized", b"this is for operators (OPERATOR_TOKENS)\n")
        body, content_type = text(environ.get("HTTP_ACCEPT", ""))
        return _say(start, "200 OK", body, content_type)

    def _may_ask(self, environ: Environ) -> bool:
        if not self._tokens:
            return environ.get("REMOTE_ADDR", "") in _HERE
        shown = environ.get("HTTP_AUTHORIZATION", "").encode()
        return any(hmac.compare_digest(shown, token) for token in self._tokens)


def _say(
    start: StartResponse, status: str, body: bytes, content_type: str = "text/plain"
) -> list[bytes]:
    fields = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    start(status, [*fields, ("Cache-Control", "no-store")])
    return [body]
