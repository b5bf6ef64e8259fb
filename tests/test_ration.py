"""How many pages and answers one address may have a second."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from relay.batch import Batch
from relay.config import Config
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.feed_status import FeedStatus
from relay.server.bounds import Bounds
from relay.server.visitors import KEY, Visitor
from relay.ticker import Ticker
from relay.web.media import CSV, JSON, NDJSON, TEXT
from relay.web.prices import LINES_A_UNIT, PRICES_A_UNIT
from relay.web.ration import DEAREST, UNITS, WHOLE_PAGE
from relay.web.site import create_site
from tests.clocks import SetClock
from tests.test_answers import nothing_past

Ask = Callable[..., TestResponse]
STRICT = Bounds(requests=50)


@pytest.fixture
def hub() -> Hub:
    clock = SetClock()
    clock.advance(1000)
    return Hub(Health(clock=clock), clock=clock)


@pytest.fixture
def client(hub: Hub) -> FlaskClient:
    return create_site(hub, Config(_env_file=None), nothing_past()).test_client()


@pytest.fixture
def ask(client: FlaskClient) -> Ask:
    stranger = Visitor("10.0.0.1", STRICT)

    def asked(path: str, visitor: Visitor = stranger, accept: str = "*/*") -> TestResponse:
        return client.get(path, environ_overrides={KEY: visitor}, headers={"Accept": accept})

    return asked


def test_who_asks_too_fast_is_told_when_to_come_back(hub: Hub, ask: Ask) -> None:
    answers = [ask("/api/prices?symbols=A") for _ in range(200)]
    assert {answer.status_code for answer in answers} == {200}
    refused = ask("/api/prices?symbols=A")
    assert refused.status_code == 429
    assert refused.json is not None
    assert "ADDRESS_REQUESTS" in refused.json["error"]
    assert "FORWARDED_ALLOW_IPS" in refused.json["error"]
    assert refused.headers["Retry-After"] == "1"
    assert hub.door.refusals.counts == {"ADDRESS_REQUESTS": 1}
    assert isinstance(hub.clock, SetClock)
    hub.clock.advance(0.02)
    assert ask("/api/prices?symbols=A").status_code == 200
    assert ask("/api/prices?symbols=A").status_code == 429


def test_every_limited_answer_says_what_is_left(ask: Ask) -> None:
    answer = ask("/api/prices?symbols=A")
    assert answer.headers["RateLimit-Policy"] == '"address";q=200;w=4'
    assert answer.headers["RateLimit"] == '"address";r=199;t=1'
    exposed = ", ".join(answer.headers.getlist("Access-Control-Expose-Headers"))
    assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(exposed.split(", "))
    while answer.status_code != 429:
        answer = ask("/api/nothing")
    assert answer.headers["RateLimit"] == '"address";r=0;t=4'


@pytest.mark.parametrize(
    ("path", "units"),
    [
        ("/api/prices?symbols=A", 1),
        ("/api/prices?since=e1-5", 1),
        ("/api/prices", 1),
        ("/api/prices.csv", 1),
        ("/api/prices.csv?symbols=A", 1),
        ("/api/history/A", UNITS["history.chart"]),
        ("/api/history?symbols=A", UNITS["sparklines.sparklines"]),
        ("/", UNITS["pages.index"]),
        ("/?all", WHOLE_PAGE),
        ("/embed/A", 1),
        ("/api", UNITS["contract.readable"]),
        ("/nothing", 1),
    ],
)
def test_a_dear_request_costs_more(ask: Ask, path: str, units: int) -> None:
    assert f"r={200 - units};" in ask(path).headers["RateLimit"]


MANY = 1000
TABLE, LIST = 1 + MANY // LINES_A_UNIT, 1 + MANY // PRICES_A_UNIT
NAMES = ",".join(f"S{number}" for number in range(500))


@pytest.fixture
def market(hub: Hub) -> None:
    """A thousand symbols."""
    tickers = [Ticker(f"S{number}", "1.5", "trade", 1, 1) for number in range(MANY)]
    hub.take(Batch("e1", 0, MANY, FeedStatus("live", time=1, age=0.0), tickers))


@pytest.mark.usefixtures("market")
@pytest.mark.parametrize(
    ("paths", "accept", "units"),
    [
        (("/api/prices.csv", "/api/prices", "/api/prices?since=zz-1"), CSV, TABLE),
        (("/api/prices.ndjson", "/api/prices"), NDJSON, TABLE),
        (("/api/prices.txt", "/api/prices"), TEXT, TABLE),
        (("/api/prices.json", "/api/prices", "/api/prices?since=zz-1"), JSON, LIST),
        (("/api/prices.csv?since=e1-1", "/api/prices?since=e1-1"), CSV, TABLE - 1),
        (("/api/prices.csv?since=e1-990", "/api/prices?since=e1-990"), CSV, 1),
        ((f"/api/prices.csv?symbols={NAMES}", f"/api/prices?symbols={NAMES}"), CSV, 1 + 7 + 10),
        (("/api/history.csv?symbols=S1", "/api/history?symbols=S1"), CSV, 5),
        (("/api/history/S1.csv", "/api/history/S1"), CSV, 5),
        (("/api/prices/S1.txt", "/api/prices/S1"), TEXT, 1),
    ],
)
def test_equal_answers_cost_the_same_however_they_are_asked_for(
    ask: Ask, hub: Hub, paths: tuple[str, ...], accept: str, units: int
) -> None:
    for number, path in enumerate(paths):
        answer = ask(path, Visitor(f"10.0.0.{number}", STRICT), accept)
        assert answer.mimetype == accept
        assert f"r={200 - units};" in answer.headers["RateLimit"], path


@pytest.mark.usefixtures("market")
def test_a_long_answer_that_cannot_be_paid_is_not_given(hub: Hub, ask: Ask) -> None:
    answers = [ask("/api/prices?since=zz-1", accept=CSV).status_code for _ in range(12)]
    assert answers == [200] * (200 // TABLE) + [429] * (12 - 200 // TABLE)


def test_no_answer_costs_more_than_the_smallest_ration_holds(hub: Hub) -> None:
    tickers = [Ticker(f"S{number}", "1.5", "trade", 1, 1) for number in range(3 * MANY)]
    hub.take(Batch("e1", 0, 3 * MANY, FeedStatus("live", time=1, age=0.0), tickers))
    site = create_site(hub, Config(_env_file=None), nothing_past())
    stranger = {KEY: Visitor("10.0.0.1", Bounds(requests=0.5))}
    answer = site.test_client().get("/api/prices.csv", environ_overrides=stranger)
    assert answer.status_code == 200
    assert answer.headers["RateLimit-Policy"].startswith(f'"address";q={DEAREST};')
    assert answer.headers["RateLimit"].startswith('"address";r=0;')


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/static/relay.js", "/events?fields=x", "/ws", "/selftest/hop"]
)
def test_probes_files_and_streams_cost_nothing(ask: Ask, path: str) -> None:
    assert {"RateLimit" in ask(path).headers for _ in range(250)} == {False}


def test_others_have_their_own(ask: Ask) -> None:
    while ask("/nothing").status_code != 429:
        pass
    assert ask("/nothing", Visitor("10.0.0.2", STRICT)).status_code == 404
    local = Visitor("127.0.0.1")
    assert {ask("/nothing", local).status_code for _ in range(250)} == {404}


def test_no_limit_says_nothing(hub: Hub) -> None:
    site = create_site(hub, Config(_env_file=None), nothing_past())
    answer = site.test_client().get("/nothing", environ_overrides={KEY: Visitor("10.0.0.1")})
    assert "RateLimit" not in answer.headers
