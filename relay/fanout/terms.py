"""Terms: what a client gets, which is what its cohort gives."""

from typing import NamedTuple

from relay.fanout.encoding import Form

#: The symbols that a client asked for: each once, in order. None is all of them, also those listed later. A
#: tuple, since a set of 512 takes 32 KiB and a tuple 4.
Symbols = tuple[str, ...] | None


class Terms(NamedTuple):
    """Clients on equal terms are owed the same bytes."""

    form: Form
    symbols: Symbols = None
    #: Passes a second at most; 0 for no limit.
    rate: float = 0.0
