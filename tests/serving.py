"""Serving: a server of the standard library, in a thread of its own."""

import threading
from socketserver import BaseServer

#: Seconds between two looks whether it is to end; of its own it looks twice a second.
_LOOK_SECONDS = 0.02


def serve(server: BaseServer) -> None:
    """Serves until the server's `shutdown` is called."""
    threading.Thread(target=server.serve_forever, args=(_LOOK_SECONDS,), daemon=True).start()
