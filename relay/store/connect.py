"""Connect: a redis-py client for every kind of URL that REDIS_URL may hold."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
from redis import Redis
from redis._parsers import Encoder
from redis.backoff import NoBackoff
from redis.connection import (
    Connection,
    ConnectionPool,
    PythonRespSerializer,
    UnixDomainSocketConnection,
)
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry

from relay.redis_url import RedisUrl, read
from relay.store.cluster import Cluster
from relay.store.master import Finder, MasterConnection, Moved, SecureMasterConnection
from relay.store.sentinels import Sentinels
from relay.store.tls import SecureConnection
from relay.url import Host

#: Seconds without a byte after which a command counts as failed, and until a connection must be made.
COMMAND_SECONDS = 1.0
#: Seconds that an answer may take in all, however steadily its bytes trickle in.
ANSWER_SECONDS = 3.0
#: What redis-py, or whoever reads its answers, raises over an answer of another shape than Redis gives.
MISREAD = (ValueError, TypeError, LookupError, AttributeError, RecursionError, OSError)
#: An argument of more bytes is sent by itself.
_LARGE_BYTES = 6000
_SECURE: dict[type[Connection], type[Connection]] = {
    Connection: SecureConnection,
    MasterConnection: SecureMasterConnection,
}
_MANNERS: dict[str, Any] = {
    "protocol": 2,
    "retry": Retry(NoBackoff(), 0),
    "socket_timeout": COMMAND_SECONDS,
    "socket_connect_timeout": COMMAND_SECONDS,
}


def connect(url: str) -> Redis:
    """A client for a REDIS_URL. Connects when it is first used. Raises ValueError for a URL that makes no
    sense.

    It never tries anything twice, but what a cluster says another of its nodes has to be asked for: whoever
    asks knows better when to try again, and what.
    """
    where = read(url)
    account = {"username": where.user, "password": where.password, "db": where.db}
    if where.socket:
        return _client(UnixDomainSocketConnection, path=where.socket, **account)
    if where.service:
        sentinels = {"username": where.sentinel_user, "password": where.sentinel_password}
        finder: Finder = Sentinels(where.hosts, where.service, _servers(where, sentinels))
        return _client(_of(where, MasterConnection), finder=finder, **account, **where.tls_options)
    if where.cluster:
        finder = Cluster(where.hosts, _servers(where, account))
        return _client(
            _of(where, MasterConnection),
            finder=finder,
            **account,
            **where.tls_options,
            retry=Retry(NoBackoff(), 1, supported_errors=(Moved,)),
        )
    return _servers(where, account)(where.hosts[0])


@contextmanager
def in_time() -> Iterator[None]:
    """Ends what takes longer than ANSWER_SECONDS with redis-py's TimeoutError."""
    with gevent.Timeout(ANSWER_SECONDS, RedisTimeout(f"no whole answer in {ANSWER_SECONDS:g} s")):
        yield


def _packer() -> PythonRespSerializer:
    """hiredis reads for us, but it copies what is sent, which for a frame of 2,000 symbols takes 1 ms;
    this one sends a large argument as it is."""
    encode = Encoder("utf-8", "strict", decode_responses=False).encode  # type: ignore[no-untyped-call]
    return PythonRespSerializer(_LARGE_BYTES, encode)


def _servers(where: RedisUrl, account: dict[str, Any]) -> Callable[[Host], Redis]:
    """Makes clients for servers that the URL names, each for one."""

    def client(host: Host) -> Redis:
        options = {**account, **where.tls_options}
        return _client(_of(where, Connection), host=host.name, port=host.port, **options)

    return client


def _client(kind: Any, **options: Any) -> Redis:
    return Redis.from_pool(
        ConnectionPool(connection_class=kind, command_packer=_packer(), **(_MANNERS | options))
    )


def _of(where: RedisUrl, kind: type[Connection]) -> type[Connection]:
    """This kind of connection, with TLS where the URL wants it."""
    return _SECURE[kind] if where.tls else kind
