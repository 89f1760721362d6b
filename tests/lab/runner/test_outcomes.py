"""Result events and the action's log are read together, and what they contradict each other in is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.runner.outcomes import contradictions, read_run
from lab.runner.report import Outcome, Report

Event = dict[str, Any]
INVOKING = "Invoking modular action"


def _line(rid: str, signature: str = INVOKING, sid: str = "s1", **fields: str) -> Event:
    named = {"signature": signature, "action_name": "send_to_soar", "sid": sid, "rid": rid, **fields}
    raw = "sendmodaction - " + " ".join(f'{name}="{value}"' for name, value in named.items())
    return {"sourcetype": "modular_alerts:send_to_soar", "raw": raw, "fields": named, "tag": [], "index": "i"}


def _result(rid: str, status: str, sid: str = "s1", **fields: Any) -> Event:
    body = {"sid": sid, "rid": rid, "status": status, "artifacts": 1, **fields}
    return {
        "sourcetype": "soar:action:result",
        "raw": json.dumps(body),
        "fields": {"orig_action_name": "send_to_soar", "orig_sid": "other"},
        "tag": ["modaction_result"],
        "index": "main",
    }


def _read(*events: Event, rows: int, before: tuple[Event, ...] = ()) -> tuple[list[Outcome], list[str]]:
    log, outcomes, problems = read_run(events, action="send_to_soar", sid="s1", before=before)
    return outcomes, [*problems, *contradictions(log, outcomes, rows=rows)]


@pytest.mark.parametrize(
    ("status", "logged"),
    [
        ("delivered", "success"),
        ("updated", "success"),
        ("simulated", "success"),
        ("queued", "pending"),
        ("rejected", "failure"),
    ],
)
def test_agreement_is_no_problem(status: str, logged: str) -> None:
    """One invocation, the status that belongs to the state, one result event: all is well."""
    outcomes, problems = _read(_line("0"), _line("0", "x", action_status=logged), _result("0", status), rows=1)
    assert [outcome.status for outcome in outcomes] == [status]
    assert problems == []


def test_results_come_in_the_order_of_the_file() -> None:
    """SOAR's answers come in any order; the report follows the log's announcements."""
    done = [_line(rid, "x", action_status="success") for rid in ("2", "10", "9")]
    announced = [_line(rid) for rid in ("2", "10", "9")]
    outcomes, problems = _read(
        *announced, *done, _result("9", "delivered"), _result("2", "updated"), _result("10", "delivered"), rows=3
    )
    assert [outcome.rid for outcome in outcomes] == ["2", "10", "9"]
    assert problems == []


def test_other_runs_and_other_lines_do_not_count() -> None:
    """Lines and events of another search, another action or without a result id change nothing."""
    other = _line("0")
    other["fields"]["action_name"] = "x"
    outcomes, problems = _read(
        _line("0"),
        _line("0", "x", action_status="success"),
        _line("0", sid="s2", action_status="failure"),
        other,
        _line("", "duration"),
        _result("0", "delivered"),
        _result("0", "rejected", sid="s2"),
        rows=1,
    )
    assert (len(outcomes), problems) == (1, [])


def test_realtime_search_is_known_without_its_snapshot() -> None:
    """The Common Action Model logs a real-time search's id without the snapshot number."""
    events = (_line("0.7", sid="rt_scheduler__a_1"), _result("0.7", "delivered", sid="rt_scheduler__a_1"))
    log, outcomes, _ = read_run(events, action="send_to_soar", sid="rt_scheduler__a_1.7")
    assert (log.rids["0.7"].invocations, len(outcomes)) == (1, 1)


