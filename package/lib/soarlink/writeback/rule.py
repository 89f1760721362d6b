"""Which state of a container means which update of its notable: stanzas of ``ta_send_to_soar_writeback.conf``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from soarlink.errors import SettingsError
from soarlink.plan.template import Template, TemplateError
from soarlink.writeback.risk import FORM, risk_of

if TYPE_CHECKING:
    from collections.abc import Mapping

CONF = "ta_send_to_soar_writeback"

CREATED = "created"
FIELDS = (CREATED, "status", "severity", "owner", "label", "verdict")
"""What a rule looks at; ``created`` holds as soon as the container is there."""

COMMENT, NOTE, RISK, TAG = "comment", "note", "risk", "tag"
TARGETS = ("status", "urgency", "owner", "disposition", COMMENT, NOTE, RISK, TAG)
"""What can be written: of a notable (Notable Event API), notes on findings (public API of 8), risk modifiers, and tags
of the container in SOAR: Enterprise Security has no call that sets tags of a notable."""

SHIPPED = frozenset(
    """comment_on_delivery comment_on_verdict comment_on_close note_on_verdict status_in_progress status_closed
    urgency_from_severity owner_from_owner risk_on_verdict tag_on_close""".split()
)
"""The rules that the add-on ships."""

_KEYS = frozenset(("disabled", "description", "order", "field", "values", "set", "to"))
_NEEDED = ("order", "field", "set", "to")
_URGENCIES = ("informational", "low", "medium", "high", "critical")


@dataclass(frozen=True)
class Rule:
    """One rule.

    Args:
        name: its stanza.
        order: rules are asked in ascending order; for values the first that holds decides; texts are all written.
        field: what it looks at.
        values: for which values it holds, in lower case; empty for any value.
        target: what it writes.
        to: the value, a template over the case's fields.
    """

    name: str
    order: int
    field: str
    values: frozenset[str]
    target: str
    to: Template

    def holds(self, value: str) -> bool:
        """Whether the rule holds for this value of its field."""
        return value.lower() in self.values if self.values else bool(value)


def rules_of(stanzas: Mapping[str, Mapping[str, str]]) -> tuple[Rule, ...]:
    """The rules that are switched on, in order.

    Args:
        stanzas: of the conf file, ``local`` over ``default``.

    Raises:
        SettingsError: with stanza and key.
    """
    found = [
        _rule(name, stanza)
        for name, stanza in stanzas.items()
        if name != "default" and stanza.get("disabled", "").strip().lower() not in ("1", "true")
    ]
    return tuple(sorted(found, key=lambda rule: (rule.order, rule.name)))


def check(name: str, stanzas: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse a rule that can't be used. What is wrong with others is not its business.

    Args:
        name: the rule's stanza.
        stanzas: all stanzas with it.

    Raises:
        SettingsError: with stanza and key.
    """
    _rule(name, {key: value for key, value in stanzas[name].items() if value or key in _NEEDED})


def _rule(name: str, stanza: Mapping[str, str]) -> Rule:
    for key in sorted(stanza.keys() - _KEYS):
        raise _error(name, key, stanza[key], f"known are {', '.join(sorted(_KEYS))}")
    order = stanza.get("order", "").strip()
    if not order.isdigit():
        raise _error(name, "order", order, "write a whole number")
    field = _one_of(name, stanza, "field", FIELDS)
    target = _one_of(name, stanza, "set", TARGETS)
    text = stanza.get("to", "").strip()
    if not text:
        raise _error(name, "to", text, f"write the {target} that the notable gets")
    if "{{" not in text:
        _check(name, target, text)
    try:
        template = Template(text)
    except TemplateError as error:
        raise _error(name, "to", text, str(error)) from None
    values = {value.strip().lower() for value in stanza.get("values", "").split(",") if value.strip()}
    return Rule(name, int(order), field, frozenset(values - {"*"}), target, template)


def _one_of(name: str, stanza: Mapping[str, str], key: str, allowed: tuple[str, ...]) -> str:
    value = stanza.get(key, "").strip()
    if value not in allowed:
        raise _error(name, key, value, f"allowed are {', '.join(allowed)}")
    return value


def _check(name: str, target: str, text: str) -> None:
    if target == "status" and not text.isdigit():
        raise _error(name, "to", text, "a status is a number, such as 2 (In Progress) or 5 (Closed)")
    if target == "urgency" and text not in _URGENCIES:
        raise _error(name, "to", text, f"an urgency is one of {', '.join(_URGENCIES)}")
    if target == "disposition" and not (text.startswith("disposition:") and text[len("disposition:") :].isdigit()):
        raise _error(name, "to", text, "a disposition is written disposition:1")
    if target == RISK and risk_of(name, text) is None:
        raise _error(name, "to", text, f"write {FORM}")
    if target == TAG and "," in text:
        raise _error(name, "to", text, "write one tag; a rule of its own sets another one")


def _error(name: str, key: str, value: str, allowed: str) -> SettingsError:
    return SettingsError(f'Rule [{name}] of {CONF}.conf: {key} = "{value}".', f"Correct it: {allowed}.")
