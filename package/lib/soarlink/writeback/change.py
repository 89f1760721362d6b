"""What a notable should show, and what of it is not written yet.

Pure, and by state rather than by event: however often it is worked out, the same update is written once.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from soarlink.rows.row import Row
from soarlink.writeback.rule import COMMENT, CREATED, NOTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from soarlink.feedback.case import Case
    from soarlink.writeback.rule import Rule

_MOST_TEXTS = 200


@dataclass(frozen=True)
class Change:
    """An update of a notable.

    Args:
        values: ``status``, ``urgency``, ``owner``, ``disposition``, as far as they are to be set.
        comments: texts to add, each once.
        notes: texts that become notes of their own, each once.
    """

    values: tuple[tuple[str, str], ...] = ()
    comments: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.values or self.comments or self.notes)

    def but(self, written: Change) -> Change:
        """The change without what another one has written."""
        return Change(
            tuple(pair for pair in self.values if pair not in written.values),
            tuple(text for text in self.comments if text not in written.comments),
            tuple(text for text in self.notes if text not in written.notes),
        )


@dataclass(frozen=True)
class Pushed:
    """What was written for a case, as its row in the lookup keeps it.

    Args:
        values: target → the value that was written last.
        comments: digests of comments and notes that were written, oldest first.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    comments: tuple[str, ...] = ()

    def after(self, change: Change) -> Pushed:
        """What was written once this change is, too."""
        comments = (*self.comments, *map(_digest, change.comments), *map(_note_digest, change.notes))
        return Pushed({**self.values, **dict(change.values)}, comments[-_MOST_TEXTS:])

    def text(self) -> str:
        """As the lookup keeps it."""
        return json.dumps({"values": dict(self.values), "comments": list(self.comments)}, separators=(",", ":"))


def pushed_of(text: str) -> Pushed:
    """What was written, from the lookup; nothing where there is nothing to read."""
    try:
        parsed: Any = json.loads(text or "{}")
        return Pushed(dict(parsed.get("values", {})), tuple(parsed.get("comments", ())))
    except (ValueError, TypeError, AttributeError):
        return Pushed()


def wanted(case: Case, rules: Iterable[Rule]) -> Change:
    """What the rules say that the notable should show."""
    facts = {name: str(value) for name, value in case.document().items() if value not in ("", 0, False)}
    row = Row("0", 0, facts)
    values: dict[str, str] = {}
    texts: dict[str, dict[str, None]] = {COMMENT: {}, NOTE: {}}
    for rule in rules:
        if not rule.holds("1" if rule.field == CREATED else facts.get(rule.field, "")):
            continue
        text = rule.to.render(row, {}).strip()
        if text and rule.target in texts:
            texts[rule.target][text] = None
        elif text:
            values.setdefault(rule.target, text)
    return Change(tuple(values.items()), tuple(texts[COMMENT]), tuple(texts[NOTE]))


def outstanding(change: Change, pushed: Pushed) -> Change:
    """What of a change was not written yet."""
    return Change(
        tuple((name, value) for name, value in change.values if pushed.values.get(name) != value),
        tuple(text for text in change.comments if _digest(text) not in pushed.comments),
        tuple(text for text in change.notes if _note_digest(text) not in pushed.comments),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _note_digest(text: str) -> str:
    return _digest(f"note: {text}")
