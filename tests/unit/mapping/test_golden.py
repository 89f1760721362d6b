"""Ten well-known detections, from row to artifact, as pages that people read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.mapping import golden_page

_PAGES = sorted(golden_page.FOLDER.glob("*.md"))


def test_there_are_ten() -> None:
    """No page has gone missing."""
    assert len(_PAGES) == 10


@pytest.mark.parametrize("path", _PAGES, ids=lambda path: path.stem)
def test_the_page_shows_what_the_mapping_does(path: Path) -> None:
    """Artifact, data types and trace on the page are those of the shipped rules, on every Python."""
    page = path.read_text(encoding="utf-8")
    assert golden_page.rendered(page) == page
