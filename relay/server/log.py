"""Log: gunicorn's, written as the rest of the relay's is."""

from typing import Any

from gunicorn.glogging import Logger

from relay import logs


class Log(Logger):  # type: ignore[misc]
    """gunicorn's logger, whose handlers are dressed as soon as they are made."""

    def setup(self, cfg: Any) -> None:
        """See Logger."""
        super().setup(cfg)
        logs.dress()
