"""The shipped saved searches, run over the busy week and over nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from lab.demo.sources import FAILURES, SPRAYING
from lab.runner.lab import APP, BUILD, Lab
from lab.splunkd.python.splunk.clilib import conffile
from soarlink.delivery.verdict import AUTHENTICATION
from tests.busy import busy_lab
from tests.lab.splunkd.client import Client, client_of

SEARCHES = conffile.read(str(BUILD / "default" / "savedsearches.conf"))
QUIET = {"Send to SOAR - Server paused"}
"""Nothing of it happens in the week."""

WHOLE = {"earliest_time": "-7d@d", "latest_time": "now", "index_earliest": "", "index_latest": ""}
"""The whole week, whatever range a search is saved with."""


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, dict[str, Any]]]:
    """The week."""
    with busy_lab(tmp_path_factory.mktemp("week")) as opened:
        yield opened


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab in which nothing has happened."""
    with Lab(tmp_path_factory.mktemp("empty") / "state") as opened:
        yield opened


def dispatched(client: Client, name: str, **ranges: str) -> list[dict[str, Any]]:
    """The rows of a saved search."""
    path = f"/servicesNS/nobody/{APP}/saved/searches/{quote(name, safe='')}/dispatch"
    started = client.post(path, {f"dispatch.{key}": value for key, value in ranges.items()})
    assert started.status == 201, started.text
    rows: list[dict[str, Any]] = client.get(f"/services/search/jobs/{started.json['sid']}/results", count=0).json[
        "results"
    ]
    return rows


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_it_is_described_and_bounded(name: str) -> None:
    """Each has a description and a time range; what has a schedule is switched off, and no search is in real time."""
    settings = SEARCHES[name]
    assert settings["description"]
    assert settings["dispatch.earliest_time"]
    assert settings["dispatch.latest_time"]
    assert not settings["dispatch.earliest_time"].startswith("rt")
    if settings.get("enableSched") == "1":
        assert settings["disabled"] == "1"


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_it_finds_what_happened(busy: tuple[Lab, dict[str, Any]], name: str) -> None:
    """Each finds something in the week, and reads no field that nothing has."""
    lab, _ = busy
    rows = dispatched(client_of(lab.splunkd, "admin"), name, **WHOLE)
    assert bool(rows) is (name not in QUIET)
    assert rows == [] or lab.splunkd.searches[-1].answer.missing == set()


@pytest.mark.parametrize("name", [name for name in sorted(SEARCHES) if SEARCHES[name].get("alert.suppress") == "1"])
def test_what_is_suppressed_is_one_thing(busy: tuple[Lab, dict[str, Any]], name: str) -> None:
    """An alert that keeps quiet for a while does so for the account, prompt or case that it told, and for no other."""
    lab, _ = busy
    settings = SEARCHES[name]
    assert settings["alert.digest_mode"] == "0"
    assert settings["alert.suppress.period"]
    fields = [field.strip() for field in settings["alert.suppress.fields"].split(",")]
    rows = dispatched(client_of(lab.splunkd, "admin"), name, **WHOLE)
    assert set(fields) <= set(lab.splunkd.searches[-1].answer.fields)
    told = [tuple(row[field] for field in fields) for row in rows]
    assert len(told) == len(set(told))


@pytest.mark.parametrize("name", sorted(SEARCHES))
def test_it_finds_nothing_in_nothing(empty: Lab, name: str) -> None:
    """Where nothing has happened an alert does not go off, and a report is empty."""
    assert dispatched(client_of(empty.splunkd, "admin"), name) == []


