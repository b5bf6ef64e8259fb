"""A page of another origin than the relay's, with a script that it was built with."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.closing import Closing
from tests.node import installed, run


def bundle(module: str) -> str:
    """What a page loads, of a module that may import what tests/npm has. Skips where npm does not work."""
    built = run(installed("esbuild"), "--bundle", "--format=iife", given=module)
    assert built.returncode == 0, built.stderr
    return built.stdout


class ForeignPage(Closing):
    """Serves one page, with the script in it, wherever it is asked for."""

    def __init__(self, script: str = "") -> None:
        page = f"<!doctype html><title>x</title><script>{script}</script>".encode()

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

            def log_message(self, format: str, *args: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
