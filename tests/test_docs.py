"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

from tests.processes import ROOT

DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "bench/README.md"]


def headings(document: Path) -> set[str]:
    """What may stand behind `#`, as GitHub makes it of them."""
    titles = re.findall(r"^#+ (.+)$", document.read_text(), re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_and_a_heading_of_it(document: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)([^)]+)\)", document.read_text()):
        name, _, heading = link.partition("#")
        target = document.parent / name if name else document
        assert target.exists(), link
        assert not heading or heading in headings(target), link


def test_the_readme_is_one_screen_and_links() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 80


def test_every_file_to_open_for_a_change_is_there() -> None:
    rows = re.findall(r"^\| [^|]+ \| (`.*) \|$", (ROOT / "docs/where.md").read_text(), re.M)
    names = [name for row in rows for name in re.findall(r"`([\w/]+\.py)`", row)]
    assert names
    assert [
        name
        for name in names
        if not any((folder / name).exists() for folder in (ROOT / "relay", ROOT))
    ] == []
