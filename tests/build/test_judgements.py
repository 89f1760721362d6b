"""How the gates judge what AppInspect and pip-audit report, and how they count steps."""

from __future__ import annotations

import datetime as dt

import pytest

from tools import appinspect, audit, gates
from tools.appinspect import CHECKS, Allowed, AppInspectError, Finding, Report
from tools.audit import Audit, AuditError, Vulnerability, Waiver
from tools.interpreters import MissingInterpreterError

SDK = Finding("check_python_sdk_version", "warning", "Splunk SDK for Python (2.1.1) is old")
SDK_ALLOWED = Allowed("check_python_sdk_version", r"\(2\.1\.1\)", "3.9")
TODAY = dt.date(2027, 1, 15)
FLAW = Vulnerability("urllib3", "1.26.20", ("GHSA-1", "CVE-1"), ("2.6.0",))


def report(*findings: Finding, tags: dict[str, int] | None = None, results: dict[str, int] | None = None) -> Report:
    """Return a report in which every check ran."""
    return Report(results={"success": 250, **(results or {})}, tags=tags or dict(CHECKS), findings=findings)


def test_allowed_warnings_pass() -> None:
    """A warning with an entry in the allow-list is no problem."""
    assert appinspect.judge(report(SDK, results={"warning": 1}), [SDK_ALLOWED]) == []


def test_an_unknown_warning_fails() -> None:
    """A warning of an allowed check with another message is new, and so fails."""
    other = Finding(SDK.check, "warning", "Splunk SDK for Python (1.0.0) is old")
    problems = appinspect.judge(report(SDK, other), [SDK_ALLOWED])
    assert problems == ["warning check_python_sdk_version: Splunk SDK for Python (1.0.0) is old"]


def test_a_stale_entry_fails() -> None:
    """An entry that no warning matches has to go."""
    problems = appinspect.judge(report(), [SDK_ALLOWED])
    assert len(problems) == 1
    assert "remove the entry" in problems[0]


@pytest.mark.parametrize("result", ["error", "failure", "future_failure"])
def test_nothing_worse_than_a_warning_can_be_allowed(result: str) -> None:
    """An entry of the allow-list does not cover errors, failures and future failures."""
    problems = appinspect.judge(report(Finding(SDK.check, result, SDK.message), results={result: 1}), [SDK_ALLOWED])
    assert problems[0] == f"1 checks ended in {result}"
    assert problems[1].startswith(result)


def test_a_failure_without_a_message_fails() -> None:
    """The result of a check counts even if it says nothing."""
    assert appinspect.judge(report(results={"failure": 1}), []) == ["1 checks ended in failure"]


def test_a_lost_check_fails() -> None:
    """When fewer checks ran than AppInspect has, that is a problem although none failed."""
    problems = appinspect.judge(report(tags={**CHECKS, "cloud": CHECKS["cloud"] - 1}), [])
    assert len(problems) == 1
    assert "checks per tag" in problems[0]


def test_the_report_is_read_from_the_shape_that_appinspect_writes() -> None:
    """Messages of passed parts are dropped, results and tags are counted."""
    check = {
        "name": SDK.check,
        "result": "warning",
        "tags": ["cloud", "future"],
        "messages": [
            {"result": "not_applicable", "message": "none"},
            {"result": "warning", "message": "Splunk SDK for\n   Python (2.1.1) is old"},
        ],
    }
    read = appinspect.read_report({"reports": [{"groups": [{"checks": [check]}]}]})
    assert read == Report(results={"warning": 1}, tags={"cloud": 1, "future": 1}, findings=(SDK,))


@pytest.mark.parametrize(
    "text", ['[[allowed]]\ncheck = "a"\nmessage = "b"', '[[allowed]]\ncheck="a"\nmessage="b"\nreason=""']
)
def test_an_entry_without_a_reason_is_refused(text: str) -> None:
    """Every allowed warning says why."""
    with pytest.raises(AppInspectError, match="reason"):
        appinspect.read_allowed(text)


