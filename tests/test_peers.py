"""How many connections an address may have, and which of its own give way to a new one."""

import logging
import socket
from collections.abc import Iterator

import pytest

from relay.server.forwarded import Proxies
from relay.server.peers import GIVE_WAY_SECONDS, Peer, Peers
from relay.server.visitors import Visitors

MOST = 2


class House:
    """Peers with a clock of their own, and sockets that wait."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.visitors = Visitors(lambda: self.now)
        self.peers = Peers(
            self.visitors, Proxies(["127.0.0.1", "10.9.0.0/16"]), MOST, lambda: self.now
        )
        self._ends: list[socket.socket] = []

    def enter(self, address: str, port: int = 1) -> Peer | None:
        return self.peers.enter((address, port))

    def wait(self, peer: Peer, kind: str = "first") -> socket.socket:
        """Our end of a connection of the peer's that waits from now on."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._ends += ours, theirs
        getattr(peer.visitor.waiting, kind)[ours] = self.now
        return ours

    def close(self) -> None:
        for end in self._ends:
            end.close()


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.close()


def test_an_address_gets_no_more_connections_than_it_may_have(house: House) -> None:
    peers = [house.enter("1.1.1.1") for _ in range(MOST)]
    assert all(peers)
    assert house.enter("1.1.1.1") is None
    assert house.peers.refused == 1
    assert house.enter("1.1.1.2")
    assert peers[0]
    house.peers.leave(peers[0])
    assert house.enter("1.1.1.1")


def test_one_network_of_ipv6_is_one_address(house: House) -> None:
    assert house.enter("2001:db8::1")
    assert house.enter("2001:db8::2")
    assert house.enter("2001:db8::3") is None


@pytest.mark.parametrize("address", ["127.0.0.1", "10.9.8.7", "::ffff:10.9.8.7"])
def test_a_trusted_proxy_has_no_bound_of_its_own(house: House, address: str) -> None:
    assert all(house.enter(address) for _ in range(10 * MOST))


def test_a_unix_socket_has_no_bound_of_its_own(house: House) -> None:
    assert all(house.peers.enter("") for _ in range(10 * MOST))


@pytest.mark.parametrize("kind", ["first", "idle", "begun"])
def test_the_one_that_waited_longest_gives_way(house: House, kind: str) -> None:
    longest, shorter = (house.enter("1.1.1.1") for _ in range(MOST))
    assert longest
    assert shorter
    waiting = house.wait(longest, kind)
    house.now += GIVE_WAY_SECONDS
    house.wait(shorter, kind)
    assert house.enter("1.1.1.1")
    assert waiting.recv(1) == b""
    assert house.enter("1.1.1.1") is None


def test_those_of_others_do_not_give_way(house: House) -> None:
    other = house.enter("2.2.2.2")
    assert other
    house.wait(other)
    house.now += 60
    for _ in range(MOST):
        house.enter("1.1.1.1")
    assert house.enter("1.1.1.1") is None


def test_nothing_is_kept_of_an_address_that_has_no_connections_left(house: House) -> None:
    peers = [house.enter("1.1.1.1") for _ in range(MOST)]
    for peer in filter(None, peers):
        house.peers.leave(peer)
    visitor = house.visitors.find("1.1.1.1")
    assert (visitor.connections, visitor.waiting) == (0, None)
    assert visitor.is_idle(house.now)


def test_refusals_are_logged_once_a_minute(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(MOST + 100):
        house.enter("1.1.1.1")
    assert len(caplog.messages) == 1
    assert "ADDRESS_CONNECTIONS" in caplog.messages[0]
    house.now += 60
    house.enter("1.1.1.1")
    assert "99 more" in caplog.messages[1]
