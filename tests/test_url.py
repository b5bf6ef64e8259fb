"""What a URL is said as, and what of it is secret."""

import logging

import pytest

from relay import redaction, redis_url
from relay.redaction import RedactingFormatter, redacted
from relay.redis_url import read
from relay.store.connect import connect
from relay.url import secrets, shown

KEY = "k" * 60


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("wss://stream.binance.com:9443", "wss://stream.binance.com:9443"),
        ("ws://[::1]:1/ws/btcusdt@trade", "ws://[::1]:1/ws/btcusdt@trade"),
        ("ws://h/ws/!miniTicker@arr", "ws://h/ws/!miniTicker@arr"),
        ("ws://h/stream?streams=a@trade/b@trade", "ws://h/stream?streams=a@trade/b@trade"),
        (f"ws://h/ws/{KEY}", "ws://h/ws/…"),
        (f"ws://h/ws/{KEY}@account", "ws://h/ws/…"),
        (f"ws://h/ws/{KEY}%40account", "ws://h/ws/…"),
        (f"ws://h/stream?streams=a@trade/{KEY}", "ws://h/stream?streams=a@trade/…"),
        ("ws://h/ws?listenKey=x&streams=a@trade", "ws://h/ws?streams=a@trade&…"),
        ("ws://user:pw@h/ws", "ws://h/ws"),
        ("https://h/token/api", "https://h/…/…"),
        ("ws://user:p#w@h/ws", "…"),
        ("user:pw", "…"),
    ],
)
def test_a_url_is_said_without_what_may_be_a_key(url: str, said: str) -> None:
    assert shown(url) == said


def test_a_secret_is_known_in_every_form_in_which_it_travels() -> None:
    assert secrets("http://user:p%23ss@h:1") == {"p%23ss", "p#ss", "dXNlcjpwI3Nz"}
    assert secrets("redis://only-a-user@h") == {"only-a-user"}
    assert secrets(f"ws://h/ws/{KEY}?signature=s") == {KEY, "s"}
    assert secrets("ws://h/stream?streams=a@trade") == set()


def test_a_log_holds_no_secret_whoever_writes_it() -> None:
    redaction.keep(["hunter2", "hunter2-longer", "a"])
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s and a %s", ("hunter2-longer", 1), None)
    assert RedactingFormatter(logging.Formatter()).format(record) == "… and a 1"
    try:
        raise ValueError("hunter2")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    assert "hunter2" not in RedactingFormatter(logging.Formatter()).format(record)
    assert redacted("no such thing") == "no such thing"


def test_every_option_of_a_redis_url_is_honoured_on_every_form() -> None:
    tls = f"ssl_cert_reqs=none&ssl_check_hostname=0&ssl_ca_certs={__file__}"
    for url in (
        f"rediss://u:p%2Fw@h:1/3?{tls}",
        f"rediss+sentinel://u:p%2Fw@h:1/master/3?{tls}",
        f"rediss+sentinel://u:p%2Fw@h:1/master?db=3&{tls}",
    ):
        made = connect(url).connection_pool.connection_kwargs
        assert [made[name] for name in ("username", "password", "db")] == ["u", "p/w", 3]
        assert [made[f"ssl_{name}"] for name in ("cert_reqs", "check_hostname", "ca_certs")] == [
            "none",
            False,
            __file__,
        ]
    made = connect("unix://u:p@/run/a%20b.sock?db=3").connection_pool.connection_kwargs
    assert [made[name] for name in ("path", "username", "password", "db")] == [
        "/run/a b.sock",
        "u",
        "p",
        3,
    ]


def test_words_of_a_redis_url_that_are_no_secrets_are_none() -> None:
    query = "sentinel_username=watcher&sentinel_password=p%2Fw&ssl_check_hostname=false"
    assert redis_url.secrets(f"rediss+sentinel://u:p%23ss@h/relay/0?{query}") == {
        *("p%23ss", "p#ss", "dTpwI3Nz"),
        *("p%2Fw", "p/w"),
    }
    assert redis_url.secrets("unix:///run/redis/redis.sock?db=0") == set()
    assert redis_url.secrets("redis://token@h") == {"token"}
    assert redis_url.secrets("memory://") == set()


def test_ports_of_redis_and_of_its_sentinels_need_not_be_named() -> None:
    assert read("redis://h").hosts == (("h", 6379),)
    assert read("redis+sentinel://h,[::1]:2/master").hosts == (("h", 26379), ("::1", 2))
