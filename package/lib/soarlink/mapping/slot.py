"""One field of the result header with the rule that is for it: decides, value by value, what becomes of the field.

The only place where a decision is made. Mapping and explaining both ask here.
"""

from __future__ import annotations

import re
from typing import Optional

from soarlink.mapping import transform
from soarlink.mapping.multivalue import Treatment
from soarlink.mapping.recognise import MARKS, RECOGNISERS, UNMARKED, Recogniser
from soarlink.mapping.rule import OWN_NAME, Branch, Rule
from soarlink.rows.row import Value

_MOST_REMEMBERED = 1024
_FEW_MARKS = 2
_SEVERAL = 2
_LONGEST_REMEMBERED = 256  # characters: what is longer hardly ever comes twice


Verdict = tuple[str, tuple[str, ...], tuple[str, ...], Optional[str]]
"""What becomes of a value. A plain tuple: every field of every row takes one apart, and from a named one that is slow.

1. What it was taken for; "" when the rule does not look at values, ``text`` when no kind that it asks for takes the
   value.
2. CEF names in order of preference; empty for the field's own name.
3. Data types.
4. What the transforms make of the value; None when they leave it as it came; "" when one verdict can't say it, because
   the field is dropped, or the parts of the value have to be looked at one by one: they go different ways, or are
   joined, or transforms change them.
"""

Piece = tuple[str, Verdict]
"""A value, or a part that a transform made of it, with its verdict."""

NO_BRANCH: Verdict = ("text", (), (), None)
"""No branch of the rule takes the value."""
_NOTHING: Verdict = ("", (), (), None)
"""A copy finds nothing in the value."""
_NOT_ONE: Verdict = ("", (), (), "")
"""One verdict can't say it."""

_Asked = tuple[str, Recogniser, dict[str, Verdict], tuple[str, ...], tuple[str, ...]]
"""A branch for one field: a mark without which its recogniser need not be asked, the recogniser, the verdicts that it
has given so far, targets, types. A plain tuple, because the loop over them is the hottest of all."""


class Slot:
    """A field and the rule for it, with captures filled in and a bounded memory of verdicts."""

    __slots__ = (
        "_constant",
        "_marked",
        "_steps",
        "_unmarked",
        "copies",
        "drops",
        "field",
        "known",
        "only_target",
        "partners",
        "rule",
        "treatment",
    )

    def __init__(
        self, field: str, rule: Rule, captured: tuple[str, ...], treatment: Treatment, partners: tuple[str, ...]
    ) -> None:
        """Bind ``rule`` to ``field``; ``partners`` are its zip partners by their names in the header."""
        self.field = field
        self.rule = rule
        self.treatment = treatment
        self.partners = partners
        self.copies = rule.mode == "copy"
        self.drops = rule.mode == "drop"
        self._steps = tuple([transform.step(name) for name in rule.transforms])
        # Most values are letters and digits only: the recognisers for these, and those for values with anything else.
        self._unmarked: list[_Asked] = []
        self._marked: list[_Asked] = []
        reached: set[str] = set()
        for branch in rule.branches:
            asked = _asked(branch, captured, field)
            reached.update(asked[0][3])
            if branch.kind not in MARKS:
                self._unmarked += asked
            if branch.kind not in UNMARKED:
                self._marked += asked
        self.only_target = reached.pop() if len(reached) == 1 else ""
        """The CEF name that the slot can claim, if there is one only."""
        self.known: dict[Value, Verdict] = {}
        self._constant: Verdict | None = None
        """The verdict on every text, when the rule does not look at values."""
        if rule.branches and not rule.branches[0].kind:
            _, _, _, targets, types = self._marked[0]
            self._constant = ("", targets, types, None)

    def judge(self, value: Value) -> Verdict:
        """What becomes of this value: a function of the value and the rule, of nothing else."""
        if not isinstance(value, str):
            verdict = self._together(value)
            length = sum(map(len, value), len(value))
        elif self.drops:
            return _NOT_ONE
        else:
            verdict = self._alone(value) if self._steps else self._constant or self._taken(value)
            length = len(value)
        if length <= _LONGEST_REMEMBERED:
            if len(self.known) >= _MOST_REMEMBERED:
                self.known.clear()
            self.known[value] = verdict
        return verdict

    def _alone(self, value: str) -> Verdict:
        """The verdict on what the transforms make of the value, if that is one text."""
        text = value
        for step in self._steps:
            texts = step(text)
            if len(texts) != 1:
                return _NOT_ONE if texts or not self.copies else _NOTHING
            text = texts[0]
        verdict = self._constant or self._taken(text)
        return verdict if text == value else (*verdict[:3], text)

    def _together(self, values: tuple[str, ...]) -> Verdict:
        """All values stay as they are and go the same way, which nearly all lists do; or not."""
        if self.drops or len(values) < _SEVERAL or self.treatment.kind in {"first", "join"}:
            return _NOT_ONE
        recogniser, targets, types, _ = self.known.get(values[0]) or self.judge(values[0])
        for value in values:
            _, others, kinds, text = self.known.get(value) or self.judge(value)
            if text is not None or others != targets:
                return _NOT_ONE
            if kinds != types:
                types = ()
        return (recogniser, targets, types, None)

    def _taken(self, text: str) -> Verdict:
        for mark, recogniser, verdicts, targets, types in self._unmarked if text.isalnum() else self._marked:
            if mark in text:
                kind = recogniser(text)
                if kind:
                    return verdicts.get(kind) or verdicts.setdefault(kind, (kind, targets, types, None))
        return NO_BRANCH

    def pieces(self, value: str) -> list[Piece]:
        """The value as the transforms leave it, each part with its verdict; nothing when a copy finds nothing in it."""
        verdict = self.known.get(value) or self.judge(value)
        if verdict[3] is None:
            return [] if verdict is _NOTHING else [(value, verdict)]
        texts = [value]
        for step in self._steps:
            texts = [out for text in texts for out in step(text)]
        return [(text, self._constant or self._taken(text)) for text in texts]


def _asked(branch: Branch, captured: tuple[str, ...], field: str) -> list[_Asked]:
    """The branch, once for each of its kind's marks; no targets for the field's own name, however it is written.

    Once without a mark when there are several: asking the recogniser is cheaper than looking for three.
    """
    targets = tuple([_filled(target, captured) for target in branch.targets if target != OWN_NAME])
    if targets == (field,):
        targets = ()
    recogniser = RECOGNISERS[branch.kind][0]
    verdicts: dict[str, Verdict] = {}
    marks = MARKS.get(branch.kind, ("",))
    return [
        (mark, recogniser, verdicts, targets, branch.types) for mark in (marks if len(marks) <= _FEW_MARKS else ("",))
    ]


def _filled(target: str, captured: tuple[str, ...]) -> str:
    if "{" not in target:
        return target
    return re.sub(r"\{(\d+)\}", lambda place: captured[int(place[1]) - 1], target)
