"""Plain lines: logs in which nobody can hide, forge or colour anything.

Much of what is logged was said by strangers: an exchange, a client, a server in between. A control character
could end a line and begin another one, or make a terminal do things.
"""

import logging
import re
from typing import Any

from relay.request_id import current

#: Control characters (C0, DEL, C1), what separates lines or turns the direction of text, lone surrogates.
_CONTROLS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def plain(text: str) -> str:
    """The text on one line, each control character spelled as Python would."""
    return _CONTROLS.sub(_spell, text)


class PlainLines(logging.Formatter):
    """One line for each message; a traceback keeps its lines, and nothing else."""

    def __init__(self) -> None:
        super().__init__(_FORMAT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """The line itself."""
        name = current()
        return plain(super().formatMessage(record) + (f" [{name}]" if name else ""))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """The traceback."""
        return "\n".join(map(plain, super().formatException(ei).split("\n")))


def _spell(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
