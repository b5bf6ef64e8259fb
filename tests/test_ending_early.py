"""A worker that is told to end while it starts ends as it was asked to."""

import socket
from types import SimpleNamespace

import pytest

from relay.server.worker import Server


def test_a_server_that_is_closed_while_it_starts_takes_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    worker = SimpleNamespace(servers=[])
    server = Server(listener, application=None, worker=worker)

    def look_up(_: str) -> str:
        """Others get a turn, and one of them closes what there is."""
        for one in worker.servers:
            one.close()
        return "here"

    monkeypatch.setattr("gevent.pywsgi.socket.getfqdn", look_up)
    server.start()
    assert server.closed
