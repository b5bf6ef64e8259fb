"""Config: what the environment says, read once, typed and checked."""

import logging
import re
import sys
from base64 import b64encode
from collections.abc import Callable
from ipaddress import ip_network
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from relay import redaction, redis_url, upstream
from relay.home import HOME
from relay.redis_url import IN_PROCESS
from relay.redis_url import read as read_redis_url
from relay.ticker import SYMBOL
from relay.url import secrets

log = logging.getLogger(__name__)

#: Binance on both its ports, then its market-data-only host.
LIVE = (
    "wss://stream.binance.com:9443",
    "wss://stream.binance.com:443",
    "wss://data-stream.binance.vision",
)
#: What STREAM may name without SYMBOLS: Binance sends the whole market in one stream.
MARKET_STREAMS = ("miniTicker", "ticker_1h")
#: The entry of BINANCE_WS that stands for a simulator started on demand.
SIMULATOR = "simulator:"

_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")
#: Who may show a page in a frame, as Content-Security-Policy spells it (CSP 3, 6.4.2), in lower case.
_ANCESTOR = re.compile(
    r"\*|https?:|https?://(?:\*\.)?(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(?::(?:[0-9]{1,5}|\*))?"
)
#: Characters of a token, a key or a secret at least: a shorter one can be guessed from what it signed.
_LEAST_SECRET = 16
_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
#: What both kinds of Authorization header can carry.
_TOKEN = re.compile(rf"[A-Za-z0-9_~.+/=-]{{{_LEAST_SECRET},200}}")
#: Ports that no browser names.
_USUAL_PORTS = {"http": "80", "https": "443"}


def _of_address(what: str) -> Callable[[dict[str, Any]], Any]:
    """The default of a bound of tokens: what an address may have."""
    return lambda settings: settings[f"address_{what}"]


class ConfigError(Exception):
    """A setting is wrong; the text is one sentence that names the variable."""


