"""Who asks: addresses, what they hold and spend, and whom a proxy speaks for."""

import pytest

from relay.server import visitors
from relay.server.bounds import UNBOUNDED, Bounds
from relay.server.bucket import Bucket
from relay.server.forwarded import Proxies, scheme
from relay.server.visitors import Visitors, network

NARROW = Bounds(streams=1)


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    bucket = Bucket()
    assert [bucket.take(1, 2, 4, 10.0) for _ in range(4)] == [0, 0, 0, 0]
    assert bucket.take(1, 2, 4, 10.0) == 0.5
    assert bucket.take(1, 2, 4, 10.5) == 0
    assert bucket.take(1, 2, 4, 10.5) == 0.5


def test_a_refusal_costs_nothing() -> None:
    bucket = Bucket()
    bucket.take(4, 2, 4, 0.0)
    for _ in range(100):
        bucket.take(1, 2, 4, 0.0)
    assert bucket.left(2, 4, 1.0) == 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_what_one_customer_has_is_one_visitor(one: str, other: str, same: bool) -> None:
    assert (network(one) == network(other)) is same


def test_visitors_that_hold_nothing_are_forgotten_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(visitors, "MAX_VISITORS", 10)
    known = Visitors(lambda: 100.0)
    holding = known.find("10.0.0.1")
    holding.streams = 1
    spent = known.find("10.0.0.2")
    spent.opens.take(1, 1, 4, 100.0)
    for number in range(50):
        known.find(f"10.0.1.{number}")
    assert len(known) <= 10
    assert known.find("10.0.0.1") is holding
    assert known.find("10.0.0.2") is spent


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [
        ("9.9.9.9", "1.1.1.1", "9.9.9.9"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("127.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"),
        ("127.0.0.1", "6.6.6.6, 1.1.1.1, 10.1.2.3", "1.1.1.1"),
        ("127.0.0.1", "6.6.6.6, rubbish", "127.0.0.1"),
        ("127.0.0.1", "6.6.6.6, rubbish, 10.0.0.1", "10.0.0.1"),
        ("127.0.0.1", "1.1.1.1:4711", "1.1.1.1"),
        ("127.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"),
        ("::ffff:127.0.0.1", "1.1.1.1", "1.1.1.1"),
        ("127.0.0.1", "fe80::1%" + "x" * 5000, "fe80::1"),
        ("", "1.1.1.1", "1.1.1.1"),
    ],
)
def test_only_what_a_trusted_proxy_added_counts(peer: str, said: str, client: str) -> None:
    assert Proxies(["127.0.0.1", "10.0.0.0/8"]).client(peer, said) == client


def test_with_everybody_trusted_the_first_of_the_list_is_the_client() -> None:
    assert Proxies(["*"]).client("9.9.9.9", "1.1.1.1, 2.2.2.2") == "1.1.1.1"


def test_with_everybody_trusted_everybody_has_limits() -> None:
    everybody = Proxies(["*"])
    assert everybody.trusts("9.9.9.9")
    known = Visitors(is_proxy=everybody.names, bounds=NARROW)
    assert known.find("9.9.9.9").bounds == NARROW
    assert known.find("127.0.0.1").bounds == NARROW
    assert known.find("").bounds == UNBOUNDED


def test_a_proxy_that_is_named_has_none_for_what_it_asks_itself() -> None:
    proxies = Proxies(["127.0.0.1", "10.0.0.0/8"])
    known = Visitors(is_proxy=proxies.names, bounds=NARROW)
    assert known.find("::ffff:127.0.0.1").bounds == UNBOUNDED
    assert known.find("10.1.2.3").bounds == UNBOUNDED
    assert known.find("9.9.9.9").bounds == NARROW


@pytest.mark.parametrize(
    ("said", "wanted"), [("https", "https"), ("http, HTTPS", "https"), ("", "http"), ("x", "http")]
)
def test_the_scheme_is_what_the_proxy_says(said: str, wanted: str) -> None:
    assert scheme(said) == wanted
