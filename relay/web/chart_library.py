"""Chart library: the file of Lightweight Charts, which the page of a symbol draws with.

The package that carries it also has Python, of which nothing is imported: only its file is found.
"""

import gzip
import hashlib
import logging
from importlib import metadata
from pathlib import Path

from flask import Blueprint, Response, request

PACKAGE = "litecharts"
FILE = "litecharts/js/lightweight-charts.js"
#: Its address changes with its content, so what was fetched once never has to be asked for again.
HEADERS = {
    "Content-Type": "text/javascript; charset=utf-8",
    "Cache-Control": "public, max-age=31536000, immutable",
    "Vary": "Accept-Encoding",
    "X-Content-Type-Options": "nosniff",
}

log = logging.getLogger(__name__)


class ChartLibrary:
    """The library's bytes and its address; without the package it has neither."""

    def __init__(self, package: str = PACKAGE) -> None:
        self.script = _read(package)
        self.zipped = gzip.compress(self.script, 9, mtime=0)
        self.hash = hashlib.sha256(self.script).hexdigest()[:16]
        #: The path to load it from; empty where there is none.
        self.path = f"/static/lightweight-charts.{self.hash}.js" if self.script else ""

    def blueprint(self) -> Blueprint:
        """The route that serves it, if there is anything to serve."""
        routes = Blueprint("chart_library", __name__)
        if self.path:
            routes.add_url_rule(self.path, "script", self._answer)
        return routes

    def _answer(self) -> Response:
        zips = bool(request.accept_encodings["gzip"])
        answer = Response(self.zipped if zips else self.script, headers=HEADERS)
        if zips:
            answer.headers["Content-Encoding"] = "gzip"
        answer.set_etag(f"{self.hash}-gzip" if zips else self.hash)
        answer.make_conditional(request)
        return answer


def _read(package: str) -> bytes:
    """The file's content; empty where it cannot be had."""
    try:
        return Path(str(metadata.distribution(package).locate_file(FILE))).read_bytes()
    except (metadata.PackageNotFoundError, OSError) as error:
        log.warning("pages have no charts: %s of %s cannot be read: %r", FILE, package, error)
        return b""
