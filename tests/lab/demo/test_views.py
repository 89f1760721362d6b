"""Every search of every dashboard, run over the busy week and over nothing, without a browser."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from lab.runner.lab import ACCOUNT, APP, Lab
from tests.busy import END, busy_lab, looked_into
from tests.lab.splunkd.client import Client, client_of
from tools.dashboards import definition
from tools.dashboards.definition import Dashboard
from tools.dashboards.tokens import filled, initial

ALL = definition.load_all()
Rows = list[dict[str, Any]]
Week = tuple[Lab, dict[str, Any]]


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    """The week."""
    with busy_lab(tmp_path_factory.mktemp("week")) as opened:
        yield opened


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab in which nothing has happened."""
    with Lab(tmp_path_factory.mktemp("empty") / "state") as opened:
        yield opened


class Shown:
    """A dashboard's searches, run as its page runs them.

    Args:
        client: who looks.
        dashboard: the dashboard.
        tokens: values of tokens besides those with which it opens.
    """

    def __init__(self, client: Client, dashboard: Dashboard, tokens: Mapping[str, str]) -> None:
        self._client = client
        self._dashboard = dashboard
        self._tokens = {**initial(dashboard), **tokens}
        self._started: dict[str, tuple[str, str]] = {}

    def rows(self, source: str) -> Rows:
        """The rows of one data source."""
        sid, chain = self._job(source)
        query = {"search": chain} if chain else {}
        reply = self._client.get(f"/services/search/v2/jobs/{sid}/results_preview", count=0, **query)
        assert reply.status == 200, f"{source}: {reply.text}"
        found: Rows = reply.json["results"]
        return found

    def value(self, source: str) -> str:
        """The one value of a data source."""
        (row,) = self.rows(source)
        return str(row["value"])

    def _job(self, source: str) -> tuple[str, str]:
        if source not in self._started:
            kind, options = self._dashboard.sources[source]["type"], self._dashboard.sources[source]["options"]
            query = filled(str(options["query"]), self._tokens)
            if kind == "ds.chain":
                sid, chain = self._job(options["extend"])
                self._started[source] = (sid, f"{chain} {query}".strip())
            else:
                self._started[source] = (self._start(source, query, options), "")
        return self._started[source]

    def _start(self, source: str, query: str, options: Mapping[str, Any]) -> str:
        ranges = {**self._ranges(), **options.get("queryParameters", {})}
        form = {f"{name}_time": filled(str(value), self._tokens) for name, value in ranges.items()}
        reply = self._client.post(f"/servicesNS/nobody/{APP}/search/jobs", {"search": query, **form})
        assert reply.status == 201, f"{source}: {reply.text}"
        return str(reply.json["sid"])

    def _ranges(self) -> Mapping[str, str]:
        defaults = self._dashboard.content["defaults"]["dataSources"]["ds.search"]["options"]["queryParameters"]
        return {name: str(value) for name, value in defaults.items()}


def shown(lab: Lab, name: str, **tokens: str) -> Shown:
    """A dashboard as an administrator sees it."""
    dashboard = next(one for one in ALL if one.name == name)
    return Shown(client_of(lab.splunkd, "admin"), dashboard, tokens)


@pytest.mark.parametrize("name", ["action_result", "delivery_health", "troubleshooting"])
def test_every_search_finds_what_happened(busy: Week, name: str) -> None:
    """Each search of a view is accepted, and finds something in the week."""
    lab, _ = busy
    tokens = looked_into(lab) if name == "action_result" else {}
    view = shown(lab, name, **tokens)
    for source in next(one for one in ALL if one.name == name).sources:
        assert view.rows(source), source


@pytest.mark.parametrize("name", ["action_result", "delivery_health", "troubleshooting"])
def test_nothing_is_said_where_nothing_is(empty: Lab, name: str) -> None:
    """Where nothing has happened the searches run all the same, and tables say so, or what to do."""
    view = shown(empty, name)
    dashboard = next(one for one in ALL if one.name == name)
    for source in dashboard.sources:
        view.rows(source)
    expected = {
        "action_result": ("ds_history", "Reason", "Choose one below"),
        "delivery_health": ("ds_resend", "Reason", "Nothing is left"),
        "troubleshooting": ("ds_answer", "Answer", "Choose a question"),
    }[name]
    source, field, text = expected
    (row,) = view.rows(source)
    assert text in row[field]


