"""Which container a finding goes to when it was sent before."""

from __future__ import annotations

from collections.abc import Callable

from lab.runner.lab import Lab
from lab.runner.report import Report
from lab.runner.search import Mode
from tests.addon.conftest import Event, Send
from tests.addon.soar import SoarReader

Events = Callable[[Report], list[Event]]
Requests = Callable[[Callable[[], Report]], tuple[Report, list[str]]]

DAY = 86_400


def _content(send: Send, time: int, src: str, **more: str) -> Report:
    """An alert that fires again and again, each time as another search run."""
    parameters = {"identity": "fields", "identity_fields": "src", "identity_window": "24h", **more}
    return send([{"src": src, "_time": str(time), "count": str(time)}], parameters, search_name="Beaconing")


def test_an_alert_that_fires_again_joins_within_its_window(send: Send, soar: SoarReader) -> None:
    """Equal identity fields in one day share a container, the next day has one of its own; so has another value."""
    start = 19_000 * DAY
    runs = [_content(send, time, "10.30.0.1") for time in (start, start + 3_600, start + DAY)]
    other = _content(send, start, "10.30.0.2")
    numbers = [report.results[0].container_id for report in (*runs, other)]
    assert [report.results[0].status for report in runs] == ["delivered", "updated", "delivered"]
    assert numbers[0] == numbers[1]
    assert len(set(numbers)) == 3
    assert len(soar.artifacts(numbers[0])) == 2


def test_results_of_one_run_with_the_same_identity_share_a_container(send: Send, requests_of: Requests) -> None:
    """Rows of one run with equal identity fields are put together before anything is sent."""
    rows = [{"src": f"10.30.1.{n % 2}", "count": str(n), "_time": "1700000000"} for n in range(60)]
    report, requests = requests_of(lambda: send(rows, {"identity": "fields", "identity_fields": "src"}))
    assert len({outcome.container_id for outcome in report.results}) == 2
    assert len([request for request in requests if request.startswith("POST")]) == 1


def test_rows_without_what_their_identity_needs_say_so(send: Send, events: Events) -> None:
    """No identity field: the run's own key. No _time: no window. Both are told."""
    parameters = {"identity": "fields", "identity_fields": "signature", "identity_window": "1h"}
    report = send([{"src": "10.30.2.1"}, {"src": "10.30.2.2", "signature": "s-10-30-2"}], parameters)
    notes = [" ".join(event["notes"]) for event in events(report)]
    assert "none of the identity fields signature has a value" in notes[0]
    assert "has no _time: identity_window was left out" in notes[1]


def test_a_container_that_holds_the_finding_is_adopted(send: Send, soar: SoarReader, requests_of: Requests) -> None:
    """ES 8 pairing made a container under the finding's id: the notable's data goes there, for one GET more."""
    made = soar.post(
        "/rest/container", {"name": "Paired", "label": "events", "source_data_identifier": "P1@@notable@@x"}
    )
    assert soar.container(made["id"])["name"] == "Paired"
    notable = {
        "event_id": "P1@@notable@@x",
        "orig_sid": "scheduler__admin__SA__RMD5ee_at_1700000000_9",
        "orig_rid": "0",
        "src": "10.30.3.1",
    }
    report, requests = requests_of(lambda: send([notable], mode=Mode.ADHOC))
    assert (report.results[0].status, report.results[0].container_id) == ("updated", made["id"])
    assert len(soar.artifacts(made["id"])) == 1
    assert "POST /rest/container" not in requests


def test_looking_for_other_keys_is_one_request_for_a_list(send: Send, requests_of: Requests) -> None:
    """Rows with a finding's id cost one GET per list of containers, rows without none."""
    notables = [
        {"event_id": f"L{n}@@notable@@y", "orig_sid": "scheduler__a__b__RMD5ff_at_1700000000_8", "orig_rid": str(n)}
        for n in range(30)
    ]
    _, with_keys = requests_of(lambda: send(notables, mode=Mode.ADHOC))
    _, without = requests_of(lambda: send([{"src": f"10.30.4.{n}"} for n in range(30)]))
    lookups = [request for request in with_keys if request == "GET /rest/container"]
    assert len(lookups) == 1
    assert "GET /rest/container" not in without


