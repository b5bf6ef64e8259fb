"""A cable between clients and a server that can be cut."""

import socket
import socketserver
import struct
import threading
from contextlib import suppress

from tests.closing import Closing

_RESET = struct.pack("ii", 1, 0)


class Cable(Closing):
    """Listens on a free port of loopback, and carries what comes to a port of this machine."""

    def __init__(self, to: int) -> None:
        self._ends: list[socket.socket] = []
        ends = self._ends

        class Plug(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection(("127.0.0.1", to)) as other:
                    ends.extend((self.request, other))
                    back = threading.Thread(target=_carry, args=(other, self.request), daemon=True)
                    back.start()
                    _carry(self.request, other)
                    back.join()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Plug)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def cut(self) -> None:
        """Every connection ends as when a machine is gone: in the middle, with a reset."""
        ends, self._ends[:] = list(self._ends), []
        for end in ends:
            with suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _carry(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_WR)
