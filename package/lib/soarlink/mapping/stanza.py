"""One stanza of ``ta_send_to_soar_mapping.conf`` → one :class:`Rule`, or an error that says where."""

from __future__ import annotations

import re
from collections.abc import Mapping

from soarlink.errors import MappingError
from soarlink.mapping import glob, transform
from soarlink.mapping.multivalue import parse_multivalue
from soarlink.mapping.recognise import DATA_TYPES, RECOGNISERS
from soarlink.mapping.rule import OWN_NAME, Branch, Rule

MODES = ("map", "copy", "drop")
KEYS = (
    "description",
    "order",
    "fields",
    "mode",
    "to",
    "types",
    "transform",
    "values",
    "partners",
    "reason",
    "disabled",
    "when_data_model",
    "when_sourcetype",
    "when_search_name",
    "when_app",
    "when_field",
)
_FORBIDDEN = {
    "map": ("reason",),
    "copy": ("reason", "values", "partners"),
    "drop": ("to", "types", "transform", "values", "partners"),
}
_BRANCH = re.compile(r"(?:(?P<kind>[a-z0-9_]+)\s*:)?(?P<targets>[^:()]+)(?:\((?P<types>[^()]*)\))?")
_PLACE = re.compile(r"\{(\d+)\}")


def words(text: str) -> tuple[str, ...]:
    """The members of a comma-separated list, trimmed, empty ones left out."""
    return tuple(word for word in (part.strip() for part in text.split(",")) if word)


