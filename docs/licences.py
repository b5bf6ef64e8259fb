"""Writes docs/licences.md: the licence of each package of requirements.lock, as its own metadata say.

python -m docs.licences
"""

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.M)
#: What metadata do not say: the LICENSE of gevent-websocket's source, the head of the script that litecharts
#: carries.
_BESIDES = {
    "gevent-websocket": "Apache-2.0, as its source says",
    "litecharts": "MIT; TradingView Lightweight Charts™ in it is Apache-2.0",
}
_CLASSIFIER = "License :: OSI Approved :: "
_HEAD = """# Licences

The relay is under the MIT licence. What it runs on, by `python -m docs.licences`:

| package | version | licence |
|---|---|---|
"""


def text() -> str:
    """The document."""
    pins = _PIN.findall((ROOT / "requirements.lock").read_text())
    rows = (f"| {name} | {version} | {licence(name)} |\n" for name, version in pins)
    return _HEAD + "".join(rows)


def licence(name: str) -> str:
    """What the package says of itself."""
    if name in _BESIDES:
        return _BESIDES[name]
    try:
        said = metadata(name)
    except PackageNotFoundError:
        return "needed on other platforms alone"
    if expression := said.get("License-Expression"):
        return str(expression)
    kinds = [
        each.removeprefix(_CLASSIFIER)
        for each in said.get_all("Classifier") or []
        if each.startswith(_CLASSIFIER)
    ]
    return ", ".join(kinds) or str(said.get("License", "not told")).splitlines()[0]


if __name__ == "__main__":
    (ROOT / "docs" / "licences.md").write_text(text())
