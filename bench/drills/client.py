"""Client: holds the newest price of every symbol, as users do, and notices what must not happen."""

import re

from bench.body import Body
from bench.connection import Connection
from bench.plan import Plan

#: An update, the word that what is held is void, or the id to resume from.
_SAID = re.compile(
    rb'"symbol":"([^"]+)","price":"([0-9.]+)"|"mode":"(full)"|^id: (\S+)$', re.MULTILINE
)
_CONNECT_SECONDS = 10.0
#: {"op":"ping"} as a masked text frame, whose mask is zero: who says nothing for 30 s is cut.
_PING = b"\x81\x8d\x00\x00\x00\x00" + b'{"op":"ping"}'


class Client(Connection):
    """One stream. Prices are taken to be the clock market's: they only grow."""

    __slots__ = (
        "_before",
        "_body",
        "_websocket",
        "breaches",
        "epochs",
        "fulls",
        "prices",
        "version",
    )

    def __init__(
        self,
        port: int,
        websocket: bool = False,
        source: str = "",
        headers: tuple[str, ...] = (),
        query: str = "",
        resume_id: bytes = b"",
    ) -> None:
        """`query`: what stands behind the path, if anything."""
        super().__init__(port, source)
        self.prices: dict[bytes, bytes] = {}
        #: How often it was told to forget what it holds.
        self.fulls = 0
        #: The epochs of all ids, in the order in which they came first, and the newest version.
        self.epochs: list[bytes] = []
        self.version = 0
        #: What was seen to go back.
        self.breaches: list[str] = []
        self._before: dict[bytes, bytes] = {}
        self._websocket = websocket
        path = ("/ws" if websocket else "/events") + query
        self.sock.settimeout(_CONNECT_SECONDS)
        plan = Plan(port, path, 1, 0, websocket=websocket, headers=headers)
        self.sock.sendall(plan.request(0, resume_id))

    def keep_alive(self) -> None:
        """Says something, once the handshake is answered (RFC 6455, 4.1); call it every few seconds. Of what
        comes sooner Caddy 2.6 loses a part, and the rest is no frame."""
        if self._websocket and self.opened:
            self.sock.send(_PING)

    def _begin(self, head: bytes) -> None:
        self._body = Body(head)

    def _count(self, data: bytes) -> None:
        data = self._tail + self._body.feed(data)
        end = data.rfind(b"}") + 1
        for symbol, price, full, resume_id in _SAID.findall(data, 0, end):
            if symbol:
                self._hold(symbol, price)
            elif full:
                self.fulls += 1
                self._before, self.prices = self.prices, {}
            else:
                self._follow(resume_id)
        self._tail = data[end:]

    def _hold(self, symbol: bytes, price: bytes) -> None:
        held = self.prices.get(symbol) or self._before.get(symbol, b"0")
        if float(price) < float(held):
            self.breaches.append(f"{symbol.decode()} went from {held.decode()} to {price.decode()}")
        self.prices[symbol] = price

    def _follow(self, resume_id: bytes) -> None:
        epoch, _, number = resume_id.rpartition(b"-")
        version = int(number)
        if epoch not in self.epochs:
            self.epochs.append(epoch)
        elif epoch != self.epochs[-1]:
            self.breaches.append(f"epoch {epoch.decode()} came back")
        elif version < self.version:
            self.breaches.append(f"the id went from {self.version} to {version}")
        self.version = version
