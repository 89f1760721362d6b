"""The built add-on's action runs as splunkd runs it, and its containers are in SOAR."""

from __future__ import annotations

import json
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lab.demo.containers import Soar
from lab.runner.lab import ACCOUNT, Lab
from lab.runner.request import SendRequest
from lab.runner.search import Mode
from lab.runner.servers import OwnSoar
from tools import interpreters


def _soar(lab: Lab) -> Soar:
    account = lab.account()
    return Soar(account.url, account.token, lab.soar.ca_file)


def _log_lines(lab: Lab, sid: str) -> list[dict[str, Any]]:
    events = [event for event in lab.indexes.since({}) if event["index"] == "cim_modactions"]
    return [event for event in events if event["fields"].get("sid") == sid]


@pytest.mark.parametrize("mode", list(Mode))
def test_every_row_is_delivered_in_every_mode(lab: Lab, three_rows: Path, mode: Mode) -> None:
    """Three rows give three containers that SOAR has, and log and events agree."""
    report = lab.send(SendRequest(three_rows, mode=mode))
    assert (report.exit_code, report.problems) == (0, ())
    assert [(outcome.rid, outcome.status) for outcome in report.results] == [
        ("0", "delivered"),
        ("1", "delivered"),
        ("2", "delivered"),
    ]
    for outcome in report.results:
        assert outcome.container_id is not None
        container = _soar(lab).container(outcome.container_id)
        assert len(container.artifacts) == outcome.artifacts == 1
        assert outcome.container_url is not None
        assert outcome.container_url.startswith(lab.soar.url)
    assert not list(lab.home.spool.iterdir())


def test_per_result_mode_calls_the_action_once_for_each_row(lab: Lab, three_rows: Path) -> None:
    """Each call sees one result, its own file and digest_mode 0."""
    report = lab.send(SendRequest(three_rows, mode=Mode.PER_RESULT))
    folder = lab.home.dispatch / report.sid / "per_result_alert"
    assert sorted(path.name for path in folder.iterdir()) == ["tmp_0.csv.gz", "tmp_1.csv.gz", "tmp_2.csv.gz"]
    lines = [event for event in _log_lines(lab, report.sid) if "Invoking" in event["raw"]]
    assert [(line["fields"]["rid"], line["fields"]["digest_mode"]) for line in lines] == [
        ("0", "0"),
        ("1", "0"),
        ("2", "0"),
    ]


def test_same_search_again_joins_its_containers(lab: Lab, three_rows: Path) -> None:
    """The same search id sent twice makes no second container."""
    first = lab.send(SendRequest(three_rows))
    second = lab.send(SendRequest(three_rows, sid=first.sid))
    assert [outcome.status for outcome in second.results] == ["updated"] * 3
    assert [outcome.container_id for outcome in second.results] == [outcome.container_id for outcome in first.results]


def test_parameters_and_tokens_reach_soar(lab: Lab, three_rows: Path) -> None:
    """``$result.x$`` is replaced from the first row by the runner, ``{{x}}`` per row by the action."""
    parameters = {"container_name": "$name$ $result.src$ {{src}}"}
    report = lab.send(SendRequest(three_rows, parameters=parameters, search_name="Rule"))
    names = [_soar(lab).container(outcome.container_id or 0).name for outcome in report.results]
    assert names == ["Rule 203.0.113.7 203.0.113.7", "Rule 203.0.113.7 10.0.0.2", "Rule 203.0.113.7 10.0.0.3"]


def test_text_arrives_as_it_was(lab: Lab, three_rows: Path) -> None:
    """Multi-value fields, quotes, line breaks and letters beyond ASCII are the same in SOAR."""
    report = lab.send(SendRequest(three_rows))
    held = [_soar(lab).container(outcome.container_id or 0).artifacts[0].cef for outcome in report.results]
    assert any(value == ["anna", "søren"] for value in held[0].values())
    assert 'say "hi"' in held[0].values()
    assert "line\nbreak" in held[2].values()


@pytest.mark.parametrize("name", ["r.csv", "r.csv.gz"])
def test_no_results_are_no_error(lab: Lab, tmp_path: Path, name: str) -> None:
    """A header alone, plain or compressed, runs the action and gives nothing."""
    path = tmp_path / "plain.csv"
    path.write_text("src,dest\n", encoding="utf-8")
    if name.endswith(".gz"):
        from lab.runner.results import copy_compressed  # noqa: PLC0415

        copy_compressed(path, tmp_path / name)
        path = tmp_path / name
    report = lab.send(SendRequest(path))
    assert (report.exit_code, report.results, report.problems) == (0, (), ())


