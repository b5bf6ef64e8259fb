"""A real Redis Cluster: three masters, and a replica of the one that holds the relay's keys."""

from contextlib import ExitStack
from itertools import combinations
from pathlib import Path
from typing import Any

import redis

from relay.store.cluster import SLOT
from tests.closing import Closing
from tests.ports import free_port
from tests.processes import RedisServer, wait_until
from tests.test_redis_trouble import RIGHTS

#: Slots of the first, the second and the third master.
RANGES = ((0, 5460), (5461, 10922), (10923, 16383))


class RedisCluster(Closing):
    """Its first master has the slot, until it is moved or the master dies."""

    def __init__(self, directory: Path, *options: str) -> None:
        self._stack = ExitStack()
        self.nodes = [self._start(directory / str(number), options) for number in range(4)]
        self._ids = [node.client.execute_command("CLUSTER MYID") for node in self.nodes]
        for node, (first, last) in zip(self.nodes, RANGES, strict=False):
            node.client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
        for node in self.nodes:
            node.client.execute_command(
                "ACL", "SETUSER", "relay", "on", ">pass", *RIGHTS.split(), "+cluster|slots"
            )
        for one, other in combinations(self.nodes, 2):
            bus = int(other.client.config_get("cluster-port")["cluster-port"])
            one.client.execute_command("CLUSTER", "MEET", "127.0.0.1", other.port, bus)
        wait_until(lambda: all(map(self._knows_all, self.nodes)), "the nodes to meet")
        self.nodes[3].client.execute_command("CLUSTER", "REPLICATE", self._ids[0])
        wait_until(lambda: all(map(_is_ok, self.nodes)), "the cluster to be whole")
        wait_until(self._is_copied, "the replica to have a copy")

    @property
    def url(self) -> str:
        """Names a node that does not have the slot, after one that does not answer, and a user with no more
        rights than are needed."""
        return f"redis+cluster://relay:pass@127.0.0.1:{free_port()},127.0.0.1:{self.nodes[1].port}"

    @property
    def client(self) -> redis.Redis:
        """Of the node that has the slot, as the third one knows it."""
        return redis.Redis(port=self._holder(), decode_responses=True)

    def promote(self) -> None:
        """Kills the slot's master, and waits until its replica has taken over."""
        dead = self._holder()
        next(node for node in self.nodes if node.port == dead).kill()
        wait_until(lambda: self._holder() != dead, "the replica to be promoted")

    def move_slot(self, to: int) -> None:
        """Moves the slot with all its keys, ten at a time, as `redis-cli --cluster reshard` does."""
        source, target = self.client, self.nodes[to]
        ours = source.execute_command("CLUSTER MYID")
        target.client.execute_command("CLUSTER", "SETSLOT", SLOT, "IMPORTING", ours)
        source.execute_command("CLUSTER", "SETSLOT", SLOT, "MIGRATING", self._ids[to])
        while names := source.execute_command("CLUSTER", "GETKEYSINSLOT", SLOT, 10):
            source.execute_command("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *names)
        for client in (target.client, source, self.nodes[2].client):
            client.execute_command("CLUSTER", "SETSLOT", SLOT, "NODE", self._ids[to])

    def _knows_all(self, node: RedisServer) -> bool:
        """By their own names: one that has just been met is listed under a name that is made up."""
        listed = str(node.client.execute_command("CLUSTER NODES"))
        return all(str(name) in listed for name in self._ids)

    def close(self) -> None:
        self._stack.close()

    def _start(self, directory: Path, further: tuple[str, ...]) -> RedisServer:
        directory.mkdir()
        options = {
            "cluster-enabled": "yes",
            "cluster-port": str(free_port()),
            "cluster-node-timeout": "1000",
            "cluster-replica-validity-factor": "0",
            "repl-diskless-sync-delay": "0",
        }
        flags = [part for name, value in options.items() for part in (f"--{name}", value)]
        return self._stack.enter_context(RedisServer(directory, *flags, *further))

    def _holder(self) -> int:
        ranges: Any = self.nodes[2].client.execute_command("CLUSTER", "SLOTS")
        return next(int(master[1]) for first, last, master, *_ in ranges if first <= SLOT <= last)

    def _is_copied(self) -> bool:
        return self.nodes[3].client.info("replication")["master_link_status"] == "up"


def _is_ok(node: RedisServer) -> bool:
    info: Any = node.client.execute_command("CLUSTER INFO")
    said = info if isinstance(info, dict) else dict(line.split(":") for line in info.split())
    return said["cluster_state"] == "ok" and said["cluster_slots_assigned"] == "16384"
