"""Sentinels: who the master is, as they say. relay/store/connect.py says how they are reached."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

from relay.store.master import Elsewhere, Unknown, first_of
from relay.url import Host

_ONE = "the sentinel"


class Sentinels:
    """All that watch over one service."""

    master = "the master, as the sentinel says,"

    def __init__(
        self, hosts: Sequence[Host], service: str, client: Callable[[Host], Redis]
    ) -> None:
        """`client` makes one for a sentinel."""
        self._hosts = hosts
        self._service = service
        self._client = client

    def find(self) -> Host:
        """See Finder."""
        return first_of([partial(self._ask, host) for host in self._hosts], self._why)

    def learn(self, _where: Host) -> None:
        """See Finder. Sentinels alone say who leads."""

    def _ask(self, host: Host) -> Host | None:
        try:
            with self._client(host) as sentinel:
                said: Any = sentinel.execute_command(
                    "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._service
                )
        except ResponseError as error:
            raise Elsewhere(_ONE, f"{host.name}:{host.port}") from error
        if said is None:
            return None
        name, port = said
        return Host(name.decode(), int(port))

    def _why(self, failures: list[Exception]) -> Exception:
        if len(failures) < len(self._hosts):
            return Unknown("no sentinel knows a master of this name")
        failure = Elsewhere(_ONE, "")
        failure.__cause__ = failures[0]
        return failure
