"""nginx as `deploy/nginx-cache.conf` has it, before a relay; and a crowd that polls through it."""

import asyncio
import gzip
import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import loop
from tests.closing import Closing
from tests.ports import free_port, listens
from tests.processes import ROOT, Process, wait_until

_MAIN = """
{user} daemon off; pid {home}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
    include {home}/relay.conf;
}}
"""
#: What the file says, where a test has something else.
_LISTENS, _RELAY, _FOLDER = "listen 8081", "127.0.0.1:3001", "/var/cache/nginx/relay"


class CachingNginx(Closing):
    """It, on a port of its own. Skips the test where there is no nginx."""

    def __init__(self, directory: Path, behind: int) -> None:
        program = shutil.which("nginx")
        if program is None:
            pytest.skip("nginx is not installed")
        self.port = free_port()
        text = (ROOT / "deploy" / "nginx-cache.conf").read_text()
        for usual, here in (
            (_LISTENS, f"listen 127.0.0.1:{self.port}"),
            (_RELAY, f"127.0.0.1:{behind}"),
            (_FOLDER, str(directory / "cache")),
        ):
            assert usual in text
            text = text.replace(usual, here)
        (directory / "relay.conf").write_text(text)
        # As root it would give up what it needs to read a test's folder.
        user = "user root;" if os.geteuid() == 0 else ""
        (directory / "nginx.conf").write_text(_MAIN.format(home=directory, user=user))
        self._process = Process([program, "-c", f"{directory}/nginx.conf", "-p", str(directory)])
        wait_until(lambda: listens(self.port), "nginx to listen")

    def close(self) -> None:
        self._process.close()


class Answer(NamedTuple):
    """What one of a crowd was told."""

    status: int
    headers: dict[str, str]
    body: bytes


def crowd(port: int, path: str, encodings: Sequence[str], then: Callable[[], None]) -> list[Answer]:
    """Everybody asks at once, each with its Accept-Encoding; `then` is called when all have."""
    return loop.run(_crowd(port, path, encodings, then))


async def _crowd(
    port: int, path: str, encodings: Sequence[str], then: Callable[[], None]
) -> list[Answer]:
    opened = [await asyncio.open_connection("127.0.0.1", port) for _ in encodings]
    for (_, writer), encoding in zip(opened, encodings, strict=True):
        head = f"GET {path} HTTP/1.0\r\nHost: relay\r\nAccept-Encoding: {encoding}\r\n\r\n"
        writer.write(head.encode())
        await writer.drain()
    then()
    answers = [_answer(await reader.read()) for reader, _ in opened]
    for _, writer in opened:
        writer.close()
    return answers


def _answer(said: bytes) -> Answer:
    head, _, body = said.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = {line.partition(": ")[0].lower(): line.partition(": ")[2] for line in lines}
    if headers.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return Answer(int(status.split()[1]), headers, body)
