"""Plan: what the settings mean, in words, and where they contradict what is usual."""

from collections.abc import Iterator

from relay.amount import amount
from relay.check.finding import Finding, doubtful, fine
from relay.config import SIMULATOR, Config
from relay.home import HOME
from relay.redis_url import read
from relay.url import shown

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def look(config: Config) -> Iterator[Finding]:
    """What would be done, and what of it is doubtful."""
    yield fine(f"{HOME} is where the relay is")
    if config.in_process:
        yield fine("REDIS_URL: in-process, one web worker reads the exchange itself")
    else:
        yield from _with_redis(config)
    sources = ", then ".join(url if url == SIMULATOR else shown(url) for url in config.sources)
    yield fine(f"BINANCE_WS: prices come from {sources}")
    named = amount(len(config.symbols), "symbol") if config.symbols else "the whole market"
    yield fine(f"SYMBOLS, STREAM: {named}, {config.stream}")
    if config.simulator_fallback or SIMULATOR in config.binance_ws:
        yield doubtful(
            "SIMULATOR_FALLBACK, BINANCE_WS: prices may be simulated, and marked as such"
        )
    yield from _visitors(config)


def _with_redis(config: Config) -> Iterator[Finding]:
    where = read(config.redis_url)
    place = where.socket or ", ".join(host.name for host in where.hosts)
    yield fine(f"REDIS_URL: a listener writes to Redis ({place}), web workers read")
    is_near = bool(where.socket) or all(host.name in _LOOPBACK for host in where.hosts)
    if not is_near and not where.tls:
        yield doubtful("REDIS_URL: what goes to another machine goes without TLS (rediss://)")
    if not is_near and not config.relay_secret.get_secret_value():
        yield doubtful("RELAY_SECRET: unset, so whoever can write to that Redis can forge prices")


def _visitors(config: Config) -> Iterator[Finding]:
    if "*" in config.forwarded_allow_ips:
        yield doubtful(
            "FORWARDED_ALLOW_IPS: * believes anybody's X-Forwarded-For, so limits by address do nothing"
        )
    if config.host not in _LOOPBACK and not config.access_tokens:
        yield fine(
            f"HOST: {config.host} can be reached from elsewhere, and everybody may use the relay"
        )
    if config.drain_delay:
        yield fine(f"DRAIN_DELAY: connections are taken for {config.drain_delay:g} s after TERM")
    for name, value in (("OPENS", config.opens), ("ADDRESS_OPENS", config.address_opens)):
        if value == 0:
            yield doubtful(f"{name}: 0 is without limit")
