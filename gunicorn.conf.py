"""gunicorn's settings. What stands on its command line wins over what stands here."""

import math
import os
import sys
from pathlib import Path
from typing import Any

from gunicorn.sock import ssl_context as tls_context
from gunicorn.workers import SUPPORTED_WORKERS

# The relay is found wherever gunicorn was started.
pythonpath = str(Path(__file__).resolve().parent)
if pythonpath not in sys.path:
    sys.path.insert(0, pythonpath)

from relay import logs  # noqa: E402
from relay.config import load_or_exit  # noqa: E402
from relay.descriptors import CONNECTIONS, Share, raise_limit, share  # noqa: E402
from relay.metrics import directory  # noqa: E402
from relay.server.address import host_is_wrong, why_not  # noqa: E402
from relay.server.generations import GENERATIONS  # noqa: E402
from relay.server.reloading import Reloading  # noqa: E402
from relay.supervise import EXIT_FAILED, fail, fail_slowly, leave_slowly  # noqa: E402

settings = load_or_exit()

# The master's lines are written as its workers' are.
logs.begin(settings.log_level, settings.log_format)
logger_class = "relay.server.log.Log"

# Where all workers keep their metrics, so that any of them can answer for all.
if settings.metrics:
    try:
        directory.prepare()
    except OSError as error:
        where = f"{directory.VARIABLE}, or the directory of temporary files,"
        print(f"{where} cannot be used: {error.strerror}.", file=sys.stderr)
        sys.exit(2)

# gunicorn looks a worker's bare name up here; so `-k geventwebsocket` means ours.
SUPPORTED_WORKERS["geventwebsocket"] = "relay.server.worker.RelayWorker"
worker_class = "geventwebsocket"

bind = (
    f"[{settings.host}]:{settings.port}"
    if ":" in settings.host
    else f"{settings.host}:{settings.port}"
)

# In-process there can only be one. With Redis, give `-w` or WEB_CONCURRENCY.
workers = max(0, int(os.environ.get("WEB_CONCURRENCY") or 1))

# Requests at a time, not streams: those leave the request's greenlet (MAX_CLIENTS bounds them).
wanted = Share(connections=CONNECTIONS, streams=settings.max_clients)
descriptors = raise_limit()
fitting = share(descriptors, wanted)
worker_connections = fitting.connections

# Connections that wait to be accepted; a reconnecting crowd comes at once.
backlog = 4096

# From TERM or HUP until a worker must be gone. It takes connections for DRAIN_DELAY more; of the rest,
# clients are sent away within the first part.
graceful_timeout = 15 + math.ceil(settings.drain_delay)

# Seconds an idle HTTP connection is kept: longer than balancers keep theirs (60 to 90), or they would send
# a request into one that is being closed. Where slots run out, idle connections are given up.
keepalive = 95

# Proxies whose word on who asks counts.
forwarded_allow_ips = ",".join(settings.forwarded_allow_ips)

# A control socket would be one and the same file for every instance of this user.
control_socket_disable = True


def on_starting(server: Any) -> None:
    """Refuses to start what would not serve: see _wrong and _not_listening."""
    if why := _wrong(server) or _not_listening(server):
        print(why, file=sys.stderr)
        sys.exit(2)
    Reloading(server, directory.leave_alone)
    if fitting != wanted:
        server.log.warning(
            "%d open files are allowed (ulimit -n), so a worker serves %d streams (MAX_CLIENTS: %d) and "
            "%d other connections (usually %d)",
            descriptors,
            fitting.streams,
            wanted.streams,
            fitting.connections,
            wanted.connections,
        )


def on_reload(server: Any) -> None:
    """All workers there are will be replaced (HUP); whether new ones would serve has been tried."""
    GENERATIONS.reload(server.worker_age)


def child_exit(server: Any, worker: Any) -> None:
    """What a worker that has gone counts for no more, its gauges, is taken away."""
    if settings.metrics:
        # prometheus-client must not be imported before its directory is known.
        from relay.metrics.dead import forget  # noqa: PLC0415

        try:
            forget(worker.pid)
        except Exception as error:  # noqa: BLE001 - the master would end, and all its workers
            server.log.error("the numbers of a worker that has gone are lost: %s", error)


def _wrong(server: Any) -> str:
    """A sentence where the server must not start.

    Another worker class would serve a site without prices, and in-process a second worker would have a feed
    and a board of its own.
    """
    cfg = server.cfg
    kind = server.worker_class
    if not any(base.__name__ == "RelayWorker" for base in kind.__mro__):
        return f"-k must be geventwebsocket: {kind.__name__} cannot serve streams."
    if cfg.is_ssl:
        try:
            tls_context(cfg)
        except OSError as error:
            return f"certfile or keyfile is wrong: {error.strerror or error}."
    if settings.in_process and cfg.workers > 1:
        return (
            "REDIS_URL must name a Redis server to run more than one worker (-w, WEB_CONCURRENCY): "
            "in-process mode has one (-w 1)."
        )
    if cfg.workers < 1:
        return "WEB_CONCURRENCY, or -w, is wrong: a server has one worker or more."
    return ""


def _not_listening(server: Any) -> str:
    """A sentence where the server cannot listen on an address that it does not have yet."""
    cfg = server.cfg
    # Of systemd and of the master whose place this one takes (USR2) it gets sockets.
    if (
        server.LISTENERS
        or cfg.reuse_port
        or not {"LISTEN_FDS", "GUNICORN_FD"}.isdisjoint(os.environ)
    ):
        return ""
    is_ours = cfg.bind == [bind]
    for host, port in (address for address in cfg.address if isinstance(address, tuple)):
        if host_is_wrong(host):
            name = "HOST" if is_ours else "-b"
            return (
                f"{name} is wrong: {host[:80]!r} is no address of this machine (conda sets HOST)."
            )
        if why := why_not(host, port):
            return f"{'PORT' if is_ours else '-b'} is wrong: {why}, on {host}, port {port}."
    return ""


def nworkers_changed(server: Any, new: int, old: int | None) -> None:
    """Refuses a second worker that a signal (TTIN) asks for in-process."""
    if settings.in_process and old is not None and new > 1 >= old:
        server.log.error("no second worker: REDIS_URL must name a Redis server for that")
        server._num_workers = old


def post_fork(_server: Any, worker: Any) -> None:
    """Prices go on where there is no place for metrics."""
    if settings.metrics and (why := directory.reserve(worker.pid)):
        worker.log.error("metrics are not kept, and this worker answers for itself alone: %s", why)


def worker_exit(_server: object, worker: Any) -> None:
    """Ends a worker that failed with a status that says so, and not sooner than its replacement is due.

    gunicorn would start another one at once, and another one, for ever; or end, where the code was broken
    while it served.
    """
    if worker.pid != os.getpid():
        # The master has found it dead.
        return
    if worker.orphaned:
        sys.exit(EXIT_FAILED)
    if worker.alive and not worker.booted and GENERATIONS.have_served():
        fail_slowly("a worker cannot begin, another one is tried soon")
    if worker.booted and worker.alive:
        fail("the worker ended by itself")
    leave_slowly()
