"""Connect: a redis-py client for every kind of URL that REDIS_URL may hold."""

from collections.abc import Iterator
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
    SSLConnection,
    UnixDomainSocketConnection,
)
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry
from redis.sentinel import Sentinel

from relay.redis_url import RedisUrl, read

#: Seconds without a byte after which a command counts as failed, and until a connection must be made.
COMMAND_SECONDS = 1.0
#: Seconds that an answer may take in all, however steadily its bytes trickle in.
ANSWER_SECONDS = 3.0
#: What redis-py, or whoever reads its answers, raises over an answer of another shape than Redis gives.
MISREAD = (ValueError, TypeError, LookupError, AttributeError, RecursionError, OSError)
#: An argument of more bytes is sent by itself.
_LARGE_BYTES = 6000
_MANNERS: dict[str, Any] = {
    "protocol": 2,
    "retry": Retry(NoBackoff(), 0),
    "socket_timeout": COMMAND_SECONDS,
    "socket_connect_timeout": COMMAND_SECONDS,
}


def connect(url: str) -> Redis:
    """A client for a REDIS_URL that names a server, a socket or sentinels. Connects when it is first used.
    Raises ValueError for a URL that makes no sense.

    It never tries anything twice: whoever asks knows better when to try again, and what.
    """
    where = read(url)
    if where.service:
        return _master(where)
    place: dict[str, Any] = {"path": where.socket}
    kind: Any = UnixDomainSocketConnection
    if where.hosts:
        name, port = where.hosts[0]
        place = {"host": name, "port": port}
        kind = SSLConnection if where.tls else Connection
    return Redis.from_pool(
        ConnectionPool(
            connection_class=kind,
            **place,
            **_MANNERS,
            **where.tls_options,
            db=where.db,
            username=where.user,
            password=where.password,
            command_packer=_packer(),
        )
    )


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


def _master(where: RedisUrl) -> Redis:
    """The master that the sentinels name, asked for at each new connection."""
    shared: dict[str, Any] = {**_MANNERS, **where.tls_options, "ssl": where.tls}
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        where.hosts,
        sentinel_kwargs={
            **shared,
            "username": where.sentinel_user,
            "password": where.sentinel_password,
        },
        **shared,
        command_packer=_packer(),
    )
    master: Redis = sentinels.master_for(  # type: ignore[no-untyped-call]
        where.service, db=where.db, username=where.user, password=where.password
    )
    return master