class Stanza:
    """Reads one stanza's settings; every complaint carries the stanza's name and the key."""

    def __init__(self, name: str, settings: Mapping[str, str]) -> None:
        self.name = name
        # Empty means not set: that is what a page that clears a field leaves behind.
        self.settings = {key: value.strip() for key, value in settings.items() if value.strip()}

    def rule(self) -> Rule:
        """The stanza as a rule.

        Raises:
            MappingError: for an unknown key, kind, type, transform or mode, a bad pattern, or keys that contradict.
        """
        for key in sorted(self.settings):
            if key not in KEYS:
                raise self.error(key, "is no key of a mapping rule.", f"Known are {', '.join(KEYS)}.")
        mode = self._mode()
        fields = self._patterns("fields")
        if not fields:
            raise self.error("fields", "is missing.", "Name the fields that the rule is for.")
        transforms = self._transforms(mode)
        values, partners = self._values()
        return Rule(
            stanza=self.name,
            order=self._order(),
            fields=fields,
            branches=self._branches(mode, fields),
            mode=mode,
            reason=self.settings.get("reason", ""),
            values=values,
            partners=partners,
            transforms=transforms,
            when_data_model=self._patterns("when_data_model"),
            when_sourcetype=self._patterns("when_sourcetype"),
            when_search_name=self._patterns("when_search_name"),
            when_app=self._patterns("when_app"),
            when_field=self._when_field(),
        )

    def error(self, key: str, what: str, remedy: str = "") -> MappingError:
        """A complaint about one key."""
        return MappingError(self.name, key, what, remedy)

    def _mode(self) -> str:
        mode = self.settings.get("mode", "map")
        if mode not in MODES:
            raise self.error("mode", f"{mode!r} is unknown.", f"Allowed are {', '.join(MODES)}.")
        for key in _FORBIDDEN[mode]:
            if key in self.settings:
                raise self.error(key, f"has no meaning with mode = {mode}.", "Remove one of the two.")
        if mode == "drop" and "reason" not in self.settings:
            raise self.error("reason", "is missing.", "Say why the fields are dropped: the outcome shows it.")
        if mode != "drop" and "to" not in self.settings:
            raise self.error("to", "is missing.", "Name the CEF field that the values go to.")
        return mode

    def _order(self) -> int:
        text = self.settings.get("order", "")
        if not (text.isascii() and text.isdigit()):
            raise self.error(
                "order", f"{text!r} is no whole number." if text else "is missing.", "Rules apply in ascending order."
            )
        return int(text)

    def _patterns(self, key: str) -> tuple[str, ...]:
        patterns = words(self.settings.get(key, ""))
        for pattern in patterns:
            if glob.problem(pattern):
                raise self.error(key, f"the pattern {pattern!r} {glob.problem(pattern)}.")
        if len(set(patterns)) != len(patterns):
            raise self.error(key, "names something twice.", "Remove the repetition.")
        return patterns

    def _when_field(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        conditions = []
        for text in words(self.settings.get("when_field", "")):
            field, equals, patterns = text.partition("=")
            accepted = tuple(pattern.strip() for pattern in patterns.split("|")) if equals else ()
            name = field.strip()
            wrong = "*" in name or not name.strip("!") or any(glob.problem(pattern) for pattern in accepted)
            if wrong or (name.startswith("!") and equals):
                raise self.error(
                    "when_field", f"{text!r} can't be read.", "Write field, field=pattern|pattern, or !field."
                )
            conditions.append((name, accepted))
        return tuple(conditions)

    def _transforms(self, mode: str) -> tuple[str, ...]:
        names = tuple(self.settings.get("transform", "").split())
        for name in names:
            if not transform.known(name):
                allowed = ", ".join([*sorted(transform.TRANSFORMS), "split:<separator>"])
                raise self.error("transform", f"{name!r} is unknown.", f"Allowed are {allowed}.")
            if name in transform.EXTRACTING and mode != "copy":
                raise self.error(
                    "transform",
                    f"{name} keeps only a part of the value.",
                    "Use it in a rule with mode = copy, beside one that maps.",
                )
        return names

    def _values(self) -> tuple[str, tuple[str, ...]]:
        text = self.settings.get("values", "")
        partners = words(self.settings.get("partners", ""))
        if any("*" in partner for partner in partners):
            raise self.error("partners", "takes plain field names only.", "Name each field.")
        if text == "zip":
            if not partners:
                raise self.error("partners", "is missing.", "values = zip needs the fields that belong together.")
        elif partners:
            raise self.error("partners", "has no meaning without values = zip.", "Set values = zip or remove it.")
        elif text:
            try:
                parse_multivalue(text)
            except ValueError as error:
                raise self.error("values", str(error), "zip (with partners) is allowed here too.") from error
        return text, partners

    def _branches(self, mode: str, fields: tuple[str, ...]) -> tuple[Branch, ...]:
        if mode == "drop":
            return ()
        default = self._types("types", self.settings["types"]) if "types" in self.settings else None
        branches = []
        seen = set()
        for text in words(self.settings["to"]):
            match = _BRANCH.fullmatch(text)
            if match is None:
                raise self.error(
                    "to", f"{text!r} can't be read.", "Write target, kind: target, or kind: target | target (type)."
                )
            kind = match["kind"] or ""
            if kind not in RECOGNISERS:
                raise self.error(
                    "to", f"the kind {kind!r} is unknown.", f"Known are {', '.join(sorted(filter(None, RECOGNISERS)))}."
                )
            if kind in seen or "" in seen:
                raise self.error(
                    "to",
                    f"{text!r} can never apply: an earlier part takes its values.",
                    "Remove it or move it forward.",
                )
            seen.add(kind)
            types = RECOGNISERS[kind][1] if default is None else default
            if match["types"] is not None:
                types = self._types("to", match["types"])
            branches.append(Branch(kind, self._targets(match["targets"], mode, fields), types))
        return tuple(branches)

    def _targets(self, text: str, mode: str, fields: tuple[str, ...]) -> tuple[str, ...]:
        targets = tuple(target.strip() for target in text.split("|"))
        stars = min(pattern.count("*") for pattern in fields)
        for target in targets:
            if not target:
                raise self.error("to", "a target is missing beside |.")
            if target == OWN_NAME and mode == "copy":
                raise self.error(
                    "to", "a copy under the field's own name is no copy.", "Name another target, or use mode = map."
                )
            if target == OWN_NAME and len(targets) > 1:
                raise self.error(
                    "to", "{0} needs no alternatives.", "The own name is always free, and the last resort anyway."
                )
            if target != OWN_NAME and any(not 0 < int(number) <= stars for number in _PLACE.findall(target)):
                raise self.error("to", f"{target!r} refers to a star that not every pattern in fields has.")
        return targets

    def _types(self, key: str, text: str) -> tuple[str, ...]:
        names = tuple(name.strip() for name in text.replace("+", ",").split(","))
        if names == ("none",):
            return ()
        types = []
        for name in names:
            custom = name[len("custom:") :].strip() if name.startswith("custom:") else ""
            if not custom and name not in DATA_TYPES:
                known = ", ".join(sorted(DATA_TYPES))
                raise self.error(
                    key, f"the data type {name!r} is unknown.", f"Known are {known}; yours are written custom:<name>."
                )
            types.append(custom or name)
        return tuple(types)
