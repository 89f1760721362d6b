"""Previews as plain data: the JSON of ``lab preview`` and ``lab map``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soarlink.preview.preview import limit_note

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from soarlink.mapping.artifact import MappedRow, TraceLine
    from soarlink.preview.preview import Preview, PreviewedContainer

SCHEMA = 1


def document(
    previews: Sequence[Preview], *, sid: str, mapping: str, total: int | None, notes: Sequence[str] = ()
) -> dict[str, Any]:
    """One document for all calls of an action in one run.

    Args:
        previews: one for each call: one, or in per-result mode one for each result.
        sid: the search.
        mapping: the mapping's digest.
        total: how many results the search has, None when that is not known.
        notes: what there is to say beside the previews' own notes.
    """
    looked_at = sum(one.looked_at for one in previews)
    limit = previews[0].limit if previews else 0
    cut = limit_note(looked_at, limit, total)
    containers = [container for one in previews for container in one.containers]
    said = [*notes, *(note for one in previews for note in one.notes), *([cut] if cut else [])]
    return {
        "schema": SCHEMA,
        "exit_code": 0,
        "sid": sid,
        "mapping": mapping,
        "containers": [_container(container) for container in containers],
        "trace": [traced(one.rid, one.line) for preview in previews for one in preview.trace],
        "results": _results(previews),
        "plans": [_plan(container) for container in containers],
        "rows": {"looked_at": looked_at, "total": total, "limit": limit, "complete": not cut},
        "notes": said,
        "problems": [],
    }


def failure(message: str, exit_code: int) -> dict[str, Any]:
    """The document of a preview that could not be made."""
    return {
        "schema": SCHEMA,
        "exit_code": exit_code,
        "sid": None,
        "mapping": None,
        "containers": [],
        "trace": [],
        "results": [],
        "plans": [],
        "rows": {"looked_at": 0, "total": None, "limit": 0, "complete": False},
        "notes": [],
        "problems": [message],
    }


def explanation(mapped: MappedRow, trace: Iterable[TraceLine], mapping: str) -> dict[str, Any]:
    """The document of ``lab map``."""
    return {
        "schema": SCHEMA,
        "exit_code": 0,
        "mapping": mapping,
        "artifacts": [
            {"cef": plain(artifact.cef), "cef_types": plain(artifact.cef_types)} for artifact in mapped.artifacts
        ],
        "trace": [traced("0", line) for line in trace],
        "notes": list(mapped.notes),
        "problems": [],
    }


def traced(rid: str, line: TraceLine) -> dict[str, str]:
    """One line of the trace."""
    return {
        "rid": rid,
        "field": line.field,
        "value": line.value,
        "recogniser": line.recogniser,
        "rule": line.rule,
        "target": line.target,
        "why": line.why,
    }


def plain(value: Any) -> Any:
    """Mappings as dictionaries, tuples as lists."""
    if isinstance(value, str):
        return value
    if hasattr(value, "items"):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, (list, tuple)) else value


def _container(container: PreviewedContainer) -> dict[str, Any]:
    artifacts = [plain(artifact) for artifact in container.artifacts]
    return {**plain(container.body), "artifacts": artifacts, "rids": list(container.rids)}


def _plan(container: PreviewedContainer) -> dict[str, Any]:
    """What is decided about a container beside its body."""
    return {
        "identity": container.identity,
        "artifact_rids": list(container.artifact_rids),
        "automation": container.automation,
        "playbooks": [call.name for call in container.playbooks],
        "runs": [call.plain() for call in container.playbooks],
        "on_closed": container.on_closed,
        "attachments": [{"name": name, "bytes": size} for name, size in container.attachments],
        "refusal": container.refusal or None,
        "notes": list(container.notes),
    }


def _results(previews: Iterable[Preview]) -> list[Mapping[str, Any]]:
    listed: list[Mapping[str, Any]] = []
    before = 0
    for one in previews:
        listed.extend(
            {
                "rid": result.rid,
                "container": before + result.container,
                "artifacts": result.artifacts,
                "mapped": result.mapped,
                "kept": result.kept,
                "dropped": list(result.dropped),
                "notes": list(result.notes),
            }
            for result in one.results
        )
        before += len(one.containers)
    return listed
