"""State: whether Redis is there, is what the relay needs, and lets our user do what it must."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from relay.check.finding import Finding, doubtful, fine, wrong
from relay.store import keys
from relay.store.connect import connect
from relay.store.failure import forbidden, reason, text

#: The oldest Redis that is tested.
OLDEST = (6, 2)
#: Seconds between its clock and ours that are noticed.
OFFSET_SECONDS = 2.0
#: Bytes that a worker may fall behind before Redis cuts it: some snapshots of the whole market.
LEAST_BUFFER = 8 << 20
#: Within the names that the relay's own user may use; see docs/configuration.md.
_NAME = "relay:{prices}:check"


def look(url: str) -> Iterator[Finding]:
    """Asks the Redis at a REDIS_URL. Writes one key, which goes after a second."""
    redis: Any = connect(url)
    try:
        before = time.time()
        seconds, microseconds = redis.time()
        offset = seconds + microseconds / 1e6 - (before + time.time()) / 2
        info = redis.info()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what people want to know
        yield wrong(f"REDIS_URL: {reason(error)}")
        return
    yield _version(info)
    if abs(offset) > OFFSET_SECONDS:
        yield doubtful(f"clock: Redis' machine is {offset:+.1f} s from this one")
    else:
        yield fine(f"clock: Redis' machine is {1000 * offset:+.0f} ms from this one")
    yield from _rights(redis)
    yield from _memory(info)
    yield _persistence(info)
    yield _buffers(redis)
    yield _listener(redis)


def _version(info: dict[str, Any]) -> Finding:
    name = "Valkey" if "valkey_version" in info else "Redis"
    version = str(info.get("valkey_version") or info.get("redis_version", ""))
    said = f"{name} {version[:20]}"
    parts = version.split(".")
    if not all(part.isdecimal() for part in parts[:2]):
        return doubtful(f"{said}: an unknown version")
    if tuple(map(int, parts[:2])) < OLDEST:
        return wrong(f"{said}: {OLDEST[0]}.{OLDEST[1]} or newer is needed")
    role = str(info.get("role", ""))
    if role in ("slave", "replica"):
        return wrong(f"{said}: it is a replica, and takes no writes")
    return fine(f"{said} answers")


def _rights(redis: Any) -> Iterator[Finding]:
    attempts: tuple[tuple[str, str, Callable[[], object]], ...] = (
        ("write its keys", "~relay:{prices}:*, +@write", lambda: redis.set(_NAME, "1", ex=1)),
        ("write prices", "~prices, +@write", lambda: redis.hdel(keys.PRICES, "")),
        ("read them", "+@read", lambda: redis.get(_NAME)),
        ("publish", "&relay:{prices}:*, +@pubsub", lambda: redis.publish(_NAME, "")),
        ("publish prices", "&prices:updates", lambda: _subscribe(redis, keys.UPDATES)),
        ("run scripts", "+@scripting", lambda: redis.eval("return 1", 0)),
    )
    refused = False
    for what, rights, attempt in attempts:
        try:
            attempt()
        except Exception as error:  # noqa: BLE001 - see look
            refused = True
            said = f"may not {what} ({rights})" if forbidden(error) else f"cannot {what}"
            yield wrong(f"REDIS_URL: its user {said}: {reason(error)}")
    if not refused:
        yield fine("REDIS_URL: its user may write, read, publish and run scripts")


def _subscribe(redis: Any, channel: str) -> None:
    """Takes the same right as to publish there, and nobody hears it."""
    with redis.pubsub() as subscription:
        subscription.subscribe(channel)
        subscription.get_message(timeout=1)


def _memory(info: dict[str, Any]) -> Iterator[Finding]:
    policy, most = str(info.get("maxmemory_policy", "")), info.get("maxmemory", 0)
    if most and policy.startswith("allkeys"):
        yield doubtful(f"maxmemory-policy {policy} may throw prices away: use noeviction")


def _persistence(info: dict[str, Any]) -> Finding:
    if info.get("rdb_last_bgsave_status", "ok") != "ok":
        return doubtful(
            "Redis cannot save: it may stop taking writes (stop-writes-on-bgsave-error)"
        )
    kept = "appends to a file" if info.get("aof_enabled") else "has no append-only file"
    return fine(f"persistence: Redis {kept}; prices need none, history is what would be lost")


def _buffers(redis: Any) -> Finding:
    name = "client-output-buffer-limit"
    try:
        limits = str(redis.config_get(name).get(name, ""))
    except Exception:  # noqa: BLE001 - the relay's user needs no right to ask
        return fine(f"{name}: our user may not ask, and need not")
    words = limits.split()
    if "pubsub" not in words:
        return fine(f"{name}: not told")
    hard, soft = (int(word) for word in words[words.index("pubsub") + 1 :][:2])
    least = min((limit for limit in (hard, soft) if limit), default=LEAST_BUFFER)
    if least < LEAST_BUFFER:
        return doubtful(
            f"{name} pubsub is {least} bytes: Redis may cut workers; {LEAST_BUFFER} is enough"
        )
    return fine(f"{name} pubsub is enough")


def _listener(redis: Any) -> Finding:
    """Before the first start there is none; beside a relay that shows no prices it is news."""
    try:
        holder = redis.get(keys.LEASE)
    except Exception as error:  # noqa: BLE001 - see look
        return doubtful(f"listener: not known whether one writes there: {reason(error)}")
    if holder is None:
        return fine("listener: none writes there at present")
    return fine(f"listener: {text(holder)} writes there")
