"""A preview as rows for Splunk: one for each container, and below it one for each value of its results."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from soarlink.plan.moment import epoch

if TYPE_CHECKING:
    from soarlink.plan.shipment import PlaybookCall
    from soarlink.preview.preview import Preview, PreviewedContainer, PreviewedResult, Traced

FIELDS = (
    "_time",
    "_raw",
    "kind",
    "container",
    "rid",
    "field",
    "value",
    "target",
    "types",
    "rule",
    "why",
    "label",
    "severity",
    "artifacts",
    "identity",
    "body",
)
"""Every record has all of them, so that the first one names the columns."""

CONTAINER, PLAYBOOK, FIELD, NOTE = "container", "playbook", "field", "note"

_SCOPES = {
    "auto": "on all artifacts of a new container, on what is new in one that was there",
    "new": "on what is new since its last run on the container",
    "all": "on all artifacts of the container",
    "artifacts": "on the artifacts that these results make",
}


def records(preview: Preview, times: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The rows of a preview.

    Args:
        preview: the preview.
        times: the results' ``_time`` by rid.
    """
    traces: dict[str, list[Traced]] = {}
    for one in preview.trace:
        traces.setdefault(one.rid, []).append(one)
    accounts = {result.rid: result for result in preview.results}
    for container in preview.containers:
        yield _container(container, times)
        yield from (_playbook(container, call, times) for call in container.playbooks)
        for rid in container.rids:
            known = {"_time": _time(times.get(rid, "")), "container": container.body.get("name", ""), "rid": rid}
            types = _types(container, rid)
            for one in traces.get(rid, ()):
                yield _record(FIELD, known, **_field(one, types.get(one.line.target, ())))
            yield from (_record(NOTE, known, why=note, _raw=note) for note in _notes(accounts.get(rid)))


def _playbook(container: PreviewedContainer, call: PlaybookCall, times: Mapping[str, str]) -> dict[str, Any]:
    said, inputs = call.plain(), "; ".join(f"{name}={text}" for name, text in call.inputs)
    why = f"would not be started: {call.refusal}" if call.refusal else _SCOPES[said["scope"]]
    known = {"_time": _first_time(container, times), "container": str(container.body.get("name", ""))}
    return _record(
        PLAYBOOK,
        known,
        _raw=f"playbook: {call.name} {why}{f' with {inputs}' if inputs else ''}",
        rid=list(container.rids),
        value=inputs,
        target=call.name,
        why=why,
        body=json.dumps(said, ensure_ascii=False),
    )


def _first_time(container: PreviewedContainer, times: Mapping[str, str]) -> Any:
    return _time(next((times[rid] for rid in container.rids if times.get(rid)), ""))


def _container(container: PreviewedContainer, times: Mapping[str, str]) -> dict[str, Any]:
    body, count = container.body, len(container.artifacts)
    said = [*((f"would be rejected: {container.refusal}",) if container.refusal else ()), *container.notes]
    name = str(body.get("name", ""))
    known = {"_time": _first_time(container, times), "container": name}
    return _record(
        CONTAINER,
        known,
        _raw=f"container: {name} ({count} artifact{'' if count == 1 else 's'}) {' '.join(said)}".rstrip(),
        rid=list(container.rids),
        why=said,
        label=body.get("label", ""),
        severity=body.get("severity", ""),
        artifacts=count,
        identity=container.identity,
        body=json.dumps(dict(body), ensure_ascii=False, default=dict),
    )


def _field(one: Traced, types: tuple[str, ...]) -> dict[str, Any]:
    line = one.line
    where = f"→ {line.target}" if line.target else "dropped"
    typed = f" ({', '.join(types)})" if types else ""
    rule = f" [{line.rule}]" if line.rule else ""
    return {
        "_raw": f"{line.field}={line.value} {where}{typed}{rule} {line.why}",
        "field": line.field,
        "value": line.value,
        "target": line.target,
        "types": list(types),
        "rule": line.rule,
        "why": line.why,
    }


def _types(container: PreviewedContainer, rid: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for artifact, owner in zip(container.artifacts, container.artifact_rids):
        if owner in (rid, ""):
            found.update({name: tuple(types) for name, types in artifact["cef_types"].items()})
    return found


def _notes(result: PreviewedResult | None) -> tuple[str, ...]:
    return () if result is None else result.notes


def _time(text: str) -> Any:
    """Seconds since 1970 where the result has a time that is one."""
    found = epoch(text) if text else None
    return "" if found is None else found


def _record(kind: str, known: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    return {**dict.fromkeys(FIELDS, ""), **known, **values, "kind": kind}
