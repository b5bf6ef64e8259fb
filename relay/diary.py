"""Diary: the newest lines of this process's log, for who asks what happened."""

import logging
from collections import deque

from relay.plain_lines import plain
from relay.presence import MAX_EVENTS, MAX_TEXT, Occurrence
from relay.redaction import redacted


class Diary(logging.Handler):
    """Remembers MAX_EVENTS lines, without what is secret."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[Occurrence] = deque(maxlen=MAX_EVENTS)

    def emit(self, record: logging.LogRecord) -> None:
        """See Handler."""
        try:
            text = plain(redacted(record.getMessage()))[:MAX_TEXT]
        except Exception:  # noqa: BLE001 - logging's own way with a line that cannot be made
            self.handleError(record)
            return
        time = max(0, int(record.created * 1000))
        self._lines.append(Occurrence(time, record.levelname.lower()[:8], text))

    def events(self) -> list[Occurrence]:
        """What happened, the oldest first."""
        return list(self._lines)


def begin() -> Diary:
    """From here on what this process logs of itself is remembered."""
    diary = Diary()
    logging.getLogger("relay").addHandler(diary)
    return diary
