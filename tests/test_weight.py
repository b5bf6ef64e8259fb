"""What may be spent at an exchange in one minute, by its own word and by our own count."""

import pytest

from relay.exchange.api import MAX_APIS, Api, Apis, RestError
from relay.exchange.weight import LATE_SECONDS, MOST, Weight
from tests.clocks import SetClock
from tests.scripted_api import ScriptedApi, said

#: A minute begins then, in milliseconds.
MINUTE = 1_700_000_000_000 // 60_000 * 60_000


@pytest.fixture
def clock() -> SetClock:
    """Ten seconds into a minute."""
    return SetClock(wall_ms=MINUTE + 10_000)


@pytest.fixture
def weight(clock: SetClock) -> Weight:
    return Weight(clock)


def call(weight: Weight, cost: int = 2, used: int | None = None) -> None:
    weight.settle(weight.spend(cost), used)


def test_our_own_calls_count_where_the_exchange_says_nothing(weight: Weight) -> None:
    for _ in range(MOST // 2):
        assert weight.wait(2) == 0.0
        call(weight)
    assert weight.used == MOST
    assert weight.wait(2) > 0


def test_what_others_spend_counts(weight: Weight) -> None:
    call(weight, used=MOST - 1)
    assert weight.wait(1) == 0.0
    assert weight.wait(2) > 0


def test_calls_that_are_not_answered_yet_count(weight: Weight) -> None:
    call(weight, used=MOST - 4)
    begun = [weight.spend(2), weight.spend(2)]
    assert weight.wait(1) > 0
    for spent in begun:
        weight.settle(spent, MOST - 4)
    assert weight.wait(1) == 0.0


def test_an_older_answer_that_comes_late_takes_nothing_back(weight: Weight) -> None:
    first, second = weight.spend(2), weight.spend(2)
    weight.settle(second, 104)
    weight.settle(first, 102)
    assert weight.used == 104


def test_an_exchange_that_says_too_little_is_not_believed(weight: Weight) -> None:
    for _ in range(10):
        call(weight, used=0)
    assert weight.used == 20


def test_a_new_minute_begins_anew_once_the_exchange_s_has_too(
    weight: Weight, clock: SetClock
) -> None:
    call(weight, used=MOST)
    assert weight.wait(2) == pytest.approx(50 + LATE_SECONDS)
    clock.set_wall(MINUTE + 60_000 + LATE_SECONDS * 1000 - 1)
    assert weight.wait(2) == pytest.approx(0.001)
    clock.set_wall(MINUTE + 60_000 + LATE_SECONDS * 1000)
    assert weight.wait(2) == 0.0
    assert weight.used == 0


def test_the_first_answer_of_a_minute_tells_that_the_old_sum_still_stands(
    weight: Weight, clock: SetClock
) -> None:
    call(weight, used=MOST)
    clock.advance(60)
    assert weight.wait(2) == 0.0
    call(weight, used=MOST + 2)
    assert weight.wait(2) > 0


def test_an_answer_that_was_asked_for_in_the_minute_before_says_nothing_of_this_one(
    weight: Weight, clock: SetClock
) -> None:
    spent = weight.spend(2)
    clock.advance(60)
    assert weight.used == 2
    weight.settle(spent, MOST)
    assert weight.used == 0


def test_a_clock_that_is_set_keeps_nobody_waiting_for_more_than_a_minute(
    weight: Weight, clock: SetClock
) -> None:
    call(weight, used=MOST)
    for wall in (MINUTE - 10**9, MINUTE + 10**9, 0):
        clock.set_wall(wall)
        call(weight, used=MOST)
        assert 0 < weight.wait(2) <= 60


def test_nothing_is_asked_while_a_ban_lasts(weight: Weight, clock: SetClock) -> None:
    weight.ban(30)
    weight.ban(10)
    assert weight.wait(1) == weight.banned == 30
    clock.set_wall(MINUTE + 10**9)
    assert weight.banned == 30
    clock.advance(30)
    assert weight.wait(1) == weight.banned == 0


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (429, {"Retry_After": "30"}, 30),
        (418, {"Retry_After": "7200"}, 7200),
        (429, {}, 120),
        (418, {"Retry_After": "soon"}, 120),
        (418, {"Retry_After": "9" * 300}, 3 * 86_400),
        (503, {"Retry_After": "30"}, 0),
        (400, {}, 0),
    ],
)
def test_an_answer_that_bans_is_obeyed(
    clock: SetClock, status: int, headers: dict[str, str], seconds: float
) -> None:
    with ScriptedApi(lambda _: said({}, status, **headers)) as exchange:
        api = Api(exchange.url, clock)
        with pytest.raises(RestError):
            api.get("/", 2, 100)
    assert api.weight.banned == pytest.approx(seconds)
    assert api.weight.used == 2


def test_nothing_is_pending_once_a_call_has_failed(clock: SetClock) -> None:
    api = Api("http://127.0.0.1:1", clock)
    with pytest.raises(RestError):
        api.get("/", 2, 100)
    clock.advance(60)
    assert api.weight.used == 0


def test_all_who_ask_an_api_share_its_account() -> None:
    apis = Apis(SetClock())
    assert apis.of("http://a").weight is apis.of("http://a").weight
    assert apis.of("http://a").weight is not apis.of("http://b").weight


def test_addresses_that_a_simulator_had_once_are_not_kept() -> None:
    apis = Apis(SetClock())
    kept = apis.of("http://kept")
    for port in range(100):
        apis.of(f"http://127.0.0.1:{port}")
        assert apis.of("http://kept") is kept
    assert len(apis._apis) == MAX_APIS
