"""Which connection is given up first where others need its slot."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from relay.server.waiting import UNREAD_SECONDS, Waiting


class Pairs:
    """Connections, and whether their server's end is over."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def make(self) -> socket.socket:
        ours, _ = map(self._stack.enter_context, socket.socketpair())
        ours.setblocking(False)
        return ours


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    with ExitStack() as stack:
        yield Pairs(stack)


def is_over(sock: socket.socket) -> bool:
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False


def test_the_silent_go_first_then_half_requests_then_unread_answers(pairs: Pairs) -> None:
    now = 1000.0
    waiting = Waiting(lambda: now)
    older, newer, half, answered, reading = (pairs.make() for _ in range(5))
    waiting.unread[answered] = now
    waiting.unread[reading] = now + UNREAD_SECONDS / 2
    waiting.begun[half] = now
    waiting.idle[older] = now
    waiting.first[newer] = now + UNREAD_SECONDS / 2
    now += UNREAD_SECONDS
    for sock in (older, newer, half, answered):
        assert not is_over(sock)
        assert waiting.give_up_one()
        assert is_over(sock)
    with pytest.raises(BrokenPipeError):
        answered.send(b"x")
    assert not waiting.give_up_one()
    assert not is_over(reading)


def test_the_address_with_most_unread_bytes_pays(pairs: Pairs) -> None:
    now = 1000.0
    everybody, crowd, alone = (Waiting(lambda: now) for _ in range(3))
    paused, older, newer = (pairs.make() for _ in range(3))
    alone.unread[paused] = everybody.unread[paused] = now
    crowd.unread[older] = everybody.unread[older] = now + 1
    crowd.unread[newer] = everybody.unread[newer] = now + 5
    everybody.holders |= {alone: 100, crowd: 200}
    now += 1 + UNREAD_SECONDS
    assert everybody.give_up_unread()
    assert [is_over(sock) for sock in (paused, older, newer)] == [False, True, False]
    # What has only begun to wait is spared, whoever has most.
    assert everybody.give_up_unread()
    assert [is_over(sock) for sock in (paused, older, newer)] == [True, True, False]
    assert not everybody.give_up_unread()
    assert list(everybody.unread) == list(crowd.unread) == [newer]


def test_a_poll_is_answered_where_nobody_else_gives_way(pairs: Pairs) -> None:
    now = 1000.0
    waiting = Waiting(lambda: now)
    answered: list[str] = []
    waiting.polls[lambda: answered.append("older")] = now
    waiting.polls[lambda: answered.append("newer")] = now + 1
    silent = pairs.make()
    waiting.first[silent] = now
    assert waiting.give_up_one(0.5) is False
    now += 1
    assert waiting.give_up_one(0.5)
    assert is_over(silent)
    assert not answered
    assert waiting.give_up_one(0.5)
    assert answered == ["older"]
    assert not waiting.give_up_one(0.5)


def test_one_that_has_not_waited_long_may_be_spared(pairs: Pairs) -> None:
    now = 1000.0
    waiting = Waiting(lambda: now)
    silent, half = pairs.make(), pairs.make()
    waiting.first[silent] = now + 1
    waiting.begun[half] = now
    now += 2
    assert waiting.give_up_one(2)
    assert is_over(half)
    assert not waiting.give_up_one(2)
    assert not is_over(silent)


def test_a_connection_that_has_had_an_answer_ends_before_one_that_may_ask_yet(
    pairs: Pairs,
) -> None:
    waiting = Waiting()
    first, next_, half = (pairs.make() for _ in range(3))
    waiting.first[first] = waiting.idle[next_] = waiting.begun[half] = 0.0
    waiting.end_between_requests()
    assert [is_over(sock) for sock in (first, next_, half)] == [False, True, False]
    waiting.end_unheard()
    assert is_over(first)
    assert is_over(half)
