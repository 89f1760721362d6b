"""What keeps a playbook from running, or from being seen, as the analyst is told; through the built action."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from lab.runner.lab import Lab
from lab.runner.report import Outcome, Report
from lab.runner.search import Mode
from lab.runner.servers import AUTOMATION_USER
from lab.soar.user import AUTOMATION_PERMISSIONS
from tests.addon.conftest import Event, Send
from tests.addon.results import Cell
from tests.addon.soar import SoarReader

RUN, ASK = "run_soar_playbook", "request_soar_enrichment"
TRIAGE, ENRICH = "local/phishing_triage", "local/enrich_indicators"

Events = Callable[[Report], list[Event]]

_numbers = itertools.count(1)


def notable(**fields: Cell) -> dict[str, Cell]:
    """A notable of its own."""
    return {"src": "10.50.0.1", "event_id": f"starts@@notable@@{next(_numbers)}", **fields}


def run(send: Send, rows: Sequence[Mapping[str, Cell]], action: str = RUN, **parameters: str) -> Sequence[Outcome]:
    """Run the action ad hoc, as an analyst does it."""
    return send(rows, parameters, action=action, mode=Mode.ADHOC).results


@pytest.fixture
def allow(lab: Lab) -> Iterator[Callable[..., None]]:
    """What the account's SOAR user may do with playbooks; everything again when the test is over."""
    stand_in = lab.soar.stand_in
    assert stand_in is not None
    token = lab.account().token

    def permit(*verbs: str) -> None:
        permissions = {**AUTOMATION_PERMISSIONS, "playbooks": verbs}
        stand_in.add_automation_user(AUTOMATION_USER, token, permissions=permissions)

    yield permit
    stand_in.add_automation_user(AUTOMATION_USER, token)


def test_a_user_who_may_run_no_playbooks(send: Send, allow: Callable[..., None]) -> None:
    """The row is rejected with the permission that is missing, its data is in SOAR; other alerts are not held up."""
    allow("view")
    (outcome,) = run(send, [notable()], playbooks=TRIAGE)
    assert (outcome.status, [one.state for one in outcome.runs]) == ("rejected", ["not started"])
    assert outcome.container_id
    assert "permission to execute playbooks" in str(outcome.reason)
    assert "Give the automation user's role the permission" in str(outcome.reason)
    (other,) = run(send, [notable()], action="send_to_soar")
    assert other.status == "delivered"


def test_a_user_who_may_see_no_playbooks(lab: Lab, send: Send, allow: Callable[..., None]) -> None:
    """The run has started, and can't be looked at: pending, with the permission; its verdict follows."""
    allow("execute")
    (outcome,) = run(send, [notable()], playbooks=TRIAGE)
    assert (outcome.status, [one.state for one in outcome.runs]) == ("queued", ["started"])
    said = f'playbook "{TRIAGE}" has started, but it could not be looked at: SOAR'
    assert str(outcome.reason).startswith(said)
    assert "permission to view playbooks" in str(outcome.reason)
    allow("view", "execute")
    assert [one.status for one in lab.drain(wait=20).results] == ["delivered"]


def test_a_bare_name_that_two_repositories_have(lab: Lab, send: Send, soar: SoarReader) -> None:
    """SOAR would run one of them: nothing is started, and the row says how to write which. With one, it runs."""
    assert lab.soar.stand_in is not None
    (one,) = run(send, [notable()], playbooks="contain_host", follow="0")
    assert [found.state for found in one.runs] == ["started"]
    lab.soar.stand_in.admin.copy_playbook("local/splunk_triage", "community")
    (two,) = run(send, [notable()], playbooks="splunk_triage")
    assert (two.status, [found.state for found in two.runs], soar.runs(two.container_id)) == (
        "rejected",
        ["not started"],
        [],
    )
    assert "in several repositories (community, local)" in str(two.reason)
    assert "for example community/splunk_triage" in str(two.reason)
    (named,) = run(send, [notable()], playbooks="community/splunk_triage")
    assert named.status == "delivered"


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ("indicators={{host}}", "Its input indicators is empty: the container's first result has no value in host."),
        ("indicators={{host|or:dvc}}", "has no value in host, dvc."),
    ],
)
def test_inputs_that_can_not_be_meant(send: Send, soar: SoarReader, inputs: str, said: str) -> None:
    """A playbook that would act on nothing is not started; the data is in SOAR, the reason says what to write."""
    (outcome,) = run(send, [notable()], playbooks=ENRICH, inputs=inputs)
    assert (outcome.status, soar.runs(outcome.container_id)) == ("rejected", [])
    assert str(outcome.reason).startswith(f'The data is in SOAR, but playbook "{ENRICH}" was not started: ')
    assert said in str(outcome.reason)


