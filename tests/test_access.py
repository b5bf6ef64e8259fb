"""Who may use the relay: tokens, tickets, operators, and the pages of other origins."""

import time
from hashlib import sha256

import pytest
from flask.testing import FlaskClient
from itsdangerous import TimestampSigner

from relay.config import Config, ConfigError, load
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.server import visitors
from relay.web.access import LEEWAY_SECONDS, Access
from relay.web.site import create_site
from tests.archive import nothing_past

TOKEN, OTHER, OPERATOR = "t" * 16, "u" * 16, "o" * 16
NEW, OLD = "new key, new key!", "old key, old key!"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
GUARDED = (
    "/", "/?wall", "/symbols/BTCUSDT", "/embed/BTCUSDT", "/events", "/ws", "/api/prices", "/api/prices.csv",
    "/api/prices/BTCUSDT", "/api/history/BTCUSDT", "/selftest", "/nothing",
)  # fmt: skip
OPEN = ("/livez", "/static/relay.js")


def site(**settings: object) -> FlaskClient:
    return create_site(
        Hub(Health()), Config(_env_file=None, **settings), nothing_past()
    ).test_client()  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def guarded() -> FlaskClient:
    return site(access_tokens={"desk": TOKEN, "bot": OTHER}, ticket_keys=(NEW, OLD))


@pytest.mark.parametrize("path", GUARDED)
def test_without_a_token_nothing_is_shown(guarded: FlaskClient, path: str) -> None:
    answer = guarded.get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", OPEN)
def test_probes_and_scripts_are_open(guarded: FlaskClient, path: str) -> None:
    assert guarded.get(path).status_code == 200


def test_a_person_is_asked_for_name_and_token(guarded: FlaskClient) -> None:
    asked = guarded.get("/", headers={"Accept": "text/html"})
    assert (asked.status_code, asked.headers["WWW-Authenticate"][:5]) == (401, "Basic")
    assert guarded.get("/", auth=("desk", TOKEN)).status_code != 401
    assert guarded.get("/", auth=("bot", TOKEN)).status_code == 401


@pytest.mark.parametrize(
    "authorization",
    [
        f"Bearer {'x' * 16}",
        "Bearer",
        f"Basic {TOKEN}",
        f"Token {TOKEN}",
        "Bearer \xff",
        "\0",
        TOKEN,
    ],
)
def test_a_wrong_token_is_none(guarded: FlaskClient, authorization: str) -> None:
    assert guarded.get("/api/prices", headers={"Authorization": authorization}).status_code == 401


def test_a_ticket_opens_what_its_token_does(guarded: FlaskClient) -> None:
    given = guarded.post("/api/ticket", headers=BEARER).get_json()
    assert given["seconds"] == 60
    assert guarded.get(f"/api/prices?ticket={given['ticket']}").status_code != 401
    assert guarded.get(f"/api/prices?ticket={given['ticket']}x").status_code == 401


def test_no_ticket_without_a_token_and_none_for_a_ticket(guarded: FlaskClient) -> None:
    ticket = guarded.post("/api/ticket", headers=BEARER).get_json()["ticket"]
    assert guarded.post("/api/ticket").status_code == 401
    assert guarded.post(f"/api/ticket?ticket={ticket}").status_code == 401
    assert site().post("/api/ticket", headers=BEARER).status_code == 404


def test_keys_rotate_without_a_gap(guarded: FlaskClient) -> None:
    """A server that still signs with the old key is believed until that is taken out."""
    old = site(access_tokens={"desk": TOKEN}, ticket_keys=(OLD,))
    ticket = old.post("/api/ticket", headers=BEARER).get_json()["ticket"]
    assert guarded.get(f"/api/prices?ticket={ticket}").status_code != 401
    new = guarded.post("/api/ticket", headers=BEARER).get_json()["ticket"]
    assert old.get(f"/api/prices?ticket={new}").status_code == 401