def test_what_they_say_is_what_happened(busy: tuple[Lab, dict[str, Any]]) -> None:
    """The figures of alerts and reports are those that the scenario counts."""
    lab, ledger = busy
    admin = client_of(lab.splunkd, "admin")
    (waits,) = dispatched(admin, "Send to SOAR - What waits")
    assert (waits["account"], waits["results"], waits["oldest_minutes"]) == ("soc_apac", "3", "270")
    assert "refuses connections" in waits["last_error"]
    rejected = dispatched(admin, "Send to SOAR - Rejected results by reason")
    assert sum(int(one["results"]) for one in rejected) == ledger["results"]["rejected"]
    assert all("no label" in one["reason"] for one in rejected)
    failed = dispatched(admin, "Send to SOAR - Playbook runs failed", **WHOLE)
    # The prompt that ran out has failed its playbook, too.
    assert sum(int(one["runs"]) for one in failed) == ledger["failed_runs"] + ledger["answers"][""]
    waiting = dispatched(admin, "Send to SOAR - Prompts waiting")
    assert [one["minutes"] for one in waiting] == ["120"] * ledger["answers"]["waiting"]
    answers = dispatched(admin, "Send to SOAR - Prompts and answers")
    assert sorted(one["answer"] for one in answers) == ["No", "Yes", "Yes", "Yes", "none", "none", "none"]
    still = dispatched(admin, "Send to SOAR - Feedback stands still")
    assert [one["account"] for one in still] == ["soc_apac"]


def test_cases_are_counted_by_detection(busy: tuple[Lab, dict[str, Any]]) -> None:
    """How many, how many open, and the median to closing, for each detection."""
    lab, ledger = busy
    rows = dispatched(client_of(lab.splunkd, "admin"), "Send to SOAR - Cases by detection")
    found = {one["search_name"]: one for one in rows}
    for name, one in found.items():
        cases = [case for case in ledger["cases"] if case["search_name"] == name]
        hours = sorted((case["closed"] - case["created"]) / 3600 for case in cases if case["closed"])
        assert int(one["cases"]) == len(cases)
        assert int(one["open"]) == len(cases) - len(hours)
        assert float(one["median_hours_to_close"]) == pytest.approx(hours[len(hours) // 2], abs=0.01)


def test_examples_find_what_they_are_to_forward(busy: tuple[Lab, dict[str, Any]]) -> None:
    """As they are shipped, at the week's end: one source that tries many accounts; alerts indexed in the window."""
    lab, _ = busy
    admin = client_of(lab.splunkd, "admin")
    (spraying,) = dispatched(admin, "Example - Forward Authentication failures from the data model")
    assert (spraying["src"], spraying["failures"], spraying["users"]) == (SPRAYING, str(FAILURES), "6")
    alerts = dispatched(admin, "Example - Forward events by the time they were indexed")
    # One was indexed three hours after it happened; a low one, and those of the runs before and after, are not there.
    assert [one["signature"] for one in alerts] == ["Credential dumping", "Ransom note written"]


def test_the_summary_is_of_its_hour(busy: tuple[Lab, dict[str, Any]]) -> None:
    """What was opened and closed within the range, with the time it took, and nothing of another hour."""
    lab, ledger = busy
    admin = client_of(lab.splunkd, "admin")
    end = ledger["end"]
    day, hour = 86_400, 3600
    for begin, over in ((end - 7 * day, end), (end - 3 * day, end - day), (end - 2 * hour, end - hour)):
        rows = dispatched(admin, "Summary of SOAR cases", earliest_time=str(begin), latest_time=str(over))
        opened = [case for case in ledger["cases"] if begin <= case["created"] < over]
        closed = [case for case in ledger["cases"] if begin <= case["closed"] < over]
        assert (sum(int(one["opened"]) for one in rows), sum(int(one["closed"]) for one in rows)) == (
            len(opened),
            len(closed),
        )
        assert all(("median_seconds_to_close" in one) is (one["closed"] != "0") for one in rows)


def test_a_server_that_turns_everybody_away_is_told(empty: Lab) -> None:
    """The alert looks for the class of failure that the outbox writes down."""
    waiting = {
        "account": "prod",
        "state": "pending",
        "rows": 2,
        "error_class": AUTHENTICATION.name,
        "error_text": "401",
    }
    admin = client_of(empty.splunkd, "admin")
    outbox = f"/servicesNS/nobody/{APP}/storage/collections/data/soar_outbox"
    assert admin.post_json(outbox, {"_key": "1", **waiting, "error_text": "401"}).status == 201
    try:
        (row,) = dispatched(admin, "Send to SOAR - Server paused")
        assert (row["account"], row["results"], row["last_error"]) == ("prod", "2", "401")
    finally:
        admin.delete(outbox)