@pytest.mark.parametrize(
    ("events", "rows", "problem"),
    [
        ((_line("0"), _line("0", "x", action_status="success")), 1, "1 results went in, 0 have an outcome"),
        ((_result("0", "delivered"),), 1, "no line in the log"),
        (
            (_line("0"), _line("0"), _line("0", "x", action_status="success"), _result("0", "updated")),
            1,
            "2 invocations",
        ),
        ((_line("0"), _result("0", "delivered")), 1, "should say success and says nothing"),
        ((_line("0"), _line("0", "x", action_status="success"), _result("0", "rejected")), 1, "should say failure"),
        (
            (
                _line("0"),
                _line("0", "x", action_status="success"),
                _line("0", "y", action_status="failure"),
                _result("0", "rejected"),
            ),
            1,
            "2 final statuses",
        ),
        ((_line("0"), _line("0", "x", action_status="success"), _result("0", "done")), 1, "status 'done'"),
        (
            (_line("0"), _line("0", "x", action_status="success"), _result("0", "delivered")),
            2,
            "2 results went in, 1 have",
        ),
    ],
)
def test_contradictions_are_named(events: tuple[Event, ...], rows: int, problem: str) -> None:
    """Each way in which log, events and rows can disagree gives a problem that says so."""
    _, problems = _read(*events, rows=rows)
    assert any(problem in text for text in problems), problems


@pytest.mark.parametrize(
    ("logged", "new", "status"),
    [
        ("success", (), "updated"),
        ("success", (), "rejected"),
        ("failure", (), "delivered"),
        ("pending", (), "queued"),
        ("pending", (_line("0", "x", action_status="success"),), "updated"),
    ],
)
def test_a_second_call_announces_nothing_again(logged: str, new: tuple[Event, ...], status: str) -> None:
    """One invocation and one final status for both calls: the log keeps the end that it has."""
    before = (_line("0"), _line("0", "x", action_status=logged), _line("7"), _line("0", sid="other"))
    outcomes, problems = _read(*new, _result("0", status), rows=1, before=before)
    assert [outcome.status for outcome in outcomes] == [status]
    assert problems == []


@pytest.mark.parametrize(
    ("logged", "new", "problem"),
    [
        ("success", (_line("0", "x", action_status="success"),), "2 final statuses"),
        ("pending", (), "should say success and says pending"),
    ],
)
def test_a_second_call_is_held_against_the_first(logged: str, new: tuple[Event, ...], problem: str) -> None:
    """A second final status, or none at all."""
    before = (_line("0"), _line("0", "x", action_status=logged))
    _, problems = _read(*new, _result("0", "updated"), rows=1, before=before)
    assert any(problem in text for text in problems), problems


def test_result_event_without_its_tag_is_a_problem() -> None:
    """Enterprise Security finds result events by a tag: one without it is as good as lost."""
    event = _result("0", "delivered")
    event["tag"] = []
    _, problems = _read(_line("0"), _line("0", "x", action_status="success"), event, rows=1)
    assert problems == ["A result event in index main has no tag modaction_result."]


def test_many_problems_are_summed_up() -> None:
    """A thousand contradictions are told in a few lines."""
    _, problems = _read(*(_result(str(number), "delivered") for number in range(1000)), rows=1000)
    assert len(problems) == 6
    assert problems[-1] == "And 996 more."


def test_document_has_the_agreed_shape() -> None:
    """The JSON document has the design's keys, null for what is not there, and counts by state."""
    events = (
        _line("0"),
        _line("0", "x", action_status="success"),
        _result(
            "0",
            "delivered",
            container_id=12,
            container_url="https://s/mission/12",
            runs=[{"id": 46, "playbook": "local/x", "state": "running"}],
        ),
    )
    outcomes, problems = _read(*events, rows=1)
    report = Report(0, "s1", 812, tuple(outcomes), tuple(problems), (), "", Path("l"), Path("i"))
    assert report.document() == {
        "schema": 1,
        "exit_code": 0,
        "sid": "s1",
        "duration_ms": 812,
        "results": [
            {
                "rid": "0",
                "status": "delivered",
                "container_id": 12,
                "container_url": "https://s/mission/12",
                "artifacts": 1,
                "runs": ({"id": "46", "playbook": "local/x", "state": "running", "reason": None},),
                "reason": None,
            }
        ],
        "summary": {"delivered": 1, "updated": 0, "queued": 0, "rejected": 0, "simulated": 0},
        "problems": [],
        "notes": [],
    }


def test_errors_of_the_run_as_a_whole_are_kept() -> None:
    """A line without a result id that says ERROR tells what went wrong with the run."""
    line = _line("", "The file is damaged")
    del line["fields"]["rid"]
    line["raw"] = f"2026-11-26 10:00:00,000+0000 ERROR {line['raw']}"
    log, _, _ = read_run([line], action="send_to_soar", sid="s1")
    assert log.errors == ["The file is damaged"]
