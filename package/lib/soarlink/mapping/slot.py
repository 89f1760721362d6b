"""One field of the result header with the rule that is for it: decides, value by value, what becomes of the field.

The only place where a decision is made. Mapping and explaining both ask here.
"""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple, Optional, Tuple

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
    """"" when no branch of the rule takes the value."""
    targets: Tuple[str, ...]
    """CEF names in order of preference; empty for the field's own name."""
    types: Tuple[str, ...]


class Piece(NamedTuple):
    """A value, or a part that a transform made of it, with its verdict."""

    text: str
    verdict: Verdict


_NO_BRANCH = Verdict("", (), ())


class Slot:
    """A field and the rule for it, with captures filled in and a bounded memory of verdicts."""

    __slots__ = (
        "_branches",
        "_marked",
        "_steps",
        "_verdicts",
        "constant",
        "copies",
        "drops",
        "field",
        "known",
        "partners",
        "plain",
        "rule",
        "targets",
        "treatment",
    )

    def __init__(
        self, field: str, rule: Rule, captured: Tuple[str, ...], treatment: Treatment, partners: Tuple[str, ...]
    ) -> None:
        """Bind ``rule`` to ``field``; ``partners`` are its zip partners by their names in the header."""
        self.field = field
        self.rule = rule
        self.treatment = treatment
        self.partners = partners
        self.copies = rule.mode == "copy"
        self.drops = rule.mode == "drop"
        self._steps = tuple(transform.step(name) for name in rule.transforms)
        self._branches = tuple(_filled(branch, captured, field) for branch in rule.branches)
        # Leading branches that can't take a value of nothing but letters and digits, which most values are.
        self._marked = next((i for i, branch in enumerate(rule.branches) if branch.kind not in MARKED), len(rule.branches))
        self._verdicts: Dict[Tuple[int, str], Verdict] = {}
        self.targets = tuple(dict.fromkeys(target for _, targets, _ in self._branches for target in targets))
        """Every CEF name that the slot can claim."""
        self.plain = not rule.transforms
        """Whether every value is delivered as it is."""
        self.known: Dict[str, Verdict] = {}
        self.constant: Optional[Verdict] = None
        """The verdict on every value, when the rule does not look at values."""
        if rule.branches and rule.branches[0].kind == "":
            self.constant = self.judge("")

    def judge(self, text: str) -> Verdict:
        """What becomes of this text: a function of the text and the rule, of nothing else."""
        verdict = self._judge(text)
        if len(text) <= _LONGEST_REMEMBERED:
            if len(self.known) >= _MOST_REMEMBERED:
                self.known.clear()
            self.known[text] = verdict
        return verdict

    def _judge(self, text: str) -> Verdict:
        branches = self._branches
        for index in range(self._marked if text.isalnum() else 0, len(branches)):
            recogniser, targets, types = branches[index]
            kind = recogniser(text)
            if kind:
                verdict = self._verdicts.get((index, kind))
                if verdict is None:
                    verdict = self._verdicts[index, kind] = Verdict(kind, targets, types)
                return verdict
        return _NO_BRANCH

    def only(self, value: str) -> str:
        """The one text that the transforms make of the value; "" when they make none or several of it."""
        for step in self._steps:
            texts = step(value)
            if len(texts) != 1:
                return ""
            value = texts[0]
        return value

    def pieces(self, value: str) -> List[Piece]:
        """The value as the transforms leave it, each part with its verdict; nothing when a copy finds nothing in it."""
        texts = [value]
        for step in self._steps:
            texts = [out for text in texts for out in step(text)]
        return [Piece(text, self.constant or self.known.get(text) or self.judge(text)) for text in texts]


def _filled(
    branch: Branch, captured: Tuple[str, ...], field: str
) -> Tuple[Recogniser, Tuple[str, ...], Tuple[str, ...]]:
    """The branch with its recogniser and its targets; no targets for the field's own name, however it is written."""
    targets = tuple(_PLACE.sub(lambda match: captured[int(match[1]) - 1], target) for target in branch.targets if target != OWN_NAME)
    return RECOGNISERS[branch.kind][0], () if targets == (field,) else targets, branch.types
