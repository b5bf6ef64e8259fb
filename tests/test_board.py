"""The board answers one question: what changed since version V?"""

import pytest

from relay import board as board_module
from relay.batch import Batch, Snapshot
from relay.board import LOG_ENTRIES, MAX_REMOVED, MAX_SYMBOLS, Board
from relay.feed_status import FeedStatus
from relay.ticker import Ticker

LIVE = FeedStatus("live")


def update(symbol: str, price: str) -> Ticker:
    return Ticker(symbol, price, "trade", 0)


def batch(previous: int, *updates: Ticker, epoch: str = "e1") -> Batch:
    return Batch(epoch, previous, previous + len(updates), LIVE, list(updates))


@pytest.fixture
def board() -> Board:
    board = Board()
    board.apply(batch(0, update("A", "1"), update("B", "2"), update("C", "3")))
    board.apply(batch(3, update("A", "1.5")))
    return board


def prices(board: Board, version: int, symbols: list[str] | None = None) -> dict[str, str]:
    return {update.symbol: update.price for _, update in board.since(version, symbols)}


def test_since_0_is_everything_once_oldest_change_first(board: Board) -> None:
    assert list(prices(board, 0).items()) == [("B", "2"), ("C", "3"), ("A", "1.5")]


def test_since_a_version_is_what_changed_after_it(board: Board) -> None:
    assert prices(board, 2) == {"C": "3", "A": "1.5"}
    assert prices(board, 3) == {"A": "1.5"}
    assert prices(board, 4) == {}


def test_only_the_named_symbols_are_told_and_unknown_ones_ignored(board: Board) -> None:
    assert prices(board, 0, ["C", "NOPE", "A"]) == {"C": "3", "A": "1.5"}
    assert prices(board, 3, ["C", "A"]) == {"A": "1.5"}


def test_an_id_of_this_epoch_is_honoured_and_no_other(board: Board) -> None:
    assert board.version_of(board.id) == 4
    assert board.version_of("e1-3") == 3
    for unusable in ("e2-3", "e1-5", "e1-x", "e1", "", "-3", "e1--3", "e1-" + "9" * 30):
        assert board.version_of(unusable) == 0


def test_a_new_epoch_voids_what_was_held(board: Board) -> None:
    assert board.apply(batch(0, update("Z", "9"), epoch="e2"))
    assert prices(board, 0) == {"Z": "9"}


def test_a_state_is_taken_only_if_it_is_newer(board: Board) -> None:
    older = Snapshot("e1", 2, LIVE, [(1, update("A", "1")), (2, update("B", "2"))])
    board.load(older)
    assert board.version == 4
    newer = Snapshot("e1", 9, LIVE, [(9, update("B", "7")), (4, update("A", "1.5"))])
    assert not board.load(newer)
    assert prices(board, 4) == {"B": "7"}
    assert board.load(Snapshot("e2", 1, LIVE, [(1, update("Q", "1"))]))
    assert prices(board, 0) == {"Q": "1"}


def test_each_update_is_kept_for_those_who_keep_up(board: Board) -> None:
    board.apply(batch(4, update("A", "1.6"), update("A", "1.7")))
    assert [u.price for _, u in board.each_since(3)] == ["1.5", "1.6", "1.7"]
    assert board.each_since(6) == []


def test_who_is_further_behind_gets_only_what_changed(board: Board) -> None:
    version = board.version
    for number in range(3 * LOG_ENTRIES):
        board.apply(batch(version + number, update("A", str(number))))
    assert prices(board, 4) == {"A": str(3 * LOG_ENTRIES - 1)}
    assert len(board.each_since(4)) == 1
    assert len(board.each_since(board.version - 100)) == 100


def test_what_is_gone_is_told_to_those_who_knew_it_and_to_nobody_else(board: Board) -> None:
    board.apply(batch(4, update("B", "")))
    assert (len(board), "B" in board, board.get("B")) == (2, False, None)
    assert prices(board, 4) == {"B": ""}
    assert prices(board, 3, ["B"]) == {"B": ""}
    assert prices(board, 0) == prices(board, 0, ["A", "B", "C"]) == {"C": "3", "A": "1.5"}
    board.apply(batch(5, update("B", "7")))
    assert (len(board), prices(board, 4)) == (3, {"B": "7"})


def churn(board: Board, count: int) -> None:
    """So many symbols come, and go again."""
    names = [f"G{number}" for number in range(count)]
    board.apply(batch(board.version, *(update(name, "1") for name in names)))
    board.apply(batch(board.version, *(update(name, "") for name in names)))


def test_only_the_newest_removals_are_remembered(board: Board) -> None:
    churn(board, 10 * MAX_REMOVED)
    told = prices(board, 4)
    assert len(told) == MAX_REMOVED
    assert f"G{10 * MAX_REMOVED - 1}" in told
    assert len(board) == 3


def test_an_id_from_before_a_forgotten_removal_is_not_honoured(board: Board) -> None:
    known = board.id
    churn(board, MAX_REMOVED)
    assert board.version_of(known) == 4
    churn(board, MAX_REMOVED + 1)
    assert board.version_of(known) == 0
    assert board.version_of(f"e1-{board.forgotten}") == board.forgotten
    assert board.version_of(f"e1-{board.forgotten - 1}") == 0


def test_a_symbol_that_is_back_counts_as_removed_no_more(board: Board) -> None:
    board.apply(batch(4, update("A", "")))
    board.apply(batch(5, update("A", "2")))
    churn(board, MAX_REMOVED)
    assert board.forgotten == 0
    assert prices(board, 0)["A"] == "2"


def test_who_loads_a_snapshot_has_forgotten_the_same(board: Board) -> None:
    churn(board, MAX_REMOVED + 5)
    other = Board()
    other.load(board.snapshot(LIVE))
    assert (other.id, other.forgotten) == (board.id, board.forgotten)
    for version in (0, 4, board.forgotten, board.version - 3):
        assert sorted(prices(other, version)) == sorted(prices(board, version))
    assert other.version_of("e1-4") == 0


def test_a_new_epoch_has_nothing_to_forget(board: Board) -> None:
    churn(board, MAX_REMOVED + 5)
    board.apply(batch(0, update("Z", "9"), epoch="e2"))
    assert board.version_of("e2-1") == 1


def test_further_symbols_than_may_be_are_left_out(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_module, "MAX_SYMBOLS", 5)
    board.apply(batch(4, *(update(f"N{number}", "1") for number in range(100))))
    assert (len(board), board.version) == (5, 104)
    for version in (0, 2, 50, 103):
        assert {u.symbol for _, u in board.each_since(version)} <= {"A", "B", "C", "N0", "N1"}
    board.apply(batch(104, update("A", "8"), update("B", "")))
    assert prices(board, 104) == {"A": "8", "B": ""}
    assert [version for version, _ in board.each_since(104)] == [105, 106]
    board.apply(batch(106, update("NEW", "1")))
    assert prices(board, 106) == {"NEW": "1"}


def test_a_snapshot_of_more_symbols_than_may_be_is_cut() -> None:
    entries = [(number, update(f"N{number}", "1")) for number in range(1, 300_001)]
    board = Board()
    board.load(Snapshot("e1", 300_000, LIVE, entries))
    assert len(board) <= MAX_SYMBOLS + MAX_REMOVED
    assert board.get("N300000") is not None
