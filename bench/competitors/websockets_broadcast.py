"""The `websockets` library as its documentation has it: one subscription, and `broadcast`.

REDIS_URL and PORT are read from the environment.
"""

import asyncio
import json
import os
from urllib.parse import parse_qs, urlsplit

import redis.asyncio
from websockets.asyncio.server import ServerConnection, broadcast, serve

#: By symbol; no symbol stands for all.
connections: dict[str, set[ServerConnection]] = {"": set()}


async def follow() -> None:
    """Broadcasts every message of Redis."""
    client = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
    subscription = client.pubsub()
    await subscription.subscribe("prices:updates")
    async for message in subscription.listen():
        if message["type"] != "message":
            continue
        broadcast(connections[""], message["data"])
        if len(connections) > 1:
            symbol = json.loads(message["data"])["symbol"]
            broadcast(connections.get(symbol, ()), message["data"])


async def stream(connection: ServerConnection) -> None:
    """One client's life."""
    assert connection.request is not None  # noqa: S101
    query = parse_qs(urlsplit(connection.request.path).query)
    wanted = query.get("symbols", [""])[0].split(",")
    for symbol in wanted:
        connections.setdefault(symbol, set()).add(connection)
    try:
        await connection.wait_closed()
    finally:
        for symbol in wanted:
            connections[symbol].discard(connection)


async def main() -> None:
    """Serves for ever."""
    port = int(os.environ["PORT"])
    # Without pings: the load generator does not answer them.
    async with serve(stream, "127.0.0.1", port, ping_interval=None, backlog=4096):
        await follow()


if __name__ == "__main__":
    asyncio.run(main())
