"""URLs of the settings, and which address a proxy's word gives."""

from contextlib import suppress
from ipaddress import ip_address

from pydantic import ValidationError

from relay.config import Config
from relay.exchange.streams import plan, rest_url
from relay.server.forwarded import Proxies
from relay.store.connect import connect
from tests.fuzz.target import Target

_TRUSTED = ("127.0.0.1", "::1", "10.0.0.0/8", "2001:db8::/32")
_PROXIES, _ALL = Proxies(_TRUSTED), Proxies(("*",))
#: Stands for a password, wherever one is written.
_SECRET = "h0rsebattery"  # noqa: S105 - of nobody
_KINDS = ("redis_url", "binance_ws", "binance_rest", "allowed_origins", "forwarded_allow_ips")


def check_urls(data: bytes) -> None:
    """The first byte says which setting the rest is for."""
    kind = _KINDS[data[0] % len(_KINDS)] if data else _KINDS[0]
    text = data[1:].decode("latin-1")
    said = _read(kind, text)
    assert said == _read(kind, text), "another result the second time"
    if kind == "redis_url" and isinstance(said, Config) and not said.in_process:
        # What the start lets pass makes no trouble later.
        connect(said.redis_url)
    if isinstance(said, str) and kind in _KINDS[:3]:
        assert _SECRET not in said, "a secret in a refusal"
    if kind == "binance_ws" and isinstance(said, Config):
        for url in said.binance_ws:
            _judge_stream_url(url)


def _read(kind: str, text: str) -> Config | str:
    try:
        return Config(_env_file=None, **{kind: text})
    except ValidationError as refused:
        return str(refused.errors()[0]["msg"])


def _judge_stream_url(url: str) -> None:
    planned = plan(url)
    assert planned.dials
    assert all(dial.url for dial in planned.dials)
    assert rest_url(url).startswith("http")


def check_forwarded(data: bytes) -> None:
    """A line with the peer's address, a line of X-Forwarded-For."""
    peer, _, said = data.decode("latin-1").partition("\n")
    for proxies in (_PROXIES, _ALL):
        client = proxies.client(peer, said)
        assert client == proxies.client(peer, said), "another result the second time"
        if not proxies.trusts(peer):
            assert client == peer, "a stranger's word counted"
        if client == peer:
            continue
        assert str(ip_address(client)), "no address"
        assert len(client) <= 100
        # What a client puts in front of what a proxy added changes nothing, unless all are trusted.
        if not proxies.trusts(client):
            assert proxies.client(peer, "192.0.2.7, " + said) == client
    with suppress(ValueError):
        Proxies([peer])


URLS = Target(
    "urls",
    check_urls,
    seeds=(
        b"\x00redis://user:h0rsebattery@redis.example:6379/3?protocol=3",
        b"\x00redis+sentinel://user:h0rsebattery@a:26379,b/service/2?sentinel_password=h0rsebattery",
        b"\x00unix:///run/redis.sock?db=1",
        b"\x00memory://",
        b"\x01wss://stream.binance.com:9443/stream?streams=btcusdt@trade/ethusdt@miniTicker",
        b"\x01ws://127.0.0.1:9443/ws/btcusdt@trade,simulator:",
        b"\x02https://api.binance.com/,http://[::1]:80",
        b"\x03https://example.com:443,http://*",
        b"\x0410.0.0.0/8,::1,*",
    ),
    words=(
        *(
            b"redis://",
            b"rediss+sentinel://",
            b"wss://",
            b"https://",
            b"@",
            b":",
            b"/",
            b"?",
            b"#",
            b"%",
        ),
        *(
            b"[::1]",
            b"[",
            b"]",
            b":99999",
            b":-1",
            b":0",
            b"%40",
            b"%zz",
            b",",
            b" ",
            b"\n",
            b"\0",
            b"?bogus=1",
        ),
        *(
            b"streams=",
            b"u:h0rsebattery@",
            b"h0rsebattery#",
            b"!miniTicker@arr",
            b"!ticker@arr",
            b"\xb2",
            b":\xb2",
            b"localhost",
            b"..",
            b"\xe9",
        ),
    ),
)
FORWARDED = Target(
    "forwarded",
    check_forwarded,
    seeds=(
        b"127.0.0.1\n203.0.113.9, 10.1.2.3",
        b"::1\n[2001:db8::5]:443, 198.51.100.4:80",
        b"192.0.2.1\n1.2.3.4",
        b"\n::ffff:127.0.0.1, fe80::1%eth0",
    ),
    words=(
        *(
            b"127.0.0.1",
            b"10.0.0.1",
            b"203.0.113.9",
            b"::1",
            b"2001:db8::1",
            b"[::1]:80",
            b"::ffff:10.0.0.1",
        ),
        *(
            b",",
            b", ",
            b":",
            b":80",
            b"[",
            b"]",
            b"%",
            b"%eth0",
            b"unknown",
            b"_hidden",
            b"\n",
            b"\t",
            b"\xb2",
        ),
        *(b"256.1.1.1", b"01.2.3.4", b"," * 300, b"0x7f.1"),
    ),
)
