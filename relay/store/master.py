"""Master: connections to a server that others know of. They are asked for it at each new connection."""

from collections.abc import Callable, Iterable
from typing import Any, NoReturn, Protocol, TypeVar

import gevent
from redis import exceptions
from redis.connection import Connection

from relay.store.tls import SecureConnection
from relay.url import Host

_Found = TypeVar("_Found")


class Elsewhere(exceptions.ConnectionError):
    """A server that is not the one in REDIS_URL failed us; its cause is what redis-py says of that."""

    def __init__(self, who: str, where: str) -> None:
        super().__init__(f"{who} {where}".strip())
        #: What it is, in words that anybody may read.
        self.who = who


class Unknown(exceptions.ConnectionError):
    """They were asked, and named no master. The text says why, and anybody may read it."""


class Moved(exceptions.ConnectionError):
    """It is the master no more: what it was asked for was not done."""


class Finder(Protocol):
    """Who knows where the master is."""

    #: What it is called, in a sentence.
    master: str

    def find(self) -> Host:
        """Where it is. Raises Unknown or Elsewhere."""

    def learn(self, where: Host) -> None:
        """Somebody who should know says that it is there."""


class MasterConnection(Connection):
    """Goes to the master, wherever it is by then."""

    def __init__(self, *, finder: Finder, **options: Any) -> None:
        self._finder = finder
        super().__init__(**options)  # type: ignore[no-untyped-call]

    def connect_check_health(self, *args: Any, **options: Any) -> None:
        """As redis-py does it, but it says who failed."""
        if self._sock:
            return
        name, port = self._finder.find()
        self.host, self.port = name, port or 0
        try:
            super().connect_check_health(*args, **options)
        except exceptions.RedisError as error:
            raise Elsewhere(self._finder.master, f"{name}:{port}") from error

    def read_response(self, *args: Any, **options: Any) -> Any:
        """As redis-py does it; but where the master has changed, the next connection goes to the new one."""
        try:
            return super().read_response(*args, **options)
        except exceptions.MovedError as error:
            self._finder.learn(Host(error.host or self.host, error.port))
            self._leave(error)
        except exceptions.ReadOnlyError as error:
            self._leave(error)

    def _leave(self, error: Exception) -> NoReturn:
        self.disconnect()  # type: ignore[no-untyped-call]
        raise Moved(f"{self.host}:{self.port} is not the master any more") from error


class SecureMasterConnection(MasterConnection, SecureConnection):
    """The same with TLS."""


def first_of(
    asked: Iterable[Callable[[], _Found | None]], otherwise: Callable[[list[Exception]], Exception]
) -> _Found:
    """The first answer that any of them has; all are asked at once, so that none that hangs costs time.

    Where none has one it raises what `otherwise` makes of those that failed.
    """
    failures: list[Exception] = []
    greenlets = [gevent.spawn(_try, ask) for ask in asked]
    try:
        for greenlet in gevent.iwait(greenlets):
            found = greenlet.value
            if isinstance(found, Exception):
                failures.append(found)
            elif found is not None:
                answer: _Found = found
                return answer
    finally:
        gevent.killall(greenlets, block=False)
    raise otherwise(failures)


def _try(ask: Callable[[], _Found | None]) -> _Found | Exception | None:
    try:
        return ask()
    except Exception as error:  # noqa: BLE001 - whatever it is, another may know
        return error
