"""A proxy that tunnels (RFC 9110, CONNECT) and remembers where to."""

import select
import socket
import socketserver

from tests.closing import Closing
from tests.serving import serve


class Proxy(Closing):
    """Listens on a free port of loopback."""

    def __init__(self) -> None:
        #: `host:port` of every tunnel that was asked for.
        self.asked_for: list[str] = []
        asked_for = self.asked_for

        class Tunnel(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                target = self.rfile.readline().split()[1].decode()
                while self.rfile.readline().strip():
                    pass
                asked_for.append(target)
                port = int(target.rpartition(":")[2])
                # Whatever name it is asked for is one of this machine's.
                with socket.create_connection(("127.0.0.1", port)) as other:
                    self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                    carry(self.connection, other)

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Tunnel)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        serve(self._server)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def carry(one: socket.socket, other: socket.socket) -> None:
    """Carries bytes both ways until either side ends."""
    while True:
        for side in select.select([one, other], [], [])[0]:
            try:
                data = side.recv(65536)
            except ConnectionError:
                return
            if not data:
                return
            (other if side is one else one).sendall(data)
