"""Redaction: what is secret is taken out of every text that somebody may read, whoever wrote it.

Libraries, and servers that answer oddly, repeat what they were sent.
"""

import logging
import re
from collections.abc import Iterable

from relay.url import HIDDEN

#: A shorter one would be found in every other word. Whoever guards prices with three letters guards nothing.
SHORTEST = 4


class _Secrets:
    """What this process has to keep to itself."""

    known: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None


def keep(secrets: Iterable[str]) -> None:
    """From here on `redacted` hides these as well, but for those of less than SHORTEST characters."""
    _Secrets.known |= {secret for secret in secrets if len(secret) >= SHORTEST}
    # The longest first: one may be the beginning of another.
    longest_first = sorted(_Secrets.known, key=lambda secret: (-len(secret), secret))
    alternatives = "|".join(map(re.escape, longest_first))
    _Secrets.pattern = re.compile(alternatives) if alternatives else None


def redacted(text: str) -> str:
    """The text without what is secret."""
    return text if _Secrets.pattern is None else _Secrets.pattern.sub(HIDDEN, text)


class RedactingFormatter(logging.Formatter):
    """Takes secrets out of lines and tracebacks that another formatter made."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self._formatter = formatter

    def format(self, record: logging.LogRecord) -> str:
        return redacted(self._formatter.format(record))
