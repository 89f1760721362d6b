"""Searches over what the add-on did in the lab, as dashboards make them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.runner.indexing.indexer import Indexer
from lab.runner.lab import APP, Lab
from lab.runner.request import SendRequest
from tests.lab.splunkd.client import Client, Reply, client_of

JOBS = f"/servicesNS/nobody/{APP}/search/jobs"
RESULTS = "/services/search/v2/jobs/{sid}/results_preview"
SENT = '`soar_index` sourcetype="soar:action:result" search_name="Searching"'


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of its own: some searches are refused here."""
    with Lab(tmp_path_factory.mktemp("lab") / "state") as opened:
        yield opened


@pytest.fixture(scope="module", autouse=True)
def sent(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Three results were sent."""
    results = tmp_path_factory.mktemp("results") / "three.csv"
    results.write_text("_time,src\n1700000000,10.0.0.1\n1700000001,10.0.0.2\n1700000002,10.0.0.3\n", encoding="utf-8")
    assert lab.send(SendRequest(results, search_name="Searching")).exit_code == 0


@pytest.fixture
def admin(lab: Lab) -> Client:
    """An administrator."""
    return client_of(lab.splunkd, "admin")


def start(client: Client, search: str, **form: str) -> Reply:
    """Start a search."""
    return client.post(JOBS, {"search": search, **form})


def columns(client: Client, sid: str, **query: str) -> dict[str, Any]:
    """The columns that a chart is drawn from, by name."""
    document = client.get(RESULTS.format(sid=sid), **{"output_mode": "json_cols", "count": "0", **query}).json
    return dict(zip([field["name"] for field in document["fields"]], document["columns"], strict=True))


def test_events_of_the_action_are_found(admin: Client) -> None:
    """What the built action wrote is searched by macro, sourcetype and field; a chart's columns come back."""
    sid = start(admin, f"search {SENT} | stats count BY status", earliest_time="-1h", latest_time="now").json["sid"]
    assert columns(admin, sid) == {"status": ["delivered"], "count": ["3"]}
    by_type = start(admin, "eventtype=soar_action_result `soar_index` tag=modaction_result | stats dc(sid) AS runs")
    assert int(columns(admin, by_type.json["sid"])["runs"][0]) >= 1
    batch = admin.get("/services/search/jobs", id=sid).json["entry"]
    assert [(one["content"]["sid"], one["content"]["dispatchState"]) for one in batch] == [(sid, "DONE")]


def test_a_chain_search_refines_its_base(admin: Client) -> None:
    """Post-process commands run on the base's figures; a base that keeps its fields open is refused."""
    sid = start(admin, f"{SENT} | stats count BY rid").json["sid"]
    assert columns(admin, sid, search="| sort -rid | head 1") == {"rid": ["2"], "count": ["1"]}
    posted = admin.post(RESULTS.format(sid=sid), {"search": "stats sum(count) AS n", "output_mode": "json_cols"}).json
    assert posted["results"] == [{"n": "3"}]
    events = start(admin, f"{SENT}").json["sid"]
    refused = admin.get(RESULTS.format(sid=events), search="stats count")
    assert refused.status == 400
    assert "base search" in refused.messages[0][1]


def test_times_are_written_in_full(admin: Client) -> None:
    """A time chart has a row for each span, with its time as charts read it, and says that it is by time."""
    sid = start(admin, f"{SENT} | timechart span=30m count", earliest_time="-1h@h", latest_time="now").json["sid"]
    document = admin.get(RESULTS.format(sid=sid), output_mode="json_cols").json
    assert document["fields"][0] == {"name": "_time", "groupby_rank": "0"}
    assert all(time.endswith(":00.000+00:00") for time in document["columns"][0])
    assert sum(int(count) for count in document["columns"][1]) == 3


def test_nothing_found_has_no_fields(admin: Client) -> None:
    """A search without rows says so by having no fields."""
    sid = start(admin, f"{SENT} status=nothing | stats count BY status").json["sid"]
    document = admin.get(RESULTS.format(sid=sid), output_mode="json_cols").json
    assert (document["fields"], document["columns"]) == ([], [])


def test_a_refused_search_says_why(lab: Lab, admin: Client) -> None:
    """400, with the text and the place, for what is wrong or not evaluated here."""
    reply = start(admin, f"{SENT} | wibble")
    assert reply.status == 400
    ((kind, text),) = reply.messages
    assert kind == "FATAL"
    assert "'wibble' is unknown" in text
    assert lab.splunkd.unknown_calls[-1] == ("SEARCH", f"{SENT} | wibble")


def test_internal_indexes_are_for_who_may(lab: Lab, admin: Client) -> None:
    """The log of calls is in _internal: an administrator finds it, a user does not."""
    search = 'index=_internal sourcetype="soar:api" | stats count'
    assert int(columns(admin, start(admin, search).json["sid"])["count"][0]) > 0
    user = client_of(lab.splunkd, "analyst")
    assert columns(user, start(user, search).json["sid"]) == {"count": ["0"]}


def test_the_commands_of_the_add_on_run(admin: Client) -> None:
    """Its generating commands run as a search has them run; what they refuse refuses the search."""
    sid = start(admin, "| soaroutbox stats | stats count").json["sid"]
    assert list(columns(admin, sid)) == ["count"]
    reply = start(admin, "| soaroutbox state=wibble")
    assert reply.status == 400
    assert "wibble" in reply.messages[0][1]


def test_saved_searches_are_dispatched(admin: Client) -> None:
    """A saved search runs with the ranges it is saved with, of events and of indexing, or those that are asked for."""
    name = f"/servicesNS/nobody/{APP}/saved/searches"
    form = {"name": "Sent", "search": f"{SENT} | stats count", "dispatch.earliest_time": "1"}
    assert admin.post(name, form).status == 201
    assert admin.get(f"{name}/Sent/history").json["entry"] == []
    sid = admin.post(f"{name}/Sent/dispatch").json["sid"]
    assert columns(admin, sid) == {"count": ["3"]}
    earlier = admin.post(f"{name}/Sent/dispatch", {"dispatch.earliest_time": "1", "dispatch.latest_time": "2"})
    assert columns(admin, earlier.json["sid"]) == {"count": ["0"]}
    assert admin.get(f"{name}/Other/history").status == 404
    windows = {"-5m": "3", "+1h": "0"}  # from when on they were indexed
    for begin, count in windows.items():
        assert admin.post(f"{name}/Sent", {"dispatch.index_earliest": begin}).status == 200
        assert columns(admin, admin.post(f"{name}/Sent/dispatch").json["sid"]) == {"count": [count]}
    unbounded = admin.post(f"{name}/Sent/dispatch", {"dispatch.index_earliest": "", "dispatch.index_latest": "now"})
    assert columns(admin, unbounded.json["sid"]) == {"count": ["3"]}


def test_times_for_pickers(admin: Client) -> None:
    """The ranges that a time picker offers, and what a modifier means."""
    ranges = {one["content"]["label"]: one["content"]["earliest_time"] for one in _times(admin)}
    assert ranges["Last 24 hours"] == "-24h@h"
    assert admin.get("/services/search/timeparser", time="86400").json == {"86400": "1970-01-02T00:00:00.000+00:00"}
    assert admin.get("/services/search/timeparser", time="soon").status == 400


def _times(client: Client) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = client.get("/services/data/ui/times").json["entry"]
    return entries


def test_labs_on_one_state_index_once(lab: Lab, admin: Client, tmp_path: Path) -> None:
    """What one lab has indexed is not indexed again by another that was there before."""
    other = Indexer(lab.home, lab.indexes, apps=(APP,), host="sh1", clock=time.time, with_cim=True)
    other.collect()
    results = tmp_path / "one.csv"
    results.write_text("_time,src\n1700000000,10.0.0.9\n", encoding="utf-8")
    lab.send(SendRequest(results, search_name="Once"))
    search = "index=* action_name=send_to_soar search_name=Once | stats count"
    before = columns(admin, start(admin, search).json["sid"])["count"]
    other.collect()
    assert int(before[0]) > 0
    assert columns(admin, start(admin, search).json["sid"])["count"] == before
