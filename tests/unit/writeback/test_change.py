"""What a notable should show, and what of it is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soarlink.errors import SettingsError
from soarlink.feedback.case import Case
from soarlink.splunk import conf
from soarlink.writeback.change import Change, Pushed, outstanding, pushed_of, wanted
from soarlink.writeback.risk import Risk
from soarlink.writeback.rule import CONF, SHIPPED, check, rules_of
from tests.unit.standin import ROOT

CASE = Case("prod", 7, name="Case", status="closed", severity="high", owner="ann", url="https://soar/mission/7")
RULES = {
    "link": {"order": "10", "field": "created", "set": "comment", "to": "container {{container_id}}: {{url}}"},
    "closed": {"order": "20", "field": "status", "values": "Closed, resolved", "set": "status", "to": "5"},
    "any": {"order": "30", "field": "status", "values": "*", "set": "status", "to": "2"},
    "owner": {"order": "40", "field": "owner", "set": "owner", "to": "{{owner|map:ann=asmith}}"},
    "off": {"order": "50", "field": "status", "set": "urgency", "to": "low", "disabled": "1"},
}


def shipped() -> dict[str, dict[str, str]]:
    """What the add-on ships."""
    return conf.parse((ROOT / "package" / "default" / f"{CONF}.conf").read_text(encoding="utf-8"))


def test_the_first_rule_decides_and_every_comment_counts() -> None:
    """Order decides between two rules for the status; templates are filled; a rule that is off says nothing."""
    found = wanted(CASE, rules_of(RULES))
    assert found == Change((("status", "5"), ("owner", "asmith")), ("container 7: https://soar/mission/7",))
    opened = wanted(Case("prod", 7, status="open"), rules_of(RULES))
    assert opened.values == (("status", "2"),)


def test_as_shipped_only_a_comment_is_written() -> None:
    """Whatever becomes of a container, nothing but the comment with its page is written until somebody says so."""
    assert set(shipped()) == SHIPPED
    for status in ("new", "open", "closed"):
        found = wanted(Case("prod", 7, status=status, owner="ann", verdict="failed", url="u"), rules_of(shipped()))
        assert found == Change((), ("Sent to SOAR: container 7, u",))


def test_every_shipped_rule_can_be_switched_on() -> None:
    """None of them is wrong."""
    rules = rules_of({name: {**stanza, "disabled": "0"} for name, stanza in shipped().items()})
    assert len(rules) == len(SHIPPED)
    case = Case("prod", 7, status="closed", severity="high", owner="soar_local_admin", last_playbook="p")
    found = wanted(replace(case, verdict="succeeded", risk_object="h", risk_object_type="system"), rules)
    assert dict(found.values) == {"status": "5", "urgency": "high", "owner": "admin"}
    assert found.notes == ("SOAR playbook p: succeeded",)
    assert (found.risks, found.tags) == (
        (Risk("risk_on_verdict", "-20", "system", "h"),),
        ("told_enterprise_security",),
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"order": "x"}, 'order = "x"'),
        ({"field": "colour"}, 'field = "colour"'),
        ({"set": "title"}, 'set = "title"'),
        ({"to": ""}, 'to = ""'),
        ({"to": "Closed"}, "a status is a number"),
        ({"set": "urgency", "to": "huge"}, "an urgency is one of"),
        ({"set": "disposition", "to": "1"}, "disposition:1"),
        ({"to": "{{owner"}, "not closed"),
        ({"set": "risk", "to": "40 system"}, "a score, a type"),
        ({"set": "tag", "to": "one, two"}, "one tag"),
        ({"colour": "red"}, 'colour = "red"'),
    ],
)
def test_a_wrong_rule_is_named(change: dict[str, str], said: str) -> None:
    """The error names stanza, key and value, on save and when the rules are read."""
    stanzas = {**RULES, "closed": {**RULES["closed"], **change}}
    for refuse in (lambda: rules_of(stanzas), lambda: check("closed", stanzas)):
        with pytest.raises(SettingsError, match=r"Rule \[closed\]") as error:
            refuse()
        assert said in str(error.value)


NAMES = st.sampled_from(["status", "urgency", "owner"])
CHANGES = st.builds(
    lambda values, comments: Change(tuple(values.items()), tuple(dict.fromkeys(comments))),
    st.dictionaries(NAMES, st.sampled_from(["1", "2", "3"])),
    st.lists(st.text(min_size=1, max_size=5), max_size=3),
)


@given(st.lists(CHANGES, max_size=6))
def test_what_is_written_is_not_written_again(wanted_in_turn: list[Change]) -> None:
    """After each update nothing of it is outstanding, also after a restart; a comment never comes twice."""
    pushed = Pushed()
    written: list[str] = []
    for change in wanted_in_turn:
        left = outstanding(change, pushed)
        written += left.comments
        pushed = pushed_of(pushed.after(left).text())
        assert not outstanding(change, pushed)
    assert len(written) == len(set(written))


def test_what_can_not_be_read_counts_as_nothing_written() -> None:
    """A damaged note of what was written does not stop the write-back."""
    assert pushed_of("{") == pushed_of("[]") == pushed_of("") == Pushed()
