"""gunicorn's settings. What stands on its command line wins over what stands here."""

import math
import sys

from gunicorn.workers import SUPPORTED_WORKERS

from relay.config import load_or_exit
from relay.descriptors import CONNECTIONS, Share, raise_limit, share
from relay.server.generations import GENERATIONS
from relay.supervise import fail, leave_slowly

settings = load_or_exit()

# gunicorn looks a worker's bare name up here; so `-k geventwebsocket` means ours.
SUPPORTED_WORKERS["geventwebsocket"] = "relay.server.worker.RelayWorker"
worker_class = "geventwebsocket"

bind = f"{settings.host}:{settings.port}"

# In-process there can only be one. With Redis, give `-w`.
workers = 1

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


def on_starting(server: object) -> None:
    """Refuses more than one worker without Redis, since each would have a feed and a board of its own,
    and TLS, since a stream leaves the server with the bare socket."""
    if server.cfg.is_ssl:  # type: ignore[attr-defined]
        print("certfile and keyfile must not be set: leave TLS to a proxy.", file=sys.stderr)
        sys.exit(2)
    if settings.in_process and server.cfg.workers > 1:  # type: ignore[attr-defined]
        print(
            "REDIS_URL must name a Redis server to run more than one worker: "
            "in-process mode has one (-w 1).",
            file=sys.stderr,
        )
        sys.exit(2)
    if fitting != wanted:
        server.log.warning(  # type: ignore[attr-defined]
            "%d open files are allowed (ulimit -n), so a worker serves %d streams, not %d (MAX_CLIENTS), "
            "and %d other connections, not %d",
            descriptors,
            fitting.streams,
            wanted.streams,
            fitting.connections,
            wanted.connections,
        )


def pre_fork(server: object, worker: object) -> None:
    """Notes whom this worker comes after."""
    GENERATIONS.note(worker.age, server.num_workers)  # type: ignore[attr-defined]


def worker_exit(_server: object, worker: object) -> None:
    """Ends a worker that failed with a status that says so, and not sooner than its replacement is due.

    gunicorn would start another one at once, and another one, for ever.
    """
    if worker.booted and worker.alive:  # type: ignore[attr-defined]
        fail("the worker ended by itself")
    leave_slowly()
