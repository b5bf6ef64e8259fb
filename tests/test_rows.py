"""The rows of the price page: rendered once for all who wait, in pieces that hold nobody up."""

import re
from collections import Counter
from collections.abc import Callable, Iterator

import gevent
import pytest

from relay.batch import Batch
from relay.board import Board
from relay.clock import Clock
from relay.feed_status import FeedStatus
from relay.ticker import Ticker
from relay.web import fresh, rows
from relay.web.fresh import NotMade
from relay.web.rows import FIRST_ROWS, NOTHING, ROWS_PER_TURN, Market, Row, Rows

LIVE = FeedStatus("live")
WAIT_SECONDS = 20


class SetClock(Clock):
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:  # type: ignore[override]
        return self.seconds


class Rounds:
    """Counts the rounds of the event loop: in each, it looks at every socket."""

    def __init__(self) -> None:
        self.count = 0
        self._watcher = gevent.get_hub().loop.check()
        self._watcher.start(self._note)

    def _note(self) -> None:
        self.count += 1

    def close(self) -> None:
        self._watcher.stop()
        self._watcher.close()


class Renderer:
    """Renders one line a ticker, and notes the loop's round of each piece. Fails when it is told to."""

    def __init__(self, rounds: Rounds) -> None:
        self._rounds = rounds
        #: Rows rendered in each round of the loop.
        self.rows_in_round: Counter[int] = Counter()
        self.rendered = 0
        self.failing = False
        self.before_each: Callable[[], None] = lambda: None

    def __call__(self, made: list[Row]) -> str:
        self.before_each()
        if self.failing:
            raise ValueError("the renderer was told to fail")
        self.rows_in_round[self._rounds.count] += len(made)
        self.rendered += len(made)
        return "".join(f"{ticker.symbol}={ticker.price};" for ticker, _ in made)


@pytest.fixture
def rounds() -> Iterator[Rounds]:
    rounds = Rounds()
    yield rounds
    rounds.close()


@pytest.fixture
def renderer(rounds: Rounds) -> Renderer:
    return Renderer(rounds)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


def board_of(count: int, epoch: str = "e1") -> Board:
    board = Board()
    fill(board, count, epoch)
    return board


def fill(board: Board, count: int, epoch: str) -> None:
    updates = [
        Ticker(f"S{number}USDT", "1", "trade", 1, quote_volume=f"{number * 7919 % count}.5")
        for number in range(count)
    ]
    board.apply(Batch(epoch, 0, count, LIVE, updates))


def html(rows: Rows) -> str:
    return rows.html.decode()


def ask_at_once(market: Market, count: int) -> "list[gevent.Greenlet[..., Rows]]":
    asking = [gevent.spawn(market.all) for _ in range(count)]
    join(asking)
    return asking


def join(greenlets: "list[gevent.Greenlet[..., object]]") -> None:
    """Waits for them. The deadline of joinall itself counts from when the loop last ran."""
    with gevent.Timeout(WAIT_SECONDS):
        gevent.joinall(greenlets)


def test_one_render_serves_all_who_ask_while_it_runs(renderer: Renderer) -> None:
    market = Market(board_of(1300), renderer)
    asking = ask_at_once(market, 50)
    assert {id(greenlet.value) for greenlet in asking} == {id(asking[0].value)}
    assert renderer.rendered == 1300


@pytest.mark.parametrize("symbols", [1300, 5000])
def test_no_round_of_the_loop_renders_more_rows_than_a_turns(
    renderer: Renderer, symbols: int
) -> None:
    market = Market(board_of(symbols), renderer)
    ask_at_once(market, 5)
    assert max(renderer.rows_in_round.values()) <= ROWS_PER_TURN
    assert sum(renderer.rows_in_round.values()) == symbols


