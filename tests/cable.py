"""A cable between clients and a server that can be cut, swallow what it should carry, or answer as a proxy
does that reaches no server."""

import socket
import socketserver
import struct
import threading
from contextlib import suppress

from tests.closing import Closing
from tests.serving import serve

_RESET = struct.pack("ii", 1, 0)
_UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class _Connection:
    """One connection through the cable."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.ends = (client, server)
        self.swallows = False
        #: Bytes that went nowhere.
        self.lost = 0

    def run(self) -> None:
        """Carries both ways until both have ended."""
        client, server = self.ends
        back = threading.Thread(target=self._carry, args=(server, client), daemon=True)
        back.start()
        self._carry(client, server)
        back.join()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(65536):
                if self.swallows:
                    self.lost += len(data)
                else:
                    other.sendall(data)
        # What swallows everything swallows the end too.
        if not self.swallows:
            with suppress(OSError):
                other.shutdown(socket.SHUT_WR)


class Cable(Closing):
    """Listens on a free port of loopback, and carries what comes to a port of this machine."""

    def __init__(self, to: int) -> None:
        self._connections: list[_Connection] = []
        self._refuses = self._ignores = False
        #: Requests that were answered with 503, and those that were not answered.
        self.refused = self.ignored = 0
        cable, connections = self, self._connections

        class Plug(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                if cable._refuses:
                    with suppress(OSError):
                        self.request.recv(65536)
                        self.request.sendall(_UNAVAILABLE)
                        cable.refused += 1
                    return
                if cable._ignores:
                    with suppress(OSError):
                        while self.request.recv(65536):
                            cable.ignored += 1
                    return
                with socket.create_connection(("127.0.0.1", to)) as other:
                    connection = _Connection(self.request, other)
                    connections.append(connection)
                    connection.run()

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Plug)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        serve(self._server)

    def cut(self) -> None:
        """Every connection ends as when a machine is gone: in the middle, with a reset."""
        connections, self._connections[:] = list(self._connections), []
        for connection in connections:
            for end in connection.ends:
                with suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    end.shutdown(socket.SHUT_RDWR)

    def swallow(self) -> int:
        """Nothing more arrives over the present connections, and none of them ends; how many bytes have been
        lost so."""
        for connection in self._connections:
            connection.swallows = True
        return sum(connection.lost for connection in self._connections)

    def refuse(self) -> None:
        """Every connection ends, and further ones are answered with 503, until `carry`."""
        self._refuses = True
        self.cut()

    def ignore(self) -> None:
        """Every connection ends, and further ones are taken and never answered, until `carry`; nor are these
        after it."""
        self._ignores = True
        self.cut()

    def carry(self) -> None:
        """Further connections reach the server again."""
        self._refuses = self._ignores = False

    def close(self) -> None:
        self.cut()
        self._server.shutdown()
        self._server.server_close()
