"""Lifeline: how workers learn at once that their master has died.

The master holds one end of a pipe and never writes to it. When it dies the kernel closes that end.
"""

import os

import gevent
import gevent.socket


class Lifeline:
    """The pipe; made before the master forks."""

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()

    def let_go(self) -> None:
        """Call it in each worker as soon as it is forked: the master's end is not ours."""
        os.close(self._writing)

    def wait(self) -> None:
        """Return once the master has died. Holds up its greenlet alone."""
        gevent.socket.wait_read(self._reading)


#: The same for as long as the master lives.
LIFELINE = Lifeline()