def test_delivery_health_counts_what_the_scenario_did(busy: Week) -> None:
    """Arrived, rejected, waiting, the wait of the throttled ones, and who has gone."""
    lab, ledger = busy
    view, results = shown(lab, "delivery_health"), ledger["results"]
    assert int(view.value("ds_sent")) == results["delivered"] + results["updated"]
    assert int(view.value("ds_rejected")) == results["rejected"]
    assert int(view.value("ds_depth")) == results["queued"]
    # Nine results were throttled for 66 minutes, two that an analyst asked for took 6: the sixth of eleven is 66.
    assert (view.value("ds_wait"), view.value("ds_oldest")) == ("66 min", "4.5 h")
    accounts = {row["Account"]: (int(row["Waits"]), int(row["Rejected"])) for row in view.rows("ds_by_account")}
    assert accounts == {"lab": (0, 3), "soc_emea": (0, 1), "soc_apac": (3, 0)}
    beats = {(row["Input"], row["Account"]): row["State"] for row in view.rows("ds_beats")}
    read = {"lab": "reading", "soc_emea": "reading", "soc_apac": "stands still"}
    assert beats == {("delivery", "-"): "late", **{("feedback", account): state for account, state in read.items()}}
    one = shown(lab, "delivery_health", account="soc_emea")
    cases = [case for case in ledger["cases"] if case["account"] == "soc_emea"]
    assert int(one.value("ds_sent")) == len(cases)


def test_times_in_the_outbox_are_the_outbox_s(busy: Week) -> None:
    """Since when something waits is told as a time, the one that the outbox has, as the age of the oldest is."""
    lab, _ = busy
    view = shown(lab, "delivery_health")
    created = {one["_key"]: one["created"] for one in lab.management.documents(APP, "soar_outbox", {})}
    for row in view.rows("ds_resend"):
        key = row["_url"].partition("%20key%3D")[2]
        assert row["Since"] == datetime.fromtimestamp(created[key], UTC).strftime("%Y-%m-%d %H:%M")
    waiting = [one["created"] for one in lab.management.documents(APP, "soar_outbox", {"state": "pending"})]
    assert view.value("ds_oldest") == f"{(END - min(waiting)) / 3600:.1f} h"


def test_home_names_everything_that_needs_attention(busy: Week) -> None:
    """What was refused and waits, feedback that stands still with its account and reason, overdue cases, prompts."""
    lab, ledger = busy
    view = shown(lab, "home")
    concerns = {row["Concern"]: row for row in view.rows("ds_attention")}
    assert list(concerns) == [
        "Results were rejected",
        "Results wait for SOAR",
        "Feedback from SOAR stands still",
        "Cases are overdue",
        "Prompts wait for an answer",
    ]
    still = concerns["Feedback from SOAR stands still"]
    assert still["Count"] == "1"
    assert still["Latest"].startswith("soc_apac: SOAR: 127.0.0.1:")
    assert concerns["Cases are overdue"]["Count"] == view.value("ds_late")
    assert concerns["Prompts wait for an answer"]["Count"] == str(ledger["answers"]["waiting"])
    assert {row["_url"].rpartition("/")[2] for row in concerns.values()} == {
        "delivery_health",
        "cases",
        "analyst_decisions",
    }


def test_cases_of_one_number_are_told_apart(busy: Week) -> None:
    """Where several accounts are shown, lists have an account and links name it; where one is chosen they do not."""
    lab, _ = busy
    listed = shown(lab, "cases").rows("ds_list")
    twice = [number for number, count in Counter(row["Case"] for row in listed).items() if count > 1]
    assert twice
    for row in listed:
        assert row["_links"].startswith(f"**Case {row['Case']} of {row['Account']}**")
        assert f"form.account={row['Account']}&" in row["_links"]
    one = shown(lab, "cases", account="soc_emea").rows("ds_list")
    assert {row["Account"] for row in one} == {"soc_emea"}
    assert all(row["_links"].startswith(f"**Case {row['Case']}**") for row in one)
    assert {row["Account"] for row in shown(lab, "analyst_decisions").rows("ds_list")} == {"lab"}
    assert {row["Account"] for row in shown(lab, "automation_timeline").rows("ds_waits")} == {"lab"}