def test_unknown_label_is_an_honest_rejection(lab: Lab, three_rows: Path) -> None:
    """A label that SOAR does not have: rejected with a reason that names it, exit code not 0, log says failure."""
    report = lab.send(SendRequest(three_rows, parameters={"label": "nosuchlabel"}))
    assert report.exit_code != 0
    assert [outcome.status for outcome in report.results] == ["rejected"] * 3
    assert "nosuchlabel" in (report.results[0].reason or "")
    assert report.problems == ()


def test_action_that_runs_too_long_is_killed_and_reported(lab: Lab, three_rows: Path) -> None:
    """After the time allowed the process is killed; what it left undone is a problem, not a silence."""
    report = lab.send(SendRequest(three_rows, timeout=0.02))
    assert report.exit_code == 137
    assert report.results == ()
    assert any("killed" in note for note in report.notes)
    assert any("3 results went in" in problem for problem in report.problems)


def test_eight_actions_at_once_keep_log_and_outcomes_apart(lab: Lab, three_rows: Path) -> None:
    """Eight runs in parallel: each has one invocation and one terminal status per row, and its own containers."""
    with ThreadPoolExecutor(8) as pool:
        reports = list(pool.map(lambda _: lab.send(SendRequest(three_rows)), range(8)))
    assert [(report.exit_code, report.problems) for report in reports] == [(0, ())] * 8
    assert len({report.sid for report in reports}) == 8
    assert len({outcome.container_id for report in reports for outcome in report.results}) == 24


def test_account_is_set_up_once(three_rows: Path, tmp_path: Path) -> None:
    """A second lab on the same state uses the account, the address and the containers of the first."""
    with Lab(tmp_path / "state") as lab:
        first = lab.account()
        report = lab.send(SendRequest(three_rows))
    with Lab(tmp_path / "state") as lab:
        assert lab.account() == first
        assert not [call for call in lab.splunkd.calls if call.method == "POST" and "account" in call.path]
        assert len(_soar(lab).container(report.results[0].container_id or 0).artifacts) == 1


def test_own_soar_takes_the_place_of_the_stand_in(lab: Lab, three_rows: Path, tmp_path: Path) -> None:
    """With an address, a token and an authority the containers go there, and the token is in one file only."""
    token = "own-token-7f3a9c"
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.add_automation_user("own", token)
    own = OwnSoar(lab.soar.url, token, lab.soar.ca_file)
    state = tmp_path / "state"
    with Lab(state, soar=own) as other:
        report = other.send(SendRequest(three_rows))
        assert other.account().name == ACCOUNT
    assert report.summary()["delivered"] == 3
    holding = [path.name for path in state.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
    assert holding == ["passwords.json"]
    assert (state / "passwords.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mistake", ["token", "ca", "url"])
def test_what_soar_does_not_take_now_is_kept_and_says_why(
    lab: Lab, three_rows: Path, tmp_path: Path, mistake: str
) -> None:
    """Wrong token, missing authority, dead address: every row is queued with a reason, and waits for a drain."""
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.add_automation_user("right", "right-token")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"https://127.0.0.1:{taken.getsockname()[1]}"
        own = OwnSoar(
            dead if mistake == "url" else lab.soar.url,
            "wrong-token" if mistake == "token" else "right-token",
            None if mistake == "ca" else lab.soar.ca_file,
        )
        with Lab(tmp_path / "state", soar=own) as other:
            report = other.send(SendRequest(three_rows))
    assert report.exit_code == 0
    assert [outcome.status for outcome in report.results] == ["queued"] * 3
    assert all(outcome.reason for outcome in report.results)
    assert report.problems == ()
    assert "right-token" not in json.dumps(report.document())


@pytest.mark.parametrize("version", [(3, 9), (3, 13)])
def test_both_of_splunks_interpreters_run_the_action(
    three_rows: Path, tmp_path: Path, version: tuple[int, int]
) -> None:
    """The action runs on CPython 3.9 and 3.13 with the same outcome."""
    found = interpreters.find(version)
    if found is None:
        assert "CI" not in os.environ, f"CPython {version} is needed"
        pytest.skip(f"no CPython {version} on this machine")
    with Lab(tmp_path / "state", python=found.path) as lab:
        report = lab.send(SendRequest(three_rows))
    assert (report.exit_code, report.summary()["delivered"], report.problems) == (0, 3, ())
