"""nginx, HAProxy, Caddy and Traefik as `deploy/` has them, in front of servers on other ports."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from bench.process import ROOT, Process, free_port

#: Where `deploy/` has the relay's servers, and where each program is told to listen.
_SERVERS = ("127.0.0.1:3001", "127.0.0.1:3002")
_LISTENS = {
    "nginx": ("listen 8080", "listen 127.0.0.1:{port}"),
    "haproxy": ("bind :8080", "bind 127.0.0.1:{port}"),
    "caddy": (":8080 {", ":{port} {{"),
    # Its port stands in the static file.
    "traefik": ("", ""),
}
_FILES = {
    "nginx": "nginx.conf",
    "haproxy": "haproxy.cfg",
    "caddy": "Caddyfile",
    "traefik": "traefik.yaml",
}
_TRAEFIK = {'address: ":8080"': 'address: "127.0.0.1:{port}"', "/etc/traefik/relay.yaml": "{file}"}
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

#: All of them, and those that are installed.
NAMES = frozenset(_FILES)
PROGRAMS = tuple(program for program in _FILES if shutil.which(program))


class Balancer(Process):
    """The program, configured by its file in `deploy/` but for the ports."""

    def __init__(self, program: str, directory: Path, behind: Sequence[int]) -> None:
        """`behind`: the servers' ports; a single one stands for both. Raises RuntimeError where the program
        is missing or does not begin."""
        found = shutil.which(program)
        if found is None:
            raise RuntimeError(f"{program} is not installed")
        for attempt in range(1, _ATTEMPTS + 1):
            self.port = free_port()
            home = directory / f"{program}-{self.port}"
            home.mkdir()
            text = _configuration(program, self.port, behind)
            super().__init__(
                _command(found, program, home, text, self.port),
                HOME=str(home),
                XDG_DATA_HOME=str(home),
            )
            try:
                self.wait_until_answering(self.port)
                return
            except RuntimeError:
                self.close()
                if attempt == _ATTEMPTS:
                    raise

    @property
    def url(self) -> str:
        """Where clients come."""
        return f"http://127.0.0.1:{self.port}"


def _configuration(program: str, port: int, behind: Sequence[int]) -> str:
    """The text of its file, with our ports."""
    text = (ROOT / "deploy" / _FILES[program]).read_text()
    listens, there = _LISTENS[program]
    if listens not in text or not all(server in text for server in _SERVERS):
        raise RuntimeError(f"deploy/{_FILES[program]} has other addresses than ours")
    if listens:
        text = text.replace(listens, there.format(port=port))
    for server, other in zip(_SERVERS, behind, strict=False):
        text = text.replace(server, f"127.0.0.1:{other}")
    # A single one: the line of the second goes.
    text = re.sub(rf"^\s*(?:server|- url:) .*{_SERVERS[1]}.*\n", "", text, flags=re.M)
    return text.replace(f" {_SERVERS[1]}", "")


def _command(found: str, program: str, home: Path, text: str, port: int) -> list[str]:
    file = home / ("relay.conf" if program == "nginx" else _FILES[program])
    if program == "caddy":
        # Its own console has a port that is always the same.
        text = "{\n\tadmin off\n}\n" + text
    file.write_text(text)
    if program == "nginx":
        main = home / "nginx.conf"
        main.write_text(_NGINX.format(home=home))
        return [found, "-c", str(main), "-p", str(home)]
    if program == "haproxy":
        return [found, "-db", "-f", str(file)]
    if program == "traefik":
        static = (ROOT / "deploy/traefik.static.yaml").read_text()
        for ours, there in _TRAEFIK.items():
            static = static.replace(ours, there.format(port=port, file=file))
        (home / "static.yaml").write_text(static)
        return [found, "--configFile", str(home / "static.yaml")]
    return [found, "run", "--config", str(file), "--adapter", "caddyfile"]
