"""Artifact bodies as ``POST /rest/artifact`` takes them, encoded where they are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from soarlink.body import EncodedBody, to_bytes, to_text
from soarlink.plan import identity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.rows.row import Value

LABEL = "event"
_LINK = "_originating_search"
_MOST_SHAPES = 256


class Common(NamedTuple):
    """What a row's container and its artifacts share."""

    key: str
    """The row's own key, see :func:`soarlink.plan.identity.of_row`."""
    name: str
    severity: str
    severity_note: str
    start_time: str | None
    """As SOAR writes times."""


class _Types(NamedTuple):
    plain: Mapping[str, list[str]]
    text: str


class ArtifactBodies:
    """Makes the artifact bodies of one run.

    Most rows of a search have the same fields of the same types: what follows from these alone is decided once.

    Args:
        link: the link to the search's results; "" when there is none.
    """

    def __init__(self, link: str) -> None:
        self._link = link
        self._link_text = to_text({_LINK: link})[1:-1]
        self._orders: dict[tuple[str, ...], tuple[str, ...]] = {}
        self._types: dict[tuple[tuple[str, tuple[str, ...]], ...], _Types] = {}

    def make(
        self, common: Common, cef: Mapping[str, Value], types: Mapping[str, tuple[str, ...]], data: Mapping[str, Any]
    ) -> EncodedBody:
        """One artifact.

        Args:
            common: what it shares with its container.
            cef: CEF fields; their order makes no difference, neither to the key nor to what is sent.
            types: the data types of CEF fields.
            data: what goes along beside the CEF fields.
        """
        members = self._sorted(cef)
        text = to_text(members)
        body: dict[str, Any] = {
            "name": common.name,
            "label": LABEL,
            "severity": common.severity,
            "source_data_identifier": identity.of_artifact(common.key, text),
            "data": data,
        }
        if common.start_time:
            body["start_time"] = common.start_time
        head = to_text(body)[:-1]
        known = self._known(types)
        if self._link and _LINK not in members:
            # Not part of the key: the link differs from run to run, the finding does not.
            text = f"{text[:-1]}{',' if members else ''}{self._link_text}}}"
            members[_LINK] = self._link
        body["cef"], body["cef_types"] = members, known.plain
        return EncodedBody(body, to_bytes(f'{head},"cef":{text},"cef_types":{known.text}}}'))

    def _sorted(self, cef: Mapping[str, Value]) -> dict[str, Any]:
        """The fields by name, lists as lists."""
        names = tuple(cef)
        order = self._orders.get(names)
        if order is None:
            if len(self._orders) >= _MOST_SHAPES:
                self._orders.clear()
            order = self._orders[names] = tuple(sorted(names))
        return {
            name: value if type(value) is str else list(value)
            for name, value in zip(order, map(cef.__getitem__, order))
        }

    def _known(self, types: Mapping[str, tuple[str, ...]]) -> _Types:
        key = tuple(types.items())
        known = self._types.get(key)
        if known is None:
            if len(self._types) >= _MOST_SHAPES:
                self._types.clear()
            plain = {name: list(listed) for name, listed in key}
            known = self._types[key] = _Types(plain, to_text(plain))
        return known
