"""The page that explains the checks names those that there are."""

from __future__ import annotations

import sys

import pytest

if sys.version_info < (3, 11):
    pytest.skip("the tools are for CPython 3.11 and later", allow_module_level=True)

from tools import checks


def test_the_tables_in_the_documentation_are_fresh() -> None:
    """``docs/troubleshooting.md`` holds the tables that ``tools/checks.py`` makes of the catalogue now."""
    page = checks.PAGE.read_text(encoding="utf-8")
    assert page == checks.page(page)
