"""What the mapping is told beside the rows: the search they come from, and the action's choices."""

from __future__ import annotations

from typing import NamedTuple

FIELD_NAMES = ("both", "cef", "original")


class SearchContext(NamedTuple):
    """The search whose results are mapped; "" where something is not known."""

    search_name: str
    data_model: str = ""
    app: str = ""


class _Options(NamedTuple):
    field_names: str = "both"
    """``both``: CEF names with the original ones beside them; ``cef``; ``original``."""
    multivalue: str = "list"
    """``list``, ``first``, ``join``, ``join:<separator>`` or ``each``: for fields whose rule does not say."""


class MappingOptions(_Options):
    """The action's parameters ``field_names`` and ``multivalue``."""

    __slots__ = ()

    def __new__(cls, field_names: str = "both", multivalue: str = "list") -> MappingOptions:  # noqa: PYI034 - Self came with 3.11
        """Refuse what is not in the closed set.

        Raises:
            ValueError: in plain words.
        """
        if field_names not in FIELD_NAMES:
            raise ValueError(f"{field_names!r} is no choice of field names. Allowed are {', '.join(FIELD_NAMES)}.")
        return super().__new__(cls, field_names, multivalue)
