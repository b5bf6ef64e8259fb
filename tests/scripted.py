"""An exchange that says exactly what a test tells it to, over a real WebSocket server."""

import itertools
import json
import threading

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from tests.closing import Closing

WAIT_SECONDS = 20.0


class ScriptedExchange(Closing):
    """Looks like the real exchange to the relay unless `simulated`."""

    def __init__(self, simulated: bool = False, port: int = 0) -> None:
        self._simulated = simulated
        self._connections: list[ServerConnection] = []
        self._changed = threading.Condition()
        self._times = itertools.count(1_700_000_000_000)
        self.connected = 0
        self._server = serve(
            self._serve, "127.0.0.1", port, process_response=self._label, ping_interval=None
        )
        self.port: int = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ws/!miniTicker@arr"

    def wait_for_connections(self, count: int) -> None:
        """Until the relay has connected so many times in all."""
        with self._changed:
            assert self._changed.wait_for(lambda: self.connected >= count, WAIT_SECONDS)

    def tick(self, **prices: str) -> None:
        """One frame with these prices, newer than all before."""
        self.tick_symbols(prices)

    def tick_symbols(self, prices: dict[str, str]) -> None:
        """The same, for symbols that Python would not take as names."""
        time = next(self._times)
        day = {"o": "1", "h": "9", "l": "0.5", "v": "10", "q": "20"}
        frame = [
            {"e": "24hrMiniTicker", "E": time, "s": symbol, "c": price, **day}
            for symbol, price in prices.items()
        ]
        self.say(json.dumps(frame, ensure_ascii=False))

    def say(self, message: str | bytes) -> None:
        """Any message, to whoever is connected."""
        self.wait_for_connections(1)
        for connection in list(self._connections):
            try:
                connection.send(message)
            except ConnectionClosed:
                continue

    def wait_until_read(self) -> None:
        """Until the relay has read everything said so far: a pong comes after what came before."""
        pongs = [connection.ping() for connection in list(self._connections)]
        assert pongs, "the relay is not connected"
        assert all(pong.wait(WAIT_SECONDS) for pong in pongs), "the relay does not read"

    def drop(self) -> None:
        """Closes every connection without a word."""
        for connection in list(self._connections):
            connection.socket.close()

    def _serve(self, connection: ServerConnection) -> None:
        with self._changed:
            self._connections.append(connection)
            self.connected += 1
            self._changed.notify_all()
        try:
            for _ in connection:
                pass
        except ConnectionClosed:
            pass
        finally:
            self._connections.remove(connection)

    def _label(self, _: ServerConnection, __: Request, response: Response) -> None:
        if self._simulated:
            response.headers["X-Relay-Simulator"] = "1"

    def close(self) -> None:
        """Ends the server, and so every connection."""
        self._server.shutdown()
        for connection in list(self._connections):
            connection.close()
        self._thread.join(WAIT_SECONDS)
