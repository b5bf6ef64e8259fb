"""What every answer says beside its content: what a page may do, who may frame it, and its compression."""

import gzip
import re
from collections.abc import Callable
from functools import partial
from html.parser import HTMLParser

import gevent
import pytest
from flask import Request, Response
from flask.testing import FlaskClient
from werkzeug.test import EnvironBuilder

from relay.batch import Batch
from relay.config import Config
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.feed_status import FeedStatus
from relay.ticker import Ticker
from relay.turn import give_turn
from relay.web import packed, pages
from relay.web.compression import compress
from relay.web.preferences import MAX_LIST
from relay.web.site import create_site
from tests.archive import nothing_past
from tests.scribe import DAY, now

GZIP = {"Accept-Encoding": "gzip, br"}
HTML = {"Accept": "text/html"}
#: Every kind of page: as it should be, and as it may be instead.
PAGES = ["/", "/?all", "/symbols/S1USDT", "/symbols/NONE", "/nothing"]


def full_hub() -> Hub:
    hub = Hub(Health())
    tickers = [
        Ticker(f"S{number}USDT", "1", "trade", now(), now(), **DAY) for number in range(1300)
    ]
    hub.take(Batch("e1", 0, len(tickers), FeedStatus("live", time=now(), age=0.0), tickers))
    return hub


def client_of(hub: Hub, **settings: object) -> FlaskClient:
    config = Config(_env_file=None, **settings)
    return create_site(hub, config, nothing_past()).test_client()


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return client_of(full_hub())


def policy(client: FlaskClient, path: str) -> dict[str, str]:
    text = client.get(path, headers=HTML).headers["Content-Security-Policy"]
    return dict(part.strip().split(" ", 1) for part in text.split(";"))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_may_load_nothing_but_what_this_relay_serves(client: FlaskClient, path: str) -> None:
    said = policy(client, path)
    assert said["default-src"] == "'none'"
    assert said["frame-ancestors"] == "'none'"
    assert {said[f"{kind}-src"] for kind in ("script", "style", "connect")} == {"'self'"}
    assert not re.search(r"unsafe|data:|https?:|\*", str(said))
    headers = client.get(path, headers=HTML).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]


def test_a_page_that_cannot_be_made_has_the_same_policy() -> None:
    client = client_of(Hub(Health()))
    for path, status in (("/symbols/A", 503), ("/nothing", 404), ("/symbols/", 404)):
        answer = client.get(path, headers=HTML)
        assert (answer.status_code, answer.mimetype) == (status, "text/html")
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


