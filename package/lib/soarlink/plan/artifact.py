"""Artifact bodies as ``POST /rest/artifact`` takes them, encoded where they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from soarlink.body import EncodedBody, Gaps, quoted, to_bytes, to_text
from soarlink.plan import identity

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from soarlink.mapping.artifact import MappedRow
    from soarlink.plan.summary import Summary
    from soarlink.rows.row import Row, Value

LABEL = "event"
_LINK = "_originating_search"
_MOST_SHAPES = 256
_Key = TypeVar("_Key", bound="Hashable")
_T = TypeVar("_T")


class Common(NamedTuple):
    """What a row's container and its artifacts share."""

    key: str
    """The row's own key, see :func:`soarlink.plan.identity.of_row`."""
    name: str
    severity: str
    notes: tuple[str, ...]
    """What was adjusted in name and severity."""
    start_time: str | None
    """As SOAR writes times."""


class _Shape(NamedTuple):
    """What follows from the names of an artifact's CEF fields."""

    order: tuple[str, ...]
    json: Gaps


class ArtifactBodies:
    """Makes the artifact bodies of one run.

    Most rows of a search have the same fields of the same types: what follows from these alone is decided once.

    Args:
        link: the link to the search's results; "" when there is none.
    """

    def __init__(self, link: str) -> None:
        self._link = to_text({_LINK: link})[1:-1] if link else ""
        self._rows: dict[tuple[str, ...], Gaps] = {}
        self._shapes: dict[tuple[str, ...], _Shape] = {}
        self._types: dict[tuple[tuple[str, ...], tuple[tuple[str, ...], ...]], str] = {}

    def of_row(self, common: Common, row: Row, mapped: MappedRow) -> list[EncodedBody]:
        """The artifacts of a row. The whole row, ``_raw`` included, goes along as ``data``."""
        fields = row.fields
        names = tuple(fields)
        json = self._rows.get(names) or _remembered(self._rows, names, Gaps(names))
        data = f'{{"row":{json.filled(fields.values())}}}'
        return [self._made(common, one.cef, one.cef_types, data) for one in mapped.artifacts]

    def of_summary(self, common: Common, summary: Summary) -> EncodedBody:
        """The one artifact of all rows of a container."""
        return self._made(common, summary.cef, summary.cef_types, to_text({"summary": summary.data}))

    def _made(
        self, common: Common, cef: Mapping[str, Value], types: Mapping[str, tuple[str, ...]], data: str
    ) -> EncodedBody:
        """One artifact. The order of its CEF fields makes no difference, neither to the key nor to what is sent."""
        shape = self._shape(cef)
        text = shape.json.filled(map(cef.__getitem__, shape.order))
        key = identity.of_artifact(common.key, text)
        if self._link and _LINK not in cef:
            # Not part of the key: the link differs from run to run, the finding does not.
            text = f"{text[:-1]}{',' if cef else ''}{self._link}}}"
        start = f'"start_time":{quoted(common.start_time)},' if common.start_time else ""
        body = (
            f'{{"name":{quoted(common.name)},"label":"{LABEL}","severity":{quoted(common.severity)},'
            f'"source_data_identifier":{quoted(key)},"data":{data},{start}"cef":{text},"cef_types":{self._typed(types)}}}'
        )
        return EncodedBody(to_bytes(body), {"source_data_identifier": key})

    def _shape(self, cef: Mapping[str, Value]) -> _Shape:
        names = tuple(cef)
        shape = self._shapes.get(names)
        if shape is None:
            order = tuple(sorted(names))
            shape = _remembered(self._shapes, names, _Shape(order, Gaps(order)))
        return shape

    def _typed(self, types: Mapping[str, tuple[str, ...]]) -> str:
        key = tuple(types), tuple(types.values())
        text = self._types.get(key)
        return _remembered(self._types, key, to_text(types)) if text is None else text


def _remembered(memory: dict[_Key, _T], key: _Key, made: _T) -> _T:
    """Within bounds: the rows of a search can all differ."""
    if len(memory) >= _MOST_SHAPES:
        memory.clear()
    memory[key] = made
    return made
