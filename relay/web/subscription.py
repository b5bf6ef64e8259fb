"""Subscription: what one client asked for, checked."""

import re
import sys
from bisect import bisect_right
from collections.abc import Collection, Mapping
from typing import NamedTuple

from relay.batch import EPOCH
from relay.fanout.encoding import PAYLOADS
from relay.fanout.terms import Symbols
from relay.ticker import SYMBOL, upper

#: An id that the relay gives; while it holds no prices there is no epoch in it.
RESUME_ID = re.compile(rf"{EPOCH.pattern}-[0-9]{{1,19}}|-0", re.ASCII)
#: Updates per second and symbol that a client may get: ten steps from 0.01 to 0.1, and so on up to 100. Who
#: asks for one between two of them gets the lower one, so that clients share their cohorts.
RATES = (
    *(0.01, 0.012, 0.015, 0.02, 0.025, 0.03, 0.04, 0.05, 0.06, 0.08),
    *(0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8),
    *(1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0),
    *(10.0, 12.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 80.0),
    100.0,
)
_NUMBER = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(?:[eE][+-]?[0-9]{1,2})?")
#: Bytes of all the symbols that one client may name, as JSON has them: `status` repeats them twice at most.
MAX_NAMES_BYTES = 12 << 10
#: What stands in JSON between two names.
_BETWEEN = '","'


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
    if since and not RESUME_ID.fullmatch(since):
        raise BadQuery("since must be an id that this relay gave: <epoch>-<version>")
    if RESUME_ID.fullmatch(last_event_id):
        since = last_event_id
    symbols = None
    if "symbols" in query:
        symbols = parse_symbols(query["symbols"].split(","), max_symbols)
    rate = parse_rate(query["rate"]) if "rate" in query else 0.0
    return Subscription(symbols, fields, rate, batch == "1", since)


def parse_symbols(names: Collection[str], max_symbols: int) -> tuple[str, ...]:
    """Symbols in upper case, each once, in order; raises BadQuery."""
    if not names:
        raise BadQuery("symbols names none; leave it out for all")
    # Before any of them is looked at, and a name that comes twice is one to look at twice.
    check_size(names, max_symbols)
    symbols = set()
    for name in names:
        if not SYMBOL.fullmatch(name):
            raise BadQuery(f"symbols holds {name[:40]!r}, which is no symbol")
        # Many clients name the same symbols: one string of each serves all.
        symbols.add(sys.intern(upper(name)))
    return tuple(sorted(symbols))


def check_size(names: Collection[str], max_symbols: int) -> None:
    """Raises BadQuery where they are more than one client may name, or take more bytes in all."""
    if len(names) > max_symbols:
        raise BadQuery(
            f"symbols may name {max_symbols} at most in all; leave it out for every symbol"
        )
    if len(_BETWEEN.join(names).encode("utf-8", "replace")) > MAX_NAMES_BYTES:
        raise BadQuery(
            f"symbols may take {MAX_NAMES_BYTES} bytes at most in all, as UTF-8 in JSON; "
            "leave it out for every symbol"
        )


def parse_rate(text: str) -> float:
    """Updates a second; raises BadQuery."""
    # float() would also take 1_0, a blank beside it, and the digits of every alphabet.
    return check_rate(float(text) if _NUMBER.fullmatch(text) else None)


def check_rate(rate: float | None) -> float:
    """The rate that is given for it; raises BadQuery where it is none that a client may ask for."""
    low, high = RATES[0], RATES[-1]
    if rate is None or not low <= rate <= high:
        raise BadQuery(f"rate must be a number from {low:g} to {high:g}, in updates a second")
    return RATES[bisect_right(RATES, rate) - 1]