def _closed(soar: SoarReader, report: Report) -> int:
    number = report.results[0].container_id
    assert number is not None
    soar.post(f"/rest/container/{number}", {"status": "closed"})
    return number


def test_by_default_new_data_is_added_to_a_closed_container(send: Send, soar: SoarReader) -> None:
    """on_closed = add: the container stays closed and has both artifacts."""
    number = _closed(soar, _content(send, 1, "10.30.5.1"))
    again = _content(send, 2, "10.30.5.1")
    assert again.results[0].container_id == number
    assert soar.container(number)["status"] == "closed"
    assert len(soar.artifacts(number)) == 2


def test_a_closed_container_can_be_reopened(send: Send, soar: SoarReader, events: Events) -> None:
    """on_closed = reopen: open again, and the outcome says so; data that is there already reopens nothing."""
    first = _content(send, 1, "10.30.6.1", on_closed="reopen")
    number = _closed(soar, first)
    again = _content(send, 2, "10.30.6.1", on_closed="reopen")
    assert (again.results[0].status, again.results[0].container_id) == ("updated", number)
    assert soar.container(number)["status"] == "open"
    assert f"container {number} was closed and has been reopened (on_closed)" in events(again)[0]["notes"]
    soar.post(f"/rest/container/{number}", {"status": "closed"})
    repeated = send(
        [{"src": "10.30.6.1", "_time": "2", "count": "2"}],
        {"identity": "fields", "identity_fields": "src", "identity_window": "24h", "on_closed": "reopen"},
        search_name="Beaconing",
        sid=again.sid,
    )
    assert repeated.results[0].status == "updated"
    assert soar.container(number)["status"] == "closed"


def test_a_closed_container_can_be_followed_by_a_new_one(send: Send, soar: SoarReader) -> None:
    """on_closed = new: the next generation, which further data joins until it is closed too."""
    numbers = []
    for time in (1, 2, 3, 4):
        report = _content(send, time, "10.30.7.1", on_closed="new")
        numbers.append(report.results[0].container_id)
        if time in (1, 3):
            _closed(soar, report)
    assert numbers[1] == numbers[2]
    assert len(set(numbers)) == 3
    keys = [soar.container(number)["source_data_identifier"] for number in dict.fromkeys(numbers)]
    assert keys[1:] == [f"{keys[0]}~2", f"{keys[0]}~3"]
    assert [len(soar.artifacts(number)) for number in dict.fromkeys(numbers)] == [1, 2, 1]


def test_a_closed_status_of_the_server_s_own_counts(send: Send, soar: SoarReader, lab: Lab) -> None:
    """A custom status of type resolved is closed."""
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.admin.add_status("false_positive", "resolved")
    first = _content(send, 1, "10.30.8.1", on_closed="new")
    soar.post(f"/rest/container/{first.results[0].container_id}", {"status": "false_positive"})
    second = _content(send, 2, "10.30.8.1", on_closed="new")
    assert second.results[0].status == "delivered"
    assert second.results[0].container_id != first.results[0].container_id


def test_identity_parameters_are_judged_together(send: Send) -> None:
    """Identity by fields without fields, and a window without fields, are told before anything is sent."""
    first = send([{"src": "10.30.9.1"}], {"identity": "fields"})
    second = send([{"src": "10.30.9.1"}], {"identity_window": "tomorrow", "due": "whenever"})
    assert (first.exit_code, second.exit_code) == (3, 3)
    assert "Parameter identity_fields is empty" in str(first.results[0].reason)
    assert 'identity_window has the value "tomorrow"' in str(second.results[0].reason)
    assert 'due has the value "whenever"' in str(second.results[0].reason)
