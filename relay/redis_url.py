"""RedisUrl: what REDIS_URL says, option by option: each is honoured whatever the kind of URL, or refused.

redis-py's own reader takes what it does not know for a connection's argument, or leaves it out.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, unquote_plus

from relay import url as urls
from relay.url import Host, Url

#: The URL of a store within the process.
IN_PROCESS = "memory://"

_SENTINEL, _CLUSTER = "+sentinel", "+cluster"
_SCHEMES = (
    *("redis", "rediss", "unix", "redis+sentinel", "rediss+sentinel"),
    *("redis+cluster", "rediss+cluster"),
)
_PORT, _SENTINEL_PORT = 6379, 26379
#: Options of redis-py that would change how the relay waits and reads.
_OURS = (
    *("protocol", "timeout", "socket_timeout", "socket_connect_timeout", "socket_read_size"),
    *("socket_keepalive", "retry_on_timeout", "retry_on_error", "health_check_interval"),
    *("max_connections", "client_name", "legacy_responses", "decode_responses"),
    *("encoding", "encoding_errors"),
)
_ACCOUNT = ("username", "password")


class RedisUrl(NamedTuple):
    """Where Redis is, and who we are there."""

    #: Of the server, the sentinels, or nodes of the cluster; none where it is a socket.
    hosts: tuple[Host, ...]
    #: The path of a Unix socket, or empty.
    socket: str
    #: What the sentinels call the master, or empty where there are none.
    service: str
    #: Whether the hosts are nodes of a cluster.
    cluster: bool
    #: None where there is none.
    user: str | None
    password: str | None
    sentinel_user: str | None
    sentinel_password: str | None
    db: int
    tls: bool
    #: Arguments of redis-py's connections with TLS.
    tls_options: dict[str, Any]


def read(text: str) -> RedisUrl:
    """What a REDIS_URL says, but for IN_PROCESS.

    Raises ValueError, whose text says what kind of mistake it is and holds no value of the URL.
    """
    if text.partition("://")[0].lower() not in _SCHEMES:
        raise ValueError(
            "it is no redis://, rediss://, unix://, redis+sentinel:// or redis+cluster:// URL, "
            "nor memory://"
        )
    url = urls.read(text)
    if "@" in url.path or any("@" in name + value for name, value in url.query):
        raise ValueError("percent-encode / ? # and @ in user and password; elsewhere @ as %40")
    kind = _read_socket if url.scheme == "unix" else _read_server
    if url.scheme.endswith(_SENTINEL):
        kind = _read_sentinels
    elif url.scheme.endswith(_CLUSTER):
        kind = _read_cluster
    return kind(url, _options(url))


def secrets(text: str) -> set[str]:
    """What of a REDIS_URL nobody may read: account and passwords. Its path and the other options name a
    socket, a service and files, in words that stand elsewhere too."""
    scheme, _, rest = text.partition("://")
    authority = rest.replace("?", "/").partition("/")[0]
    hidden = urls.secrets(f"{scheme}://{authority}")
    for field in rest.partition("?")[2].split("&"):
        name, _, value = field.partition("=")
        if value and name == "sentinel_password":
            hidden |= {value, unquote(value), unquote_plus(value)}
    return hidden


def _read_server(url: Url, options: dict[str, Any]) -> RedisUrl:
    host = urls.one_host(url)
    db = _db(url.path.removeprefix("/"), options)
    return _redis_url(url, options, db, hosts=(host._replace(port=host.port or _PORT),))


def _read_socket(url: Url, options: dict[str, Any]) -> RedisUrl:
    if url.hosts:
        raise ValueError("a socket has no host: unix:///path/to/socket has three slashes")
    if len(url.path) < 2:
        raise ValueError("it names no socket")
    return _redis_url(url, options, _db("", options), socket=unquote(url.path))


def _read_sentinels(url: Url, options: dict[str, Any]) -> RedisUrl:
    if not url.hosts:
        raise ValueError("it names no sentinel")
    service, _, db = url.path.removeprefix("/").partition("/")
    if not service:
        raise ValueError("it names no service: what the sentinels call the master comes after /")
    hosts = tuple(host._replace(port=host.port or _SENTINEL_PORT) for host in url.hosts)
    return _redis_url(url, options, _db(db, options), hosts=hosts, service=unquote(service))


def _read_cluster(url: Url, options: dict[str, Any]) -> RedisUrl:
    if not url.hosts:
        raise ValueError("it names no node of the cluster")
    db = _db(url.path.removeprefix("/"), options)
    if db:
        raise ValueError("it names a database: of a cluster there is only 0")
    hosts = tuple(host._replace(port=host.port or _PORT) for host in url.hosts)
    return _redis_url(url, options, db, hosts=hosts)


def _redis_url(
    url: Url,
    options: dict[str, Any],
    db: int,
    hosts: tuple[Host, ...] = (),
    socket: str = "",
    service: str = "",
) -> RedisUrl:
    return RedisUrl(
        hosts,
        socket,
        service,
        url.scheme.endswith(_CLUSTER),
        url.user or None,
        url.password or None,
        options.get("sentinel_username"),
        options.get("sentinel_password"),
        db,
        url.scheme.startswith("rediss"),
        {name: value for name, value in options.items() if name.startswith("ssl_")},
    )


def _options(url: Url) -> dict[str, Any]:
    """The options of the query, typed. Raises ValueError."""
    options: dict[str, Any] = {}
    for name, text in url.query:
        if name in options:
            raise ValueError(f"it has the option {name} twice")
        if name not in _OPTIONS:
            raise ValueError(_unknown(name))
        if name.startswith("ssl_") and not url.scheme.startswith("rediss"):
            raise ValueError(f"it has the option {name}, which is for rediss://")
        if name.startswith("sentinel_") and not url.scheme.endswith(_SENTINEL):
            raise ValueError(f"it has the option {name}, which is for redis+sentinel://")
        try:
            options[name] = _OPTIONS[name](unquote_plus(text))
        except ValueError as error:
            raise ValueError(f"its option {name} is {error}") from None
    return options


def _unknown(name: str) -> str:
    """Why an option is refused. It is named only where it looks like one: it may be half a password."""
    if name in _OURS:
        return f"it has the option {name}, which the relay sets itself"
    if name in _ACCOUNT:
        return f"it has the option {name}: user and password come before the host"
    known = ", ".join(_OPTIONS)
    said = name if name.isascii() and name.isidentifier() and len(name) <= urls.MAX_SAID else ""
    return f"it has an option {said or 'that is no name'}, which the relay does not know: {known}"


def _db(path: str, options: dict[str, Any]) -> int:
    if not path:
        number: int = options.get("db", 0)
        return number
    if "db" in options:
        raise ValueError("it names the database twice")
    try:
        return _number(path)
    except ValueError as error:
        raise ValueError(f"the database in its path is {error}") from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5):
        raise ValueError("no number")
    return int(text)


def _word(text: str) -> str:
    if not text:
        raise ValueError("empty")
    return text


def _file(text: str) -> str:
    if not Path(text).is_file():
        raise ValueError("no file that is there")
    return text


def _switch(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError("neither true nor false")
    return text.lower() in ("true", "1")


def _requirement(text: str) -> str:
    if text not in ("required", "none"):
        raise ValueError("neither required nor none")
    return text


#: What the query may hold, and how each is read.
_OPTIONS: dict[str, Callable[[str], Any]] = {
    "db": _number,
    "ssl_ca_certs": _file,
    "ssl_certfile": _file,
    "ssl_keyfile": _file,
    "ssl_cert_reqs": _requirement,
    "ssl_check_hostname": _switch,
    "sentinel_username": _word,
    "sentinel_password": _word,
}