def test_no_round_of_the_loop_sorts_more_than_a_run(
    renderer: Renderer, rounds: Rounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: Counter[int] = Counter()
    worth = rows._traded

    def counted(row: Row) -> float:
        looked_at[rounds.count] += 1
        return worth(row)

    monkeypatch.setattr(rows, "_traded", counted)
    Market(board_of(5000), renderer).all()
    assert max(looked_at.values()) <= rows.TICKERS_PER_RUN + 2 * ROWS_PER_TURN


def test_those_who_waited_go_on_one_in_each_round(renderer: Renderer, rounds: Rounds) -> None:
    market = Market(board_of(200), renderer)
    ended: Counter[int] = Counter()

    def ask() -> None:
        market.all()
        ended[rounds.count] += 1

    join([gevent.spawn(ask) for _ in range(50)])
    assert sum(ended.values()) == 50
    assert max(ended.values()) == 1


def test_the_most_traded_come_first_over_all_runs(renderer: Renderer) -> None:
    count = 2 * rows.TICKERS_PER_RUN + 3
    board = board_of(count)
    symbols = [line.split("=")[0] for line in html(Market(board, renderer).all()).split(";")[:-1]]
    volumes = [float(board.get(symbol).quote_volume) for symbol in symbols]  # type: ignore
    assert volumes == sorted(volumes, reverse=True)
    assert len(volumes) == count


def test_the_page_begins_with_the_most_traded_only(renderer: Renderer) -> None:
    market = Market(board_of(500), renderer)
    first = market.first()
    assert (first.shown, first.number, first.id) == (FIRST_ROWS, 500, "e1-500")
    assert renderer.rendered == FIRST_ROWS
    assert html(market.all()).startswith(html(first))


def test_what_is_traded_is_compared_in_dollars(renderer: Renderer) -> None:
    """Most yen, then most lira: neither is most dollars. What nobody knows the worth of comes last."""
    volumes = {
        "AJPY": "9000",
        "BTRY": "500",
        "CBTC": "1",
        "DUSDT": "99",
        "EWHAT": "99999",
        "FUSDT": None,
    }
    prices = {"USDTTRY": "40", "USDTJPY": "150", "BTCUSDT": "90000"}
    tickers = [
        Ticker(symbol, "1", "trade", 1, quote_volume=volume) for symbol, volume in volumes.items()
    ]
    tickers += [
        Ticker(symbol, price, "trade", 1, quote_volume="0") for symbol, price in prices.items()
    ]
    board = Board()
    board.apply(Batch("e1", 0, len(tickers), LIVE, tickers))
    order = re.findall(r"([A-Z]+)=", html(Market(board, renderer).first()))
    assert order[:4] == ["CBTC", "DUSDT", "AJPY", "BTRY"]
    assert set(order[-2:]) == {"EWHAT", "FUSDT"}


def test_rows_are_rendered_anew_when_a_second_is_over(renderer: Renderer, clock: SetClock) -> None:
    market = Market(board_of(10), renderer, clock)
    first = market.all()
    clock.seconds += fresh.FRESH_SECONDS / 2
    assert market.all() is first
    clock.seconds += fresh.FRESH_SECONDS / 2
    assert market.all() is not first
    assert renderer.rendered == 20


def test_a_render_that_fails_fails_for_all_who_wait_and_for_nobody_later(
    renderer: Renderer, clock: SetClock
) -> None:
    market = Market(board_of(200), renderer, clock)
    renderer.failing = True
    calls: list[None] = []
    renderer.before_each = lambda: calls.append(None)
    for greenlet in ask_at_once(market, 20):
        assert isinstance(greenlet.exception, NotMade)
    assert len(calls) == 1
    renderer.failing = False
    clock.seconds += fresh.FRESH_SECONDS
    assert market.all().number == 200


def test_a_render_that_never_ends_is_given_up(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fresh, "WAIT_SECONDS", 0.05)
    market = Market(board_of(200), renderer)
    never = gevent.event.Event()
    renderer.before_each = lambda: never.wait() and None
    for greenlet in ask_at_once(market, 5):
        assert isinstance(greenlet.exception, NotMade)
    monkeypatch.setattr(fresh, "FRESH_SECONDS", 0.0)
    renderer.before_each = lambda: None
    assert market.all().number == 200


def test_one_who_goes_away_while_waiting_takes_nothing_from_the_others(renderer: Renderer) -> None:
    market = Market(board_of(200), renderer)
    asking = [gevent.spawn(market.all) for _ in range(3)]
    gevent.sleep(0)
    asking[0].kill()
    join(asking)
    assert [greenlet.value.number for greenlet in asking[1:]] == [200, 200]


def test_rows_of_another_epoch_are_shown_to_nobody(renderer: Renderer) -> None:
    """It may have been simulated, and this one real."""
    board = board_of(200)
    market = Market(board, renderer)
    assert market.all().id == "e1-200"
    fill(board, 100, "e2")
    assert market.all().id == "e2-100"

    def replace() -> None:
        renderer.before_each = lambda: None
        fill(board, 60, "e3")

    fill(board, 300, "e4")
    renderer.before_each = replace
    assert market.all().id == "e3-60"


def test_an_empty_board_has_no_rows(renderer: Renderer) -> None:
    market = Market(Board(), renderer)
    assert market.first() == market.all() == NOTHING
