"""What playbook runs answered: outputs, actions and notes, as flat fields that an analyst can read."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from soarlink.automation import runs as runs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from soarlink.soar.client import SoarClient

    Asked = tuple[int, Sequence[int]]
    """A container, and the playbook runs on it."""

    Records = Sequence[Mapping[str, Any]]

ROOM = 6_000
"""Most characters of all answers of a container: Splunk finds the fields of the first 10,240 of an event (limits.conf,
``maxchars`` of ``[kv]``), and the event has others."""

OUTPUT, ACTIONS, NOTES, CUT = "enrichment.", "enrichment_actions", "enrichment_notes", "enrichment_cut"
_LONGEST_OUTPUT = 1_000
_LONGEST_LINE = 400
_LONGEST_NOTE = 2_000
_LONGEST_NAME = 60
_MOST_CUTS = 5

_ODD = re.compile(r"[^\w.-]+")
_MOMENT = re.compile(r"[\d:.TZ+-]+")
_SECRET = re.compile(r"passw|secret|token|api_?key|credential", re.IGNORECASE)
_NOTHING: tuple[object, ...] = (None, "", [], {})


def read(client: SoarClient, asked: Sequence[Asked]) -> list[dict[str, str]]:
    """Read what runs answered: a few requests, however many there are.

    Args:
        client: SOAR.
        asked: containers and runs that have ended.

    Returns:
        For each of them :func:`shape`.

    Raises:
        SoarError: SOAR did not answer.
    """
    order = (("sort", "id"), ("order", "asc"))
    runs = runs_of.records_in(client, "playbook_run", "id", [number for _, ids in asked for number in ids])
    called = runs_of.called_by(client, runs)
    acted = [_with_called(ids, called) for _, ids in asked]
    numbers = [number for ids in acted for number in ids]
    actions = runs_of.records_in(client, "action_run", "playbook_run", numbers, order)
    app_runs = runs_of.records_in(client, "app_run", "playbook_run", numbers, order)
    begun = [_begun(runs, ids) for _, ids in asked]
    notes: Records = []
    if any(begun):
        since = ("_filter_create_time__gte", f'"{min(filter(None, begun))}"')
        notes = runs_of.records_in(client, "note", "container", [number for number, _ in asked], (since, *order))
    return [
        shape(
            [one for one in runs if one.get("id") in ids],
            [one for one in actions if one.get("playbook_run") in theirs],
            [one for one in app_runs if one.get("playbook_run") in theirs],
            [
                one
                for one in notes
                if start and one.get("container") == container and str(one.get("create_time") or "") >= start
            ],
        )
        for (container, ids), theirs, start in zip(asked, acted, begun)
    ]


def shape(runs: Records, actions: Records, app_runs: Records, notes: Records) -> dict[str, str]:
    """The answers as fields; what is empty is left out, what is too long is cut and told.

    Args:
        runs: records of ``/rest/playbook_run`` (REST reference, 6.2).
        actions: their records of ``/rest/action_run``.
        app_runs: their records of ``/rest/app_run`` (6.4).
        notes: records of ``/rest/note`` (8.2).

    Returns:
        ``enrichment.<output>`` for each output of the playbooks; ``enrichment_actions``, a line for each action;
        ``enrichment_notes``; ``enrichment_cut``, what of them was cut.
    """
    sheet = _Sheet()
    for name, text in _outputs(runs).items():
        sheet.add(OUTPUT + name, text, _LONGEST_OUTPUT, f"output {name}")
    for line in dict.fromkeys(_lines(actions, app_runs)):
        sheet.add(ACTIONS, line, _LONGEST_LINE, "an action")
    for note in notes:
        title = _said(note.get("title")) or "note"
        content = str(note.get("content") or "").strip()
        sheet.add(NOTES, f"{title}: {content}" if content else title, _LONGEST_NOTE, f"note {title}")
    return sheet.fields()


def _with_called(ids: Iterable[int], called: Mapping[int, Records]) -> list[int]:
    """Runs, and those that they have called: their actions answer, too."""
    found = list(ids)
    for number in found:
        found.extend(int(one["id"]) for one in called.get(number, ()))
    return found


class _Sheet:
    """Fields within :data:`ROOM`, and what did not fit."""

    def __init__(self) -> None:
        self._fields: dict[str, str] = {}
        self._cuts: list[str] = []
        self._room = ROOM

    def add(self, name: str, text: str, longest: int, what: str) -> None:
        """Add a text to a field, on a line of its own."""
        shown, room = text, min(longest, self._room - len(name))
        if len(text) > room:
            shown = text[: room - 1] + "…" if room > 1 else ""
            self._cuts.append(f"{what[:_LONGEST_NAME]} ({len(text)} characters)")
        if not shown:
            return
        before = self._fields.get(name)
        self._fields[name] = shown if before is None else f"{before}\n{shown}"
        self._room -= len(shown) + (len(name) if before is None else 1)

    def fields(self) -> dict[str, str]:
        """All that was added, and a field that says what was cut."""
        if not self._cuts:
            return self._fields
        listed = ", ".join(self._cuts[:_MOST_CUTS])
        more = f" and {len(self._cuts) - _MOST_CUTS} more" if len(self._cuts) > _MOST_CUTS else ""
        return {**self._fields, CUT: f"Cut or left out: {listed}{more}. The container in SOAR has all of it."}


def _begun(runs: Records, ids: Sequence[int]) -> str:
    """When the first of these runs began, as SOAR writes times; "" when it does not say."""
    times = [str(run.get("start_time") or "") for run in runs if run.get("id") in ids]
    return min((time for time in times if _MOMENT.fullmatch(time)), default="")


def _outputs(runs: Records) -> dict[str, str]:
    """The outputs by name. What several runs call alike stands in one field."""
    found: dict[str, list[str]] = {}
    for run in runs:
        outputs = run.get("outputs")
        for name, value in outputs.items() if isinstance(outputs, dict) else ():
            for full, text in _flat(_ODD.sub("_", str(name))[:_LONGEST_NAME] or "_", value):
                found.setdefault(full, []).append(text)
    return {name: ", ".join(dict.fromkeys(texts)) for name, texts in found.items()}


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The members of an object are fields of their own; what is in them is text."""
    if isinstance(value, dict):
        for member, inner in value.items():
            text = _said(inner)
            if text:
                yield f"{name}.{_ODD.sub('_', str(member))[:_LONGEST_NAME] or '_'}", text
    elif _said(value):
        yield name, _said(value)


