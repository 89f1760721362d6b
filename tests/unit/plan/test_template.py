"""Templates with `{{field}}` placeholders."""

from __future__ import annotations

import pytest

from soarlink.plan.template import Template, TemplateError
from tests.unit.samples import make_row

ROW = make_row(dest="web-1", user=("al", "bo"), urgency="Critical", empty=("", ""), blank="")
FACTS = {"search_name": "Brute force", "dest": "not this one"}


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("plain", "plain"),
        ("", ""),
        ("{{dest}}", "web-1"),
        (" {{ dest }} has it ", "web-1 has it"),
        ("{{nothing}}", ""),
        ("{{search_name}} on {{dest}}", "Brute force on web-1"),
        ("{{user}}", "al, bo"),
        ("{{user|first}}", "al"),
        ("{{user|join}}", "al, bo"),
        ("{{user|join:; }}", "al; bo"),
        ("{{user|join:}}", "albo"),
        ("{{nothing|join:-}}", ""),
        ("{{user|upper}}", "AL, BO"),
        ("{{urgency|lower}}", "critical"),
        ("{{nothing|default: none }}", "none"),
        ("{{nothing|default}}", ""),
        ("{{empty|default:x}}", "x"),
        ("{{dest|default:x}}", "web-1"),
        ("{{nothing|or:dest}}", "web-1"),
        ("{{nothing|or:search_name|upper}}", "BRUTE FORCE"),
        ("{{dest|or:user}}", "web-1"),
        ("{{nothing|or:nope|default:x}}", "x"),
        ("{{urgency|map:critical=high,info=low}}", "high"),
        ("{{dest|map:critical=high}}", "web-1"),
        ("{{user|map:al=Alice, bo = Bob}}", "Alice, Bob"),
        ("$result.dest$ {{dest}}", "$result.dest$ web-1"),
        ("{single} {{dest}}", "{single} web-1"),
        ("{{dest}}{{user|first}}", "web-1al"),
        ("a\n{{dest}}", "a\nweb-1"),
    ],
)
def test_a_template_renders_per_row(text: str, rendered: str) -> None:
    """Fields, facts of the run, and every filter from left to right."""
    assert Template(text).render(ROW, FACTS) == rendered


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{{}}", "names no field"),
        ("{{ |default:x}}", "names no field"),
        ("{{a|nope}}", r"nope.*known are default, first, join, lower, map, or, upper"),
        ("{{a|or:}}", "or:.* names no field"),
        ("{{a|or}}", "names no field"),
        ("{{a|map:x}}", "write pairs"),
        ("{{a|map}}", "write pairs"),
        ("{{a|map:=x}}", "write pairs"),
    ],
)
def test_what_cannot_be_understood_is_an_error_with_a_way_out(text: str, words: str) -> None:
    """The error says which part is wrong and what to write."""
    with pytest.raises(TemplateError, match=words):
        Template(text)


def test_a_template_knows_whether_it_changes_from_row_to_row() -> None:
    """Only text without placeholders is fixed; the fields are those that placeholders name first."""
    assert Template("high").is_fixed
    assert Template("").is_fixed
    assert not Template("x {{a}}").is_fixed
    assert Template("{{a|or:b}} {{ c }}").fields == ("a", "c")


def test_a_placeholder_that_is_not_closed_is_an_error() -> None:
    """A typing error in braces is told before anything is sent."""
    with pytest.raises(TemplateError):
        Template("{{dest}")
