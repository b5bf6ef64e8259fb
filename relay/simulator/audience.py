"""Audiences: who is subscribed to what."""

import asyncio
from collections.abc import Collection

from relay.simulator.client import Client


class Audiences:
    """The clients of every stream that has any."""

    def __init__(self) -> None:
        self._of: dict[str, set[Client]] = {}
        self._everyone: set[Client] = set()
        self._somebody = asyncio.Event()

    @property
    def everyone(self) -> Collection[Client]:
        """All who are subscribed to anything."""
        return self._everyone

    def of(self, stream: str) -> Collection[Client]:
        """Return those who are subscribed to one stream."""
        return self._of.get(stream, ())

    def streams(self) -> tuple[str, ...]:
        """Return the names of all streams that somebody is subscribed to."""
        return tuple(self._of)

    def sizes(self) -> dict[str, int]:
        """Return how many clients each of these streams has."""
        return {name: len(clients) for name, clients in self._of.items()}

    async def somebody(self) -> None:
        """Wait until somebody is subscribed to anything."""
        await self._somebody.wait()

    def follow(self, client: Client, before: Collection[str]) -> list[str]:
        """Take note that a client's subscriptions have changed; return those that are new."""
        streams = client.subscriptions.streams
        for name in [name for name in before if name not in streams]:
            self._of[name].discard(client)
            if not self._of[name]:
                del self._of[name]
        new = [name for name in streams if name not in before]
        for name in new:
            self._of.setdefault(name, set()).add(client)
        if streams:
            self._everyone.add(client)
            self._somebody.set()
        else:
            self._everyone.discard(client)
            if not self._everyone:
                self._somebody.clear()
        return new
