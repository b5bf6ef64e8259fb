"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

from tests.processes import ROOT

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "bench/README.md"]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []


def test_every_file_to_open_for_a_change_is_there() -> None:
    rows = re.findall(r"^\| [^|]+ \| (`.*) \|$", (ROOT / "ARCHITECTURE.md").read_text(), re.M)
    names = [name for row in rows for name in re.findall(r"`([\w/]+\.py)`", row)]
    assert names
    assert [
        name
        for name in names
        if not any((folder / name).exists() for folder in (ROOT / "relay", ROOT))
    ] == []
