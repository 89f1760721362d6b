"""The documentation: links lead somewhere, every page can be found, what it names exists."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from lab.cli.main import app
from tools import reference

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
INDEX = ROOT / "docs" / "README.md"

_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


def prose(page: Path) -> str:
    """A page without its examples."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def links(page: Path) -> list[str]:
    """Where a page's links lead, those to other servers aside."""
    targets = _LINK.findall(_CODE.sub("``", prose(page)))
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: dict[str, int] = {}
    result = set()
    for heading in _HEADING.findall(prose(page)):
        plain = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        count = found.get(plain, 0)
        found[plain] = count + 1
        result.add(f"{plain}-{count}" if count else plain)
    return result


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name if page != INDEX else "docs/README.md")
def test_links_lead_somewhere(page: Path) -> None:
    """Each link names a file that is there, and an anchor that the page has."""
    broken = []
    for target in links(page):
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert broken == []


def test_links_are_found() -> None:
    """The README has some, with anchors: the test above looks at something."""
    assert any("#" in target for target in links(ROOT / "README.md"))
    assert "a-right-click-away" in anchors(ROOT / "docs" / "feedback.md")
    assert "soarplaybook_run" in anchors(ROOT / "docs" / "feedback.md")


def test_the_index_has_every_page() -> None:
    """Whoever begins at the README or the index finds all of them."""
    listed = {(INDEX.parent / target.partition("#")[0]).resolve() for target in links(INDEX)}
    assert {page for page in PAGES if page.parent == INDEX.parent and page != INDEX} <= listed
    assert INDEX.resolve() in {(ROOT / target).resolve() for target in links(ROOT / "README.md")}


def test_the_reference_is_that_of_today() -> None:
    """docs/reference.md is generated from the conf files and the code."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.reference", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_reference_names_every_source_type() -> None:
    """Those that props.conf has for events, files and formats aside."""
    named = reference.page()
    shipped = [name for name in reference.stanzas("props") if ":" in name and not name.startswith("source::")]
    assert [name for name in shipped if f"`{name}`" not in named] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name if page != INDEX else "docs/README.md")
def test_commands_exist(page: Path) -> None:
    """Targets of make, and commands and options of the lab, are those that there are."""
    text = page.read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE):
        assert f"\n{target}:" in makefile, target
    known = {str(command.name or getattr(command.callback, "__name__", "")) for command in app.registered_commands}
    for command in re.findall(r"(?:^|`|bin/)lab ([a-z]+)", text, re.MULTILINE):
        assert command in known, command


def test_parameters_in_examples_exist() -> None:
    """Every `param.<name>` and `--param <name>=` that a page shows is one that an action has."""
    names = set(
        re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        shown = set(re.findall(r"\bparam\.([a-z_]+)\b|--param '?([a-z_]+)=", text))
        assert {name for pair in shown for name in pair if name} - names <= set(), page.name
