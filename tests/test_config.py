"""Settings: where they come from, and what a wrong one leads to."""

import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from relay.config import LIVE, SIMULATOR, Config, ConfigError, load
from tests.processes import ROOT

#: Variables that name proxies, and so are settings too.
PROXIES = ("https_proxy", "http_proxy", "all_proxy", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
#: What no sentence may repeat.
PLANTED = "s3cr3t"


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("REDIS_URL", "BINANCE_WS", "PORT", "SIMULATOR_FALLBACK", *PROXIES):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_without_settings_it_is_in_process_on_port_3001_and_live() -> None:
    config = load()
    assert (config.in_process, config.port, config.sources) == (True, 3001, LIVE)


def test_environment_wins_over_env_local_which_wins_over_env(
    empty_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_directory / ".env").write_text("PORT=1\nHOST=1.1.1.1\nMAX_CLIENTS=1\n")
    (empty_directory / ".env.local").write_text("PORT=2\nHOST=2.2.2.2\n")
    monkeypatch.setenv("PORT", "3")
    config = load()
    assert (config.port, config.host, config.max_clients) == (3, "2.2.2.2", 1)


def test_several_urls_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINANCE_WS", " wss://a/ws/x , ws://b/stream?streams=y/z ,")
    monkeypatch.setenv("SIMULATOR_FALLBACK", "1")
    assert load().sources == ("wss://a/ws/x", "ws://b/stream?streams=y/z", SIMULATOR)


@pytest.mark.parametrize(
    "url",
    [
        f"rediss://user:pw@host:6380/1?ssl_ca_certs={__file__}",
        "unix:///run/redis.sock",
        "redis+sentinel://a:26379,b/mymaster",
        "rediss+sentinel://user:pw@a:1,b:2/mymaster/3?sentinel_password=x",
    ],
)
def test_redis_is_reached_in_many_ways(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", url)
    assert load().redis_url == url


def test_a_stream_of_single_symbols_is_taken_where_there_are_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SYMBOLS", "BTCUSDT, 币安人生USDT")
    monkeypatch.setenv("STREAM", "trade")
    assert (load().symbols, load().stream) == (("BTCUSDT", "币安人生USDT"), "trade")


def test_origins_are_taken_as_browsers_send_them(monkeypatch: pytest.MonkeyPatch) -> None:
    written = "https://A.example/, http://b.example:80, https://c:8443,http://[::1]:3000,*"
    monkeypatch.setenv("ALLOWED_ORIGINS", written)
    assert load().allowed_origins == (
        "https://a.example",
        "http://b.example",
        "https://c:8443",
        "http://[::1]:3000",
        "*",
    )


def test_an_empty_value_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    assert load().in_process


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://localhost:port"),
        ("REDIS_URL", "redis+sentinel://localhost:26379"),
        ("REDIS_URL", "redis+sentinel:///mymaster"),
        ("RELAY_SECRET", "fifteen letters"),
        ("SYMBOLS", "BTC/USDT"),
        ("STREAM", "trades"),
        ("STREAM", "trade"),
        ("BINANCE_REST", "api.binance.com"),
        ("REST_SECONDS", "1"),
        ("FEED_SILENCE_SECONDS", "0"),
        ("BINANCE_WS", "https://stream.binance.com"),
        ("BINANCE_WS", "wss://"),
        ("BINANCE_WS", ","),
        ("HEARTBEAT_SECONDS", "0"),
        ("LOG_LEVEL", "loud"),
        ("MAX_CLIENTS", "many"),
        ("ALLOWED_ORIGINS", ","),
        ("ALLOWED_ORIGINS", "example.com"),
        ("ALLOWED_ORIGINS", "https://a.example, example.com:443"),
        ("ALLOWED_ORIGINS", "https://a.example/path"),
        ("ALLOWED_ORIGINS", "https://a.example//"),
        ("ALLOWED_ORIGINS", "https://*.example"),
        ("ALLOWED_ORIGINS", "https://bücher.example"),
        ("ALLOWED_ORIGINS", "https://a.example:65536"),
        ("ALLOWED_ORIGINS", "https://user@a.example"),
        ("ALLOWED_ORIGINS", "https://"),
        ("ALLOWED_ORIGINS", "**"),
        ("FRAME_ANCESTORS", ","),
        ("FRAME_ANCESTORS", "example.com"),
        ("FRAME_ANCESTORS", "none, https://a.example"),
        ("FRAME_ANCESTORS", "https://a.example; script-src *"),
        ("FRAME_ANCESTORS", "https://a.example/path"),
        ("FRAME_ANCESTORS", "https://a.*.example"),
        ("FRAME_ANCESTORS", "https://a.example:99999"),
        ("EMBED_ANCESTORS", "'unsafe-inline'"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_the_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=rf"^{name} is wrong: [^\n]+\.$"):
        load()


@pytest.mark.parametrize(
    ("name", "value", "mistake"),
    [
        ("REDIS_URL", "redis://relay:s3cr3t@localhost:port", "the port is no number"),
        ("REDIS_URL", "redis://relay:s3cr3t@localhost:0", "the port is none"),
        ("REDIS_URL", "redis://relay:s3cr3t@localhost:65536", "the port is none"),
        ("REDIS_URL", "redis://relay:s3cr3t@", "it names no host"),
        ("REDIS_URL", "redis://:12#s3cr3t@10.0.0.1/0", "as %23"),
        ("REDIS_URL", "redis://relay:12345#s3cr3t@10.0.0.1:6379/0", "as %23"),
        ("REDIS_URL", "redis://relay:12/s3cr3t@10.0.0.1:6379/0", "percent-encode /"),
        ("REDIS_URL", "redis://relay:12?s3cr3t=1@10.0.0.1:6379/0", "percent-encode /"),
        ("REDIS_URL", "redis://relay:12?s3cr3t@10.0.0.1:6379/0", "the query is no list"),
        ("REDIS_URL", "redis://relay:s3cr3t/x@10.0.0.1:6379/0", "percent-encode a /"),
        ("REDIS_URL", "redis://relay:s3cr3t@x@10.0.0.1", "@ as %40"),
        ("REDIS_URL", "redis://relay:s3cr3t%@10.0.0.1", "as %25"),
        ("REDIS_URL", "redis://relay:s3cr3t\tx@10.0.0.1", "percent-encode it"),
        ("REDIS_URL", "redis://relay:s3cr3té@10.0.0.1", "percent-encode it"),
        ("REDIS_URL", "redis://relay:s3cr3t@höst", "is no host"),
        ("REDIS_URL", "redis://relay:s3cr3t@[::g]", "is no host"),
        ("REDIS_URL", "redis://relay:s3cr3t@[:::]", "no IPv6 address"),
        ("REDIS_URL", "redis://relay:s3cr3t@a,b", "it names several hosts"),
        ("REDIS_URL", "redis://relay:s3cr3t@host/s3cr3t", "the database in its path"),
        ("REDIS_URL", "redis://relay:s3cr3t@host/1?db=2", "the database twice"),
        ("REDIS_URL", "redis://relay:s3cr3t@host?db=s3cr3t", "its option db is no number"),
        ("REDIS_URL", "redis://relay:s3cr3t@host?bogus=s3cr3t", "an option bogus, which"),
        ("REDIS_URL", "redis://relay:s3cr3t@host?s3cr3t!=1", "an option that is no name"),
        ("REDIS_URL", "redis://relay:s3cr3t@host?protocol=3", "protocol, which the relay sets"),
        ("REDIS_URL", "redis://relay:s3cr3t@host?socket_timeout=9", "socket_timeout, which the"),
        ("REDIS_URL", "redis://host?password=s3cr3t", "user and password come before the host"),
        ("REDIS_URL", "redis://host?db=1&db=1", "the option db twice"),
        ("REDIS_URL", "redis://host?ssl_ca_certs=/s3cr3t", "ssl_ca_certs, which is for rediss"),
        ("REDIS_URL", "rediss://host?ssl_ca_certs=/s3cr3t", "no file that is there"),
        ("REDIS_URL", "rediss://host?ssl_cert_reqs=s3cr3t", "neither required nor none"),
        ("REDIS_URL", "rediss://host?ssl_check_hostname=s3cr3t", "neither true nor false"),
        ("REDIS_URL", "redis://host?sentinel_password=s3cr3t", "which is for redis+sentinel"),
        ("REDIS_URL", "unix://relay:s3cr3t@run/redis.sock", "a socket has no host"),
        ("REDIS_URL", "unix://relay:s3cr3t@/", "it names no socket"),
        ("REDIS_URL", "redis+sentinel://relay:s3cr3t@/mymaster", "it names no sentinel"),
        ("REDIS_URL", "redis+sentinel://relay:s3cr3t@a,b", "it names no service"),
        ("REDIS_URL", "redis+sentinel://relay:s3cr3t@a:1:/mymaster", "the port is no number"),
        ("REDIS_URL", "redis+sentinel://relay:s3cr3t@a/mymaster/x", "the database in its path"),
        ("REDIS_URL", "s3cr3t", "it is no redis://"),
        ("BINANCE_WS", "wss://relay:s3cr3t@host", "user and password are not supported"),
        ("BINANCE_WS", "wss://host:1/s3cr3t", "its path is none of"),
        ("BINANCE_WS", "wss://a:12/s3cr3t@host/ws", "its path is none of"),
        ("BINANCE_WS", "wss://a:12?s3cr3t=x@host/ws", "an @ outside of streams"),
        ("BINANCE_WS", "wss://host/ws/a@trade#s3cr3t", "as %23"),
        ("BINANCE_WS", "wss://host, https://s3cr3t", "it is no ws:// or wss:// URL"),
        ("BINANCE_REST", "https://relay:s3cr3t@host", "user and password are not supported"),
        ("BINANCE_REST", "https://host?key=s3cr3t", "a query, are not supported"),
        ("BINANCE_REST", "https://a:12/s3cr3t@host", "are not supported"),
        ("BINANCE_REST", "ftp://s3cr3t", "it is no http:// or https:// URL"),
        ("https_proxy", "http://relay:s3cr3t@host:port", "the port is no number"),
        ("HTTPS_PROXY", "https://relay:s3cr3t@host:1", "it is no http:// or socks5://"),
        ("all_proxy", "socks5h://relay:s3cr3t@host:port", "the port is no number"),
        ("SSL_CERT_FILE", "/s3cr3t", "no file that is there"),
        ("http_proxy", "relay:s3cr3t@host:1", "it is no URL"),
        ("HTTP_PROXY", "http://relay:12/s3cr3t@host:1", "it has a path"),
        ("http_proxy", "http://relay:s3cr3t#x@host:1", "as %23"),
    ],
)
def test_a_wrong_url_is_explained_and_never_repeated(
    name: str, value: str, mistake: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=rf"^{name} is wrong: [^\n]+\.$") as raised:
        load()
    assert mistake in str(raised.value)
    shown = "".join(traceback.format_exception(raised.value))
    assert not any(part in shown for part in (PLANTED, "12345", "10.0.0.1"))


def test_proxies_of_every_kind_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5h://relay:x@host:1")
    monkeypatch.setenv("https_proxy", "http://relay:x%23y@host:3128")
    assert load().in_process


def test_settings_are_shown_without_urls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", f"redis://:{PLANTED}@host")
    monkeypatch.setenv("BINANCE_WS", f"ws://host/ws?listenKey={PLANTED}")
    assert PLANTED not in repr(load())


def test_a_file_that_is_no_text_is_a_sentence_too(empty_directory: Path) -> None:
    (empty_directory / ".env").write_bytes(b"REDIS_URL=redis://:\xff\xfe@host\n")
    with pytest.raises(ConfigError, match=r"cannot be read as UTF-8\.$"):
        load()


@pytest.mark.parametrize("secret", ["too short", "long enough to be one"])
def test_a_secret_is_never_shown(secret: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_SECRET", secret)
    try:
        shown = repr(load())
    except ConfigError as error:
        shown = str(error)
    assert secret not in shown


def start(*command: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Starts the relay where it is expected to end at once."""
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_quotes_of_a_policy_may_be_missing_as_an_env_file_takes_them_away(
    empty_directory: Path,
) -> None:
    (empty_directory / ".env").write_text("FRAME_ANCESTORS='self'\nEMBED_ANCESTORS=none\n")
    assert load().frame_ancestors == ("'self'",)
    assert load().embed_ancestors == ("'none'",)


@pytest.mark.parametrize(
    "command", [["listener.py"], ["-m", "gunicorn", "-k", "geventwebsocket", "app:app"]]
)
@pytest.mark.parametrize("url", ["redis://:12#34@127.0.0.1:1", "redis://:1234@127.0.0.1:1?x=1"])
def test_a_wrong_value_ends_the_start_with_code_2(command: list[str], url: str) -> None:
    done = start(*command, REDIS_URL=url)
    assert done.returncode == 2
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert done.stderr.startswith("REDIS_URL is wrong: ")
    assert "34" not in done.stderr


def test_more_than_one_worker_without_redis_is_refused() -> None:
    gunicorn = ("-m", "gunicorn", "-k", "geventwebsocket", "-w", "2", "-b", "127.0.0.1:0")
    done = start(*gunicorn, "app:app", REDIS_URL="memory://")
    assert done.returncode == 2
    assert "REDIS_URL must name a Redis server to run more than one worker" in done.stderr


def test_a_listener_without_redis_is_refused() -> None:
    done = start("listener.py", REDIS_URL="memory://")
    assert done.returncode == 2
    assert "REDIS_URL must name a Redis server" in done.stderr


def test_the_example_file_names_every_setting() -> None:
    text = (ROOT / ".env.example").read_text()
    assert [name for name in Config.model_fields if f"{name.upper()}=" not in text] == []
