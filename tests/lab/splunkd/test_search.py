"""Search jobs with canned results, receivers, saved searches, inputs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.splunkd import StandInSplunkd
from tests.lab.splunkd.client import APP, Client, Run

JOBS = "/services/search/v2/jobs"
SAVED = f"/servicesNS/nobody/{APP}/saved/searches"


def test_jobs_give_canned_rows(splunkd: StandInSplunkd, admin: Client) -> None:
    """A job is created, is done at once and pages through the rows that were canned for its search."""
    splunkd.canned_search(r"index=notable", [{"a": str(n)} for n in range(5)])
    created = admin.post(JOBS, {"search": "search index=notable x"})
    assert created.status == 201
    sid = created.json["sid"]
    status = admin.get(f"{JOBS}/{sid}").content
    assert (status["isDone"], status["dispatchState"], status["resultCount"]) == (True, "DONE", 5)
    page = admin.get(f"{JOBS}/{sid}/results", offset=3, count=5).json
    assert page["results"] == [{"a": "3"}, {"a": "4"}]
    assert page["fields"] == [{"name": "a"}]
    for action in ("finalize", "touch", "cancel", "cancel"):
        assert admin.post(f"{JOBS}/{sid}/control", {"action": action}).status == 200
    assert admin.post(f"{JOBS}/{sid}/control", {"action": "finalize"}).status == 404
    assert admin.post(f"{JOBS}/{sid}/control", {"action": "stop"}).status == 400
    assert admin.post(f"{JOBS}/nobody's/control", {"action": "cancel"}).status == 404
    gone = admin.get(f"{JOBS}/{sid}")
    assert (gone.status, gone.messages) == (404, [("FATAL", "Unknown sid.")])


def test_unknown_searches_fail_the_test(splunkd: StandInSplunkd, admin: Client) -> None:
    """A search without canned rows is refused and listed among the unknown calls."""
    assert admin.post(JOBS, {"search": "search nothing"}).status == 400
    assert splunkd.unknown_calls == [("SEARCH", "search nothing")]


def test_jobs_belong_to_their_user(splunkd: StandInSplunkd, admin: Client, as_user: Callable[[str], Client]) -> None:
    """An analyst does not see an administrator's job; the capability `search` is needed to start one."""
    splunkd.canned_search(".", [{"a": "1"}])
    sid = admin.post(JOBS, {"search": "x"}).json["sid"]
    assert as_user("analyst").get(f"{JOBS}/{sid}").status == 403
    splunkd.add_user("bare", [])
    assert as_user("bare").post(JOBS, {"search": "x"}).status == 403


def test_splunk_sdk_jobs(splunkd: StandInSplunkd, in_addon: Run) -> None:
    """Splunklib runs normal, oneshot and export searches, in JSON and in XML, with multi-value fields."""
    splunkd.canned_search("makeresults", [{"a": "1", "m": ["x", "y"]}, {"a": "2"}])
    result = in_addon("""
        from splunklib import client, results
        service = client.connect(host=HOST, port=PORT, scheme="https", token=KEY, app=APP, owner="nobody")
        rows = lambda stream: [dict(row) for row in results.JSONResultsReader(stream) if isinstance(row, dict)]
        job = service.jobs.create("| makeresults")
        result = [
            job.is_done(),
            rows(job.results(output_mode="json", count=0)),
            rows(service.jobs.oneshot("| makeresults", output_mode="json")),
            rows(service.jobs.export("| makeresults", output_mode="json")),
            [dict(row) for row in results.ResultsReader(service.jobs.oneshot("| makeresults"))],
        ]
    """)
    expected = [{"a": "1", "m": ["x", "y"]}, {"a": "2"}]
    assert result == [True, expected, expected, expected, expected]
    assert splunkd.unknown_calls == []


def test_receivers_take_raw_events(splunkd: StandInSplunkd, admin: Client, as_user: Callable[[str], Client]) -> None:
    """receivers/simple stores the raw body with its metadata, and needs edit_tcp."""
    path = "/services/receivers/simple?index=soar&sourcetype=soar%3Acontainer&source=s&host=h"
    assert admin.call("POST", path, b'{"a": "b=c&d"}').status == 200
    assert as_user("analyst").call("POST", path, b"x").status == 403
    (event,) = splunkd.events
    assert (event.index, event.sourcetype, event.source, event.host) == ("soar", "soar:container", "s", "h")
    assert event.raw == '{"a": "b=c&d"}'


