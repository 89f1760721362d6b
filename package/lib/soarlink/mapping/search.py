"""What the mapping is told beside the rows: the search they come from, and the action's choices."""

from __future__ import annotations

from dataclasses import dataclass

FIELD_NAMES = ("both", "cef", "original")


@dataclass(frozen=True)
class SearchContext:
    """The search whose results are mapped; "" where something is not known."""

    search_name: str
    data_model: str = ""
    app: str = ""


@dataclass(frozen=True)
class MappingOptions:
    """The action's parameters ``field_names`` and ``multivalue``."""

    field_names: str = "both"
    """``both``: CEF names with the original ones beside them; ``cef``; ``original``."""
    multivalue: str = "list"
    """``list``, ``first``, ``join``, ``join:<separator>`` or ``each``: for fields whose rule does not say."""

    def __post_init__(self) -> None:
        """Refuse what is not in the closed set.

        Raises:
            ValueError: in plain words.
        """
        if self.field_names not in FIELD_NAMES:
            raise ValueError(f"{self.field_names!r} is no choice of field names. Allowed are {', '.join(FIELD_NAMES)}.")
