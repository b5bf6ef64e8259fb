"""Subscription: what one client asked for, checked."""

import re
import sys
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from relay.fanout.encoding import PAYLOADS
from relay.fanout.terms import Symbols
from relay.ticker import SYMBOL, upper

_RESUME_ID = re.compile(r"[0-9a-f]{1,32}-[0-9]{1,18}", re.ASCII)
#: Updates per second and symbol that a client may ask for.
RATES = (0.01, 100.0)


class BadQuery(ValueError):
    """A parameter is wrong; the text is one sentence that names it."""


class Subscription(NamedTuple):
    """One client's wishes."""

    #: None: all, also those that are listed later.
    symbols: Symbols = None
    #: A key of PAYLOADS.
    fields: str = "price"
    #: Updates per second and symbol at most; 0 for no limit.
    rate: float = 0.0
    #: One event a batch instead of one an update.
    batch: bool = False
    #: The resume id, or nothing.
    since: str = ""


def parse(query: Mapping[str, str], last_event_id: str, max_symbols: int) -> Subscription:
    """Reads a query; raises BadQuery.

    `last_event_id` is what a browser's EventSource sends by itself when it reconnects: it is newer than
    the `since` that still stands in the URL. One that is no id of ours is as good as none.
    """
    fields = query.get("fields", "price")
    if fields not in PAYLOADS:
        raise BadQuery(f"fields must be one of {', '.join(PAYLOADS)}")
    batch = query.get("batch", "0")
    if batch not in ("0", "1"):
        raise BadQuery("batch must be 0 or 1")
    since = query.get("since", "")
    if since and not _RESUME_ID.fullmatch(since):
        raise BadQuery("since must be an id that this relay gave: <epoch>-<version>")
    if _RESUME_ID.fullmatch(last_event_id):
        since = last_event_id
    symbols = None
    if "symbols" in query:
        symbols = parse_symbols(query["symbols"].split(","), max_symbols)
    rate = parse_rate(query["rate"]) if "rate" in query else 0.0
    return Subscription(symbols, fields, rate, batch == "1", since)


def parse_symbols(names: Iterable[object], max_symbols: int) -> tuple[str, ...]:
    """Symbols in upper case, each once, in order; raises BadQuery."""
    symbols = set()
    for name in names:
        if not isinstance(name, str) or not SYMBOL.fullmatch(name):
            raise BadQuery(f"symbols holds {str(name)[:40]!r}, which is no symbol")
        # Many clients name the same symbols: one string of each serves all.
        symbols.add(sys.intern(upper(name)))
        if len(symbols) > max_symbols:
            raise BadQuery(f"symbols may name {max_symbols} at most; leave it out for all")
    if not symbols:
        raise BadQuery("symbols names none; leave it out for all")
    return tuple(sorted(symbols))


def parse_rate(value: object) -> float:
    """Updates a second; raises BadQuery."""
    low, high = RATES
    try:
        rate = float(value) if isinstance(value, str | int | float) else 0.0
    except ValueError:
        rate = 0.0
    if isinstance(value, bool) or not low <= rate <= high:
        raise BadQuery(f"rate must be a number from {low:g} to {high:g}, in updates a second")
    return rate
