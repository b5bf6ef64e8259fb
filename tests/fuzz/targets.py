"""All targets, by name."""

from tests.fuzz import batches, exchange, frames, heads, queries, settings

ALL = (
    heads.TARGET,
    queries.QUERY,
    queries.COMMANDS,
    frames.FRAMES,
    frames.NEGOTIATION,
    exchange.STREAM,
    exchange.REST,
    exchange.KLINES,
    batches.TARGET,
    settings.URLS,
    settings.FORWARDED,
)
TARGETS = {target.name: target for target in ALL}
