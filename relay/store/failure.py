"""Failure: what Redis said, or did not say, in words of our own.

redis-py's words hold Redis' address, or a whole client; Redis' own may repeat what it was sent. Anybody may
read ours; theirs are for the log.
"""

import re
import socket
import ssl

from redis import exceptions

from relay.redaction import redacted
from relay.store.connect import MISREAD
from relay.store.contract import StoreRefuses, StoreUnavailable
from relay.store.master import Elsewhere, Moved, Unknown

#: Characters of theirs at most.
MAX_DETAIL = 200

_NO_ENTRY = "Redis accepts neither our user nor our password"
#: What the error is, or what it came from: the first that fits counts.
_KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (exceptions.AuthenticationError, _NO_ENTRY),
    (exceptions.AuthenticationWrongNumberOfArgsError, "Redis knows no users, but one is named"),
    (exceptions.NoPermissionError, "Redis does not let our user do that"),
    (exceptions.OutOfMemoryError, "Redis is out of memory"),
    (exceptions.ReadOnlyError, "Redis is a replica, and takes no writes"),
    (exceptions.BusyLoadingError, "Redis is loading its data"),
    (exceptions.MovedError, "Redis is a cluster: REDIS_URL has to begin with redis+cluster://"),
    (exceptions.AskError, "the cluster moves our slot to another node"),
    (exceptions.TryAgainError, "the cluster moves our slot to another node"),
    (exceptions.ClusterDownError, "the cluster is down: a part of it has no master"),
    (Moved, "the master has changed"),
    (exceptions.TimeoutError, "Redis does not answer in time"),
    (ConnectionRefusedError, "Redis refuses connections"),
    (socket.gaierror, "Redis' name cannot be resolved"),
    (ssl.SSLError, "no TLS with Redis"),
    (FileNotFoundError, "Redis' socket is not there"),
    (ConnectionError, "Redis breaks connections off"),
)
#: The codes that a refusal may begin with, or a script's pass on.
_CODES = {
    "OOM": "Redis is out of memory",
    "READONLY": "Redis is a replica, and takes no writes",
    "MISCONF": "Redis cannot save what it holds",
    "NOPERM": "Redis does not let our user do that",
    "WRONGTYPE": "a key of ours in Redis is of another type",
    "BUSY": "Redis is busy with a script",
    "NOREPLICAS": "Redis lacks replicas, and takes no writes",
}
_CODE = re.compile(rf"(?:^|-)({'|'.join(_CODES)})\b")
_SCRIPT = re.compile(r"Error running script \(.*?\): (?:@[^:]*: *[0-9]+: )+-?")
_ODD = "Redis answers oddly"
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")
#: Redis says so to whoever sends much before a password.
_UNKNOWN_USER = "unauthenticated"
_CLOSED = "Connection closed by server"


class _Failures:
    """How often Redis has failed this process."""

    times = 0


def failures() -> int:
    """How often Redis did not do what this process asked for, so far."""
    return _Failures.times


def unavailable(error: Exception) -> StoreUnavailable:
    """An answer, even if it is a refusal, tells that nothing was written."""
    _Failures.times += 1
    if isinstance(error, MISREAD):
        return StoreUnavailable(_ODD, _detail(f"{type(error).__name__}: {error}"))
    refused = isinstance(error, exceptions.ResponseError)
    detail = f"{error}: {error.__cause__}" if isinstance(error, Elsewhere) else str(error)
    # After that comes which script it was, and where in it; Redis 6 says so before it.
    detail = _detail(_SCRIPT.sub("", detail.partition(" script:")[0]))
    return (StoreRefuses if refused else StoreUnavailable)(reason(error), detail)


def forbidden(error: Exception) -> bool:
    """Whether it is that our user lacks a right."""
    return isinstance(error, exceptions.NoPermissionError)


def text(holder: object) -> str:
    """A holder's token, which may be anything that somebody wrote there; as a line of a log shows it."""
    if not isinstance(holder, bytes):
        return f"{holder!a:.100}"
    return _UNPRINTABLE.sub("?", holder.decode(errors="replace")[:100])


def reason(error: Exception) -> str:
    """Why Redis did not do what we asked for, in a few words that anybody may read."""
    if isinstance(error, MISREAD):
        return _ODD
    if isinstance(error, Unknown):
        return str(error)
    if isinstance(error, Elsewhere):
        return _elsewhere(error)
    origins = (error, error.__cause__, error.__context__)
    for kind, words in _KINDS:
        if any(isinstance(origin, kind) for origin in origins):
            return words
    if isinstance(error, exceptions.ResponseError):
        return _refusal(str(error))
    return "Redis closes connections" if _CLOSED in str(error) else "Redis cannot be reached"


def _refusal(theirs: str) -> str:
    if _UNKNOWN_USER in theirs:
        return _NO_ENTRY
    code = _CODE.search(theirs)
    return _CODES[code[1]] if code else "Redis refuses what it is asked"


def _elsewhere(error: Elsewhere) -> str:
    """What is wrong with a server that REDIS_URL does not name, or one of many that it does."""
    cause = error.__cause__
    said = reason(cause) if isinstance(cause, Exception) else "Redis cannot be reached"
    return re.sub(
        r"\bRedis\b(?!')", error.who, re.sub(r"\bRedis'", f"{error.who}'s", said), count=1
    )


def _detail(theirs: str) -> str:
    # Before it is cut: half a password is a secret too.
    said = redacted(theirs)[:MAX_DETAIL]
    return "".join(character if character.isprintable() else " " for character in said)
