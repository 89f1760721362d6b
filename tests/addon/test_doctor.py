"""The built add-on's doctor, as splunkd runs it, on both Pythons: every fault is a real one."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from lab.runner.lab import ACCOUNT, Lab
from lab.runner.searchcommand import CommandResult, Search, run_command
from tests.addon.conftest import Send
from tests.addon.soar import SoarReader

APP = "TA_send_to_soar"
CONF = f"/servicesNS/nobody/{APP}/configs/conf-ta_send_to_soar_account"
PASSWORDS = f"/servicesNS/nobody/{APP}/storage/passwords"
LEAST: Mapping[str, Sequence[str]] = {"containers": ["view", "edit"], "playbooks": ["view", "execute"]}
Run = Callable[..., CommandResult]
Rows = dict[str, Mapping[str, str | list[str]]]
Doctor = Callable[..., Rows]


@pytest.fixture
def command(lab: Lab, python: Path) -> Run:
    """Run the doctor as a user; no secret is in what it says."""

    def run(arguments: str = "", user: str = "admin") -> CommandResult:
        search = Search(f"soardoctor {arguments}".strip(), user, lab.splunkd.session_key(user), lab.splunkd.uri)
        result = run_command(lab.home, APP, search, python)
        for secret in (search.session_key, lab.account().token):
            assert secret not in f"{result.rows}{result.messages}{result.stderr}"
        return result

    return run


@pytest.fixture
def doctor(command: Run) -> Doctor:
    """Run the doctor and give its rows by check."""

    def run(arguments: str = "", user: str = "admin") -> Rows:
        result = command(arguments, user)
        assert (result.exit_code, result.texts("ERROR")) == (0, []), result
        return {str(row["check"]): row for row in result.rows}

    return run


@contextlib.contextmanager
def file(path: Path, text: str) -> Iterator[None]:
    """Have a file, or another content of one, for a while."""
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)


def add_account(lab: Lab, name: str, url: str, token: str) -> None:
    """Have another account, as its page keeps it; nobody asks its server before."""
    ca = lab.account().ca_certificate
    lab.management.post(CONF, {"name": name, "url": url, "token": "******", "ca_certificate": ca})
    realm = f"__REST_CREDENTIAL__#{APP}#configs/conf-ta_send_to_soar_account"
    secret = {"name": f"{name}``splunk_cred_sep``1", "realm": realm, "password": json.dumps({"token": token})}
    lab.management.post(PASSWORDS, secret)


def told(rows: Rows, check: str, verdict: str, *words: str) -> None:
    """A check's verdict, and words of its evidence and remedy."""
    row = rows[check]
    assert row["verdict"] == verdict, row
    for word in words:
        assert word in f"{row['evidence']} {row['remedy']}", row


def test_a_healthy_add_on_has_no_fault(command: Run) -> None:
    """Every check is a row; what warns is known: the lab's token may do everything, its inputs rest."""
    result = command()
    assert result.configuration["type"] == "reporting"
    assert result.configuration["generating"] is True
    found = {str(row["check"]): str(row["verdict"]) for row in result.rows}
    assert "failed" not in found.values(), result.rows
    assert {name for name, verdict in found.items() if verdict == "warning"} <= {"privilege", "delivery", "feedback"}
    assert found["package"] == found["interpreter"] == found["sign_in"] == found["automation"] == "ok"
    assert {row["account"] for row in result.rows} == {ACCOUNT}


def test_the_least_role_suffices_and_is_not_warned_of(lab: Lab, doctor: Doctor) -> None:
    """With it a container can be created; a role without containers fails, one with everything warns."""
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.add_automation_user("least", "least-token-0123456789", permissions=LEAST)
    lab.soar.stand_in.add_automation_user("blind", "blind-token-0123456789", permissions={"playbooks": ["view"]})
    add_account(lab, "least", lab.account().url, "least-token-0123456789")
    add_account(lab, "blind", lab.account().url, "blind-token-0123456789")
    rows = doctor("account=least create=true playbook=local/splunk_triage")
    told(rows, "privilege", "ok")
    told(rows, "rights", "ok", "least may view containers and playbooks")
    told(rows, "create", "ok", "created, given an artifact, read back as it was sent, closed")
    told(doctor("account=blind"), "containers", "failed", "permission")
    told(doctor(), "privilege", "warning", "view assets", "role of its own")


