"""What a SOAR server calls its things: a value that the plan is given, never fetched by it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Union

if TYPE_CHECKING:
    from collections.abc import Mapping

Entry = Union[int, str]
"""What SOAR knows a name by: an id (user, role, workbook, tenant), a status type, a data type, or the name itself."""

SEVERITY = "severity"
STATUS = "status"
LABEL = "label"
USER = "user"
ROLE = "role"
WORKBOOK = "workbook"
TENANT = "tenant"
CUSTOM_FIELD = "custom_field"
PARTS: tuple[str, ...] = (SEVERITY, STATUS, LABEL, USER, ROLE, WORKBOOK, TENANT, CUSTOM_FIELD)

_MOST_LISTED = 20
_WORDS: Mapping[str, str] = {WORKBOOK: "workbook template", CUSTOM_FIELD: "custom field"}


class Vocabulary(NamedTuple):
    """The server's names by part; a part that is absent is not known, one that is empty has no names."""

    parts: Mapping[str, Mapping[str, Entry]] = MappingProxyType({})

    def knows(self, part: str) -> bool:
        """Whether the part was ever listed."""
        return part in self.parts

    def find(self, part: str, name: str) -> tuple[str, Entry] | None:
        """The name as the server spells it, and its entry. An exact match wins over one in another case."""
        names = self.parts.get(part, {})
        if name in names:
            return name, names[name]
        folded = name.casefold()
        for known, entry in names.items():
            if known.casefold() == folded:
                return known, entry
        return None

    def names(self, part: str) -> tuple[str, ...]:
        """The names of a part, in the server's order."""
        return tuple(self.parts.get(part, {}))

    def refusal(self, parameter: str, part: str, name: str) -> str:
        """Why a name can't be used, with what there is."""
        word = _WORDS.get(part, part)
        names = self.names(part)
        listed = ", ".join(names[:_MOST_LISTED]) or "none"
        more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
        return f'SOAR has no {word} "{name}" (parameter {parameter}). There are: {listed}{more}.'
