"""The simulator's REST has a limit, and faults of its own; and it says what it was asked."""

import json
import time
from collections.abc import Iterator

import httpx
import pytest

from tests import plain_http
from tests.exchange import Simulator

KLINES = {"symbol": "BTCUSDT", "interval": "1m", "limit": "5"}


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    options = ("--symbols", "2", "--activity", "1", "--weight-limit", "50")
    with Simulator(*options, "--rest-delay", "0.3", "--retry-after", "7") as simulator:
        yield simulator


@pytest.fixture
def simulator(running: Simulator) -> Iterator[Simulator]:
    running.weight(limit=50, used=0)
    yield running
    running.clear()


def ask(simulator: Simulator, path: str = "/api/v3/klines") -> httpx.Response:
    return simulator.get(path, **(KLINES if path == "/api/v3/klines" else {}))


class TestLimit:
    def test_used_weight_is_told_with_every_answer(self, simulator: Simulator) -> None:
        simulator.weight(limit=50, used=10)
        while True:
            minute = time.time() // 60
            told = [int(ask(simulator).headers["X-MBX-USED-WEIGHT-1M"]) for _ in range(2)]
            if minute == time.time() // 60:
                break
            simulator.weight(limit=50, used=10)
        assert told == [12, 14]

    def test_beyond_the_limit_is_429_until_the_minute_ends(self, simulator: Simulator) -> None:
        simulator.weight(limit=1, used=0)
        refused = ask(simulator)
        left = 60 - time.time() % 60
        assert refused.status_code == 429
        assert refused.json()["code"] == -1003
        told = int(refused.headers["Retry-After"])
        assert 0 < told <= 60
        assert (told - left) % 60 < 5
        assert refused.headers["X-MBX-USED-WEIGHT-1M"] == "0"
        assert simulator.get("/api/v3/ping").status_code == 200
        simulator.weight(limit=50, used=0)
        assert ask(simulator).status_code == 200

    def test_who_goes_on_after_429_is_banned(self, simulator: Simulator) -> None:
        simulator.weight(limit=1)
        answers = [ask(simulator) for _ in range(7)]
        assert [answer.status_code for answer in answers] == [429] * 5 + [418] * 2
        assert 110 < int(answers[-1].headers["Retry-After"]) <= 120
        assert simulator.get("/api/v3/ping").status_code == 418
        assert simulator.status()["banned_seconds"] > 110  # type: ignore[operator]
        simulator.weight(limit=50)
        assert simulator.get("/api/v3/ping").status_code == 200

    def test_limit_is_told_by_exchange_info(self, simulator: Simulator) -> None:
        limits = simulator.get("/api/v3/exchangeInfo").json()["rateLimits"]
        assert limits[0]["limit"] == 50

    @pytest.mark.parametrize("wrong", [{}, {"limit": "-1"}, {"used": "many"}])
    def test_wrong_limits_are_refused(self, simulator: Simulator, wrong: dict[str, str]) -> None:
        assert simulator.get("/simulator/weight", **wrong).status_code == 400


def test_calls_and_their_weights_are_counted_by_path() -> None:
    with Simulator("--symbols", "2") as simulator:
        for path in ("/api/v3/klines", "/api/v3/klines", "/api/v3/ping", "/api/v3/exchangeInfo"):
            ask(simulator, path)
        simulator.fault("klines-429")
        ask(simulator)
        status = simulator.status()
    calls = {"/api/v3/klines": 3, "/api/v3/ping": 1, "/api/v3/exchangeInfo": 1}
    weights = {"/api/v3/klines": 4, "/api/v3/ping": 1, "/api/v3/exchangeInfo": 20}
    assert status["rest_calls"] == calls
    assert status["rest_weights"] == weights
    assert status["rest_weight"] == 25
    assert status["weight_limit"] == 6000


class TestFaults:
    @pytest.mark.parametrize(
        ("name", "status"), [("klines-418", 418), ("klines-429", 429), ("klines-down", 503)]
    )
    def test_refusals_to_klines_alone(self, simulator: Simulator, name: str, status: int) -> None:
        simulator.fault(name)
        answer = ask(simulator)
        assert answer.status_code == status
        assert answer.headers.get("Retry-After") == ("7" if status in (418, 429) else None)
        assert simulator.get("/api/v3/ping").status_code == 200
        simulator.clear()
        assert ask(simulator).status_code == 200

    @pytest.mark.parametrize("name", ["klines-slow", "klines-silent"])
    def test_klines_alone_are_slower_than_the_caller_waits(
        self, simulator: Simulator, name: str
    ) -> None:
        simulator.fault(name)
        with pytest.raises(httpx.ReadTimeout):
            plain_http.get(
                f"{simulator.http}/api/v3/klines", params=KLINES, timeout=0.1, trust_env=False
            )
        assert simulator.get("/api/v3/ping").status_code == 200
        simulator.clear()
        assert ask(simulator).status_code == 200

    def test_silent_rest_answers_once_the_fault_is_over(self, simulator: Simulator) -> None:
        simulator.fault("rest-silent")
        for path in ("/api/v3/ping", "/api/v3/ticker/24hr"):
            with pytest.raises(httpx.ReadTimeout):
                plain_http.get(f"{simulator.http}{path}", timeout=0.1, trust_env=False)
        with (
            httpx.Client(trust_env=False, timeout=10) as client,
            client.stream("GET", f"{simulator.http}/simulator/status") as status,
        ):
            status.read()
            assert status.json()["faults"] == ["rest-silent"]
        simulator.clear()
        assert simulator.get("/api/v3/ping").json() == {}

    def test_rubbish_for_klines_is_of_many_sorts(self, simulator: Simulator) -> None:
        good = ask(simulator).text
        simulator.fault("klines-junk")
        rubbish = [ask(simulator) for _ in range(15)]
        assert {answer.status_code for answer in rubbish} == {200}
        bodies = {answer.text for answer in rubbish}
        assert len(bodies) == 15
        assert good not in bodies
        assert simulator.get("/api/v3/ping").json() == {}
        readable = 0
        for body in bodies:
            try:
                json.loads(body)
                readable += 1
            except (ValueError, RecursionError):
                pass
        assert 10 < readable < 15
