"""Assets: the files of static/, each read, minified and compressed once, and what they are called by.

One hash of all files stands in their addresses. Modules import each other by relative paths, so the hash
of the page's own script is also that of all it needs: no page mixes two versions.
"""

import gzip
import hashlib
import mimetypes
import posixpath
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from flask import Blueprint, Response, abort, request

#: For an address with the hash, and for one without it or with that of another version, as a rolling
#: deployment shows them: its file is the present one.
FOREVER, ASK_AGAIN = "public, max-age=31536000, immutable", "no-cache"
#: Of these there is a type that browsers insist on, or that Python takes for another one.
_TYPES = {".js": "text/javascript", ".ts": "text/plain", ".svg": "image/svg+xml"}
#: An import in a module, also without what it imports. What a module imports when it needs it is not meant.
_IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*["'](\.{1,2}/[^"']+)["']""")

#: A sheet that another one begins with.
_SHEET = re.compile(rb"""^@import "(\.{1,2}/[^"]+)";\n""", re.MULTILINE)

#: What a script's meaning does without: lines that are comments, blank ones, and what a line is indented by.
#: Template literals come first, since their blanks count. (Of one inside another, all but a line's beginning
#: counts; the tests compare what each script means before and after.)
_NEEDLESS = re.compile(
    rb"(`(?:\\.|[^`\\])*`)|^[ \t]*(?:/\*(?:(?!\*/).)*\*/[ \t]*|//[^\n]*)?\n|^[ \t]+",
    re.MULTILINE | re.DOTALL,
)


class Asset(NamedTuple):
    """One file as it is sent."""

    body: bytes
    #: The same as gzip; empty where that is no smaller.
    zipped: bytes
    content_type: str
    hash: str


class Assets:
    """Every file by its name: its path below static/."""

    def __init__(self, folder: Path, more: Mapping[str, bytes] | None = None) -> None:
        """`more`: further files, which are sent as they are."""
        bodies = {name: _body(folder / name) for name in _names(folder)} | dict(more or {})
        self._assets = {name: _asset(name, body) for name, body in sorted(bodies.items())}
        hashes = "".join(f"{name} {asset.hash}\n" for name, asset in self._assets.items())
        #: Another one whenever a file is.
        self.hash = _hash(hashes.encode())
        self._imports = {
            name: [each for each in _imports(name, asset.body.decode()) if each in self._assets]
            for name, asset in self._assets.items()
            if name.endswith(".js")
        }

    def __contains__(self, name: str) -> bool:
        return name in self._assets

    def __iter__(self) -> Iterator[str]:
        return iter(self._assets)

    def address(self, name: str) -> str:
        """The path to load a file from."""
        return f"/static/~{self.hash}/{name}"

    def modules(self, name: str) -> list[str]:
        """The names of all modules that this one cannot begin without, nearest first."""
        found = [name]
        for module in found:
            found.extend(each for each in self._imports[module] if each not in found)
        return found[1:]

    def blueprint(self) -> Blueprint:
        """The route that serves them."""
        routes = Blueprint("assets", __name__)
        routes.add_url_rule("/static/<path:path>", "asset", self._answer, merge_slashes=False)
        return routes

    def _answer(self, path: str) -> Response:
        ours = f"~{self.hash}/"
        name = re.sub(r"^~[^/]*/", "", path)
        asset = self._assets.get(name)
        if asset is None:
            abort(404, "There is no such file here.")
        zips = bool(asset.zipped and request.accept_encodings["gzip"])
        answer = Response(asset.zipped if zips else asset.body, content_type=asset.content_type)
        answer.headers["Cache-Control"] = FOREVER if path.startswith(ours) else ASK_AGAIN
        answer.headers["Vary"] = "Accept-Encoding"
        if zips:
            answer.headers["Content-Encoding"] = "gzip"
        answer.set_etag(f"{asset.hash}-gzip" if zips else asset.hash)
        answer.make_conditional(request)
        return answer


def _names(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    names = (path.relative_to(folder).as_posix() for path in files)
    return [name for name in names if not name.startswith(".") and "/." not in name]


def _body(path: Path) -> bytes:
    body = path.read_bytes()
    if path.suffix == ".css":
        return _joined(path, body)
    return _minified(body) if path.suffix == ".js" else body


def _joined(path: Path, sheet: bytes) -> bytes:
    """A style sheet with those that it imports in their places, so that all are one request."""
    return _SHEET.sub(lambda found: _body(path.parent / found[1].decode()), sheet)


def _minified(script: bytes) -> bytes:
    """Two thirds of it, also as gzip. A minifier would take a twentieth more, and one dependency."""
    return _NEEDLESS.sub(lambda found: found[1] or b"", script)


def _imports(name: str, source: str) -> list[str]:
    """What a module imports, each once."""
    folder = posixpath.dirname(name)
    paths = (posixpath.join(folder, path) for path in _IMPORT.findall(source))
    return list(dict.fromkeys(map(posixpath.normpath, paths)))


def _asset(name: str, body: bytes) -> Asset:
    suffix = posixpath.splitext(name)[1]
    kind = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    is_text = kind.startswith("text/") or kind == "image/svg+xml"
    zipped = gzip.compress(body, 9, mtime=0)
    return Asset(
        body,
        zipped if len(zipped) < len(body) else b"",
        f"{kind}; charset=utf-8" if is_text else kind,
        _hash(body),
    )


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]
