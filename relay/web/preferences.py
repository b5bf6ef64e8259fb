"""Preferences: the lists in which a client says what it likes best, as long as they may be."""

from typing import Any

from flask import Request

#: Characters of one of them; a longer one is none. Browsers send some 150, and 8,000 take 20 ms to read.
MAX_LIST = 1024
_LISTS = ("HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING")


class Preferring(Request):
    """A request whose lists are short."""

    def __init__(self, environ: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        for name in _LISTS:
            if len(environ.get(name, "")) > MAX_LIST:
                del environ[name]
        super().__init__(environ, *args, **kwargs)