class Config(BaseSettings):
    """The relay's settings. `.env.example` explains each.

    The environment wins over `.env.local`, which wins over `.env`; an empty value counts as unset. Both
    files are looked for in the current directory, then beside `app.py`.
    """

    model_config = SettingsConfigDict(
        env_file=(HOME / ".env", HOME / ".env.local", ".env", ".env.local"),
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    redis_url: str = Field(IN_PROCESS, repr=False)
    relay_secret: SecretStr = SecretStr("")
    binance_ws: Annotated[tuple[str, ...], NoDecode] = Field(LIVE, repr=False)
    symbols: Annotated[tuple[str, ...], NoDecode] = ()
    stream: Literal[
        "miniTicker",
        "ticker",
        "trade",
        "aggTrade",
        "bookTicker",
        "kline_1m",
        "avgPrice",
        "ticker_1h",
    ] = "miniTicker"
    binance_rest: Annotated[tuple[str, ...], NoDecode] = Field((), repr=False)
    rest_seconds: float = Field(300, ge=30)
    history_minutes_hours: int = Field(24, ge=0, le=168)
    history_hours_days: int = Field(30, ge=0, le=366)
    host: str = "127.0.0.1"
    port: int = Field(3001, ge=1, le=65535)
    drain_delay: float = Field(0, ge=0, le=120)
    simulator_fallback: bool = False
    feed_silence_seconds: float = Field(10, gt=0)
    feed_rotate_seconds: float = Field(23 * 3600, gt=0)
    heartbeat_seconds: float = Field(12, ge=1, le=60)
    stall_seconds: float = Field(10, ge=1, le=300)
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = ("*",)
    access_tokens: Annotated[dict[str, str], NoDecode] = Field({}, repr=False)
    operator_tokens: Annotated[dict[str, str], NoDecode] = Field({}, repr=False)
    ticket_keys: Annotated[tuple[str, ...], NoDecode] = Field((), repr=False)
    ticket_seconds: float = Field(60, ge=1, le=86_400)
    frame_ancestors: Annotated[tuple[str, ...], NoDecode] = ("'none'",)
    embed_ancestors: Annotated[tuple[str, ...], NoDecode] = ("*",)
    compression: bool = True
    rotate_seconds: float = Field(0, ge=0)
    max_clients: int = Field(20_000, ge=1)
    max_symbols: int = Field(512, ge=1)
    forwarded_allow_ips: Annotated[tuple[str, ...], NoDecode] = ("127.0.0.1", "::1")
    address_connections: int = Field(100, ge=0)
    address_streams: int = Field(1_000, ge=0)
    address_symbols: int = Field(32_768, ge=0)
    address_opens: float = Field(25, ge=0)
    address_requests: float = Field(50, ge=0)
    address_commands: float = Field(500, ge=0)
    address_guesses: float = Field(1, ge=0)
    token_streams: int = Field(default_factory=_of_address("streams"), ge=0)
    token_symbols: int = Field(default_factory=_of_address("symbols"), ge=0)
    token_opens: float = Field(default_factory=_of_address("opens"), ge=0)
    token_requests: float = Field(default_factory=_of_address("requests"), ge=0)
    token_commands: float = Field(default_factory=_of_address("commands"), ge=0)
    opens: float = Field(1_000, ge=0)
    metrics: bool = True
    metrics_port: int = Field(0, ge=0, le=65535)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"

    @property
    def in_process(self) -> bool:
        """Whether the feed runs inside the one web worker, without Redis."""
        return self.redis_url == IN_PROCESS

    @property
    def sources(self) -> tuple[str, ...]:
        """Where prices come from, in order of preference."""
        return self.binance_ws + ((SIMULATOR,) if self.simulator_fallback else ())

    @field_validator(
        "binance_ws",
        "symbols",
        "binance_rest",
        "allowed_origins",
        "forwarded_allow_ips",
        "ticket_keys",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("binance_ws")
    @classmethod
    def _are_websocket_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        if not urls:
            raise ValueError("it holds no URL")
        for url in urls:
            if url != SIMULATOR:
                upstream.check_streams(url)
        return urls

    @field_validator("redis_url")
    @classmethod
    def _is_redis_url(cls, url: str) -> str:
        if url != IN_PROCESS:
            read_redis_url(url)
        return url

    @field_validator("relay_secret")
    @classmethod
    def _is_long(cls, secret: SecretStr) -> SecretStr:
        if 0 < len(secret.get_secret_value()) < _LEAST_SECRET:
            raise ValueError(f"it has fewer than {_LEAST_SECRET} characters")
        return secret

    @field_validator("symbols")
    @classmethod
    def _are_symbols(cls, symbols: tuple[str, ...]) -> tuple[str, ...]:
        for symbol in symbols:
            if not SYMBOL.fullmatch(symbol):
                raise ValueError(f"{symbol[:40]!r} is no symbol")
        return symbols

    @field_validator("binance_rest")
    @classmethod
    def _are_http_urls(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            upstream.check_rest(url)
        return tuple(url.rstrip("/") for url in urls)

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if not origins:
            raise ValueError("it holds no origin")
        return tuple(_origin(text) for text in origins)

    @field_validator("access_tokens", "operator_tokens", mode="before")
    @classmethod
    def _are_tokens(cls, value: object) -> object:
        """Never says what it was given: these are secrets."""
        if not isinstance(value, str):
            return value
        tokens: dict[str, str] = {}
        for number, one in enumerate(filter(None, map(str.strip, value.split(","))), 1):
            name, _, token = one.partition(":")
            if not _NAME.fullmatch(name) or not _TOKEN.fullmatch(token):
                raise ValueError(
                    f"number {number} is no name:token of letters, digits and -_ (a token also ~.+/=), "
                    f"with a token of {_LEAST_SECRET} characters at least"
                )
            if name in tokens or token in tokens.values():
                raise ValueError(f"number {number} has the name or the token of another one")
            tokens[name] = token
        return tokens

    @field_validator("ticket_keys")
    @classmethod
    def _are_keys(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        if any(len(key) < _LEAST_SECRET for key in keys):
            raise ValueError(f"a key has {_LEAST_SECRET} characters at least")
        return keys

    @field_validator("forwarded_allow_ips")
    @classmethod
    def _are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            try:
                if proxy != "*":
                    ip_network(proxy)
            except ValueError:
                raise ValueError(f"{proxy[:80]!r} is neither an address, a network nor *") from None
        return proxies

    @field_validator("frame_ancestors", "embed_ancestors", mode="before")
    @classmethod
    def _are_ancestors(cls, value: object) -> object:
        """Separated by commas, or by blanks as a policy has them."""
        if not isinstance(value, str):
            return value
        ancestors = tuple(map(_ancestor, value.replace(",", " ").split()))
        if not ancestors:
            raise ValueError("it holds nobody; none is for nobody")
        if "'none'" in ancestors and len(ancestors) > 1:
            raise ValueError("none must stand alone")
        return ancestors

    @field_validator("stream")
    @classmethod
    def _has_symbols(cls, stream: str, others: ValidationInfo) -> str:
        if stream not in MARKET_STREAMS and not others.data.get("symbols"):
            raise ValueError(
                f"{stream} needs SYMBOLS: of the whole market there is only "
                + " or ".join(MARKET_STREAMS)
            )
        return stream

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value


def load() -> Config:
    """Reads the settings, and what of them is secret; raises ConfigError."""
    try:
        config = Config()
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = str(first["loc"][0]).upper()
        said = first["msg"].removeprefix("Value error, ")
        # Without its cause, which holds the value.
        raise ConfigError(f"{name} is wrong: {said}.") from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError(".env or .env.local cannot be read as UTF-8.") from None
    for name, url in upstream.proxies().items():
        try:
            upstream.check_proxy(url)
        except ValueError as error:
            raise ConfigError(f"{name} is wrong: {error}.") from None
    try:
        upstream.check_authorities()
    except ValueError as error:
        raise ConfigError(f"SSL_CERT_FILE is wrong: {error}.") from None
    redaction.keep(redis_url.secrets(config.redis_url))
    for url in (*config.binance_ws, *config.binance_rest, *upstream.proxies().values()):
        redaction.keep(secrets(url))
    redaction.keep(_own_secrets(config))
    return config


def _own_secrets(config: Config) -> set[str]:
    """What of the settings is secret besides URLs, and how it is sent to us (RFC 7617)."""
    tokens = (*config.access_tokens.items(), *config.operator_tokens.items())
    basic = {b64encode(f"{name}:{token}".encode()).decode() for name, token in tokens}
    keys = {config.relay_secret.get_secret_value(), *config.ticket_keys}
    return basic | keys | {token for _, token in tokens}


class _Kept:
    """What this process has read before, or the one that it was forked from."""

    config: Config | None = None


def load_or_exit() -> Config:
    """Reads the settings, or ends the program with code 2 and one sentence.

    A program that has read them before goes on with those, and says so: a slip in .env must not end what
    serves.
    """
    try:
        _Kept.config = load()
    except ConfigError as error:
        if _Kept.config is None:
            print(error, file=sys.stderr)
            sys.exit(2)
        log.error("the settings stay as they were: %s", error)
    return _Kept.config


def _origin(text: str) -> str:
    """An origin as browsers send it (RFC 6454, 6.2), or "*"; raises ValueError."""
    if text == "*":
        return text
    origin = text.removesuffix("/").lower()
    found = _ORIGIN.fullmatch(origin)
    if found is None or not _port_is_valid(origin):
        raise ValueError(f"{text[:80]!r} is neither scheme://host nor scheme://host:port, nor *")
    scheme, port = found.groups()
    is_usual = port is not None and port == _USUAL_PORTS.get(scheme)
    return origin.removesuffix(f":{port}") if is_usual else origin


def _ancestor(text: str) -> str:
    """One that may show a page in a frame, as a policy spells it; raises ValueError. Quotes may be missing,
    since an .env file takes them for its own."""
    ancestor = text.removesuffix("/").lower()
    if ancestor.strip("'") in ("none", "self"):
        return "'" + ancestor.strip("'") + "'"
    if not _ANCESTOR.fullmatch(ancestor) or not _port_is_valid(ancestor.removesuffix(":*")):
        raise ValueError(f"{text[:80]!r} is neither none, self, * nor scheme://host")
    return ancestor


def _port_is_valid(url: str) -> bool:
    try:
        _ = urlsplit(url).port
    except ValueError:
        return False
    return True
