"""Imports run one way, as docs/architecture.md has it; the alert path loads nothing heavy."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.standin import ROOT

SOURCES = ROOT / "package" / "lib" / "soarlink"
PLACES = sorted(path.stem for path in SOURCES.iterdir() if (path / "__init__.py").exists())
"""The packages of soarlink. Modules beside them, such as `errors`, import none of them and are there for all."""


def table() -> dict[str, tuple[str, ...]]:
    """Package → packages, or single modules of them, that it may import: the table in docs/architecture.md."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").partition("## `soarlink`")[2]
    rows = re.findall(r"^\| ([^|]+) \|[^|]*\| ([^|]*) \|$", text, re.MULTILINE)
    found: dict[str, tuple[str, ...]] = {}
    for names, allowed in rows[1:]:
        may = tuple(re.findall(r"[\w.]+", allowed))
        for name in re.findall(r"`(\w+)`", names):
            found[name] = tuple(PLACES) if may == ("all",) else may
    return found


def modules() -> Iterator[Path]:
    """Every module of soarlink."""
    yield from sorted(path for path in SOURCES.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The absolute names that a module imports, those for types and those inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def package_of(path: Path) -> str:
    """The part of soarlink that a module belongs to."""
    return path.relative_to(SOURCES).parts[0].partition(".")[0]


def crossings() -> set[tuple[str, str]]:
    """(package, what it imports of another package, without `soarlink.`) for all of soarlink."""
    return {
        (package_of(path), name.partition(".")[2])
        for path in modules()
        for name in imported(path)
        if name.startswith("soarlink.") and name.split(".")[1] not in (package_of(path), "__init__")
    }


def test_every_package_stands_in_the_table() -> None:
    """A new package states what it may import."""
    assert set(PLACES) <= set(table())


def test_imports_follow_the_table() -> None:
    """No package imports what the table does not give it."""
    allowed = table()
    wrong = sorted(
        f"{package} imports {name}"
        for package, name in crossings()
        if name.split(".")[0] in PLACES
        and not any(f"{name}.".startswith(f"{may}.") for may in allowed.get(package, ()))
    )
    assert wrong == []


def test_what_all_may_import_imports_no_package() -> None:
    """Modules beside the packages stand on nothing of soarlink but one another."""
    assert [
        (package, name) for package, name in crossings() if package not in PLACES and name.split(".")[0] in PLACES
    ] == []


def test_there_is_no_circle_between_packages() -> None:
    """Taking away packages that import nothing any more leaves none."""
    left = {(package, name.split(".")[0]) for package, name in crossings()}
    while True:
        busy = {package for package, _ in left}
        rest = {(package, other) for package, other in left if other in busy}
        if rest == left:
            break
        left = rest
    assert left == set()


def test_no_package_imports_its_modules_when_it_is_imported() -> None:
    """Each `__init__` is a docstring and nothing else."""
    for path in SOURCES.rglob("__init__.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert [type(node) for node in body] == [ast.Expr], path


@pytest.mark.parametrize(
    ("library", "users"),
    [
        ("requests", {"wire"}),
        ("urllib3", {"wire"}),
        ("splunktaucclib", {"splunk"}),
        ("solnlib", set()),
        ("splunklib", {"commands", "inputs"}),
    ],
)
def test_a_library_is_used_in_its_place_only(library: str, users: set[str]) -> None:
    """`requests` in wire, Splunk's action library in splunk, its SDK for search commands, solnlib nowhere."""
    found = {package_of(path) for path in modules() for name in imported(path) if name.split(".")[0] == library}
    assert found <= users


def test_nothing_heavy_loads_on_the_alert_path() -> None:
    """The action and all that it loads late: no solnlib, no splunklib, no alert_actions_base."""
    late = sorted(
        {
            name.rpartition(".")[0]
            for path in (SOURCES / "actions").glob("*.py")
            for name in imported(path)
            if name.startswith("soarlink.")
        }
    )
    code = (
        "import importlib, sys\n"
        "import soarlink.actions.alert_action\n"
        f"for name in {late!r}: importlib.import_module(name)\n"
        "print('\\n'.join(sorted(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-B", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert {"soarlink.delivery.sender", "soarlink.splunk.splunkd", "requests", "splunktaucclib.cim_actions"} <= loaded
    heavy = ("solnlib", "splunklib", "splunktaucclib.alert_actions_base", "splunktaucclib.rest_handler", "httplib2")
    assert [name for name in loaded if name.startswith(heavy)] == []