@pytest.mark.parametrize(
    ("age", "good"),
    [(0, True), (59, True), (61, False), (1 - LEEWAY_SECONDS, True), (-1 - LEEWAY_SECONDS, False)],
)
def test_a_ticket_is_good_for_its_time(
    guarded: FlaskClient, age: float, good: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = int(time.time())
    access = Access({}, {}, (NEW,), 60, now=lambda: began + age)
    with monkeypatch.context() as at_first:
        at_first.setattr(time, "time", lambda: float(began))
        ticket = TimestampSigner(NEW, salt=b"relay.ticket", digest_method=sha256).sign("shop")
    asked = guarded.application.test_request_context(f"/events?ticket={ticket.decode()}").request
    asked.environ["REMOTE_ADDR"] = "9.9.9.9"
    if good:
        access.check(asked)
        assert asked.environ[visitors.KEY].address == "token shop"
    else:
        with pytest.raises(Exception, match="no longer good"):
            access.check(asked)


def test_a_holder_is_one_visitor_wherever_it_comes_from(guarded: FlaskClient) -> None:
    access = Access({"desk": TOKEN}, {}, (), 60)
    asked = [
        guarded.application.test_request_context(
            "/events", headers=BEARER, environ_overrides={"REMOTE_ADDR": address}
        ).request
        for address in ("10.0.0.1", "10.0.0.2")
    ]
    for request in asked:
        access.check(request)
    assert asked[0].environ[visitors.KEY] is asked[1].environ[visitors.KEY]


@pytest.mark.parametrize("path", ["/metrics", "/status"])
def test_operators_are_asked_for_a_token_of_their_own(path: str) -> None:
    relay = site(operator_tokens={"admin": OPERATOR})
    assert relay.get(path).status_code == 401
    assert relay.get(path, headers=BEARER).status_code == 401
    assert relay.get(path, headers={"Authorization": f"Bearer {OPERATOR}"}).status_code != 401
    assert relay.get("/api/prices").status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/status"])
def test_without_one_only_this_machine_is_an_operator(path: str) -> None:
    relay = site()
    assert relay.get(path).status_code != 401
    far = {"REMOTE_ADDR": "10.0.0.1"}
    assert relay.get(path, environ_overrides=far).status_code == 401
    # A proxy asks for somebody, who may say to be anybody.
    said = {"X-Forwarded-For": "127.0.0.1, 9.9.9.9"}
    assert relay.get(path, headers=said).status_code == 401
    # A socket for IPv6 that takes IPv4 as well.
    mapped = {"REMOTE_ADDR": "::ffff:127.0.0.1"}
    assert relay.get(path, environ_overrides=mapped).status_code != 401


OWN, FRIEND, STRANGER = "http://relay.example", "https://friend.example", "https://stranger.example"


@pytest.fixture(scope="module")
def strict() -> FlaskClient:
    return site(allowed_origins=(FRIEND,))


@pytest.mark.parametrize("path", ["/events", "/ws", "/api/prices", "/api/history", "/livez"])
@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (FRIEND, True),
        (OWN, True),
        ("https://relay.example", True),
        (STRANGER, False),
        ("http://relay.example:81", False),
        ("null", False),
        ("http://", False),
    ],
)
def test_only_pages_of_its_own_and_of_allowed_origins_may_use_it(
    strict: FlaskClient, path: str, origin: str, allowed: bool
) -> None:
    answer = strict.head(path, headers={"Origin": origin}, base_url=OWN)
    assert (answer.status_code != 403) is allowed
    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)


@pytest.mark.parametrize("path", [*GUARDED[:-1], *OPEN, "/readyz", "/api/ticket"])
def test_every_route_answers_what_a_browser_asks_first(guarded: FlaskClient, path: str) -> None:
    asked = {
        "Origin": STRANGER,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "last-event-id,cache-control",
    }
    answer = guarded.options(path, headers=asked)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    allowed = answer.headers["Access-Control-Allow-Headers"].lower()
    assert all(name in allowed for name in ("last-event-id", "cache-control", "authorization"))
    assert "OPTIONS" in answer.headers["Access-Control-Allow-Methods"]
    assert int(answer.headers["Access-Control-Max-Age"]) > 0


def test_a_refusal_can_be_read_by_the_page_that_gets_it(guarded: FlaskClient) -> None:
    answer = guarded.get("/api/prices", headers={"Origin": STRANGER})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "WWW-Authenticate" in answer.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize(
    "path", ["/", "/livez", "/static/relay.js", "/api/prices", "/nothing", "/ws"]
)
def test_nothing_is_taken_for_what_it_is_not(path: str) -> None:
    headers = site().get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACCESS_TOKENS", "desk:secretbutshort"),
        ("ACCESS_TOKENS", "secret-without-a-name-of-16"),
        ("ACCESS_TOKENS", f"desk:{'secret' * 3},desk:{'secrets' * 3}"),
        ("ACCESS_TOKENS", f"a:{'secret' * 3},b:{'secret' * 3}"),
        ("OPERATOR_TOKENS", f"desk:{'secret' * 3} x"),
        ("TICKET_KEYS", "secret"),
    ],
)
def test_a_wrong_secret_ends_the_start_without_being_told(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.chdir(str(tmp_path))
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as wrong:
        load()
    assert str(wrong.value).startswith(name)
    assert "secret" not in str(wrong.value)


def test_settings_do_not_show_their_secrets() -> None:
    config = Config(
        _env_file=None,  # type: ignore[call-arg]
        access_tokens={"desk": TOKEN},
        operator_tokens={"admin": OPERATOR},
        ticket_keys=(NEW,),
    )
    assert not any(secret in repr(config) for secret in (TOKEN, OPERATOR, NEW))
