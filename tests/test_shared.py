"""Answers that are costly to make, each made once for all who ask for the same."""

import weakref

import gevent
import pytest
from gevent.event import Event

from relay.web import fresh, shared
from relay.web.fresh import NotMade
from relay.web.shared import Shared


def test_what_many_ask_for_is_made_once() -> None:
    made: list[str] = []
    answers: Shared[str, str] = Shared(
        lambda question: made.append(question) or question, lambda: "e"
    )
    asking = [gevent.spawn(answers.get, "a") for _ in range(50)]
    assert [one.get(timeout=10) for one in asking] == ["a"] * 50
    assert made == ["a"]


def test_a_crowd_of_different_questions_is_turned_away_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shared, "MAX_MAKINGS", 3)
    go_on = Event()
    answers: Shared[int, int] = Shared(lambda question: go_on.wait() and question, lambda: "e")
    asking = [gevent.spawn(answers.get, number) for number in range(3)]
    gevent.sleep(0)
    with pytest.raises(NotMade, match="too many"):
        answers.get(99)
    go_on.set()
    assert [one.get(timeout=10) for one in asking] == [0, 1, 2]
    assert answers.get(99) == 99


def test_whoever_asks_for_much_leaves_others_their_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MAX_MAKINGS", 6)
    go_on = Event()
    answers: Shared[int, int] = Shared(lambda question: go_on.wait() and question, lambda: "e")
    asking = [gevent.spawn(answers.get, number, "greedy") for number in range(6)]
    gevent.sleep(0)
    asking += [gevent.spawn(answers.get, number, "modest") for number in (6, 7, 8)]
    gevent.sleep(0)
    for asker in ("greedy", "modest"):
        with pytest.raises(NotMade, match="too many"):
            answers.get(99, asker)
    asking.append(gevent.spawn(answers.get, 9, "another"))
    gevent.sleep(0)
    go_on.set()
    assert [one.get(timeout=10) for one in asking] == list(range(10))


def test_there_is_an_end_of_what_is_made_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "MAX_MAKINGS", 2)
    monkeypatch.setattr(shared, "MAX_ANSWERS", 3)
    go_on = Event()
    answers: Shared[int, int] = Shared(lambda question: go_on.wait() and question, lambda: "e")
    asking = [gevent.spawn(answers.get, number, "greedy") for number in range(2)]
    gevent.sleep(0)
    asking.append(gevent.spawn(answers.get, 2, "another"))
    gevent.sleep(0)
    with pytest.raises(NotMade, match="too many"):
        answers.get(3, "a third one")
    go_on.set()
    assert [one.get(timeout=10) for one in asking] == [0, 1, 2]


def test_an_answer_that_serves_nobody_any_more_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    class Large:
        pass

    for module in (shared, fresh):
        monkeypatch.setattr(module, "FRESH_SECONDS", 0.01)
    answers: Shared[int, Large] = Shared(lambda _: Large(), lambda: "e")
    for question in (1, 2):
        # One that comes when all are gone is let go as well.
        gone = Event()
        weakref.finalize(answers.get(question), gone.set)
        assert gone.wait(10), question


def test_an_answer_that_is_being_made_is_not_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (shared, fresh):
        monkeypatch.setattr(module, "FRESH_SECONDS", 0.01)
    made: list[int] = []
    go_on = Event()

    def make(question: int) -> int:
        made.append(question)
        go_on.wait()
        return question

    answers: Shared[int, int] = Shared(make, lambda: "e")
    asking = [gevent.spawn(answers.get, 7)]
    gevent.sleep(0.05)
    asking.append(gevent.spawn(answers.get, 7))
    gevent.sleep(0)
    go_on.set()
    assert [one.get(timeout=10) for one in asking] == [7, 7]
    assert made == [7]
