"""Turn: how a long computation lets the rest of its process run."""

import gevent
from gevent.lock import BoundedSemaphore

#: gevent.sleep(0) runs only greenlets that are ready, up to fifty of them, before the event loop looks at
#: its sockets again. A timer is served by the loop itself, which looks at them first.
_SECONDS = 1e-6
_line = BoundedSemaphore(1)


def give_turn() -> None:
    """Returns once the event loop has looked at every socket and timer, and served those that are due."""
    gevent.sleep(_SECONDS)


def stand_in_line() -> None:
    """Give a turn as one of many: of all that stand in line, one goes on between two looks at the sockets.

    So many computations at once take no longer turns than one of them.
    """
    with _line:
        give_turn()
