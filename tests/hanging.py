"""An address of this machine's that takes no connection, and refuses none: its SYNs hang."""

import socket

from tests.closing import Closing


class HangingAddress(Closing):
    """A listening socket whose backlog is full."""

    def __init__(self, address: str, port: int = 0) -> None:
        self._listening = socket.create_server((address, port), backlog=0)
        self.port: int = self._listening.getsockname()[1]
        self._held = [socket.socket() for _ in range(4)]
        for sock in self._held:
            sock.setblocking(False)
            sock.connect_ex((address, self.port))

    def close(self) -> None:
        for sock in [*self._held, self._listening]:
            sock.close()
