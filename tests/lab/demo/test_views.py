"""Every search of every dashboard, run over the busy week and over nothing, without a browser."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from lab.runner.lab import APP, Lab
from tests.busy import busy_lab, looked_into
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
    beats = {row["Account"]: row["State"] for row in view.rows("ds_beats")}
    assert beats == {"lab": "reading", "soc_emea": "reading", "soc_apac": "stands still"}
    one = shown(lab, "delivery_health", account="soc_emea")
    cases = [case for case in ledger["cases"] if case["account"] == "soc_emea"]
    assert int(one.value("ds_sent")) == len(cases)


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