def test_saved_searches_are_typed(admin: Client) -> None:
    """A saved search has native numbers and booleans in JSON; a duplicate gets splunkd's text."""
    form = {"name": "t1", "search": "index=_internal", "alert.severity": "5", "is_scheduled": "1", "disabled": "1"}
    content = admin.post(SAVED, form).content
    assert (content["alert.severity"], content["is_scheduled"], content["disabled"]) == (5, True, True)
    assert content["search"] == "index=_internal"
    again = admin.post(SAVED, form)
    assert again.status == 409
    assert again.messages[0][1] == (
        "Unable to create saved search with name 't1'. A saved search with that name already exists."
    )
    assert admin.post(f"{SAVED}/t1", {"disabled": "0"}).content["disabled"] is False
    assert admin.delete(f"{SAVED}/t1").status == 200
    assert admin.get(f"{SAVED}/t1").status == 404
    assert admin.post(SAVED, {"name": "t2"}).status == 400


def test_alerts_rest_client(in_addon: Run) -> None:
    """Solnlib's AlertsRestClient creates, reads, changes and deletes an alert."""
    result = in_addon("""
        from solnlib.alerts_rest_client import AlertsRestClient
        alerts = AlertsRestClient(KEY, APP, scheme="https", host=HOST, port=PORT)
        alerts.create_search_alert("t1", "index=_internal")
        before = alerts.get_search_alert("t1")["entry"][0]["content"]
        alerts.update_search_alert("t1", disabled=False)
        after = alerts.get_search_alert("t1")["entry"][0]["content"]
        alerts.delete_search_alert("t1")
        result = [before["alert.severity"], before["disabled"], after["disabled"],
                  [e["name"] for e in alerts.get_all_search_alerts()["entry"]]]
    """)
    assert result[:3] == [3, True, False]
    assert "t1" not in result[3]


def test_inputs_of_a_declared_kind(splunkd: StandInSplunkd, admin: Client) -> None:
    """Inputs of a declared kind are created, inherit its defaults, are switched off and on, and removed."""
    root = f"/servicesNS/nobody/{APP}/data/inputs"
    local = splunkd.home / "etc" / "apps" / APP / "local"
    local.mkdir(exist_ok=True)
    (local / "inputs.conf").write_text("[soar_poll]\ninterval = 300\n")
    created = admin.post(f"{root}/soar_poll", {"name": "in 1", "account": "acc1"})
    assert created.status == 201
    content = created.content
    assert (content["interval"], content["account"], content["disabled"]) == ("300", "acc1", False)
    assert admin.post(f"{root}/soar_poll", {"name": "in 1"}).status == 409
    assert admin.post(f"{root}/soar_poll/in%201/disable").content["disabled"] is True
    assert admin.post(f"{root}/soar_poll/in%201/enable").content["disabled"] is False
    assert [e["name"] for e in admin.get(f"{root}/soar_poll").json["entry"]] == ["in 1"]
    assert admin.delete(f"{root}/soar_poll/in%201").status == 200
    assert admin.get(f"{root}/no_such_kind").status == 404


@pytest.mark.parametrize("module", ["server_info", "user_access"])
def test_solnlib_about_the_server(in_addon: Run, module: str) -> None:
    """Solnlib's ServerInfo and user_access read identity, roles and capabilities, and see that there is no cluster."""
    code = {
        "server_info": """
            from solnlib.server_info import ServerInfo, ServerInfoException
            info = ServerInfo(KEY, scheme="https", host=HOST, port=PORT)
            try:
                info.captain_info()
                cluster = True
            except ServerInfoException:
                cluster = False
            result = [info.server_name, info.version, info.is_search_head(), info.is_shc_member(), cluster]
        """,
        "user_access": """
            from solnlib import user_access
            where = dict(scheme="https", host=HOST, port=PORT)
            result = [user_access.get_current_username(KEY, **where), user_access.get_user_roles(KEY, "admin", **where),
                      user_access.user_is_capable(KEY, "admin", "search", **where)]
        """,
    }[module]
    expected = {"server_info": ["sh1", "9.4.3", True, False, False], "user_access": ["admin", ["admin"], True]}[module]
    assert in_addon(code) == expected
