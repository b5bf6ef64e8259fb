"""Failure: why a connection to the exchange could not be made, or ended."""

import socket
from collections.abc import Mapping

from relay.redaction import redacted

#: 403 and 451 are answers, not accidents: asking again sooner changes nothing. In seconds.
REFUSED_SECONDS = 300.0
#: The longest ban that the exchange knows; it is never obeyed for longer, whatever it says. In seconds.
LONGEST_BAN_SECONDS = 3 * 86_400.0
#: Characters of anybody else's words that we repeat.
_WORDS = 200


class FeedError(Exception):
    """The connection could not be made, or ended; says why in a few words."""

    #: What kind of failure it is, one of a few words: see FeedError.cause.
    usual_cause = "broken"

    def __init__(self, reason: str, retry_after: float = 0.0, cause: str = "") -> None:
        super().__init__(_plain(reason))
        #: broken, late, silent, closed, refused, error (the exchange says so) or unexpected.
        self.cause = cause or self.usual_cause
        #: Seconds for which this source need not be tried again.
        self.retry_after = retry_after


class UnexpectedError(FeedError):
    """Something that nobody foresaw, which is its cause, ended a connection."""

    usual_cause = "unexpected"


def said(error: BaseException) -> str:
    """The error's own words without its number, or its kind where it has none."""
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    words = (isinstance(error, OSError) and error.strerror) or str(error)
    return _plain(words)[:_WORDS] or type(error).__name__


def retry_after(headers: Mapping[str, str] | None) -> float:
    """Seconds that an HTTP answer asks us to wait; 0 where it asks for nothing that can be understood.

    The names in `headers` are in lower case.
    """
    asked = (headers or {}).get("retry-after", "").strip()
    if not (asked.isascii() and asked.isdecimal()):
        return 0.0
    return min(float(asked[:_WORDS]), LONGEST_BAN_SECONDS)


def _plain(text: str) -> str:
    """Text that is one line, that can be encoded, and that holds no secret of ours: servers may repeat what
    they were sent."""
    text = redacted(text)
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
