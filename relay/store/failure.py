"""Failure: what Redis said, or did not say, in words of our own.

Clients are told what these say. So they name neither Redis' address nor a script, nor what is in it.
"""

import logging
import re

from redis import exceptions as errors

from relay.store.contract import StoreRefuses, StoreUnavailable

log = logging.getLogger(__name__)

#: What redis-py makes of an answer, or of none; the first one that fits counts.
_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (errors.TimeoutError, "no whole answer in time"),
    (errors.BusyLoadingError, "it is loading its data"),
    (errors.MaxConnectionsError, "it takes no further connection"),
    (errors.AuthenticationError, "it does not accept our user or password"),
    (errors.AuthorizationError, "it does not accept our user or password"),
    (errors.NoPermissionError, "our user may not do that (ACL)"),
    (errors.OutOfMemoryError, "it is out of memory (maxmemory)"),
    (errors.ReadOnlyError, "it is a replica and read-only"),
    (errors.MasterDownError, "it is a replica without its master"),
    (errors.ClusterDownError, "its cluster is down"),
    (errors.NoScriptError, "it has lost a script, and gets it again"),
)
#: What is found in its own words, where redis-py has no kind for it.
_WORDS = (
    ("used memory > 'maxmemory'", "it is out of memory (maxmemory)"),
    ("max number of clients", "it takes no further connection"),
    ("MISCONF", "it cannot save to its disk, and takes no writes"),
    ("NOREPLICAS", "it has too few replicas, and takes no writes"),
    ("READONLY", "it is a replica and read-only"),
    ("ACL failure", "our user may not do that (ACL)"),
    ("NOPERM", "our user may not do that (ACL)"),
    ("NOAUTH", "it does not accept our user or password"),
    ("WRONGPASS", "it does not accept our user or password"),
    ("WRONGTYPE", "a key of ours is of another type"),
    ("BUSY", "it is busy with a script"),
    ("pages may not use", "pages may not use the last fifth of Redis's memory"),
)
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


def reason(error: Exception) -> str:
    """Why Redis did not do what we asked for, in a few words that anybody may read."""
    log.debug("Redis: %a", error)
    for kind, words in _KINDS:
        if isinstance(error, kind):
            return words
    said = str(error)
    for found, words in _WORDS:
        if found in said:
            return words
    if isinstance(error, errors.ResponseError):
        return "it refuses what we ask for"
    if isinstance(error, errors.RedisError):
        return "no connection"
    return f"it answers oddly ({type(error).__name__})"


def unavailable(error: Exception) -> StoreUnavailable:
    """An answer, even if it is a refusal, tells that nothing was written."""
    refused = isinstance(error, errors.ResponseError)
    return (StoreRefuses if refused else StoreUnavailable)(reason(error))


def text(holder: object) -> str:
    """A holder's token, which may be anything that somebody wrote there; as a line of a log shows it."""
    if not isinstance(holder, bytes):
        return f"{holder!a:.100}"
    return _UNPRINTABLE.sub("?", holder.decode(errors="replace")[:100])
