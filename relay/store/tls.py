"""TLS: connections to Redis that share what they trust.

To make a context, all authorities of the system are read: tens of milliseconds in which nobody else runs.
redis-py makes one for each connection.
"""

import os
import ssl
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from redis.connection import SSLConnection

#: Contexts that are kept: of each REDIS_URL there is one, and another one when a file is renewed.
_MAX_CONTEXTS = 4


class _Options(NamedTuple):
    """What a URL says of TLS."""

    ca_certs: str | None
    certfile: str | None
    keyfile: str | None
    cert_reqs: ssl.VerifyMode
    check_hostname: bool


class SecureConnection(SSLConnection):
    """A connection with TLS."""

    def _wrap_socket_with_ssl(self, sock: Any) -> ssl.SSLSocket:
        options = _Options(*(getattr(self, name) for name in _Options._fields))
        system = ssl.get_default_verify_paths()
        files = (options.ca_certs, options.certfile, options.keyfile, system.cafile, system.capath)
        return _context(options, _states(files)).wrap_socket(sock, server_hostname=self.host)


@lru_cache(_MAX_CONTEXTS)
def _context(options: _Options, _files: tuple[object, ...]) -> ssl.SSLContext:
    """Raises OSError for a file that cannot be used. `_files`: see _states."""
    context = ssl.create_default_context()
    context.check_hostname = options.check_hostname
    context.verify_mode = options.cert_reqs
    if options.certfile or options.keyfile:
        context.load_cert_chain(options.certfile or "", options.keyfile)
    if options.ca_certs is not None:
        context.load_verify_locations(options.ca_certs)
    return context


def _states(files: Iterable[str | None]) -> tuple[object, ...]:
    """Others when a file is another one, or was written anew."""
    return tuple(map(_state, files))


def _state(file: str | None) -> tuple[int, int, int] | None:
    try:
        found = os.stat(file or "")
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