class Inline(HTMLParser):
    """Notes what a policy without unsafe-inline would not let through."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        names = dict(attributes)
        if tag == "style" or (tag == "script" and "src" not in names):
            self.found.append(tag)
        self.found += [name for name in names if name == "style" or name.startswith("on")]
        links = [names.get("href"), names.get("src")]
        self.found += [link for link in links if link and link.lower().startswith("javascript:")]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_nothing_inline(client: FlaskClient, path: str) -> None:
    inline = Inline()
    inline.feed(client.get(path, headers=HTML).text)
    assert inline.found == []


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("self", "'self'"),
        ("'self'", "'self'"),
        ("none", "'none'"),
        ("*", "*"),
        (
            "https://a.example/, https://*.B.example:8443",
            "https://a.example https://*.b.example:8443",
        ),
        ("self https://[::1]:* https:", "'self' https://[::1]:* https:"),
    ],
)
def test_who_may_frame_pages_is_a_setting(setting: str, said: str) -> None:
    client = client_of(Hub(Health()), frame_ancestors=setting)
    assert policy(client, "/")["frame-ancestors"] == said


def test_a_page_may_have_a_frame_policy_of_its_own() -> None:
    hub = full_hub()
    site = client_of(hub).application
    with site.test_request_context("/"):
        answer = site.process_response(
            pages.page("notice.html", hub, ancestors=("https://a.example",), title="", said="")
        )
    assert answer.headers["Content-Security-Policy"].endswith("frame-ancestors https://a.example")
    assert answer.headers.getlist("Content-Security-Policy") == [
        answer.headers["Content-Security-Policy"]
    ]


@pytest.mark.parametrize("path", ["/", "/?all", "/symbols/S1USDT", "/api/prices"])
def test_answers_are_compressed_for_those_who_take_it(client: FlaskClient, path: str) -> None:
    plain, zipped = client.get(path), client.get(path, headers=GZIP)
    assert "Content-Encoding" not in plain.headers
    assert zipped.headers["Content-Encoding"] == "gzip"
    assert zipped.content_length == len(zipped.data) < len(plain.data) / 2
    assert len(gzip.decompress(zipped.data)) == pytest.approx(len(plain.data), abs=200)
    for answer in (plain, zipped):
        assert "Accept-Encoding" in answer.headers["Vary"]
    for refused in ("gzip;q=0", "br", "identity", "gzip;q=0.5, identity", "*;q=0"):
        answer = client.get(path, headers={"Accept-Encoding": refused})
        assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    ("name", "value"), [("Accept", "text/csv;q=0.1,"), ("Accept-Encoding", "gzip;q=0.1,")]
)
def test_a_list_of_preferences_that_takes_long_to_read_is_none(
    client: FlaskClient, name: str, value: str
) -> None:
    fits, long = value * (MAX_LIST // len(value)), value * (MAX_LIST // len(value) + 1)
    plain = client.get("/api/prices")
    preferred, answer = (client.get("/api/prices", headers={name: said}) for said in (fits, long))
    told = ("Content-Type", "Content-Encoding")
    assert [answer.headers.get(each) for each in told] == [plain.headers.get(each) for each in told]
    assert [preferred.headers.get(each) for each in told] != [
        plain.headers.get(each) for each in told
    ]


def test_a_small_answer_is_left_alone(client: FlaskClient) -> None:
    for path in ("/livez", "/api/prices/S1USDT", "/api/prices?symbols=S1USDT", "/nothing"):
        assert "Content-Encoding" not in client.get(path, headers=GZIP).headers


@pytest.mark.parametrize("refusal", ["gzip, identity;q=0", "gzip;q=0.5, *;q=0"])
def test_who_refuses_the_plain_form_gets_gzip_however_small(
    client: FlaskClient, refusal: str
) -> None:
    for path in ("/livez", "/api/prices/S1USDT", "/api/prices?symbols=S1USDT", "/nothing"):
        answer = client.get(path, headers={"Accept-Encoding": refusal})
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(answer.data)


def test_a_stream_is_never_compressed_as_an_answer(client: FlaskClient) -> None:
    answer = client.head("/events", headers=GZIP)
    assert answer.mimetype == "text/event-stream"
    assert "Content-Encoding" not in answer.headers


def _shared(body: bytes) -> bytes:
    return packed.Packed(packed.Packer(), body).gzip()


def _of_one_request(body: bytes) -> bytes:
    answer = Response(body, content_type="text/plain")
    compress(Request(EnvironBuilder(headers=GZIP).get_environ()), answer)
    return answer.get_data()


@pytest.mark.parametrize("zipped", [_shared, _of_one_request])
def test_compressing_a_large_answer_lets_the_others_run(
    zipped: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[None] = []

    def counted() -> None:
        turns.append(None)
        give_turn()

    monkeypatch.setattr(packed, "stand_in_line", counted)
    body = b"".join(b"%d," % number for number in range(100_000))
    with gevent.Timeout(20):
        answered = zipped(body)
    assert gzip.decompress(answered) == body
    assert len(turns) == len(body) // packed.BYTES_PER_TURN


def test_all_who_ask_for_the_market_at_once_share_one_compression(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = client_of(full_hub())
    plain = client.get("/?all").get_data()
    deflate, deflated = packed._deflated, []

    def counted(part: bytes) -> bytes:
        if len(part) > len(plain) // 2:
            deflated.append(part)
        return deflate(part)

    monkeypatch.setattr(packed, "_deflated", counted)
    ask = partial(client.application.test_client().get, "/?all", headers=GZIP)
    asking = [gevent.spawn(ask) for _ in range(100)]
    gevent.joinall(asking, timeout=20)
    assert len(deflated) == 1
    bodies = [gzip.decompress(each.value.get_data()) for each in asking]
    assert all(deflated[0] in body for body in bodies)
    assert all(each.value.headers["Vary"] == "Accept-Encoding" for each in asking)
