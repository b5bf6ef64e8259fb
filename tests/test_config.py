"""Settings: where they come from, and what a wrong one leads to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from relay.config import LIVE, SIMULATOR, Config, ConfigError, load
from tests.processes import ROOT


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("REDIS_URL", "BINANCE_WS", "PORT", "SIMULATOR_FALLBACK"):
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
        "rediss://user:pw@host:6380/1?ssl_ca_certs=/ca.pem",
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
def test_a_wrong_value_ends_the_start_with_code_2(command: list[str]) -> None:
    done = start(*command, PORT="http", REDIS_URL="redis://127.0.0.1:1")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("PORT is wrong: ")


def test_more_than_one_worker_without_redis_is_refused() -> None:
    gunicorn = ("-m", "gunicorn", "-k", "geventwebsocket", "-w", "2", "-b", "127.0.0.1:0")
    done = start(*gunicorn, "app:app", REDIS_URL="memory://")
    assert done.returncode == 2
    assert "REDIS_URL must name a Redis server to run more than one worker" in done.stderr


def test_tls_is_refused() -> None:
    gunicorn = ("-m", "gunicorn", "-k", "geventwebsocket", "-b", "127.0.0.1:0")
    done = start(*gunicorn, "--certfile", "any.pem", "app:app")
    assert done.returncode == 2
    assert "leave TLS to a proxy" in done.stderr


def test_a_listener_without_redis_is_refused() -> None:
    done = start("listener.py", REDIS_URL="memory://")
    assert done.returncode == 2
    assert "REDIS_URL must name a Redis server" in done.stderr


def test_the_example_file_names_every_setting() -> None:
    text = (ROOT / ".env.example").read_text()
    assert [name for name in Config.model_fields if f"{name.upper()}=" not in text] == []
