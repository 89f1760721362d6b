"""What a notable should show, and what of it is not written yet.

Pure, and by state rather than by event: however often it is worked out, the same update is written once.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import astuple, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from soarlink.rows.row import Row
from soarlink.writeback.risk import FORM, Risk, risk_of
from soarlink.writeback.rule import COMMENT, CREATED, NOTE, RISK, TAG

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from soarlink.feedback.case import Case
    from soarlink.writeback.rule import Rule

_MOST_TEXTS = 200
_ONCE = ("comments", "notes", "risks", "tags", "problems")
_FIELDS = {COMMENT: "comments", NOTE: "notes", TAG: "tags"}
"""Target → field of a change."""


@dataclass(frozen=True)
class Change:
    """An update of a notable.

    Args:
        values: ``status``, ``urgency``, ``owner``, ``disposition``, as far as they are to be set.
        comments: texts to add, each once.
        notes: texts that become notes of their own, each once.
        risks: modifiers for the index ``risk``, each once.
        tags: tags of the container in SOAR, each set once.
        problems: what rules say that can't be written, each told once.
    """

    values: tuple[tuple[str, str], ...] = ()
    comments: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    risks: tuple[Risk, ...] = ()
    tags: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self))

    @property
    def notable(self) -> Change:
        """What of it the notable itself gets."""
        return replace(self, risks=(), tags=(), problems=())

    def but(self, written: Change) -> Change:
        """The change without what another one has written."""
        left = {
            one.name: tuple(item for item in getattr(self, one.name) if item not in getattr(written, one.name))
            for one in fields(self)
        }
        return Change(**left)

    def along(self, other: Change) -> Change:
        """Both changes together, to look for them; what stands in both once."""
        return Change(
            **{
                one.name: tuple(dict.fromkeys((*getattr(self, one.name), *getattr(other, one.name))))
                for one in fields(self)
            }
        )


@dataclass(frozen=True)
class Pushed:
    """What was written for a case, as its row in the lookup keeps it.

    Args:
        values: target → the value that was written last.
        comments: digests of what is written once: comments, notes, risks, tags; oldest first.
        under_way: what may have been written when the process ended. Where SOAR has changed back since, no rule says it
            any more, and it is looked for all the same.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    comments: tuple[str, ...] = ()
    under_way: Change = Change()

    def after(self, change: Change) -> Pushed:
        """What was written once this change is, too."""
        comments = (*self.comments, *(_digest(name, item) for name in _ONCE for item in getattr(change, name)))
        return Pushed({**self.values, **dict(change.values)}, comments[-_MOST_TEXTS:], self.under_way.but(change))

    def text(self) -> str:
        """As the lookup keeps it."""
        document: dict[str, Any] = {"values": dict(self.values), "comments": list(self.comments)}
        if self.under_way:
            document["under_way"] = {one.name: getattr(self.under_way, one.name) for one in fields(Change)}
        return json.dumps(document, default=astuple, separators=(",", ":"))


def pushed_of(text: str) -> Pushed:
    """What was written, from the lookup; nothing where there is nothing to read."""
    try:
        parsed: Any = json.loads(text or "{}")
        under_way = _change_of(parsed.get("under_way", {}))
        return Pushed(dict(parsed.get("values", {})), tuple(parsed.get("comments", ())), under_way)
    except (ValueError, TypeError, AttributeError):
        return Pushed()


def _change_of(document: Mapping[str, Any]) -> Change:
    texts = {name: tuple(map(str, document.get(name, ()))) for name in ("comments", "notes", "tags", "problems")}
    values = tuple((str(name), str(value)) for name, value in document.get("values", ()))
    return Change(values, risks=tuple(Risk(*map(str, one)) for one in document.get("risks", ())), **texts)


def wanted(case: Case, rules: Iterable[Rule]) -> Change:
    """What the rules say that the notable should show."""
    facts = {name: str(value) for name, value in case.document().items() if value not in ("", 0, False)}
    row = Row("0", 0, facts)
    values: dict[str, str] = {}
    once: dict[str, dict[Any, None]] = {name: {} for name in _ONCE}
    for rule in rules:
        if not rule.holds("1" if rule.field == CREATED else facts.get(rule.field, "")):
            continue
        text = rule.to.render(row, {}).strip()
        risk = risk_of(rule.name, text) if rule.target == RISK else None
        if risk is not None:
            once["risks"][risk] = None
        elif rule.target == RISK:
            once["problems"][f'rule [{rule.name}] says "{text}", which is no risk modifier: write {FORM}'] = None
        elif text and rule.target in _FIELDS:
            once[_FIELDS[rule.target]][text] = None
        elif text:
            values.setdefault(rule.target, text)
    return Change(tuple(values.items()), **{name: tuple(found) for name, found in once.items()})


def outstanding(change: Change, pushed: Pushed) -> Change:
    """What of a change was not written yet."""
    once = {
        name: tuple(item for item in getattr(change, name) if _digest(name, item) not in pushed.comments)
        for name in _ONCE
    }
    return Change(tuple(pair for pair in change.values if pushed.values.get(pair[0]) != pair[1]), **once)


def _digest(name: str, item: str | Risk) -> str:
    said = f"{item.rule}\n{item}" if isinstance(item, Risk) else item
    kind = "" if name == "comments" else f"{name}: "
    return hashlib.sha256(f"{kind}{said}".encode("utf-8", "backslashreplace")).hexdigest()[:16]
