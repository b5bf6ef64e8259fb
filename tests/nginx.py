"""nginx in front of a relay, on a port of its own."""

import shutil
from pathlib import Path

import pytest

from tests.closing import Closing
from tests.ports import free_port, listens
from tests.processes import Process, wait_until

_CONFIG = """
daemon off; pid {directory}/nginx.pid; error_log stderr; worker_processes 1;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/f; uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{behind};
            {directives}
        }}
        location ~ /ws$ {{
            proxy_pass http://127.0.0.1:{behind};
            {sockets}
        }}
    }}
}}
"""
#: What lets WebSockets through.
UPGRADES = """
    proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";
"""


class Nginx(Closing):
    """Passes everything on to what listens at the port `behind`. Skips the test where there is none."""

    def __init__(
        self, directory: Path, behind: int, directives: str = "", sockets: str = UPGRADES
    ) -> None:
        """`directives` for all but WebSockets; without any, nginx speaks HTTP/1.0 to what is behind it."""
        program = shutil.which("nginx")
        if program is None:
            pytest.skip("nginx is not installed")
        self.port = free_port()
        home = directory / f"nginx-{self.port}"
        home.mkdir()
        text = _CONFIG.format(
            directory=home, port=self.port, behind=behind, directives=directives, sockets=sockets
        )
        (home / "nginx.conf").write_text(text)
        self._process = Process([program, "-c", str(home / "nginx.conf"), "-p", str(home)])
        wait_until(lambda: listens(self.port), "nginx to listen")

    def close(self) -> None:
        self._process.close()
