"""Logs: how a process writes its log, as plain lines or as JSON, and without what is secret."""

import logging

from relay.json_lines import JsonLines
from relay.plain_lines import PlainLines
from relay.redaction import RedactingFormatter

#: Loggers of gunicorn's, which have handlers of their own.
_FURTHER = ("gunicorn.error", "gunicorn.access")


class _Style:
    """How this process writes its log."""

    is_json = False


def begin(level: str, style: str = "text") -> None:
    """Logs to standard error from this level on: debug, info, warning or error. `style`: text or json."""
    _Style.is_json = style == "json"
    handler = logging.StreamHandler()
    handler.setFormatter(PlainLines())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    dress()


def dress() -> None:
    """Has every handler there is write as `begin` said; to be called again where somebody made others."""
    for name in (None, *_FURTHER):
        for handler in logging.getLogger(name).handlers:
            written = handler.formatter
            if _Style.is_json:
                if not isinstance(written, JsonLines):
                    handler.setFormatter(JsonLines())
            elif not isinstance(written, RedactingFormatter):
                handler.setFormatter(RedactingFormatter(written or logging.Formatter()))
