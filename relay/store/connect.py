"""Connect: a redis-py client for every kind of URL that REDIS_URL may hold."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import gevent
from redis import Redis
from redis._parsers import Encoder
from redis.backoff import NoBackoff
from redis.connection import PythonRespSerializer
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry
from redis.sentinel import Sentinel

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
_SENTINEL_PORT = 26379
_SENTINEL = "+sentinel"


def connect(url: str) -> Redis:
    """A client for redis://, rediss://, unix:// or, for Sentinel, `redis+sentinel://host[:port][,host
    ...]/service[/db]`. Connects when it is first used. Raises ValueError for a URL that makes no sense.

    It never tries anything twice: whoever asks knows better when to try again, and what.
    """
    if _SENTINEL in urlsplit(url).scheme:
        return _master(url)
    return Redis.from_url(url, **_MANNERS, command_packer=_packer())


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


def _master(url: str) -> Redis:
    """The master that the sentinels name, asked for at each new connection.

    User and password are the server's; the sentinels' are `sentinel_username` and `sentinel_password`
    in the query.
    """
    parts = urlsplit(url)
    account, _, hosts = parts.netloc.rpartition("@")
    service, _, db = parts.path.strip("/").partition("/")
    if not hosts or not service:
        raise ValueError(f"{url!r} names no sentinel or no service")
    user, _, password = account.partition(":")
    query = dict(parse_qsl(parts.query))
    shared: dict[str, Any] = {**_MANNERS, "ssl": parts.scheme.startswith("rediss")}
    if "ssl_ca_certs" in query:
        shared["ssl_ca_certs"] = query["ssl_ca_certs"]
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        [_address(host) for host in hosts.split(",")],
        sentinel_kwargs={
            **shared,
            "username": query.get("sentinel_username"),
            "password": query.get("sentinel_password"),
        },
        **shared,
        command_packer=_packer(),
    )
    master: Redis = sentinels.master_for(  # type: ignore[no-untyped-call]
        service,
        db=int(db or 0),
        username=unquote(user) or None,
        password=unquote(password) or None,
    )
    return master


def _address(host: str) -> tuple[str, int]:
    name, colon, port = host.rpartition(":")
    if colon and port.isdigit():
        return name.strip("[]"), int(port)
    return host.strip("[]"), _SENTINEL_PORT
