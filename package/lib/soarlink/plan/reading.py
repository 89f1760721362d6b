"""Reads parameter after parameter and collects what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, TypeVar

from soarlink.errors import ParameterError
from soarlink.plan.template import Template, TemplateError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

_TRUE = ("1", "true", "yes", "on")
_FALSE = ("0", "false", "no", "off")
_IGNORED = frozenset({"action_name", "verbose"})  # and whatever starts with _: the platform's own

_T = TypeVar("_T")


class ParameterReader:
    """The texts of one alert payload's ``configuration``, over defaults.

    Args:
        configuration: what splunkd hands over.
        defaults: every parameter that can be read, with its default.
        known: those that can be given; a name that is not among them is a problem.
    """

    def __init__(
        self, configuration: Mapping[str, object], defaults: Mapping[str, str], known: Collection[str]
    ) -> None:
        self.problems: list[str] = []
        self._defaults = defaults
        self._texts = {
            name: (_text(configuration.get(name)) if name in known else "") or default
            for name, default in defaults.items()
        }
        for name in configuration:
            if name not in known and name not in _IGNORED and not name.startswith("_"):
                self.problems.append(f"Parameter {name} is unknown; known are {', '.join(known)}.")

    def text(self, name: str) -> str:
        """The text, without blanks around it."""
        return self._texts[name].strip()

    def names(self, name: str) -> tuple[str, ...]:
        """Field names, comma separated."""
        return tuple(part.strip() for part in self._texts[name].split(",") if part.strip())

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """One of a few words, in any case."""
        value = self.text(name).lower()
        if value not in allowed:
            self.wrong(name, f"allowed are {', '.join(allowed)}")
            return allowed[0]
        return value

    def template(self, name: str, check: Callable[[str], object] | None = None) -> Template:
        """A template.

        Args:
            name: the parameter.
            check: judges a text without placeholders; raises ValueError.
        """

        def make(text: str) -> Template:
            template = Template(text.strip())
            if check is not None and template.text and template.is_fixed:
                check(template.text)
            return template

        return self.convert(name, make)

    def templates(self, name: str) -> tuple[Template, ...]:
        """Templates, comma separated."""
        return self.convert(name, lambda text: tuple(Template(part) for part in outside_braces(text, ",")))

    def pairs(self, name: str) -> tuple[tuple[str, Template], ...]:
        """``name=template`` pairs, separated by commas or new lines."""
        return self.convert(name, _pairs)

    def switch(self, name: str) -> bool:
        """1 or 0, and what else Splunk takes for them."""
        return self.convert(name, _switch)

    def count(self, name: str) -> int:
        """A whole number, 0 for no limit."""
        return self.convert(name, _count)

    def convert(self, name: str, make: Callable[[str], _T]) -> _T:
        """Whatever ``make`` makes of the text; its ValueError becomes a problem, and the default is made instead."""
        try:
            return make(self._texts[name])
        except (TemplateError, ValueError) as error:
            self.wrong(name, str(error))
            return make(self._defaults[name])

    def wrong(self, name: str, why: str) -> None:
        """Note what is wrong with a parameter's value."""
        self.problems.append(f'Parameter {name} has the value "{self.text(name)}": {why.rstrip(".")}.')

    def finish(self) -> None:
        """Raise ParameterError with every problem there was."""
        if self.problems:
            raise ParameterError(self.problems)


def outside_braces(text: str, separators: str) -> list[str]:
    """Split at separators that are not inside a placeholder."""
    parts, depth, start = [], 0, 0
    for index, char in enumerate(text):
        if char in "{}":
            depth += 1 if char == "{" else -1
        elif char in separators and depth == 0:
            parts.append(text[start:index].strip())
            start = index + 1
    parts.append(text[start:].strip())
    return [part for part in parts if part]


def _text(value: object) -> str:
    """The text; blank counts as empty. Blanks at its end stay: a separator may end in one."""
    text = "" if value is None else str(value).lstrip()
    return text if text.strip() else ""


def _pairs(text: str) -> tuple[tuple[str, Template], ...]:
    found: dict[str, Template] = {}
    for part in outside_braces(text, ",\n"):
        name, equals, template = part.partition("=")
        if not equals or not name.strip() or "{" in name:
            raise ValueError("write pairs such as ticket={{ticket_id}},team=soc")
        if name.strip() in found:
            raise ValueError(f"{name.strip()} is named twice")
        found[name.strip()] = Template(template.strip())
    return tuple(found.items())


def _count(text: str) -> int:
    if not text.strip().isdecimal():
        raise ValueError("a whole number is needed, 0 for no limit")
    return int(text)


def _switch(text: str) -> bool:
    lowered = text.strip().lower()
    if lowered not in _TRUE + _FALSE:
        raise ValueError("1 or 0 is needed")
    return lowered in _TRUE
