"""What schemathesis cannot read in the description, since only a sentence says it: how two parameters of one
request go together."""

from typing import Any

import schemathesis


@schemathesis.hook
def filter_case(_context: Any, case: Any) -> bool:
    """Whether the request is one that the description means."""
    query = case.query or {}
    start, end = str(query.get("from")), str(query.get("to"))
    is_empty = start.isdigit() and end.isdigit() and int(start) >= int(end)
    waits_for_nothing = bool(query.get("wait")) and not query.get("since")
    return not is_empty and not waits_for_nothing
