"""Alert payloads as splunkd writes them."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from splunktaucclib.cim_actions import ModularAction

from soarlink.errors import PayloadError
from soarlink.splunk import payload
from soarlink.splunk.payload import Invocation
from tests.unit.samples import SCHEDULED_SID

GUID = "0F5C3E7A-1B2C-4D5E-8F90-ABCDEF012345"


def parse(**changes: Any) -> Invocation:
    """Parse a payload with these keys; None leaves a key out."""
    whole: dict[str, Any] = {
        "app": "search",
        "owner": "admin",
        "results_file": f"/opt/splunk/var/run/splunk/dispatch/{SCHEDULED_SID}/results.csv.gz",
        "results_link": "https://sh1/r",
        "search_uri": "/servicesNS/nobody/search/saved/searches/y",
        "server_host": "sh1",
        "server_uri": "https://127.0.0.1:8089",
        "session_key": "geheim",
        "sid": SCHEDULED_SID,
        "search_name": "Access - Rule",
        "configuration": {"account": "prod"},
        "result": {"a": "1"},
        **changes,
    }
    raw = json.dumps({key: value for key, value in whole.items() if value is not None})
    return payload.parse(raw.encode(), "send_to_soar")


def test_a_scheduled_payload() -> None:
    """Everything that splunkd says about a scheduled run."""
    found = parse()
    assert (found.run.sid, found.run.search_name, found.run.app, found.run.owner) == (
        SCHEDULED_SID,
        "Access - Rule",
        "search",
        "admin",
    )
    assert (found.run.results_link, found.run.server_host, found.run.action) == ("https://sh1/r", "sh1", "send_to_soar")
    assert found.run.scheduled
    assert found.configuration == {"account": "prod"}
    assert found.results_file is not None
    assert found.results_file.name == "results.csv.gz"
    assert (found.fixed_rid, found.rid_suffix, found.server_uri) == (None, "", "https://127.0.0.1:8089")
    assert found.session_key.reveal() == "geheim"
    assert "geheim" not in repr(found)


def test_facts_are_the_non_empty_ones() -> None:
    """Only what is known about the run stands in containers."""
    found = parse(search_name="", results_link=None, server_host=None)
    assert found.run.facts() == {"sid": SCHEDULED_SID, "app": "search", "owner": "admin"}


def test_an_ad_hoc_payload() -> None:
    """`| sendalert` has no search name; `user` wins over `owner`."""
    found = parse(sid="1700000100.42", search_name=None, search_uri=None, user="alice")
    assert (found.run.scheduled, found.run.search_name, found.run.owner) == (False, "", "alice")


@pytest.mark.parametrize(("sid", "text"), [(1700000100.42, "1700000100.42"), (1700000100, "1700000100")])
def test_a_numeric_sid_is_a_text(sid: float, text: str) -> None:
    """Splunkd may write an ad hoc sid as a JSON number."""
    assert parse(sid=sid).run.sid == text


def test_a_numeric_sid_keeps_its_digits() -> None:
    """`1700000100.40` as a number is still the search 1700000100.40."""
    assert payload.parse(b'{"sid": 1700000100.40}', "send_to_soar").run.sid == "1700000100.40"


@pytest.mark.parametrize(
    ("sid", "stripped", "suffix"),
    [
        (
            "rt_scheduler__admin__search__RMD5x_at_1700000100_1.32",
            "rt_scheduler__admin__search__RMD5x_at_1700000100_1",
            ".32",
        ),
        (f"rt_scheduler__a__s__RMD5x_at_1_1.7_{GUID}", f"rt_scheduler__a__s__RMD5x_at_1_1_{GUID}", ".7"),
        ("rt_scheduler__a__s__RMD5x_at_1_1", "rt_scheduler__a__s__RMD5x_at_1_1", ""),
        ("rt_1700000100.42", "rt_1700000100.42", ""),
    ],
)
def test_a_real_time_sid_gives_its_snapshot_to_the_rids(sid: str, stripped: str, suffix: str) -> None:
    """As Splunk's own library does: with and without the member's GUID behind it."""
    found = parse(sid=sid)
    assert (found.run.sid, found.rid_suffix) == (stripped, suffix)
    theirs = ModularAction(found.text.reveal(), logging.getLogger("quiet"), "send_to_soar")
    assert theirs.sid == found.run.sid
    assert (f".{theirs.sid_snapshot}" if theirs.sid_snapshot else "") == found.rid_suffix
    assert (theirs.action_mode == "saved") == found.run.scheduled


@pytest.mark.parametrize(
    ("result_id", "results_file", "rid"),
    [
        ("3", "/d/per_result_alert/tmp_9.csv.gz", "3"),
        (0, "/d/results.csv.gz", "0"),
        ("0", None, "0"),
        (None, "/d/per_result_alert/tmp_9.csv.gz", "9"),
        ("", "/d/per_result_alert/tmp_12.csv.gz", "12"),
        (None, "/d/results.csv.gz", None),
        ("", "/d/results.csv.gz", None),
        (True, "/d/results.csv.gz", None),
        (None, None, None),
    ],
)
def test_per_result_alerting_names_the_result(result_id: object, results_file: str | None, rid: str | None) -> None:
    """By `result_id`, or by the file's number on older Splunk."""
    assert parse(result_id=result_id, results_file=results_file).fixed_rid == rid


def test_a_per_result_file_without_a_number_is_an_error() -> None:
    """A result that nothing names can't be reported on."""
    with pytest.raises(PayloadError, match=r'"other\.csv\.gz" names no result'):
        parse(results_file="/d/per_result_alert/other.csv.gz")


@pytest.mark.parametrize("configuration", [None, [], "x", {}])
def test_a_missing_configuration_is_an_empty_one(configuration: object) -> None:
    """Every parameter then has its default."""
    assert parse(configuration=configuration).configuration == {}


@pytest.mark.parametrize("results_file", [None, "", 7])
def test_a_missing_results_file_means_none(results_file: object) -> None:
    """No path, no results."""
    assert parse(results_file=results_file).results_file is None


@pytest.mark.parametrize("raw", [b"", b"not json", b"[1]", b'"x"', b"\xff\xfe", b'{"sid": "x"'])
def test_what_is_no_json_object_is_an_error(raw: bytes) -> None:
    """Told with the setting that decides the format."""
    with pytest.raises(PayloadError, match="payload_format = json"):
        payload.parse(raw, "send_to_soar")


@pytest.mark.parametrize("sid", [None, "", 0])
def test_a_payload_without_a_sid_is_an_error(sid: object) -> None:
    """Without a search id nothing can be reported on."""
    with pytest.raises(PayloadError, match="has no sid"):
        parse(sid=sid)


def test_the_text_for_the_library_leaves_the_first_result_out() -> None:
    """The result of the payload is only the first row; it goes no further."""
    text = json.loads(parse(result={"big": "x"}).text.reveal())
    assert text["result"] is None
    assert text["sid"] == SCHEDULED_SID


def test_paths_are_paths() -> None:
    """The results file is a path as it was written."""
    assert parse(results_file="/a b/ü.csv.gz").results_file == Path("/a b/ü.csv.gz")


@pytest.mark.parametrize("name", ["../../../../etc/apps/x/bin/y", "a/b", 'x" action_status="success', "a\nb"])
def test_an_action_name_that_is_no_name_is_not_taken(name: str) -> None:
    """`param.action_name` comes from the caller and ends in a file name."""
    try:
        found = parse(configuration={"action_name": name})
    except PayloadError:
        return
    assert found.run.action == "send_to_soar"
