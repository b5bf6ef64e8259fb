"""The common way in Python: gevent's web server, and for each client a queue and a greenlet.

REDIS_URL and PORT are read from the environment.
"""

from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import os  # noqa: E402
from collections.abc import Iterator  # noqa: E402
from urllib.parse import parse_qs  # noqa: E402

import gevent  # noqa: E402
import redis  # noqa: E402
from gevent.pywsgi import WSGIServer  # noqa: E402
from gevent.queue import Queue  # noqa: E402

#: By symbol; no symbol stands for all.
queues: dict[str, set[Queue]] = {"": set()}


def follow() -> None:
    """Puts every message of Redis into the queues of those who want it."""
    subscription = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True).pubsub()
    subscription.subscribe("prices:updates")
    for message in subscription.listen():
        if message["type"] != "message":
            continue
        for queue in list(queues[""]):
            queue.put(message["data"])
        if len(queues) > 1:
            for queue in list(queues.get(json.loads(message["data"])["symbol"], ())):
                queue.put(message["data"])


def application(environ, start_response) -> Iterator[bytes]:
    """One client's stream."""
    start_response("200 OK", [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")])
    wanted = parse_qs(environ["QUERY_STRING"]).get("symbols", [""])[0].split(",")
    queue = Queue()
    for symbol in wanted:
        queues.setdefault(symbol, set()).add(queue)
    try:
        yield b": hello\n\n"
        while True:
            yield f"data: {queue.get()}\n\n".encode()
    finally:
        for symbol in wanted:
            queues[symbol].discard(queue)


if __name__ == "__main__":
    gevent.spawn(follow)
    port = int(os.environ["PORT"])
    WSGIServer(("127.0.0.1", port), application, log=None, backlog=4096).serve_forever()
