"""What the holders of one token may have together, and how often an address may show a wrong one."""

import logging

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from relay.config import Config
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.server.bounds import Bounds
from relay.server.visitors import KEY, Visitor
from relay.web.site import create_site
from relay.web.strangers import BURST_SECONDS
from tests.archive import nothing_past
from tests.clocks import SetClock

TOKEN, OTHER, WRONG = "t" * 16, "u" * 16, "w" * 16
TICKETS = "a key for tickets"
PRICES = "/api/prices?symbols=A"


class Guarded:
    """A relay for holders of tokens, asked from an address."""

    def __init__(self, **settings: object) -> None:
        self.clock = SetClock()
        self.clock.advance(1000)
        self.hub = Hub(Health(clock=self.clock), clock=self.clock)
        config = Config(
            _env_file=None,  # type: ignore[call-arg]
            access_tokens={"desk": TOKEN, "bot": OTHER},
            ticket_keys=(TICKETS,),
            **settings,
        )
        self.http: FlaskClient = create_site(self.hub, config, nothing_past()).test_client()
        self.home = Visitor("10.0.0.1", Bounds(requests=50, guesses=1))

    def ask(
        self, path: str, token: str = "", visitor: Visitor | None = None, method: str = "GET"
    ) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        asker = {KEY: visitor or self.home}
        return self.http.open(path, method=method, headers=headers, environ_overrides=asker)

    def ticket(self, token: str) -> str:
        answer = self.ask("/api/ticket", token, method="POST").json
        assert answer is not None
        ticket: str = answer["ticket"]
        return ticket


@pytest.fixture
def guarded() -> Guarded:
    return Guarded(token_requests=10)


def test_what_a_token_may_is_what_an_address_may_unless_it_is_said() -> None:
    settings = Config(_env_file=None, address_requests=7, address_streams=3, token_streams=9)  # type: ignore[call-arg]
    assert (settings.token_requests, settings.token_streams) == (7, 9)


def test_a_token_has_one_ration_wherever_it_comes_from(guarded: Guarded) -> None:
    homes = [Visitor(f"10.0.0.{number}", Bounds(requests=50)) for number in range(40)]
    assert {guarded.ask(PRICES, TOKEN, home).status_code for home in homes} == {200}
    refused = guarded.ask(PRICES, TOKEN)
    assert refused.status_code == 429
    assert refused.json == {"error": "your token asks too fast (TOKEN_REQUESTS)"}
    assert refused.headers["RateLimit-Policy"] == '"token";q=40;w=4'
    assert refused.headers["RateLimit"] == '"token";r=0;t=4'
    assert guarded.hub.door.refusals.counts == {"TOKEN_REQUESTS": 1}
    # Neither others nor the addresses have spent anything.
    assert guarded.ask(PRICES, OTHER).status_code == 200
    assert all(home.requests.is_full(1000) for home in homes)


def test_a_ticket_counts_for_the_token_that_asked_for_it(guarded: Guarded) -> None:
    path = f"{PRICES}&ticket={guarded.ticket(TOKEN)}"
    answers = [guarded.ask(path).status_code for _ in range(40)]
    assert answers == [200] * 39 + [429]
    assert guarded.ask(PRICES, TOKEN).status_code == 429
    assert guarded.ask(f"{PRICES}&ticket={guarded.ticket(OTHER)}").status_code == 200


@pytest.mark.parametrize("path", [PRICES, "/events", "/ws", "/status", "/metrics"])
@pytest.mark.parametrize("shown", ["token", "ticket"])
def test_guesses_are_few_and_who_knows_is_let_in(
    path: str, shown: str, caplog: pytest.LogCaptureFixture
) -> None:
    guarded = Guarded(operator_tokens={"admin": "o" * 16})
    burst = int(BURST_SECONDS)
    token = WRONG if shown == "token" else ""
    wrong = path if token else f"{path}{'&' if '?' in path else '?'}ticket=no"
    with caplog.at_level(logging.WARNING, "relay.web.strangers"):
        answers = [guarded.ask(wrong, token) for _ in range(burst + 2)]
    assert [answer.status_code for answer in answers] == [401] * burst + [429] * 2
    assert answers[-1].headers["Retry-After"] == "1"
    assert "ADDRESS_GUESSES" in answers[-1].text
    assert guarded.hub.door.refusals.counts == {"ADDRESS_GUESSES": 2}
    assert caplog.messages == ["a wrong token or ticket from 10.0.0.1"]
    # Others at the same address, those who have nothing to show yet, and other addresses.
    assert guarded.ask(PRICES, TOKEN).status_code == 200
    assert guarded.ask(f"{PRICES}&ticket={guarded.ticket(TOKEN)}").status_code == 200
    assert guarded.ask(PRICES).status_code == 401
    assert guarded.ask(PRICES, WRONG, Visitor("10.0.0.2", Bounds(guesses=1))).status_code == 401
    guarded.clock.advance(1)
    assert guarded.ask(PRICES, WRONG).status_code == 401


def test_who_shows_nothing_has_the_ration_of_its_address(guarded: Guarded) -> None:
    answers = [guarded.ask("/events") for _ in range(201)]
    assert [answer.status_code for answer in answers] == [401] * 200 + [429]
    assert "ADDRESS_REQUESTS" in answers[-1].text
    assert answers[-1].headers["RateLimit-Policy"] == '"address";q=200;w=4'
    assert guarded.ask(PRICES, TOKEN).status_code == 200


def test_a_ticket_whose_time_is_over_is_no_guess(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = guarded.ticket(TOKEN)
    monkeypatch.setattr("relay.web.access.LEEWAY_SECONDS", -1e9)
    answers = [guarded.ask(f"{PRICES}&ticket={ticket}").status_code for _ in range(100)]
    assert set(answers) == {401}


def test_no_bound_is_no_bound() -> None:
    guarded = Guarded(token_requests=0)
    local = Visitor("127.0.0.1")
    assert {guarded.ask(PRICES, TOKEN).status_code for _ in range(250)} == {200}
    assert {guarded.ask(PRICES, WRONG, local).status_code for _ in range(250)} == {401}
