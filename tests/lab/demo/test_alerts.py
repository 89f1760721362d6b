"""Alerts where the busy week does not go: neighbouring runs, results of no search, what has just begun."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from lab.runner.lab import BUILD
from lab.spl import moment
from lab.spl.evaluator import evaluate, refine
from lab.spl.pipeline import Macro
from lab.spl.value import Row
from lab.splunkd.python.splunk.clilib import conffile
from tests.lab.spl.sources import Memory
from tools.dashboards import definition
from tools.dashboards.tokens import filled, initial

NOW = 1_795_521_600.0
"""2026-11-24T12:00:00Z: every schedule runs then, or some minutes later."""

SEARCHES = conffile.read(str(BUILD / "default" / "savedsearches.conf"))
MACROS = {
    name: Macro(tuple(re.split(r"\s*,\s*", stanza["args"])) if "args" in stanza else (), stanza["definition"])
    for name, stanza in conffile.read(str(BUILD / "default" / "macros.conf")).items()
}
ONCE = sorted(name for name, stanza in SEARCHES.items() if stanza.get("realtime_schedule") == "0")
"""Searches that tell what happened, each thing once."""


def found(name: str, rows: list[Row] | None = None, now: float = NOW, **lookups: list[Row]) -> list[dict[str, object]]:
    """What a saved search finds, as it is shipped, when it runs at a moment."""
    stanza = SEARCHES[name]
    memory = Memory(rows or [], MACROS, lookups)
    earliest, latest = stanza["dispatch.earliest_time"], stanza["dispatch.latest_time"]
    indexed = stanza.get("dispatch.index_earliest", ""), stanza.get("dispatch.index_latest", "")
    answer = evaluate(stanza["search"], memory, now=now, earliest=earliest, latest=latest, indexed=indexed)
    return [dict(row) for row in answer.texts()]


def event(sourcetype: str, indexed: float, fields: Mapping[str, str], late: float = 1.0) -> Row:
    """An event of the add-on."""
    meta: Row = {"_time": indexed - late, "_indextime": indexed, "index": "main", "sourcetype": sourcetype, "_raw": ""}
    return {**meta, **fields}


def seconds_between_runs(cron: str) -> int:
    """How often a schedule of minutes, or one of once an hour, runs."""
    minutes, *rest = cron.split()
    assert rest == ["*"] * 4
    return int(minutes.removeprefix("*/")) * 60 if minutes.startswith("*/") else 3600


def window(stanza: Mapping[str, str], now: float) -> tuple[float, float]:
    """What a run looks at: in the time of indexing where it names one."""
    kind = "index_{}" if "dispatch.index_earliest" in stanza else "{}_time"
    begin, end = (moment.point(stanza["dispatch." + kind.format(one)], now) for one in ("earliest", "latest"))
    assert begin is not None
    assert end is not None
    return begin, end


@pytest.mark.parametrize("name", ONCE)
def test_windows_meet(name: str) -> None:
    """Each run begins where the one before ended, on time or not; the end lies a minute back, for what is slow."""
    stanza = SEARCHES[name]
    step = seconds_between_runs(stanza["cron_schedule"])
    for turn in range(24 * 3600 // step):
        first = NOW + turn * step
        assert window(stanza, first + step + 9)[0] == window(stanza, first)[1]
    assert window(stanza, NOW + 7 * 60)[1] <= NOW + 7 * 60 - 60
    assert stanza.get("alert.suppress", "0") == "0"
    assert "schedule_window" not in stanza


@pytest.mark.parametrize(
    ("name", "sourcetype", "count", "fields"),
    [
        ("Send to SOAR - Results rejected", "soar:action:result", "results", {"status": "rejected", "reason": "no"}),
        ("Send to SOAR - Playbook runs failed", "soar:playbook_run", "runs", {"verdict": "failed", "playbook": "p"}),
        ("Example - Forward events by the time they were indexed", "vendor:alert", "", {"severity": "high"}),
    ],
)
def test_each_event_is_told_once(name: str, sourcetype: str, count: str, fields: dict[str, str]) -> None:
    """Three runs in a row tell every event once: on time, hours late, or of a clock that is ahead."""
    begin, _ = window(SEARCHES[name], NOW)
    step = seconds_between_runs(SEARCHES[name]["cron_schedule"])
    given = {**fields, "account": "prod", "search_name": "S"}
    rows = [
        event(sourcetype, begin + 10 * number, {**given, "run_id": str(number)}, (1.0, 5 * 3600.0, -1200.0)[number % 3])
        for number in range(3 * step // 10)
    ]
    told = [found(name, rows, NOW + step * turn) for turn in range(3)]
    counted = [sum(int(str(one.get(count, 1))) for one in run) for run in told]
    assert counted == [step // 10] * 3


def test_a_rejected_result_of_no_search_is_told() -> None:
    """An ad hoc run has no search, and a run without an account has none: their results are not left out."""
    told = {"status": "rejected", "reason": "There is no account.", "action": "send_to_soar", "sid": "1", "rid": "0"}
    rows = [event("soar:action:result", NOW - 120, told)]
    (alert,) = found("Send to SOAR - Results rejected", rows)
    (line,) = found("Send to SOAR - Rejected results by reason", rows)
    for one in (alert, line):
        assert (one["account"], one["search_name"], one["results"]) == ("none", "ad hoc", "1")
        assert one["reason"] == "There is no account."


def test_delivery_that_stands_still_is_told_by_search_head() -> None:
    """A search head that wrote to the log within a quarter of an hour is well, another is told; one is of yesterday."""
    beats = {"sh1": 4, "sh2": 20, "sh3": 25 * 60}
    rows: list[Row] = [
        {"_time": NOW - 60 * minutes, "index": "_internal", "source": "/var/log/soar_delivery.log", "host": host}
        for host, minutes in beats.items()
    ]
    assert found("Send to SOAR - Delivery stands still", rows) == [{"host": "sh2", "minutes": "20"}]


def test_what_waits_without_an_attempt_is_reported() -> None:
    """What was never tried has no class of failure, and is in the report all the same."""
    row: Row = {"account": "prod", "state": "pending", "rows": 3, "created": NOW - 2400, "next_attempt": NOW + 60}
    for error_class in ({}, {"error_class": ""}):
        (line,) = found("Send to SOAR - What waits", soar_outbox=[{**row, **error_class}])
        assert (line["account"], line["error_class"], line["results"]) == ("prod", "not tried yet", "3")
        (alert,) = found("Send to SOAR - Undelivered for too long", soar_outbox=[{**row, **error_class}])
        assert (alert["account"], alert["oldest_minutes"]) == ("prod", "40")
    fresh: Row = {**row, "created": NOW - 1200}
    assert found("Send to SOAR - Undelivered for too long", soar_outbox=[fresh]) == []


def test_feedback_that_was_never_read_is_told_once_it_fails() -> None:
    """An account that was just made has not been read: that is no failure before there is a reason."""
    rows: list[Row] = [
        {"account": "new", "polled": 0, "interval": 60, "error": ""},
        {"account": "refused", "polled": 0, "interval": 60, "error": "401"},
        {"account": "well", "polled": NOW - 60, "interval": 60, "error": ""},
        {"account": "late", "polled": NOW - 1800, "interval": 60, "error": ""},
    ]
    told = found("Send to SOAR - Feedback stands still", soar_checkpoint=rows)
    assert [(one["account"], one["minutes"]) for one in told] == [("refused", "never"), ("late", "30")]


def test_feedback_that_is_to_be_rare_or_off_does_not_stand_still() -> None:
    """An account that is read once an hour is late after three; one that is switched off, or was removed, is never."""
    rows: list[Row] = [
        {"account": "hourly", "polled": NOW - 10_000, "interval": 3600, "error": ""},
        {"account": "late", "polled": NOW - 11_000, "interval": 3600, "error": ""},
        {"account": "off", "polled": NOW - 86_400, "interval": 0, "error": ""},
    ]
    told = found("Send to SOAR - Feedback stands still", soar_checkpoint=rows)
    assert [one["account"] for one in told] == ["late"]
    assert [one["Latest"] for one in shown("home", "ds_attention", soar_checkpoint=rows, soar_containers=[])] == [
        "late: nothing was read for 3.1 h"
    ]
    states = shown("delivery_health", "ds_beats", soar_checkpoint=rows)
    assert {one["Account"]: one["State"] for one in states} == {"hourly": "reading", "late": "late", "off": "not read"}


def shown(view: str, source: str, **lookups: list[Row]) -> list[dict[str, object]]:
    """What a search of a view gives, as the view opens, where there are no events."""
    opened = definition.load(definition.FOLDER / f"{view}.json")
    options = opened.sources[source]["options"]
    query = filled(options["query"], initial(opened))
    memory = Memory([], MACROS, lookups)
    if "extend" not in options:
        return [dict(row) for row in evaluate(query, memory, now=NOW).texts()]
    base = evaluate(filled(opened.sources[options["extend"]]["options"]["query"], initial(opened)), memory, now=NOW)
    return [dict(row) for row in refine(base, query, memory, now=NOW).texts()]


def test_a_prompt_is_told_while_it_waits() -> None:
    """One that was answered is not told, nor one of a few minutes; one of two days is."""

    def prompt(number: str, minutes: float, status: str) -> Row:
        start = "2026-11-24T11:50:00.000000Z" if minutes < 30 else "2026-11-22T12:00:00.000000Z"
        fields = {"account": "prod", "approval_id": number, "status": status, "start_time": start}
        return event("soar:approval", NOW - 60 * minutes, fields)

    rows = [
        prompt("1", 2880, "pending"),
        prompt("2", 2880, "pending"),
        prompt("2", 5, "approved"),
        prompt("3", 10, "pending"),
    ]
    told = found("Send to SOAR - Prompts waiting", rows)
    assert [(one["approval_id"], one["minutes"]) for one in told] == [("1", "2880")]
