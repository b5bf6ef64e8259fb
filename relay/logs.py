"""Logs: how a process writes its log, in plain lines and without what is secret."""

import logging

from relay.plain_lines import PlainLines
from relay.redaction import RedactingFormatter

#: Loggers of gunicorn's, which have handlers of their own.
_FURTHER = ("gunicorn.error", "gunicorn.access")


def begin(level: str) -> None:
    """Logs to standard error from this level on: debug, info, warning or error."""
    handler = logging.StreamHandler()
    handler.setFormatter(PlainLines())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    for name in (None, *_FURTHER):
        for written in logging.getLogger(name).handlers:
            if not isinstance(written.formatter, RedactingFormatter):
                written.setFormatter(RedactingFormatter(written.formatter or logging.Formatter()))
