"""nginx, HAProxy and Caddy as `deploy/` has them, in front of servers of a test."""

import re
import shutil
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.closing import Closing
from tests.ports import free_port
from tests.processes import ROOT, Process, wait_until

#: Where `deploy/` has the relay's servers, and where each program is told to listen.
_SERVERS = ("127.0.0.1:3001", "127.0.0.1:3002")
_LISTENS = {
    "nginx": ("listen 8080", "listen 127.0.0.1:{port}"),
    "haproxy": ("bind :8080", "bind 127.0.0.1:{port}"),
    "caddy": (":8080 {", ":{port} {{"),
}
_FILES = {"nginx": "nginx.conf", "haproxy": "haproxy.cfg", "caddy": "Caddyfile"}
_NGINX = """
daemon off; pid {home}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 8192; }}
worker_rlimit_nofile 20000;
http {{
    access_log off;
    client_body_temp_path {home}/body; proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/f; uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
    include {home}/relay.conf;
}}
"""


#: Somebody else may take the port that was free a moment ago.
_ATTEMPTS = 3


class Balancer(Closing):
    """The program, configured by its file in `deploy/` but for the ports. Skips where it is missing."""

    def __init__(self, program: str, directory: Path, behind: Sequence[int]) -> None:
        """`behind`: the servers' ports; a single one stands for both."""
        found = shutil.which(program)
        if found is None:
            pytest.skip(f"{program} is not installed")
        for _ in range(_ATTEMPTS):
            self._begin(found, program, directory, behind)
            wait_until(lambda: self._listens() or self._process.has_ended, f"{program} to begin")
            if not self._process.has_ended:
                return
        raise AssertionError(f"{program} does not begin:\n" + "".join(self._process.output[-10:]))

    def _begin(self, found: str, program: str, directory: Path, behind: Sequence[int]) -> None:
        self.port = free_port()
        self._home = directory / f"{program}-{self.port}"
        self._home.mkdir()
        text = (ROOT / "deploy" / _FILES[program]).read_text()
        listens, there = _LISTENS[program]
        assert listens in text
        text = text.replace(listens, there.format(port=self.port))
        for server, port in zip(_SERVERS, behind, strict=False):
            assert server in text
            text = text.replace(server, f"127.0.0.1:{port}")
        # A single one: the line of the second goes.
        text = re.sub(rf"^\s*server .*{_SERVERS[1]}.*\n", "", text, flags=re.M)
        text = text.replace(f" {_SERVERS[1]}", "")
        environ = {"HOME": str(self._home), "XDG_DATA_HOME": str(self._home)}
        self._process = Process(self._command(found, program, text), environ)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self._process.kill()

    def _command(self, found: str, program: str, text: str) -> list[str]:
        file = self._home / ("relay.conf" if program == "nginx" else _FILES[program])
        if program == "caddy":
            # Its own console has a port that is always the same.
            text = "{\n\tadmin off\n}\n" + text
        file.write_text(text)
        if program == "nginx":
            main = self._home / "nginx.conf"
            main.write_text(_NGINX.format(home=self._home))
            return [found, "-c", str(main), "-p", str(self._home)]
        if program == "haproxy":
            return [found, "-db", "-f", str(file)]
        return [found, "run", "--config", str(file), "--adapter", "caddyfile"]

    def _listens(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port)).close()
        except OSError:
            return False
        return True
