"""Request id: what an answer, the lines of the log and a proxy's own log call a request."""

import re
import secrets
from collections.abc import Iterator
from contextvars import ContextVar
from itertools import count

#: What a client, or a proxy, may call its request.
_WELL_FORMED = re.compile(r"[A-Za-z0-9._~+/=-]{1,64}", re.ASCII)

_current: ContextVar[str] = ContextVar("request_id", default="")


class _Own:
    """The ids that this process gives: its own name and a number, so that none is given twice."""

    numbers: Iterator[int] = count(1)
    name = ""


def request_id(asked: str = "") -> str:
    """The id that was asked for, if it is well-formed; else another one."""
    if asked and _WELL_FORMED.fullmatch(asked):
        return asked
    if not _Own.name:
        _Own.name = secrets.token_hex(6)
    return f"{_Own.name}-{next(_Own.numbers):x}"


def begin(name: str) -> None:
    """From here on this greenlet works for the request of that id."""
    _current.set(name)


def current() -> str:
    """The id of the request that this greenlet works for, or nothing."""
    return _current.get()
