"""JSON lines: a log for programs, one object a line.

The standard library makes the records, and msgspec the JSON: nothing is left for a library of logging.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from relay.redaction import redacted
from relay.request_id import current

#: What gunicorn knows of a request, by its own letters, and how it is called here.
_ASKED = {
    "h": "address",
    "m": "method",
    "U": "path",
    "q": "query",
    "s": "status",
    "B": "bytes",
    "L": "seconds",
    "f": "referer",
    "a": "agent",
    "{x-request-id}i": "request_id",
}
_NUMBERS = {"status": int, "bytes": int, "seconds": float}


class JsonLines(logging.Formatter):
    """An object with time, level, logger, message; request_id, exception and what was asked, where there are
    such."""

    def format(self, record: logging.LogRecord) -> str:
        """See Formatter."""
        said: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        request_id = current()
        if request_id:
            said["request_id"] = request_id
        if record.name == "gunicorn.access" and isinstance(record.args, Mapping):
            said |= _asked(record.args)
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            said["stack"] = record.stack_info
        # A secret may hold what JSON escapes: each text is looked through by itself.
        clean = {name: _clean(value) for name, value in said.items()}
        return msgspec.json.encode(clean).decode()


def _asked(atoms: Mapping[str, Any]) -> dict[str, Any]:
    """What gunicorn says of a request; "-" is nothing."""
    asked = {}
    for letter, name in _ASKED.items():
        value = atoms[letter] if letter[0] == "{" else atoms.get(letter)
        if value is not None and value != "-":
            asked[name] = _number(name, value)
    return asked


def _number(name: str, value: Any) -> Any:
    try:
        return _NUMBERS[name](value) if name in _NUMBERS else str(value)
    except ValueError:
        return str(value)


def _clean(value: Any) -> Any:
    """No secret, and nothing that UTF-8 cannot carry."""
    if not isinstance(value, str):
        return value
    return redacted(value).encode("utf-8", "backslashreplace").decode()
