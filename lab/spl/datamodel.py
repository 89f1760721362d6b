"""Data models of the Common Information Model, as far as searches here read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lab.spl.refusal import SearchRefused
from lab.spl.value import Row, texts

_METADATA = ("_time", "_indextime", "index", "host", "source", "sourcetype")


@dataclass(frozen=True)
class Dataset:
    """The root dataset of a model.

    Args:
        name: its name, which stands before the names of its fields.
        tag: events with it belong to the dataset.
        fields: its own fields.
    """

    name: str
    tag: str
    fields: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """The fields as searches write them."""
        return frozenset(f"{self.name}.{field}" for field in self.fields).union(_METADATA)

    def row(self, event: Row) -> Row | None:
        """Give an event as the dataset has it; None for one that does not belong to it."""
        if self.tag not in texts(event.get("tag")):
            return None
        own: Row = {f"{self.name}.{field}": event[field] for field in self.fields if event.get(field) is not None}
        return {**own, **{name: event[name] for name in _METADATA if name in event}}


def dataset(name: str, position: int) -> Dataset:
    """Give the root dataset of a model.

    Args:
        name: the model's name.
        position: where it stands in the search.

    Raises:
        SearchRefused: the lab does not have this model.
    """
    if name not in _ROOTS:
        raise SearchRefused(f"The data model {name} is not evaluated here.", position)
    return _ROOTS[name]


# Source: CIM manual, "Authentication".
_ROOTS: Mapping[str, Dataset] = {
    "Authentication": Dataset(
        "Authentication",
        "authentication",
        frozenset({"action", "app", "dest", "signature", "src", "src_user", "user"}),
    )
}
