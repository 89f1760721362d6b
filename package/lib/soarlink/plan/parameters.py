"""The parameters of an action, parsed once and together.

``globalConfig.json`` declares them; a test holds names and defaults equal to :data:`DEFAULTS`. splunkd leaves a
parameter out when nobody set it and hands over "" when somebody emptied it: both mean the default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, TypeVar

from soarlink.errors import ParameterError
from soarlink.mapping.multivalue import parse_multivalue
from soarlink.mapping.search import MappingOptions
from soarlink.plan.template import Template, TemplateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULTS: Mapping[str, str] = {
    "account": "",
    "label": "",
    "severity": "{{severity|or:urgency|default:medium}}",
    "sensitivity": "amber",
    "container_name": "{{rule_title|or:rule_name|or:search_name|default:Splunk finding}}",
    "description": "{{rule_description|or:description}}",
    "tags": "",
    "container_per": "result",
    "group_by": "",
    "multivalue": "list",
    "field_names": "both",
    "max_containers": "500",
    "automation": "1",
    "playbook": "",
}
"""Every parameter of ``send_to_soar`` with the value that does the sensible thing."""

SENSITIVITIES = ("white", "green", "amber", "red")
FIELD_NAMES = ("both", "cef", "original")
CONTAINER_PER = ("result", "group", "search")
_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")
_IGNORED = frozenset({"action_name", "verbose"})  # and whatever starts with _: the platform's own

_T = TypeVar("_T")


@dataclass(frozen=True)
class SendParameters:
    """What one run of ``send_to_soar`` was asked to do. Templates are compiled, choices are checked."""

    account: str
    label: Template
    severity: Template
    sensitivity: str
    container_name: Template
    description: Template
    tags: tuple[Template, ...]
    container_per: str
    group_by: tuple[str, ...]
    mapping: MappingOptions
    max_containers: int
    automation: bool
    playbook: str


def parse(configuration: Mapping[str, object]) -> SendParameters:
    """Parse an alert payload's ``configuration``.

    Raises:
        ParameterError: with every problem at once, each naming parameter, value and what is allowed.
    """
    reader = _Reader(configuration)
    container_per = reader.choice("container_per", CONTAINER_PER)
    group_by = reader.names("group_by")
    if container_per == "group" and not group_by:
        reader.problems.append(
            'Parameter group_by is empty, but container_per is "group": name the fields whose values make a group, '
            "for example dest,user."
        )
    parsed = SendParameters(
        account=reader.text("account"),
        label=reader.template("label"),
        severity=reader.template("severity"),
        sensitivity=reader.choice("sensitivity", SENSITIVITIES),
        container_name=reader.template("container_name"),
        description=reader.template("description"),
        tags=reader.templates("tags"),
        container_per=container_per,
        group_by=group_by,
        mapping=MappingOptions(
            field_names=reader.choice("field_names", FIELD_NAMES),
            multivalue=reader.convert("multivalue", _multivalue),
        ),
        max_containers=reader.convert("max_containers", _count),
        automation=reader.convert("automation", _switch),
        playbook=reader.text("playbook"),
    )
    reader.finish()
    return parsed


class _Reader:
    """Reads parameter after parameter and collects what is wrong with them."""

    def __init__(self, configuration: Mapping[str, object]) -> None:
        self.problems: list[str] = []
        self._texts = {name: _text(configuration.get(name)) or default for name, default in DEFAULTS.items()}
        for name in configuration:
            if name not in DEFAULTS and name not in _IGNORED and not name.startswith("_"):
                self.problems.append(f"Parameter {name} is unknown; known are {', '.join(DEFAULTS)}.")

    def text(self, name: str) -> str:
        return self._texts[name]

    def names(self, name: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in self._texts[name].split(",") if part.strip())

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        value = self._texts[name].lower()
        if value not in allowed:
            self._wrong(name, f"allowed are {', '.join(allowed)}")
            return allowed[0]
        return value

    def template(self, name: str) -> Template:
        return self.convert(name, Template)

    def templates(self, name: str) -> tuple[Template, ...]:
        return self.convert(name, lambda text: tuple(Template(part) for part in _outside_braces(text)))

    def convert(self, name: str, make: Callable[[str], _T]) -> _T:
        try:
            return make(self._texts[name])
        except (TemplateError, ValueError) as error:
            self._wrong(name, str(error))
            return make(DEFAULTS[name])

    def finish(self) -> None:
        if self.problems:
            raise ParameterError(self.problems)

    def _wrong(self, name: str, why: str) -> None:
        self.problems.append(f'Parameter {name} has the value "{self._texts[name]}": {why.rstrip(".")}.')


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _count(text: str) -> int:
    if not text.isdigit():
        raise ValueError("a whole number is needed, 0 for no limit")
    return int(text)


def _switch(text: str) -> bool:
    lowered = text.lower()
    if lowered not in _TRUE + _FALSE:
        raise ValueError("1 or 0 is needed")
    return lowered in _TRUE


def _multivalue(text: str) -> str:
    parse_multivalue(text)
    return text


def _outside_braces(text: str) -> list[str]:
    """Split at the commas that are not inside a placeholder."""
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        if char in "{}":
            depth += 1 if char == "{" else -1
        elif char == "," and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    parts.append(text[start:].strip())
    return [part for part in parts if part]
