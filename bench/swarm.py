"""Swarm: the connections of one process of the load generator, and the loop that reads them."""

import select
import sys
import time
from collections.abc import Callable

from bench.connection import READ_BYTES, Connection, Refused, Returner, Sample, Stalled
from bench.plan import Plan

#: So many connections are begun at a time, so that the first ones are read meanwhile.
CONNECTS_PER_TURN = 50
#: The loop looks at the clock at least so often.
TURN_SECONDS = 0.02
#: So many refusals are printed.
_MAX_COMPLAINTS = 3


class Swarm:
    """Connections `numbers` of the plan."""

    def __init__(self, plan: Plan, numbers: range) -> None:
        self.failed = 0
        self.closed = 0
        self._plan = plan
        self._numbers = numbers
        self._poll = select.epoll()
        #: Those that are connecting or connected, by file descriptor, and their numbers.
        self._connections: dict[int, tuple[int, Connection]] = {}
        self._waiting = 0

    @property
    def connections(self) -> list[Connection]:
        """Those that are open and read."""
        all_of_them = [connection for _, connection in self._connections.values()]
        return [c for c in all_of_them if c.opened and not isinstance(c, Stalled)]

    def fill(self, deadline: float) -> None:
        """Opens all connections, a few at a time; those not open by `deadline` have failed."""
        for number in self._numbers:
            self._open(number, b"")
            if number % CONNECTS_PER_TURN == 0:
                self._turn(0.001)
        self._settle(deadline)

    def leave_and_return(self, deadline: float) -> None:
        """Closes all connections, then opens them again at once."""
        ids = {number: connection.resume_id for number, connection in self._connections.values()}
        for _, connection in self._connections.values():
            connection.sock.close()
        self._connections.clear()
        for number in self._numbers:
            self._open(number, b"" if self._plan.forget else ids.get(number, b""))
        self._settle(deadline)

    def read_until(self, is_over: Callable[[], bool]) -> None:
        """Reads whatever comes."""
        while not is_over():
            self._turn(TURN_SECONDS)

    def reset(self) -> None:
        """From here on everything counts."""
        for connection in self.connections:
            connection.reset()

    def close(self) -> None:
        """Leaves."""
        for _, connection in self._connections.values():
            connection.sock.close()

    def _open(self, number: int, resume_id: bytes) -> None:
        plan = self._plan
        kind = Connection
        if number < plan.stalled:
            kind = Stalled
        elif plan.reconnect:
            kind = Returner
        elif number % plan.sample_every == 0:
            kind = Sample
        connection = kind(plan.port)
        connection.resume_id = resume_id
        self._connections[connection.sock.fileno()] = (number, connection)
        self._waiting += 1
        self._poll.register(connection.sock, select.EPOLLOUT)

    def _settle(self, deadline: float) -> None:
        self.read_until(lambda: not self._waiting or time.monotonic() > deadline)
        for _, connection in list(self._connections.values()):
            if not connection.opened and not isinstance(connection, Stalled):
                self._end(connection)

    def _turn(self, seconds: float) -> None:
        connections = self._connections
        for fd, events in self._poll.poll(seconds, 512):
            number, connection = connections[fd]
            if events & select.EPOLLOUT:
                self._ask(number, connection)
                continue
            try:
                data = connection.sock.recv(READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                data = b""
            if not data:
                self._end(connection)
            elif connection.opened:
                connection.take(data)
            else:
                self._take_head(connection, data)

    def _ask(self, number: int, connection: Connection) -> None:
        """It is connected, or could not be: sends the request."""
        try:
            connection.sock.send(self._plan.request(number, connection.resume_id))
        except OSError:
            self._end(connection)
            return
        if isinstance(connection, Stalled):
            self._waiting -= 1
            self._poll.unregister(connection.sock)
        else:
            self._poll.modify(connection.sock, select.EPOLLIN)

    def _take_head(self, connection: Connection, data: bytes) -> None:
        try:
            connection.take(data)
        except Refused as refused:
            if self.failed < _MAX_COMPLAINTS:
                print(f"refused: {refused}", file=sys.stderr)
            self._end(connection)
        else:
            self._waiting -= bool(connection.opened)

    def _end(self, connection: Connection) -> None:
        if connection.opened:
            self.closed += 1
        else:
            self.failed += 1
            self._waiting -= 1
        del self._connections[connection.sock.fileno()]
        connection.sock.close()
