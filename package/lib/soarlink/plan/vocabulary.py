"""What a SOAR server calls its things: a value that the plan is given, never fetched by it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Union

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
_LONGEST = 100  # characters that are compared
_WORDS: Mapping[str, str] = {WORKBOOK: "workbook template", CUSTOM_FIELD: "custom field"}
_WAYS_OUT: Mapping[str, str] = {
    LABEL: "Create the label in SOAR (Administration > Event settings > Label settings) or correct it.",
    SEVERITY: "Use one of these, or a template with a default such as {{urgency|default:medium}}.",
}


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

    def refusal(self, where: str, part: str, name: str) -> str:
        """Why a name can't be used: what comes closest, what there is, and the way out.

        Args:
            where: what holds the name, for example ``parameter label``.
            part: the part that lacks it.
            name: the name.
        """
        word = _WORDS.get(part, part)
        names = self.names(part)
        listed = ", ".join(names[:_MOST_LISTED]) or "none"
        more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
        near = _nearest(name, names)
        meant = f' Closest: "{near}".' if near else ""
        way_out = f" {_WAYS_OUT[part]}" if part in _WAYS_OUT else ""
        return f'SOAR has no {word} "{name}" ({where}).{meant} There are: {listed}{more}.{way_out}'


def _nearest(name: str, names: Sequence[str]) -> str:
    """The name that is spelled most alike; "" when none is near."""
    from difflib import get_close_matches  # only runs that are refused pay for it

    folded = {known.casefold(): known for known in names}
    found = get_close_matches(name.casefold()[:_LONGEST], list(folded), n=1)
    return folded[found[0]] if found else ""