def test_a_vulnerability_without_waiver_is_reported_only() -> None:
    """What was published since the last commit does not fail it."""
    notes, problems = audit.judge(Audit(13, 0, (FLAW,)), [], TODAY)
    assert notes == ["urllib3 1.26.20: GHSA-1 CVE-1 (fixed in 2.6.0): no waiver"]
    assert problems == []


@pytest.mark.parametrize(("until", "fails"), [(TODAY, False), (TODAY - dt.timedelta(days=1), True)])
def test_a_waiver_counts_to_its_last_day(until: dt.date, *, fails: bool) -> None:
    """A waiver, here by an alias, covers a finding until its date, and fails it from the next day on."""
    notes, problems = audit.judge(Audit(13, 0, (FLAW,)), [Waiver("urllib3", "CVE-1", until, "capped")], TODAY)
    assert (len(notes), len(problems)) == ((0, 1) if fails else (1, 0))


def test_a_run_out_waiver_without_its_finding_is_silent() -> None:
    """When the pin was raised the waiver has nothing to fail."""
    assert audit.judge(Audit(13, 0, ()), [Waiver("urllib3", "CVE-1", dt.date(2020, 1, 1), "old")], TODAY) == ([], [])


@pytest.mark.parametrize(
    "text",
    [
        '[[waiver]]\npackage = "a"\nid = "b"\nreason = "c"',
        '[[waiver]]\npackage = "a"\nid = "b"\nreason = "c"\nuntil = "soon"',
        '[[waiver]]\npackage = "a"\nid = "b"\nreason = ""\nuntil = 2027-01-01',
    ],
)
def test_a_waiver_needs_its_four_parts(text: str) -> None:
    """A waiver without a date or a reason is refused."""
    with pytest.raises(AuditError):
        audit.read_waivers(text)


def test_packages_that_the_service_does_not_know_are_counted_apart() -> None:
    """A package that could not be looked up is never counted as checked."""
    document = {
        "dependencies": [
            {"name": "a", "skip_reason": "not found"},
            {
                "name": "urllib3",
                "version": "1.26.20",
                "vulns": [{"id": "GHSA-1", "aliases": ["CVE-1"], "fix_versions": ["2.6.0"]}],
            },
        ]
    }
    assert audit.read_audit(document) == Audit(1, 1, (FLAW,))


def passes() -> None:
    """Stand for a step that passes."""


def fails() -> None:
    """Stand for a step that finds something."""
    raise gates.StepError


def lacks() -> None:
    """Stand for a step whose interpreter is not there."""
    raise MissingInterpreterError("CPython 3.9 is not on this machine")


@pytest.mark.parametrize(
    ("strict", "code", "counts"),
    [(False, 0, "1 passed, 0 failed, 1 skipped"), (True, 1, "1 passed, 1 failed, 0 skipped")],
)
def test_a_missing_interpreter_is_skipped_but_not_in_ci(
    capsys: pytest.CaptureFixture[str], code: int, counts: str, *, strict: bool
) -> None:
    """On a developer's machine one line says what was not tested; in CI it is an error."""
    assert gates.run([gates.Step("a", passes), gates.Step("b", lacks)], strict=strict) == code
    output = capsys.readouterr().out
    assert output.splitlines()[-1] == f"gates: {counts}"
    assert "CPython 3.9 is not on this machine" in output


def test_steps_go_on_after_a_failure_unless_it_was_essential(capsys: pytest.CaptureFixture[str]) -> None:
    """One run shows every problem; but nothing is tested on a build that failed."""
    assert gates.run([gates.Step("a", fails), gates.Step("b", passes)], strict=False) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "gates: 1 passed, 1 failed, 0 skipped"
    assert gates.run([gates.Step("a", fails, essential=True), gates.Step("b", passes)], strict=False) == 1
    output = capsys.readouterr().out
    assert output.splitlines()[-1] == "gates: 0 passed, 1 failed, 0 skipped"
    assert "1 steps not run" in output
