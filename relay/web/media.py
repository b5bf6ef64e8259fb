"""Media: in which of its forms an answer is sent: by the suffix of its path, else by `Accept`."""

from collections.abc import Sequence

from flask import Request
from werkzeug.datastructures import MIMEAccept
from werkzeug.exceptions import NotFound

JSON, CSV, NDJSON, TEXT = "application/json", "text/csv", "application/x-ndjson", "text/plain"
#: Suffixes of paths.
SUFFIXES = {"json": JSON, "csv": CSV, "ndjson": NDJSON, "txt": TEXT}
#: Other names of the same form.
_ALIASES = {"application/ndjson": NDJSON, "application/jsonl": NDJSON}


def parted(name: str) -> tuple[str, str]:
    """What stands before the suffix, and the suffix or nothing. No symbol has a point."""
    before, _, suffix = name.partition(".")
    return before, suffix


def chosen(request: Request, suffix: str, offered: Sequence[str]) -> str:
    """One of those offered: by the suffix, else by `Accept`; the first one for those who do not care. What
    `Accept` says of a form besides its name and its `q`, such as `charset`, chooses nothing.

    Raises NotFound for a suffix that is not offered.
    """
    if suffix:
        media = SUFFIXES.get(suffix, "")
        if media not in offered:
            raise NotFound(f"there is no .{suffix[:20]} of this")
        return media
    if "Accept" not in request.headers:
        return offered[0]
    accepted = MIMEAccept(
        (kind.partition(";")[0].rstrip(), quality) for kind, quality in request.accept_mimetypes
    )
    names = [*offered, *(alias for alias, media in _ALIASES.items() if media in offered)]
    best = accepted.best_match(names) or offered[0]
    return _ALIASES.get(best, best)


def content_type(media: str) -> str:
    """The header's value; JSON is always UTF-8 (RFC 8259, 8.1)."""
    return media if media == JSON else f"{media}; charset=utf-8"
