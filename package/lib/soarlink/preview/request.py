"""What ``lab`` asks of the built add-on, read once at the edge."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from soarlink.splunk import payload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.rows.row import Value
    from soarlink.splunk.payload import Invocation


@dataclass(frozen=True)
class PreviewRequest:
    """Preview what an action would send.

    ``calls`` are its calls: one, or in per-result mode one for each result. ``accounts`` count beside the configured
    ones. ``total`` is the number of results, None when it is not known.
    """

    app: Path
    calls: tuple[Invocation, ...]
    limit: int
    total: int | None
    accounts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class MapRequest:
    """Explain single fields. ``given`` are the names that were asked about."""

    app: Path
    fields: Mapping[str, Value]
    given: tuple[str, ...]
    search_name: str
    data_model: str
    field_names: str
    multivalue: str


Request = Union[PreviewRequest, MapRequest]


def read(raw: bytes) -> Request:
    """Read a request.

    Args:
        raw: JSON: ``app`` (folder of the add-on) and either ``calls`` (alert payloads) with ``action``, ``limit``,
            ``total``, ``accounts``, or ``fields`` (name → values) with ``search_name``, ``data_model``,
            ``sourcetype``, ``field_names``, ``multivalue``.

    Raises:
        PayloadError: one of the alert payloads is none.
    """
    asked = json.loads(raw)
    return _preview(asked) if "calls" in asked else _map(asked)


def _preview(asked: Mapping[str, Any]) -> PreviewRequest:
    calls = [payload.parse(json.dumps(call).encode(), str(asked["action"])) for call in asked["calls"]]
    return PreviewRequest(
        app=Path(asked["app"]),
        calls=tuple(calls),
        limit=int(asked["limit"]),
        total=asked.get("total"),
        accounts=asked.get("accounts") or {},
    )


def _map(asked: Mapping[str, Any]) -> MapRequest:
    fields: dict[str, Value] = {
        name: values[0] if len(values) == 1 else tuple(values) for name, values in asked["fields"].items()
    }
    given = tuple(fields)
    if asked.get("sourcetype"):
        fields.setdefault("sourcetype", str(asked["sourcetype"]))
    return MapRequest(
        app=Path(asked["app"]),
        fields=fields,
        given=given,
        search_name=asked.get("search_name") or "",
        data_model=asked.get("data_model") or "",
        field_names=asked.get("field_names") or "both",
        multivalue=asked.get("multivalue") or "list",
    )