@pytest.mark.parametrize(
    ("fields", "inputs", "arrives"),
    [
        ({}, "indicators={{host|default:}}", {}),
        ({}, "indicators={{host|default:none}}", {"indicators": "none"}),
        (
            {"host": ["a,b", 'c "q" {{src}} $x$ \\', "ünï\ncode"]},
            "indicators={{host}}",
            {"indicators": 'a,b, c "q" {{src}} $x$ \\, ünï\ncode'},
        ),
        ({"host": ["a", "b"]}, "indicators={{host|first}}", {"indicators": "a"}),
    ],
)
def test_inputs_arrive_as_the_row_has_them(
    send: Send, soar: SoarReader, fields: dict[str, Cell], inputs: str, arrives: dict[str, str]
) -> None:
    """Values are text and nothing else, several are joined; what may be missing is left out."""
    (outcome,) = run(send, [notable(**fields)], playbooks=ENRICH, inputs=inputs)
    assert outcome.status == "delivered"
    assert [one["inputs"] for one in soar.runs(outcome.container_id)] == [arrives]


def test_inputs_that_do_not_fit_the_playbook_are_told(send: Send, events: Events) -> None:
    """SOAR says nothing of one that was not given, nor of one that there is not; the result event does."""
    asked = {"playbooks": ENRICH, "inputs": "indicator={{src}}"}
    report = send([notable()], asked, action=RUN, mode=Mode.ADHOC)
    assert events(report)[0]["notes"] == [
        f"playbook {ENRICH} has no input indicator: its inputs are indicators",
        f"playbook {ENRICH} was not given its input indicators (parameter inputs)",
    ]


def test_inputs_of_several_results_are_those_of_the_first(send: Send, soar: SoarReader, events: Events) -> None:
    """One run for one container: every row is told when others would have had other inputs, and of which."""
    rows = [notable(src=f"10.50.0.{number}") for number in (1, 1, 2, 3)]
    asked = {"playbooks": ENRICH, "inputs": "indicators={{src}}", "container_per": "search"}
    report = send(rows, asked, action=RUN, mode=Mode.ADHOC)
    (started,) = soar.runs(report.results[0].container_id)
    assert started["inputs"] == {"indicators": "10.50.0.1"}
    said = "those of the container's first result: 2 of its 4 results have other values of indicators."
    assert [sum(said in note for note in event["notes"]) for event in events(report)] == [1, 1, 1, 1]
    same = send([notable(), notable()], asked, action=RUN, mode=Mode.ADHOC)
    assert [event.get("notes", []) for event in events(same)] == [[], []]


def test_a_dry_run_shows_scope_and_inputs(send: Send, events: Events) -> None:
    """As they would be sent; what would not be started is rejected as it would be."""
    asked = {"playbooks": ENRICH, "inputs": "indicators={{src}}", "scope": "artifacts", "dry_run": "1"}
    report = send([notable()], asked, action=RUN, mode=Mode.ADHOC)
    (event,) = events(report)
    wanted = {"playbook": ENRICH, "scope": "artifacts", "inputs": {"indicators": "10.50.0.1"}}
    assert (event["status"], event["would_send"]["runs"]) == ("simulated", [wanted])
    (refused,) = run(send, [notable(src="")], playbooks=ENRICH, inputs="indicators={{src}}", dry_run="1")
    assert (refused.status, [one.state for one in refused.runs]) == ("rejected", ["not started"])
    assert "Its input indicators is empty" in str(refused.reason)


@pytest.mark.parametrize("existed", [False, True])
def test_a_start_whose_answer_is_lost_is_found(lab: Lab, send: Send, soar: SoarReader, *, existed: bool) -> None:
    """SOAR goes away when it has taken the run: it is looked for, followed to its verdict, and not started again."""
    assert lab.soar.stand_in is not None
    row = notable()
    if existed:
        run(send, [row], playbooks=TRIAGE)
    lab.soar.stand_in.admin.fault("POST /rest/playbook_run", "drop_after_commit")
    (outcome,) = run(send, [row], playbooks=TRIAGE)
    assert (outcome.status, [one.state for one in outcome.runs]) == (
        "updated" if existed else "delivered",
        ["succeeded"],
    )
    runs = soar.named_runs(outcome.container_id or 0, "phishing_triage")
    assert [str(one["id"]) for one in runs][existed:] == [outcome.runs[0].id]
    assert len(soar.containers_of(row["event_id"])) == 1


def test_a_start_that_soar_never_saw_stays_unclear(lab: Lab, send: Send, soar: SoarReader) -> None:
    """Nothing shows in SOAR: the row says so and what to do; neither the same call nor the input starts it again."""
    assert lab.soar.stand_in is not None
    rows, sid = [notable()], "1700000000.911"
    lab.soar.stand_in.admin.fault("POST /rest/playbook_run", "drop_before_commit")
    first, again = (send(rows, {"playbooks": TRIAGE}, action=RUN, mode=Mode.ADHOC, sid=sid) for _ in range(2))
    (outcome,) = first.results
    assert [one.state for one in outcome.runs] == ["unclear"]
    for report in (first, again):
        assert report.results[0].status == "rejected"
        assert "Look at the container before starting it by hand." in str(report.results[0].reason)
    lab.drain(wait=5)
    assert soar.runs(outcome.container_id) == []
    assert len(soar.containers_of(rows[0]["event_id"])) == 1
