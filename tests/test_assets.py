"""Static files: minified without a change of meaning, addressed by a hash, and asked for again or never."""

import gzip
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE

import pytest
from flask import Flask
from flask.testing import FlaskClient

from relay.config import Config
from relay.fanout.health import Health
from relay.fanout.hub import Hub
from relay.web.assets import Assets
from relay.web.chart_library import NAME, chart_library
from relay.web.site import create_site
from tests.archive import nothing_past
from tests.processes import ROOT

STATIC = ROOT / "static"
#: Answers each line, the source of a module as JSON, with a line: its tree, without places and without how
#: a text is spelt. Node has the parser inside.
TREES = """
const { parse } = require("internal/deps/acorn/acorn/dist/acorn");
const plain = (key, value) => {
  if (["start", "end", "raw"].includes(key)) return undefined;
  return value instanceof RegExp || typeof value === "bigint" ? String(value) : value;
};
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const tree = parse(JSON.parse(line), { ecmaVersion: "latest", sourceType: "module" });
  console.log(JSON.stringify(tree, plain));
});
"""
SCRIPTS = sorted(path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.js"))


@pytest.fixture(scope="module")
def assets() -> Assets:
    return Assets(STATIC, chart_library())


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return create_site(Hub(Health()), Config(_env_file=None), nothing_past()).test_client()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A few files that import each other."""
    (tmp_path / "room").mkdir()
    (tmp_path / "a.js").write_text('import { b } from "./room/b.js";\nimport "./c.js";\n' * 2)
    (tmp_path / "room" / "b.js").write_text('export { c } from "../c.js"; import("./late.js");\n')
    (tmp_path / "room" / "late.js").write_text("// nothing but this\n")
    (tmp_path / "c.js").write_text('import { a } from "./a.js"; import "./gone.js";\n')
    (tmp_path / ".hidden.js").write_text("")
    return tmp_path


def client_of(folder: Path) -> FlaskClient:
    site = Flask("other", static_folder=None)
    site.register_blueprint(Assets(folder).blueprint())
    return site.test_client()


@pytest.fixture(scope="module")
def tree() -> Iterator[Callable[[bytes], str]]:
    """The tree of a module."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    command = [node, "--expose-internals", "-e", TREES]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True) as parser:
        assert parser.stdin is not None
        assert parser.stdout is not None

        def parsed(source: bytes) -> str:
            print(json.dumps(source.decode()), file=parser.stdin, flush=True)
            line = parser.stdout.readline()
            assert line, "this is no module"
            return line

        yield parsed


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_minified_script_means_what_its_source_means(
    client: FlaskClient, tree: Callable[[bytes], str], name: str
) -> None:
    source = (STATIC / name).read_bytes()
    assert tree(client.get(f"/static/{name}").data) == tree(source)


def test_a_style_sheet_is_sent_with_those_that_it_imports(tmp_path: Path) -> None:
    (tmp_path / "page").mkdir()
    (tmp_path / "page.css").write_text('@import "./page/rows.css";\np { color: red }\n')
    (tmp_path / "page" / "rows.css").write_text('@import "../row.css";\ntable { color: blue }\n')
    (tmp_path / "row.css").write_text("tr { color: green }\n")
    sheet = client_of(tmp_path).get("/static/page.css").text
    rules = ["tr { color: green }", "table { color: blue }", "p { color: red }"]
    assert sheet.splitlines() == rules


TEMPLATES = r"""
  /* why
     `so` */

  // why `not`
x = `a  ${y && `,  // ${z}  c`}  d` +
  `  ${v ? `  w` : `  ${t}`}`; /** @type {X} */
  /** @type {X} */ (y).z();
t = `one
   // two \`
   /* three */

   four`;
"""


def test_what_stands_in_a_template_stays_and_whole_lines_of_comment_go(
    folder: Path, tree: Callable[[bytes], str]
) -> None:
    (folder / "c.js").write_text(TEMPLATES)
    minified = client_of(folder).get("/static/c.js").data
    assert b"why" not in minified
    assert tree(minified) == tree(TEMPLATES.encode())


def test_a_script_is_a_third_smaller_without_its_comments(assets: Assets) -> None:
    names = [name for name in SCRIPTS if name.startswith("relay/")]
    plain = sum(len(gzip.compress((STATIC / name).read_bytes(), 9)) for name in names)
    site = client_of(STATIC)
    zipped = {"Accept-Encoding": "gzip"}
    assert (
        sum(len(site.get(f"/static/{name}", headers=zipped).data) for name in names) < 0.7 * plain
    )


def test_every_import_of_a_script_is_there() -> None:
    for name in SCRIPTS:
        for path in re.findall(r'(?:from|import)\s*\(?"(\.[^"]+)"', (STATIC / name).read_text()):
            assert ((STATIC / name).parent / path).is_file(), (name, path)


def test_an_address_of_this_version_is_never_asked_for_again(
    client: FlaskClient, assets: Assets
) -> None:
    for name in assets:
        answer = client.get(assets.address(name))
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_another_versions_address_gives_the_present_file_and_is_asked_for_again(
    client: FlaskClient, assets: Assets
) -> None:
    """A page of one version may load its scripts from a worker of another one."""
    present = client.get(assets.address("relay.js")).data
    for path in ("/static/~000000000000/relay.js", "/static/~/relay.js", "/static/relay.js"):
        answer = client.get(path)
        assert (answer.data, answer.headers["Cache-Control"]) == (present, "no-cache"), path


def test_a_file_that_did_not_change_is_not_sent_again(client: FlaskClient) -> None:
    for coding in ("gzip", "identity"):
        first = client.get("/static/relay.js", headers={"Accept-Encoding": coding})
        asked = {"Accept-Encoding": coding, "If-None-Match": f"W/{first.headers['ETag']}"}
        again = client.get("/static/relay.js", headers=asked)
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.headers["Vary"] == "Accept-Encoding"
    other = {"Accept-Encoding": "gzip", "If-None-Match": first.headers["ETag"]}
    assert client.get("/static/relay.js", headers=other).status_code == 200


def test_files_are_compressed_for_those_who_take_it(client: FlaskClient) -> None:
    for name in ("relay.js", "style/base.css", "icon.svg", NAME):
        plain = client.get(f"/static/{name}")
        zipped = client.get(f"/static/{name}", headers={"Accept-Encoding": "br, gzip"})
        assert "Content-Encoding" not in plain.headers
        assert zipped.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(zipped.data) == plain.data
        refused = client.get(f"/static/{name}", headers={"Accept-Encoding": "gzip;q=0, br"})
        assert refused.data == plain.data
        head = client.head(f"/static/{name}", headers={"Accept-Encoding": "gzip"})
        assert (head.data, head.content_length) == (b"", len(zipped.data))


def test_each_kind_of_file_has_its_type(client: FlaskClient) -> None:
    for name, kind in (
        ("relay.js", "text/javascript; charset=utf-8"),
        ("style/base.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml; charset=utf-8"),
    ):
        assert client.get(f"/static/{name}").headers["Content-Type"] == kind


PATHS = [
    "", "~", "~/", "~x", "~x/", "relay.js/", "/relay.js", "//relay.js", "~x//relay.js", "~x/~y/relay.js",
    "../app.py", "~x/../../app.py", "%2e%2e/app.py", "..%2fapp.py", "%2Fetc/passwd", "relay.js%00", "%ff",
    "relay.js%20", "RELAY.JS", ".", "..", "style", "style/../relay.js", "\\relay.js", "x" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_an_odd_path_is_a_404(client: FlaskClient, path: str) -> None:
    assert client.get(f"/static/{path}").status_code == 404


def test_pages_load_all_that_their_scripts_import_at_once(folder: Path) -> None:
    assets = Assets(folder)
    assert assets.modules("a.js") == ["room/b.js", "c.js"]
    assert assets.modules("room/b.js") == ["c.js", "a.js"]
    assert assets.modules("room/late.js") == []


def test_a_hidden_file_is_nobodys(folder: Path) -> None:
    assert ".hidden.js" not in Assets(folder)
    assert client_of(folder).get("/static/.hidden.js").status_code == 404


def test_another_file_or_content_makes_another_hash(folder: Path) -> None:
    before = Assets(folder).hash
    assert Assets(folder).hash == before
    (folder / "room" / "late.js").write_text("export {};")
    changed = Assets(folder).hash
    (folder / "room" / "late.js").rename(folder / "room" / "later.js")
    assert len({before, changed, Assets(folder).hash, Assets(folder, {"x": b""}).hash}) == 4


def test_the_chart_library_is_served_as_it_is(client: FlaskClient, assets: Assets) -> None:
    answer = client.get(assets.address(NAME))
    assert b"Lightweight Charts" in answer.data[:200]
    assert answer.data == chart_library()[NAME]


def test_without_its_package_there_is_no_chart_library() -> None:
    assert chart_library("no-such-package") == {}