def test_open_new_and_overdue_cases_add_up(busy: Week) -> None:
    """By severity, age, owner and label alike: the sums are the figures above."""
    lab, _ = busy
    view = shown(lab, "cases")
    figures = {"open": view.value("ds_open"), "new": view.value("ds_new"), "overdue": view.value("ds_late")}
    for source in ("ds_by_severity", "ds_by_age", "ds_by_owner", "ds_by_label"):
        rows = view.rows(source)
        assert {name: str(sum(int(row[name]) for row in rows)) for name in figures} == figures, source


def test_detections_have_the_verdict_that_their_cases_have(busy: Week) -> None:
    """Also where two runs ended at the same time: the later run counts, as in the lookup."""
    lab, _ = busy
    cases = shown(lab, "cases").rows("ds_list")
    failed = Counter(row["Detection"] for row in cases if row["Playbook"] == "failed")
    assert failed
    detections = shown(lab, "analyst_decisions").rows("ds_detections")
    assert {row["Detection"]: int(row["Failed"]) for row in detections if row["Failed"] != "0"} == failed


def _links(lab: Lab) -> list[str]:
    """What cases, and the case that moved last, lead to."""
    listed = [str(row["_links"]) for row in shown(lab, "cases").rows("ds_list")]
    return [*listed, *(str(row["_url"]) for row in shown(lab, "automation_timeline").rows("ds_links"))]


def test_links_to_incident_review_only_where_it_is(busy: Week, tmp_path: Path) -> None:
    """Every case of the week has a notable: with Enterprise Security links lead there, without it none does."""
    with busy_lab(tmp_path, es=None) as (lab, _):
        assert not [link for link in _links(lab) if "incident_review" in link]
    links = _links(busy[0])
    led = [link for link in links if "/app/SplunkEnterpriseSecuritySuite/incident_review?" in link]
    assert len(led) == len(links) - 2  # of the timeline's links two lead to SOAR and to all cases
    assert all("&search=event_id%3D" in link and "@@notable@@" in link for link in led)


def test_waits_are_those_of_answers(busy: Week) -> None:
    """The median and the 95th percentile leave out what waits and what ran out, for all and for whom was asked."""
    lab, _ = busy
    view = shown(lab, "analyst_decisions")
    # Answers took 20, 20, 45 and 170 minutes; of an even number the higher of the two in the middle is the median.
    assert (view.value("ds_half"), view.value("ds_most")) == ("45 min", "2.8 h")
    (person,) = view.rows("ds_by_person")
    assert (person["Asked of"], person["Median"], person["95 %"]) == ("splunk", "45 min", "2.8 h")
    assert {row["Answer"] for row in view.rows("ds_list")} >= {"pending", "expired"}


def test_the_time_axis_has_what_took_no_time_too(busy: Week) -> None:
    """Playbooks, prompts and tasks are bars; what was sent, notes and comments are moments, each in its place."""
    lab, ledger = busy
    malware = [case for case in ledger["cases"] if "Malware" in case["search_name"] and case["status"] == "closed"]
    view = shown(lab, "automation_timeline", account=ACCOUNT, case=str(malware[0]["container_id"]))
    bars = view.rows("ds_gantt")
    kinds: dict[bool, set[str]] = {True: set(), False: set()}
    for row in bars:
        kinds[bool(row.get("moment"))].add(row["item"].split()[1].rstrip(":"))
    assert kinds[True] >= {"Sent", "Note", "Comment", "Case"}
    assert {"Playbook", "Prompt", "Task"} <= kinds[False] <= {"Playbook", "Action", "Prompt", "Task"}
    begins = [float(row["before"]) for row in bars]
    assert begins == sorted(begins)
    cases = [row["What"] for row in view.rows("ds_events") if row["Kind"] == "Case"]
    assert not [what for what in cases if what.startswith("Opened as")]


