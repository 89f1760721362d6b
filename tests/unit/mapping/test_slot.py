"""What a slot says of a whole value is what its rule says, asked without any short cut."""

from __future__ import annotations

import pytest

from soarlink.mapping import shipped, transform
from soarlink.mapping.multivalue import Treatment, parse_multivalue
from soarlink.mapping.recognise import RECOGNISERS
from soarlink.mapping.rule import OWN_NAME, Rule
from soarlink.mapping.slot import Slot
from tests.unit.mapping.test_recognise import TABLE

Plain = tuple[str, str, tuple[str, ...], tuple[str, ...]]
"""Text, recogniser's answer, targets, types."""

_FIELD = "the field"
_RULES = tuple(rule for rule in shipped.load().rules if rule.mode != "drop")
_VALUES = sorted({value for taken, left in TABLE.values() for value in taken + left if value and len(value) < 400})


def _slot(rule: Rule, treatment: str = "list") -> Slot:
    return Slot(_FIELD, rule, ("a", "b", "c"), parse_multivalue(treatment), ())


def _plainly(rule: Rule, value: str) -> list[Plain]:
    """Every text that the transforms make, with the first branch whose recogniser takes it."""
    texts = [value]
    for name in rule.transforms:
        texts = [out for text in texts for out in transform.step(name)(text)]
    return [(text, *_branch(rule, text)) for text in texts]


def _branch(rule: Rule, text: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    for branch in rule.branches:
        kind = "" if not branch.kind and branch is rule.branches[0] else RECOGNISERS[branch.kind][0](text)
        if kind or not branch.kind:
            targets = tuple(
                target.replace("{1}", "a").replace("{2}", "b") for target in branch.targets if target != OWN_NAME
            )
            return kind, targets, branch.types
    return "text", (), ()


@pytest.mark.parametrize("rule", _RULES, ids=[rule.stanza for rule in _RULES])
def test_single_values(rule: Rule) -> None:
    """Marks, memory and the verdict on a whole value change nothing about what the rule's branches say in turn."""
    slot = _slot(rule)
    for value in (*_VALUES, *_VALUES):
        wanted = _plainly(rule, value)
        assert [(text, *verdict[:3]) for text, verdict in slot.pieces(value)] == wanted
        recogniser, targets, types, text = slot.judge(value)
        if text == "":
            assert len(wanted) > 1
        elif wanted:
            assert [(text or value, recogniser, targets, types)] == wanted
            assert text is None or text != value
        else:
            assert (targets, types, text) == ((), (), None)


@pytest.mark.parametrize("rule", _RULES, ids=[rule.stanza for rule in _RULES])
def test_several_values(rule: Rule) -> None:
    """A list has one verdict only when no value changes and all go the same way; else its values are looked at."""
    slot = _slot(rule)
    for values in zip(_VALUES, _VALUES[1:] + _VALUES[:1], _VALUES[7:] + _VALUES[:7]):
        wanted = [piece for value in values for piece in _plainly(rule, value)]
        _, targets, types, text = slot.judge(values)
        one_way = [piece[0] for piece in wanted] == list(values) and len({piece[2] for piece in wanted}) == 1
        if text is None and wanted and targets:
            assert one_way
        if one_way:
            assert (text, targets) == (None, wanted[0][2])
            assert types == (wanted[0][3] if len({piece[3] for piece in wanted}) == 1 else ())


@pytest.mark.parametrize("treatment", ["first", "join", "join:;"])
def test_lists_that_are_not_delivered_as_lists(treatment: str) -> None:
    """``first`` and ``join`` make something else of a list, so no verdict on the whole may let it through."""
    slot = _slot(_RULES[-1], treatment)
    assert slot.judge(("a", "b"))[3] == ""
    assert slot.judge("a")[3] is None


def test_a_list_of_one_or_none() -> None:
    """A list of one value is delivered as the value, so it is no list that stays as it is."""
    slot = _slot(_RULES[-1])
    assert slot.judge(("a",))[3] == ""
    assert slot.judge(())[3] == ""


def test_what_is_remembered_of_lists_is_bounded() -> None:
    """Long lists are not remembered, nor are more than a bounded number of short ones."""
    slot = Slot("x", _RULES[-1], ("x",), Treatment("list"), ())
    for number in range(3000):
        slot.judge((f"a{number}", "b"))
    slot.judge(("y",) * 1000)
    assert len(slot.known) <= 1024
    assert max(len(value) for value in slot.known if isinstance(value, tuple)) <= 256
