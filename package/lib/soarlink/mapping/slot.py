"""One field of the result header with the rule that is for it: decides, value by value, what becomes of the field.

The only place where a decision is made. Mapping and explaining both ask here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from soarlink.mapping import transform
from soarlink.mapping.multivalue import Treatment
from soarlink.mapping.recognise import MARKED, RECOGNISERS, Recogniser
from soarlink.mapping.rule import OWN_NAME, Branch, Rule

_MOST_REMEMBERED = 4096
_LONGEST_REMEMBERED = 256  # characters: what is longer hardly ever comes twice
_PLACE = re.compile(r"\{(\d+)\}")


class Verdict(NamedTuple):
    """What a value was taken for and where it wants to go."""

    recogniser: str
    """"" when the rule does not look at values; ``text`` when no kind that it asks for takes the value."""
    targets: tuple[str, ...]
    """CEF names in order of preference; empty for the field's own name."""
    types: tuple[str, ...]


class Piece(NamedTuple):
    """A value, or a part that a transform made of it, with its verdict."""

    text: str
    verdict: Verdict


NO_BRANCH = Verdict("text", (), ())
"""No branch of the rule takes the value."""


class _Bound(NamedTuple):
    """A branch for one field, with the verdicts that it has given so far."""

    recogniser: Recogniser
    verdicts: dict[str, Verdict]
    targets: tuple[str, ...]
    types: tuple[str, ...]


class Slot:
    """A field and the rule for it, with captures filled in and a bounded memory of verdicts."""

    __slots__ = (
        "_branches",
        "_steps",
        "_unmarked",
        "constant",
        "copies",
        "drops",
        "field",
        "known",
        "only_target",
        "partners",
        "plain",
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
        self._steps = tuple(transform.step(name) for name in rule.transforms)
        self._branches = tuple(_bound(branch, captured, field) for branch in rule.branches)
        # Values of nothing but letters and digits, which most are, need not be shown to recognisers that want a mark.
        self._unmarked = tuple(
            bound for bound, branch in zip(self._branches, rule.branches) if branch.kind not in MARKED
        )
        targets = {target for branch in self._branches for target in branch.targets}
        self.only_target = targets.pop() if len(targets) == 1 else ""
        """The CEF name that the slot can claim, if there is one only."""
        self.plain = not rule.transforms
        """Whether every value is delivered as it is."""
        self.known: dict[str, Verdict] = {}
        self.constant: Verdict | None = None
        """The verdict on every value, when the rule does not look at values."""
        if rule.branches and rule.branches[0].kind == "":
            self.constant = Verdict("", self._branches[0].targets, self._branches[0].types)

    def judge(self, text: str) -> Verdict:
        """What becomes of this text: a function of the text and the rule, of nothing else."""
        verdict = NO_BRANCH
        for recogniser, verdicts, targets, types in self._unmarked if text.isalnum() else self._branches:
            kind = recogniser(text)
            if kind:
                verdict = verdicts.get(kind) or verdicts.setdefault(kind, Verdict(kind, targets, types))
                break
        if len(text) <= _LONGEST_REMEMBERED:
            if len(self.known) >= _MOST_REMEMBERED:
                self.known.clear()
            self.known[text] = verdict
        return verdict

    def only(self, value: str) -> str:
        """The one text that the transforms make of the value; "" when they make none or several of it."""
        for step in self._steps:
            texts = step(value)
            if len(texts) != 1:
                return ""
            value = texts[0]
        return value

    def pieces(self, value: str) -> list[Piece]:
        """The value as the transforms leave it, each part with its verdict; nothing when a copy finds nothing in it."""
        texts = [value]
        for step in self._steps:
            texts = [out for text in texts for out in step(text)]
        return [Piece(text, self.constant or self.known.get(text) or self.judge(text)) for text in texts]


def _bound(branch: Branch, captured: tuple[str, ...], field: str) -> _Bound:
    """The branch with its recogniser and its targets; no targets for the field's own name, however it is written."""
    targets = tuple(
        _PLACE.sub(lambda match: captured[int(match[1]) - 1], target) for target in branch.targets if target != OWN_NAME
    )
    return _Bound(RECOGNISERS[branch.kind][0], {}, () if targets == (field,) else targets, branch.types)
