"""What does not work is said, row by row, in words that lead on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.runner.accounts import Account, Accounts
from lab.runner.lab import APP, Lab
from lab.runner.report import Report
from tests.addon.conftest import Send

Requests = Callable[[Callable[[], Report]], tuple[Report, list[str]]]

ROWS = [{"src": f"10.0.2.{n}"} for n in range(3)]


def _account(lab: Lab, name: str, **changes: str) -> str:
    good = lab.account()
    fields = {"url": good.url, "token": good.token, "ca_certificate": good.ca_certificate, **changes}
    accounts = Accounts(lab.management, APP)
    accounts.save(Account(name, **fields), exists=accounts.find(name) is not None)
    return name


def test_a_wrong_token(lab: Lab, send: Send) -> None:
    """The token is named as the cause; every row is kept until somebody mends the account."""
    report = send(ROWS, {"account": _account(lab, "wrong_token", token="not-the-token")})
    assert report.exit_code == 0
    assert {outcome.status for outcome in report.results} == {"queued"}
    assert "token" in str(report.results[0].reason)
    assert "not-the-token" not in str(report.results[0].reason)


def test_a_missing_authority(lab: Lab, send: Send) -> None:
    """Without the private authority nothing is sent, and the reason says where to put it."""
    report = send(ROWS, {"account": _account(lab, "no_authority", ca_certificate="")})
    assert report.exit_code == 0
    assert {outcome.status for outcome in report.results} == {"queued"}
    assert "not trusted" in str(report.results[2].reason)
    assert "CA certificate" in str(report.results[2].reason)


def test_a_dead_address(lab: Lab, send: Send) -> None:
    """Nothing listens: every row waits, and says why."""
    report = send(ROWS, {"account": _account(lab, "dead", url="https://127.0.0.1:1")})
    assert report.exit_code == 0
    assert {outcome.status for outcome in report.results} == {"queued"}
    assert all("refuses connections" in str(outcome.reason) for outcome in report.results)


def test_an_unknown_label(send: Send, requests_of: Requests) -> None:
    """The value, the parameter, what there is and the way out; no container was asked for."""
    report, requests = requests_of(lambda: send(ROWS, {"label": "evnts"}))
    assert report.exit_code == 4
    reason = str(report.results[0].reason)
    assert 'SOAR has no label "evnts" (parameter label). Closest: "events". There are: events, notable' in reason
    assert "Create the label in SOAR" in reason
    assert "POST /rest/container" not in requests


def test_an_unknown_severity(send: Send) -> None:
    """What a user wrote in full is not adjusted to another one."""
    report = send(ROWS, {"severity": "critical"})
    assert report.exit_code == 4
    assert 'SOAR has no severity "critical" (parameter severity). There are: High, Medium, Low' in str(
        report.results[0].reason
    )


def test_one_bad_row_stops_no_other(send: Send) -> None:
    """A label per row: the wrong one is rejected, its neighbours arrive."""
    rows = [
        {"src": "10.0.3.1", "l": "events"},
        {"src": "10.0.3.2", "l": "nonsense"},
        {"src": "10.0.3.3", "l": "events"},
    ]
    report = send(rows, {"label": "{{l}}"})
    assert [outcome.status for outcome in report.results] == ["delivered", "rejected", "delivered"]
    assert report.exit_code == 4


def test_all_parameters_are_judged_together(send: Send) -> None:
    """Two mistakes are told at once, and nothing is sent."""
    report = send(ROWS, {"container_per": "planet", "max_containers": "many"})
    assert report.exit_code == 3
    reason = str(report.results[0].reason)
    assert 'container_per has the value "planet"' in reason
    assert 'max_containers has the value "many"' in reason


def test_an_unknown_account(send: Send) -> None:
    """The accounts that there are stand in the reason."""
    report = send(ROWS, {"account": "nobody"})
    assert report.exit_code == 3
    assert "lab" in str(report.results[0].reason)


def test_a_user_who_may_not_run_the_actions(send: Send) -> None:
    """Least privilege shows: the capability and the role that has it are named."""
    report = send(ROWS, owner="analyst")
    assert report.exit_code == 3
    assert "use_soar_actions" in str(report.results[0].reason)
    assert "send_to_soar_user" in str(report.results[0].reason)


@pytest.mark.parametrize(
    ("fault", "state", "code"),
    [
        ("500", "queued", 0),
        ("502", "queued", 0),
        ("503", "queued", 0),
        ("login_page", "queued", 0),
        ("empty", "queued", 0),
        ("truncated_json", "queued", 0),
        ("redirect", "rejected", 4),
        ("failed", "rejected", 4),
    ],
)
def test_bad_answers_are_no_success(lab: Lab, send: Send, fault: str, state: str, code: int) -> None:
    """Whatever comes back instead of SOAR's answer, no row claims success: it waits, or is refused."""
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.admin.fault("POST /rest/container", fault, times=None)
    report = send(ROWS)
    assert {outcome.status for outcome in report.results} == {state}
    assert report.exit_code == code
    assert all(outcome.reason for outcome in report.results)


def test_an_unknown_playbook(send: Send) -> None:
    """The data is in, the run is not: the row says both and is no success."""
    report = send(ROWS[:1], {"playbook": "local/nonsense"})
    (outcome,) = report.results
    assert outcome.status == "rejected"
    assert outcome.container_id is not None
    assert outcome.artifacts == 1
    assert outcome.runs[0].state == "not started"
    assert "nonsense" in str(outcome.reason)