def _lines(actions: Records, app_runs: Records) -> Iterator[str]:
    """A line for each action: app, action, parameters, status, message, summary."""
    by_id = {str(action.get("id")): action for action in actions}
    for run in app_runs:
        action = by_id.get(str(run.get("action_run")), {})
        name = run.get("action") or action.get("action")
        summary = run.get("result_summary")
        yield _line(
            run.get("app_name"), name, _parameters(action, run), run.get("status"), run.get("message"), _pairs(summary)
        )
    reached = {str(run.get("action_run")) for run in app_runs}
    for action in actions:  # what failed before an app was asked
        if str(action.get("id")) not in reached and action.get("action") != "prompt":
            name = action.get("action") or action.get("name")
            yield _line("", name, _parameters(action, {}), action.get("status"), action.get("message"), "")


def _line(*parts: Any) -> str:
    return " | ".join(_said(part) or "-" for part in parts)


def _parameters(action: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    """What the action was asked, for this app where several were."""
    listed = action.get("targets")
    targets = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    own = [one for one in targets if run.get("app") is not None and one.get("app_id") == run.get("app")] or targets
    found = [one.get("parameters") for one in own]
    return "; ".join(_pairs(one) for listed in found if isinstance(listed, list) for one in listed if _pairs(one))


def _pairs(value: Any) -> str:
    """An object in words. ``context`` is SOAR's own; what looks like a secret is not shown."""
    if not isinstance(value, dict):
        return _said(value)
    pairs = ((str(name), _said(one)) for name, one in value.items() if name != "context")
    return ", ".join(f"{name}={'(not shown)' if _SECRET.search(name) else text}" for name, text in pairs if text)


def _said(value: Any) -> str:
    """A value as one line; "" for what says nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value in _NOTHING:
        return ""
    if isinstance(value, list) and not any(isinstance(one, (dict, list)) for one in value):
        return ", ".join(text for text in map(_said, value) if text)
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else str(value)
    return " ".join(text.split())