def test_what_automation_did_names_every_kind(busy: Week) -> None:
    """Alone, with a person, and not at all, also where there is none; together they are the cases."""
    lab, ledger = busy
    rows = {row["handled"]: int(row["cases"]) for row in shown(lab, "automation_timeline").rows("ds_share")}
    assert list(rows) == ["automation alone", "with a person", "no playbook ran"]
    assert sum(rows.values()) == len(ledger["cases"])
    assert rows["with a person"] == sum(ledger["answers"].values())


def test_what_can_be_sent_again_leads_to_its_search(busy: Week) -> None:
    """Each line leads to the search that sends it; the view itself changes nothing."""
    lab, _ = busy
    lines = shown(lab, "delivery_health").rows("ds_resend")
    actions = [row["_url"].partition("action%3D")[2].partition("%20key%3D") for row in lines]
    keys = {one["_key"]: one["state"] for one in lab.management.documents(APP, "soar_outbox", {})}
    assert [(what, keys[key]) for what, _, key in actions] == [("deliver", "pending")] * 3 + [
        ("resend", "rejected")
    ] * 3


def test_action_result_tells_the_whole_story(busy: Week) -> None:
    """Three actions on one finding, their ends, the case, its playbook runs, the answer, and who wrote what."""
    lab, _ = busy
    view = shown(lab, "action_result", **looked_into(lab))
    story = [(row["Action"], row["State"]) for row in view.rows("ds_history")]
    assert story[0] == ("send_to_soar", "delivered")
    assert sorted(story[3:]) == [("request_soar_enrichment", "updated"), ("run_soar_playbook", "updated")]
    assert {row["Playbook"]: row["Verdict"] for row in view.rows("ds_runs")} == {
        "local/splunk_triage": "succeeded",
        "local/enrich_indicators": "succeeded",
    }
    assert view.rows("ds_answers") == [{"Answer": "verdict", "Value": "unknown"}]
    (case,) = view.rows("ds_now")
    assert (case["Status"], view.value("ds_status"), view.value("ds_verdict")) == ("closed", "closed", "succeeded")
    other = shown(lab, "action_result", orig_sid="none", orig_rid="0")
    assert other.value("ds_state") == "-"


def test_incident_review_leads_to_the_result(busy: Week) -> None:
    """The link that each action gives Enterprise Security opens the view with the result's ids."""
    lab, _ = busy
    actions = lab.home.conf(APP, "alert_actions")
    assert len(actions) == 3
    inputs = next(one for one in ALL if one.name == "action_result").inputs.values()
    tokens = {str(one["options"]["token"]) for one in inputs}
    for settings in actions.values():
        address, _, query = json.loads(settings["param._cam"])["drilldown_uri"].partition("?")
        assert address == f"../{APP}/action_result"
        assert parse_qs(query) == {"form.orig_sid": ["$sid$"], "form.orig_rid": ["$rid$"]}
        assert {name.removeprefix("form.") for name in parse_qs(query)} <= tokens


def test_the_doctor_speaks_in_the_view(busy: Week) -> None:
    """Failed checks come first, with what to do; a question has its answer."""
    lab, _ = busy
    view = shown(lab, "troubleshooting")
    checks = view.rows("ds_checks")
    assert checks[0]["Verdict"] == "failed"
    assert int(view.value("ds_failed")) == sum(row["Verdict"] == "failed" for row in checks)
    waiting = next(row for row in checks if row["Check"] == "outbox")
    assert "soc_apac" in waiting["Found"]
    assert waiting["Do"]
    (answer,) = shown(lab, "troubleshooting", question="arrival").rows("ds_answer")
    assert answer["Answer"] != "Choose a question above: the answer stands here."


def test_views_run_without_being_asked(busy: Week) -> None:
    """The checks for views send nothing: a test container is refused, and Splunk does not ask before they run."""
    lab, _ = busy
    admin = client_of(lab.splunkd, "admin")
    reply = admin.post(f"/servicesNS/nobody/{APP}/search/jobs", {"search": "| soarchecks create=true"})
    assert reply.status == 400
    assert "soarchecks sends nothing" in reply.text
    assert "is_risky" not in lab.home.conf(APP, "commands")["soarchecks"]
    assert Path(lab.home.apps / APP / "bin" / "soarchecks.py").is_file()
