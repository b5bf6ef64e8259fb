"""Logs: how a process writes its log, from the first line on without what is secret."""

import logging

from relay.redaction import RedactingFormatter

_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
#: Loggers of gunicorn's, which have handlers of their own.
_FURTHER = ("gunicorn.error", "gunicorn.access")


def begin(level: str) -> None:
    """Logs to standard error from this level on: debug, info, warning or error."""
    logging.basicConfig(level=level.upper(), format=_FORMAT)
    for name in (None, *_FURTHER):
        for handler in logging.getLogger(name).handlers:
            if not isinstance(handler.formatter, RedactingFormatter):
                handler.setFormatter(RedactingFormatter(handler.formatter or logging.Formatter()))