def test_a_test_container_starts_no_playbook_and_is_closed(lab: Lab, doctor: Doctor, soar: SoarReader) -> None:
    """Although one is active for every label."""
    assert lab.soar.stand_in is not None
    row = doctor("create=true label=email")["create"]
    number = int(str(row["evidence"]).split()[1])
    container = soar.container(number)
    assert (container["status"], container["label"], container["tags"]) == ("closed", "email", ["send_to_soar_test"])
    assert number not in lab.soar.stand_in.admin.triggers


def test_only_who_may_act_creates(lab: Lab, command: Run, doctor: Doctor) -> None:
    """An analyst with the user role gets every check, and no test container."""
    lab.splunkd.add_user("ann", ["user", "send_to_soar_user"])
    told(doctor(user="ann"), "sign_in", "ok")
    refused = command("create=true", "ann")
    assert (refused.exit_code, list(refused.rows)) == (1, [])
    assert "edit_soar_outbox" in refused.texts("ERROR")[0]


def test_an_account_of_the_delivery_input(lab: Lab, doctor: Doctor) -> None:
    """An analyst may use it and gets no secret of it: that is no fault. An administrator examines it in full."""
    lab.splunkd.add_user("ann", ["user", "send_to_soar_user"])
    lab.splunkd.add_user("bob", ["power"])
    add_account(lab, "served", lab.account().url, lab.account().token)
    lab.management.post(f"{CONF}/served", {"delivery": "service", "is_default": "0"})
    rows = doctor("account=served", "ann")
    told(rows, "account", "ok", '"served": https://')
    told(rows, "sign_in", "skipped", "Only the delivery input, and administrators, have the secret")
    told(rows, "label", "skipped", "have one run this")
    assert "failed" not in {row["verdict"] for row in rows.values()}
    told(doctor("account=served"), "sign_in", "ok")
    told(doctor("account=served", "bob"), "account", "failed", "use_soar_actions")


