"""Access: who may use the relay, where that is not everybody.

A program sends a token (RFC 6750), a person's browser asks for name and token (RFC 7617). An EventSource and
a browser's WebSocket can send neither: they get a ticket in their URL, which is signed and soon worthless.
"""

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence

from flask import Request, Response
from itsdangerous import BadSignature, TimestampSigner
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import NotFound, Unauthorized

from relay.server import visitors
from relay.server.bounds import UNBOUNDED, Bounds
from relay.server.visitors import Visitors
from relay.web import probes
from relay.web.asker import visitor_of
from relay.web.pages import wants_page
from relay.web.strangers import Strangers

#: Seconds by which the clock of whoever signs tickets may be ahead of ours.
LEEWAY_SECONDS = 5.0
#: What everybody may ask: the probes say nothing that a price does not, and a script is no secret.
_OPEN = ("/static/", *probes.PATHS)
#: What only operators may ask.
_OPERATORS = ("/metrics", "/status")
_SALT = b"relay.ticket"


class Access:
    """Judges each request by what it shows."""

    def __init__(
        self,
        tokens: Mapping[str, str],
        operators: Mapping[str, str],
        ticket_keys: Sequence[str],
        ticket_seconds: float,
        *,
        bounds: Bounds = UNBOUNDED,
        strangers: Strangers | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`tokens` and `operators`: name → token; without any, everybody may use the relay, and only this
        machine what operators may. `ticket_keys`: the newest first; that one signs, all are believed.
        `bounds`: what each holder may have. `strangers`: asked before each refusal. `now()`: seconds since
        1970."""
        self._tokens = _by_digest(tokens)
        self._operators = _by_digest(operators)
        self._keys = list(reversed(ticket_keys))
        self._seconds = ticket_seconds
        self._now = now
        self._holders = Visitors(bounds=bounds)
        self._strangers = strangers

    @property
    def seconds(self) -> float:
        """How long a ticket is good for."""
        return self._seconds

    def keep_private(self, request: Request, answer: Response) -> None:
        """No cache may give to everybody what not everybody may use (RFC 9111, 3.5)."""
        said = answer.headers.get("Cache-Control", "")
        is_open = not (self._tokens or self._keys) or request.path.startswith(_OPEN)
        if said.startswith("public") and not is_open:
            answer.headers["Cache-Control"] = said.replace("public", "private")

    def check(self, request: Request) -> None:
        """Raises Unauthorized, or Overspent. A request with a token or a ticket counts as its holder's,
        wherever it comes from: its Visitor is that of the name."""
        path = request.path
        if request.method == "OPTIONS" or path.startswith(_OPEN):
            return
        if path.startswith(_OPERATORS):
            self._check_operator(request)
        elif self._tokens or self._keys:
            name = self._holder(request)
            request.environ[visitors.KEY] = self._holders.find(f"token {name}")

    def ticket(self, request: Request) -> str:
        """A ticket for the holder of the token that the request shows.

        Raises Unauthorized, Overspent, or NotFound where no tickets are given.
        """
        if not self._keys:
            raise NotFound("no tickets are given here (TICKET_KEYS)")
        name = _shown(request, self._tokens)
        if name is None:
            raise self._refusal("a ticket is given for a token", request)
        return self._signer().sign(name).decode()

    def _check_operator(self, request: Request) -> None:
        if self._operators:
            if _shown(request, self._operators) is None:
                raise self._refusal("this is for operators (OPERATOR_TOKENS)", request)
        elif not _is_of_this_machine(request):
            raise self._refusal(
                "this is for operators: set OPERATOR_TOKENS to ask from afar", request
            )

    def _holder(self, request: Request) -> str:
        name = _shown(request, self._tokens)
        if name is not None:
            return name
        ticket = request.args.get("ticket")
        if ticket is None:
            raise self._refusal("a token or a ticket is needed", request)
        return self._name_on(ticket, request)

    def _name_on(self, ticket: str, request: Request) -> str:
        if not self._keys:
            raise self._refusal("no tickets are taken here (TICKET_KEYS)", request)
        try:
            name, signed = self._signer().unsign(ticket, return_timestamp=True)
        except BadSignature:
            raise self._refusal("the ticket is not one of ours", request) from None
        if not -LEEWAY_SECONDS <= self._now() - signed.timestamp() <= self._seconds:
            why = "the ticket is no longer good: get another one"
            raise self._refusal(why, request, was_ours=True)
        return name.decode("ascii", "replace")

    def _refusal(self, why: str, request: Request, *, was_ours: bool = False) -> Unauthorized:
        """Raises Overspent where its address has been refused too often. `was_ours`: what it shows was good
        once, so it does not guess."""
        if self._strangers is not None:
            visitor = visitor_of(request)
            if was_ours or not _shows_anything(request):
                self._strangers.nothing(visitor)
            else:
                self._strangers.wrong(visitor)
        return _unauthorized(why, request)

    def _signer(self) -> TimestampSigner:
        return _Signer(self._keys, self._now)


class _Signer(TimestampSigner):
    """Takes the time from us."""

    def __init__(self, keys: list[str], now: Callable[[], float]) -> None:
        super().__init__(keys, salt=_SALT, digest_method=hashlib.sha256)
        self._now = now

    def get_timestamp(self) -> int:
        """See TimestampSigner."""
        return int(self._now())


def _is_of_this_machine(request: Request) -> bool:
    """Whether a program of this machine asks for itself. Whom a proxy asks for may say to be anybody."""
    address = request.environ.get("REMOTE_ADDR", "").removeprefix("::ffff:")
    return address in ("", "127.0.0.1", "::1") and "X-Forwarded-For" not in request.headers


def _by_digest(tokens: Mapping[str, str]) -> dict[bytes, str]:
    """Found by a digest, so that how long the search takes says nothing of a token."""
    return {_digest(token): name for name, token in tokens.items()}


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _shown(request: Request, tokens: Mapping[bytes, str]) -> str | None:
    """Whose token the request shows; None where it shows none that counts."""
    said = request.authorization
    if said is None:
        return None
    if said.type == "bearer":
        return tokens.get(_digest(said.token or ""))
    name = tokens.get(_digest(said.password or "")) if said.type == "basic" else None
    return name if name == said.username else None


def _shows_anything(request: Request) -> bool:
    return "Authorization" in request.headers or "ticket" in request.args


def _unauthorized(why: str, request: Request) -> Unauthorized:
    """A browser that is asked for Basic asks its person; only a page may have it do so."""
    scheme = "basic" if wants_page(request) else "bearer"
    return Unauthorized(why, www_authenticate=WWWAuthenticate(scheme, {"realm": "relay"}))
