"""Whether a server may listen on an address."""

import socket

import pytest

from relay.server import address
from tests.ports import free_port


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "LEAVE_SECONDS", 0.0)


def test_a_free_one_is_given() -> None:
    assert not address.host_is_wrong("127.0.0.1")
    assert address.why_not("127.0.0.1", free_port()) == ""


def test_one_that_is_taken_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert (
            address.why_not("127.0.0.1", other.getsockname()[1]) == "another program listens there"
        )


def test_who_was_there_has_time_to_leave(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "LEAVE_SECONDS", 60.0)
    other = socket.create_server(("127.0.0.1", 0))
    monkeypatch.setattr(address.time, "sleep", lambda _: other.close())
    assert address.why_not("127.0.0.1", other.getsockname()[1]) == ""


@pytest.mark.parametrize("host", ["x86_64-conda-linux-gnu", "203.0.113.7"])
def test_one_of_another_machine_is_not(host: str) -> None:
    assert address.host_is_wrong(host)