def test_a_server_that_is_away(lab: Lab, doctor: Doctor) -> None:
    """The first step that fails is the answer, what comes after it is skipped."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        add_account(lab, "away", f"https://127.0.0.1:{taken.getsockname()[1]}", "token")
        rows = doctor("account=away question=arrival")
    told(rows, "tcp", "failed", "refuses connections")
    told(rows, "label", "skipped", "because tcp failed")
    told(rows, "answer", "failed", "SOAR receives nothing because of tcp:", "Check the port")


def test_names_that_soar_does_not_know(doctor: Doctor) -> None:
    """Label, severity, playbook, and an input playbook."""
    rows = doctor("label=event severity=fatal playbook=local/triage")
    told(rows, "label", "failed", 'Is "events" meant?')
    told(rows, "severity", "failed", 'no severity "fatal"')
    told(rows, "playbook", "failed", 'no playbook "local/triage"')
    told(doctor("playbook=local/enrich_indicators"), "playbook", "failed", "input playbook")
    told(doctor("playbook=local/phishing_triage"), "playbook", "warning", 'not for label "events"')


def test_a_playbook_that_does_not_start(lab: Lab, doctor: Doctor, send: Send, soar: SoarReader) -> None:
    """Not active, automation off, artifacts that came later: each has its own words."""
    assert lab.soar.stand_in is not None
    admin = lab.soar.stand_in.admin
    row = {"src": "10.0.0.1"}
    (sent,) = send([row], {"automation": "0"}, search_name="doctor: off").results
    off = f"question=playbook container={sent.container_id}"
    told(doctor(off), "container", "failed", "local/splunk_triage would start", "automation off")
    admin.set_playbook("local/splunk_triage", active=False)
    try:
        rows = doctor(off)
    finally:
        admin.set_playbook("local/splunk_triage", active=True)
    told(rows, "container", "failed", "No playbook is active for that label")
    told(rows, "automation", "warning", "Inactive for it: local/splunk_triage")
    told(rows, "answer", "failed", "The playbook does not start because of container:")
    (sent,) = send([row], search_name="doctor: on").results
    told(doctor(f"container={sent.container_id}"), "container", "ok", "(playbook local/splunk_triage)")
    soar.post(
        "/rest/artifact", {"container_id": sent.container_id, "name": "later", "cef": {}, "run_automation": False}
    )
    told(doctor(f"container={sent.container_id}"), "container", "warning", "1 artifact came after the last run")


def test_a_saved_search_that_sends_nothing(lab: Lab, doctor: Doctor) -> None:
    """Found by its name; label and playbook are its own."""
    saved = "/servicesNS/nobody/search/saved/searches"
    fields = {"search": "x", "action.send_to_soar": "1", "action.send_to_soar.param.label": "nope"}
    lab.management.post(saved, {"name": "Brute force", **fields})
    rows = doctor('question=arrival search="Brute force"')
    told(rows, "search", "failed", '"Brute force" (app search', "not scheduled")
    told(rows, "label", "failed", 'no label "nope"')
    told(rows, "answer", "failed", "because of search:", "Look at label too.")
    told(doctor("search=Nothing"), "search", "failed", 'No saved search "Nothing"')


def test_a_saved_search_whose_owner_may_not_send(lab: Lab, doctor: Doctor) -> None:
    """Without the capability, or without a role that the account is open to."""
    lab.splunkd.add_user("ann", ["user", "send_to_soar_user"])
    lab.splunkd.add_user("bob", ["power"])
    add_account(lab, "limited", lab.account().url, lab.account().token)
    lab.management.post(f"{CONF}/limited", {"allowed_roles": "soc", "is_default": "0"})
    fields = {"search": "x", "is_scheduled": "1", "action.send_to_soar": "1"}
    saved = "/servicesNS/nobody/search/saved/searches"
    for name in ("of ann", "of bob"):
        lab.management.post(saved, {"name": name, **fields})
    owners = "[savedsearches/of ann]\nowner = ann\n[savedsearches/of bob]\nowner = bob\n"
    with file(lab.home.apps / "search" / "metadata" / "local.meta", owners):
        told(doctor('search="of ann"'), "search", "ok", "owner ann")
        told(doctor('search="of bob"'), "search", "failed", "bob may not use SOAR accounts.", "use_soar_actions")
        lab.management.post(f"{saved}/of%20ann", {"action.send_to_soar.param.account": "limited"})
        told(doctor('search="of ann"'), "search", "failed", "limited to other roles")
    lab.management.post(f"{CONF}/limited", {"allowed_roles": "power,sock"})
    rows = doctor("account=limited")
    told(rows, "account", "warning", "limited to roles that Splunk does not have: sock.", "There are: ", "power")


def test_files_and_settings_that_are_not_as_they_should_be(lab: Lab, doctor: Doctor) -> None:
    """A changed file, one of an older version, a setting without effect, a wrong rule, a lowered limit."""
    app = lab.home.apps / APP
    script = app / "bin" / "soaroutbox.py"
    with file(script, script.read_text(encoding="utf-8") + "# changed\n"), file(app / "lib" / "old.py", ""):
        told(doctor(), "package", "failed", "Not as built: bin/soaroutbox.py")
    with file(app / "lib" / "old.py", ""):
        told(doctor(), "package", "warning", "lib/old.py")
    with file(app / "local" / "alert_actions.conf", "[send_to_soar]\nparam.labl = x\nmaxresults = 100\n"):
        rows = doctor("question=data")
        told(rows, "overrides", "warning", "param.labl: the action has no such parameter")
        told(rows, "limits", "warning", "at most 100 results")
        told(rows, "answer", "warning", "If anything: Data is incomplete because of overrides:")
    with file(app / "local" / "ta_send_to_soar_mapping.conf", "[mine]\norder = 1\nfields = a\nto = b\nmode = x\n"):
        told(doctor(), "mapping", "failed", "[mine] mode:")
    told(doctor(), "package", "ok", "files are as built")


def test_what_waits_for_too_long(lab: Lab, doctor: Doctor, send: Send) -> None:
    """In a journal that nobody takes up, then in the outbox; the delivery input that runs is seen."""
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.admin.fault("POST /rest/container", "503", times=None)
    send([{"src": "10.0.0.9"}], search_name="doctor: waits")
    rows = doctor()
    told(rows, "journals", "ok", "1 alert unfinished")
    told(rows, "pause", "ok")
    journals = lab.home.root / "var/lib/splunk/modinputs/soar_delivery/journal"
    old = time.time() - 7200
    for payload in journals.glob("*/payload.json"):
        os.utime(payload, (old, old))
    rows = doctor("question=arrival")
    told(rows, "journals", "failed", "since 2 h", "nobody takes up")
    told(rows, "delivery", "failed", "soar_delivery")
    with lab.delivery():
        deadline = time.monotonic() + 60
        while any(journals.iterdir()) and time.monotonic() < deadline:
            time.sleep(0.2)
        rows = doctor()
        told(rows, "delivery", "ok", "works for all search heads")
        told(rows, "journals", "ok", "No alert is unfinished")
        told(rows, "outbox", "warning", "1 container", "HTTP 503")
    lab.soar.stand_in.admin.clear()
    deliver = Search("soaroutboxctl action=deliver state=pending", "admin", lab.splunkd.session_key(), lab.splunkd.uri)
    assert run_command(lab.home, APP, deliver, lab.python).exit_code == 0
    lab.drain(wait=5)
    told(doctor(), "outbox", "ok")


def test_a_server_that_is_left_alone(lab: Lab, doctor: Doctor, send: Send) -> None:
    """Because it asks for that; the reason is its own."""
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.admin.fault("POST /rest/container", "429", retry_after=12)
    send([{"src": "10.0.0.8"}], search_name="doctor: pause")
    told(doctor(), "pause", "warning", "HTTP 429")
    lab.drain(wait=20)
    told(doctor(), "pause", "ok")


def test_what_comes_back(lab: Lab, doctor: Doctor) -> None:
    """After a poll that was complete, after one that SOAR refused, and where it is switched off."""
    assert lab.soar.stand_in is not None
    lab.poll()
    told(doctor(), "feedback", "ok", "It comes back: last complete poll")
    lab.soar.stand_in.admin.fault("GET /rest/note", "500", times=None)
    lab.poll()
    lab.soar.stand_in.admin.clear()
    told(doctor(), "feedback", "warning", "not complete", "HTTP 500")
    conf = lab.home.apps / APP / "local" / "ta_send_to_soar_account.conf"
    off = conf.read_text(encoding="utf-8").replace(f"[{ACCOUNT}]\n", f"[{ACCOUNT}]\nfeedback = off\n")
    with file(conf, off):
        told(doctor(), "feedback", "skipped", "Not configured")


def test_splunk_that_is_not_as_it_should_be(lab: Lab, doctor: Doctor) -> None:
    """An index that nobody has, a log that another app parses, a KV store that is away."""
    app = lab.home.apps / APP
    lab.splunkd.canned_search("eventcount .*index=nowhere", [])
    with file(app / "local" / "macros.conf", "[soar_index]\ndefinition = index=nowhere\n"):
        told(doctor(), "index", "failed", 'no index "nowhere"')
    other = lab.home.apps / "AAA"
    props = "[source::...send_to_soar_modalert.log*]\nsourcetype = mine\n"
    with (
        file(other / "metadata" / "default.meta", "[]\nexport = system\n"),
        file(other / "local" / "props.conf", props),
    ):
        told(doctor(), "cim", "failed", '"mine"')
    lab.splunkd.fault("GET", "soar_outbox", status=503)
    try:
        told(doctor(), "outbox", "skipped", "not available")
    finally:
        lab.splunkd.clear_faults()


def test_mistakes_are_messages(command: Run) -> None:
    """Plain words, no traceback."""
    result = command("question=why")
    assert (result.exit_code, list(result.rows)) == (1, [])
    assert result.texts("ERROR") == ['question="why" is none of all, arrival, playbook, data.']
    assert "Traceback" not in result.stderr


def test_an_alert_that_waits_for_a_list_of_names_says_so(lab: Lab, doctor: Doctor, send: Send) -> None:
    """Its owner needs an id, SOAR does not list its users: the check names the list, and SOAR's answer."""
    assert lab.soar.stand_in is not None
    for known in (lab.home.root / "var/run/splunk" / APP).glob("vocabulary-*.json"):
        known.unlink()
    lab.soar.stand_in.admin.fault("GET /rest/ph_user", "503", times=None)
    send([{"src": "10.0.0.19"}], {"owner": "alice"}, search_name="doctor: names")
    journals = lab.home.root / "var/lib/splunk/modinputs/soar_delivery/journal"
    with lab.delivery():
        deadline = time.monotonic() + 60
        while not any(journals.glob("*/waiting")) and time.monotonic() < deadline:
            time.sleep(0.2)
        told(doctor(), "journals", "warning", "1 waits: The alert needs SOAR's list of names (user)", "503", "Mend")
    lab.soar.stand_in.admin.clear()
    lab.drain(wait=60)
    told(doctor(), "journals", "ok", "No alert is unfinished")
