"""What developers take along: the types say what there is, and the package holds all that it needs."""

import json
import re
from typing import Any

import pytest

from relay.ticker import PublicTicker
from tests.node import bundle, evaluate, installed, run
from tests.processes import ROOT

STATIC = ROOT / "static"
TYPES = (STATIC / "relay.d.ts").read_text()
PACKAGE = json.loads((STATIC / "package.json").read_text())
#: Members that the client's own modules need of one another. They are no promise to anybody.
INTERNAL = {
    "Prices": {"addresses", "hear", "hiddenWish", "idOf", "rewish", "wish"},
    "Relay": {"close"},
    "Candles": {"take", "greet", "renew"},
}
#: Members of the client's own base class that the class that extends it makes its own.
HOOKS = {"take", "greet"}
#: Every public member of an instance and of its classes, each class by its name.
MEMBERS = """
import { Prices, Relay } from "./relay.js";
const relay = new Relay({ url: "http://127.0.0.1:9/events", symbols: ["BTCUSDT"], shared: false });
const candles = relay.candles("BTCUSDT", "1m");
const others = new Set(["constructor", ...Reflect.ownKeys(new EventTarget())]);
const namesOf = (object) => Reflect.ownKeys(object).filter((name) => !others.has(name)).map(String);
answer = {
  status: Object.keys(relay.status),
  Prices: [...namesOf(relay), ...namesOf(Prices.prototype)],
  Relay: namesOf(Relay.prototype),
  Candles: [...namesOf(candles), ...namesOf(Object.getPrototypeOf(candles))],
};
relay.close();
"""


@pytest.fixture(scope="module")
def members() -> dict[str, list[str]]:
    members: dict[str, list[str]] = evaluate(MEMBERS)
    return members


def declared(kind: str, name: str) -> set[str]:
    """The members that the types declare of a class or an interface."""
    found = re.search(
        rf"^export {kind} {name}\b[^{{]*\{{\n(.*?)^\}}", TYPES, re.MULTILINE | re.DOTALL
    )
    assert found is not None, name
    names = re.findall(r"^  (?:readonly )?(\w+|\[Symbol\.\w+\])[?(<:]", found[1], re.MULTILINE)
    return {re.sub(r"^\[(.*)\]$", r"Symbol(\1)", each) for each in names} - {"constructor"}


@pytest.mark.parametrize(
    ("kind", "name"), [("class", "Prices"), ("class", "Relay"), ("interface", "Candles")]
)
def test_every_public_name_is_in_the_types_and_the_other_way_round(
    members: dict[str, list[str]], kind: str, name: str
) -> None:
    inherited = {"removeEventListener"} if name == "Prices" else set()
    assert declared(kind, name) - inherited == set(members[name]) - HOOKS - INTERNAL[name]
    assert INTERNAL[name] <= set(members[name])


def test_a_status_has_the_fields_that_the_types_say(members: dict[str, list[str]]) -> None:
    assert declared("interface", "Status") == set(members["status"])


def test_the_options_are_those_that_the_types_say() -> None:
    source = (STATIC / "relay" / "prices.js").read_text()
    taken = re.search(r"constructor\(\{(.*?)\} = \{\}\)", source, re.DOTALL)
    assert taken is not None
    assert declared("interface", "Options") == set(re.findall(r"(\w+)(?: =[^,]*)?,", taken[1]))


def test_a_ticker_has_the_fields_that_the_relay_sends() -> None:
    assert declared("interface", "Ticker") == set(PublicTicker.__struct_fields__)


@pytest.mark.parametrize("resolution", ["nodenext", "bundler"])
def test_what_developers_write_is_checked_strictly(resolution: str) -> None:
    module = "nodenext" if resolution == "nodenext" else "esnext"
    command = [installed("tsc"), "-p", ".", "--module", module, "--moduleResolution", resolution]
    done = run(*command)
    assert (done.returncode, done.stdout) == (0, "")


def imports(*names: str) -> set[str]:
    """The modules that these need, themselves included, by their paths below static/."""
    found = list(names)
    for name in found:
        source = (STATIC / name).read_text()
        for path in re.findall(r"""(?:from|import)\s*\(?["'](\.{1,2}/[^"']+)""", source):
            target = (STATIC / name).parent.joinpath(path).resolve().relative_to(STATIC).as_posix()
            found.extend({target}.difference(found))
    return set(found)


def test_the_package_holds_all_that_it_exports_and_imports() -> None:
    files = PACKAGE["files"]
    exported = [each for entry in PACKAGE["exports"].values() for each in leaves(entry)]
    for path in exported:
        assert (STATIC / path).is_file(), path
    needed = imports(*(path.removeprefix("./") for path in exported if path.endswith(".js")))
    assert all(path in files or path.split("/")[0] in files for path in needed), needed
    assert PACKAGE["private"] is True, "it is a package's content, and published nowhere"


def leaves(entry: Any) -> list[str]:
    return (
        [entry]
        if isinstance(entry, str)
        else [leaf for each in entry.values() for leaf in leaves(each)]
    )


def test_a_bundle_of_prices_alone_has_no_candles_in_it() -> None:
    """Whoever imports one thing of the package does not carry the other."""
    lean, full = (
        bundle(f'import {{ {name} }} from "relay-prices"; globalThis.relay = new {name}();')
        for name in ("Prices", "Relay")
    )
    assert "api/history" in full
    assert "api/history" not in lean
