"""Plan: what the load generator shall do."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """One run of the load generator. Times are in seconds."""

    port: int
    #: `%d` in it becomes the connection's number, `%s` its symbols.
    path: str
    clients: int
    seconds: float
    #: Between the last connection's opening and the counting.
    warm: float = 2.0
    websocket: bool = False
    headers: tuple[str, ...] = ()
    #: How many symbols `%s` names, of how many in the clock market.
    pick: int = 0
    pick_from: int = 0
    #: One connection in so many has its latency taken.
    sample_every: int = 20
    #: Whether deliveries are counted on those only.
    count_samples: bool = False
    #: So many connections never read.
    stalled: int = 0
    #: Whether all leave when counting begins and come back at once, and whether with their resume id.
    reconnect: bool = False
    forget: bool = False

    def request(self, number: int, resume_id: bytes = b"") -> bytes:
        """The bytes that connection `number` sends."""
        path = self.path.replace("%d", str(number)).replace("%s", ",".join(self._symbols(number)))
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", *self.headers]
        if self.websocket:
            lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
            lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        else:
            lines += ["Accept: text/event-stream", "Cache-Control: no-cache"]
        if resume_id:
            lines.append(f"Last-Event-ID: {resume_id.decode()}")
        return "\r\n".join([*lines, "", ""]).encode()

    def _symbols(self, number: int) -> list[str]:
        """The same for the same number in every run, another choice for every other number."""
        chosen = random.Random(number).sample(range(1, max(self.pick_from, 2)), self.pick)
        return [f"C{symbol:04}USDT" for symbol in chosen]
