"""Cluster: which of its nodes is the master of our slot. All keys of ours are in one.

Nothing but the place to connect to is another one than with a single server. So ordinary publications do:
they reach every node, and a subscriber that stays with one that lost the slot goes on hearing them.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from redis import Redis
from redis.crc import key_slot
from redis.exceptions import ResponseError

from relay.store import keys
from relay.store.master import Elsewhere, Unknown, first_of
from relay.url import Host

#: Of `prices`, and so of every key of ours.
SLOT: int = key_slot(keys.PRICES.encode())
#: Nodes that are asked at most, beside those in REDIS_URL.
MAX_NODES = 8

_ONE = "the cluster's node"


class Cluster:
    """All nodes of one."""

    master = "the master of our slot, as the cluster says,"

    def __init__(self, hosts: Sequence[Host], client: Callable[[Host], Redis]) -> None:
        """`client` makes one for a node."""
        self._hosts = list(hosts)
        self._client = client
        # Those that were named last: all that REDIS_URL names may be gone one day.
        self._known: list[Host] = []
        self._hint: Host | None = None

    def find(self) -> Host:
        """See Finder."""
        hint, self._hint = self._hint, None
        if hint is not None:
            return hint
        nodes = list(dict.fromkeys(self._hosts + self._known))
        return first_of([partial(self._ask, node) for node in nodes], self._why)

    def learn(self, where: Host) -> None:
        """See Finder."""
        self._hint = where

    def _ask(self, node: Host) -> Host | None:
        with self._client(node) as client:
            ranges: Any = client.execute_command("CLUSTER", "SLOTS")
        masters = {
            _host(masters, node): first <= SLOT <= last for first, last, masters, *_ in ranges
        }
        mine = [host for host, has_it in masters.items() if has_it]
        if mine:
            self._known = list(masters)[:MAX_NODES]
        return mine[0] if mine else None

    def _why(self, failures: list[Exception]) -> Exception:
        refusals = [error for error in failures if isinstance(error, ResponseError)]
        if refusals and "cluster support disabled" in str(refusals[0]):
            return Unknown("Redis is no cluster, though REDIS_URL says so")
        if not failures:
            return Unknown("the cluster has no master for our slot")
        failure = Elsewhere(_ONE, "")
        failure.__cause__ = (refusals or failures)[0]
        return failure


def _host(said: Sequence[Any], asked: Host) -> Host:
    """A node as CLUSTER SLOTS names it. One that does not know its own name is where it was asked."""
    name = (said[0] or b"").decode()
    return Host(asked.name if name in ("", "?") else name, int(said[1]))
