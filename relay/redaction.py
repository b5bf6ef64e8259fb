"""Redaction: what is secret is taken out of every text that somebody may read, whoever wrote it.

Libraries, and servers that answer oddly, repeat what they were sent.
"""

import json
import logging
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from relay.url import HIDDEN

#: A shorter one would be found in every other word. Whoever guards prices with three letters guards nothing.
SHORTEST = 4
_ESCAPE = re.compile("%[0-9A-F]{2}")


class _Secrets:
    """What this process has to keep to itself."""

    known: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None


def keep(secrets: Iterable[str]) -> None:
    """From here on `redacted` hides these as well, however they are spelled, but for those of less than
    SHORTEST characters."""
    known = [secret for secret in secrets if len(secret) >= SHORTEST]
    _Secrets.known |= {spelled for secret in known for spelled in _spellings(secret)}
    # The longest first: one may be the beginning of another.
    longest_first = sorted(_Secrets.known, key=lambda secret: (-len(secret), secret))
    alternatives = "|".join(map(re.escape, longest_first))
    _Secrets.pattern = re.compile(alternatives) if alternatives else None


def _spellings(secret: str) -> Iterator[str]:
    """As it is, and as URLs, JSON and Python's repr of texts and of bytes have it."""
    yield secret
    # Variables of the environment are bytes, of which not all are text.
    data = secret.encode("utf-8", "surrogateescape")
    for encoded in (quote(data, safe=""), quote(data), quote_plus(data)):
        yield encoded
        yield _ESCAPE.sub(lambda escape: escape[0].lower(), encoded)
    for literal in (repr(secret), ascii(secret), repr(data), json.dumps(secret)):
        inside = literal.removeprefix("b")[1:-1]
        yield inside
        # Which of the two quotes is escaped depends on what stands beside it.
        yield inside.replace("'", "\\'")


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
