"""Who may use which account: users of each role against the endpoint and the built action."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.runner.accounts import Account, Accounts
from lab.runner.lab import APP, Lab
from lab.runner.payload import Splunkd
from lab.runner.report import Report
from lab.runner.request import SendRequest
from lab.runner.sending import send as send_with
from lab.splunkd.python.splunk.clilib import conffile
from tests.addon.conftest import Send
from tests.addon.results import write_results
from tests.addon.soar import SoarReader
from tests.lab.splunkd.client import Client, Reply, client_of

ENDPOINT = "/services/ta_send_to_soar/access"
ROOT = f"/servicesNS/nobody/{APP}"
USERS = {
    "ann": (["user", "send_to_soar_user"], []),
    "lea": (["soc_lead", "send_to_soar_user"], []),
    "adam": (["user", "send_to_soar_admin"], []),
    "bob": (["power"], []),
    "eve": (["power"], ["list_storage_passwords", "edit_storage_passwords"]),
}
"""Name → roles, further capabilities. bob may not use the actions, eve has what older add-ons ask for."""

ACCOUNTS = {
    "acc_direct": {},
    "acc_soc": {"allowed_roles": "soc, tier2"},
    "acc_service": {"delivery": "service"},
    "acc_both": {"delivery": "service", "allowed_roles": "soc"},
}
ROWS = [{"src": "10.50.0.1"}, {"src": "10.50.0.2"}]


@pytest.fixture(scope="module", autouse=True)
def _people(lab: Lab) -> Iterator[None]:
    """Users of every role, a role that imports the one on the list, and accounts of every kind."""
    for name, (roles, capabilities) in USERS.items():
        lab.splunkd.add_user(name, roles, capabilities)
    conf = lab.home.root / "etc" / "system" / "local" / "authorize.conf"
    conf.write_text(conffile.dump({"role_soc": {}, "role_soc_lead": {"importRoles": "soc;user"}}), encoding="utf-8")
    good, accounts = lab.account(), Accounts(lab.management, APP)
    for name, policy in ACCOUNTS.items():
        accounts.save(Account(name, good.url, good.token, good.ca_certificate), exists=accounts.find(name) is not None)
        # The lab's account stays the only default one.
        path = f"{ROOT}/configs/conf-ta_send_to_soar_account/{name}"
        lab.management.post(path, {"is_default": "0", "delivery": "", "allowed_roles": "", **policy})
    yield
    conf.unlink()


def ask(client: Client, account: str) -> Reply:
    """What an action asks the endpoint."""
    return client.post(ENDPOINT, {"account": account})


def run(lab: Lab, folder: Path, account: str, owner: str, **changes: Any) -> Report:
    """Run the action as this user."""
    path = write_results(folder / "results.csv.gz", ROWS)
    return lab.send(SendRequest(path, parameters={"account": account}, owner=owner, **changes))


def journals(lab: Lab) -> list[str]:
    """The alerts that are written down."""
    return [path.name for path in (lab.home.root / "var/lib/splunk/modinputs/soar_delivery").glob("journal/*")]


@pytest.mark.parametrize(
    ("user", "account", "status", "is_secret"),
    [
        ("ann", "acc_direct", 200, True),
        ("ann", "acc_soc", 403, False),
        ("ann", "acc_service", 200, False),
        ("ann", "acc_both", 403, False),
        ("lea", "acc_soc", 200, True),
        ("lea", "acc_both", 200, False),
        ("adam", "acc_direct", 200, True),
        ("adam", "acc_soc", 403, False),
        ("admin", "acc_direct", 200, True),
        ("admin", "acc_service", 200, False),
        ("splunk-system-user", "acc_soc", 200, True),
        ("splunk-system-user", "acc_service", 200, False),
        ("bob", "acc_direct", 403, False),
        ("bob", "acc_service", 403, False),
        ("bob", "nowhere", 403, False),
        ("eve", "acc_direct", 403, False),
        ("ann", "nowhere", 404, False),
    ],
)
def test_the_endpoint_gives_what_the_role_allows(
    lab: Lab, user: str, account: str, status: int, *, is_secret: bool
) -> None:
    """A secret only for a direct account, and only to those who may use it."""
    reply = ask(client_of(lab.splunkd, user), account)
    assert reply.status == status
    assert (lab.account().token in reply.text) is is_secret
    if is_secret:
        assert reply.json == {"delivery": "direct", "secrets": {"token": lab.account().token}}


def test_the_endpoint_takes_posts_of_live_sessions_only(lab: Lab) -> None:
    """GET would let a search read the answer; without a session, or with one that has ended, there is none."""
    ann = client_of(lab.splunkd, "ann")
    for reply in (ann.get(ENDPOINT, account="acc_direct"), ann.delete(ENDPOINT, account="acc_direct")):
        assert reply.status == 405
        assert lab.account().token not in reply.text
    assert ask(Client(lab.splunkd.uri, lab.splunkd.ca_file), "acc_direct").status == 401
    assert ask(ann, "acc_direct").status == 200
    lab.splunkd.expire_sessions("ann")
    assert ask(ann, "acc_direct").status == 401


def test_the_secret_can_t_be_read_past_the_endpoint(lab: Lab) -> None:
    """list_storage_passwords alone shows none of the add-on's passwords; the administrator role sees them."""
    token = lab.account().token
    for user in ("ann", "bob", "eve"):
        for path in (f"{ROOT}/storage/passwords", "/servicesNS/-/-/storage/passwords"):
            assert token not in client_of(lab.splunkd, user).get(path, count=0).text
        clear = client_of(lab.splunkd, user).get(f"{ROOT}/ta_send_to_soar_account", count=0, **{"--cred--": "1"})
        assert (clear.status, token in clear.text) == (403, False)
    assert token in client_of(lab.splunkd, "adam").get(f"{ROOT}/storage/passwords", count=0).text


@pytest.mark.parametrize(("user", "status"), [("adam", 201), ("admin", 201), ("ann", 403), ("eve", 403)])
def test_accounts_are_managed_with_our_capability(lab: Lab, user: str, status: int) -> None:
    """Beside the rights that splunkd asks for; the refusal names it."""
    client = client_of(lab.splunkd, user)
    form = {"url": "https://soar.example", "auth_type": "token", "token": "tok-of-a-page", "skip_test": "1"}
    accounts = f"{ROOT}/ta_send_to_soar_account"
    made = client.post(accounts, {"name": f"page_{user}", **form})
    assert made.status == status, made.text
    if status == 201:
        assert client.post(f"{accounts}/page_{user}", {**form, "url": "https://other.example"}).status == 200
        assert client.post(f"{ROOT}/ta_send_to_soar_settings/logging", {"loglevel": "INFO"}).status == 200
        assert client.delete(f"{accounts}/page_{user}").status == 200
        return
    for refused in (
        made,
        client.post(f"{accounts}/acc_direct", form),
        client.delete(f"{accounts}/acc_direct"),
        client.post(f"{ROOT}/ta_send_to_soar_settings/logging", {"loglevel": "DEBUG"}),
    ):
        assert (refused.status, "edit_soar_accounts" in refused.text) == (403, True)
    # Nor past the page.
    assert client.post(f"{ROOT}/configs/conf-ta_send_to_soar_account/acc_soc", {"allowed_roles": ""}).status == 403


def test_an_analyst_delivers_without_list_storage_passwords(lab: Lab, tmp_path: Path, soar: SoarReader) -> None:
    """The user role suffices."""
    assert "list_storage_passwords" not in lab.splunkd.add_user("ann", *USERS["ann"]).capabilities
    report = run(lab, tmp_path, "acc_direct", "ann")
    assert (report.exit_code, {one.status for one in report.results}) == (0, {"delivered"})
    assert soar.artifacts(report.results[0].container_id)[0]["cef"]["sourceAddress"] == "10.50.0.1"


@pytest.mark.parametrize(
    ("owner", "account", "words"),
    [
        ("bob", "acc_direct", "capability use_soar_actions"),
        ("bob", "acc_service", "role send_to_soar_user"),
        ("eve", "acc_direct", "capability use_soar_actions"),
        ("ann", "acc_soc", "allowed roles"),
        ("ann", "acc_both", "limited to other roles"),
    ],
)
def test_who_may_not_is_told_and_nothing_is_written_down(  # noqa: PLR0917 - fixtures and a table
    lab: Lab, tmp_path: Path, soar: SoarReader, owner: str, account: str, words: str
) -> None:
    """Every row is rejected with what to do; SOAR and the delivery input never hear of it."""
    before, written = len(soar.all_containers()), journals(lab)
    report = run(lab, tmp_path, account, owner)
    assert report.exit_code == 3
    assert {one.status for one in report.results} == {"rejected"}
    assert all(words in str(one.reason) for one in report.results)
    assert (len(soar.all_containers()), journals(lab)) == (before, written)


def test_a_revoked_session_is_told(lab: Lab, tmp_path: Path) -> None:
    """The search's session has ended before the action asks."""
    stage = lab._opened()  # noqa: SLF001 - the lab always gives a session that lives
    revoked = replace(stage, splunkd=lambda user: Splunkd(lab.splunkd.uri, "sh1", f"revoked-{user}"))
    path = write_results(tmp_path / "results.csv.gz", ROWS)
    report = send_with(revoked, SendRequest(path, parameters={"account": "acc_direct"}, owner="ann"))
    assert report.exit_code == 3
    assert all("session" in str(one.reason) for one in report.results)


@pytest.mark.parametrize(("owner", "account"), [("ann", "acc_service"), ("lea", "acc_both")])
def test_a_service_account_is_left_to_the_delivery_input(
    lab: Lab, tmp_path: Path, soar: SoarReader, owner: str, account: str
) -> None:
    """The action asks nothing of SOAR and says so; seconds later the input has sent, and the rows have their end."""
    assert lab.soar.stand_in is not None
    admin = lab.soar.stand_in.admin
    admin.clear_requests()
    report = run(lab, tmp_path, account, owner)
    assert admin.requests == []
    assert report.exit_code == 0
    assert {one.status for one in report.results} == {"queued"}
    assert all("the delivery input sends it" in str(one.reason) for one in report.results)
    drained = lab.drain(wait=5)
    assert (drained.problems, drained.remaining) == ((), 0)
    assert {one.status for one in drained.results} == {"delivered"}
    container = drained.results[0].container_id
    assert soar.artifacts(container)[0]["cef"]["sourceAddress"] == "10.50.0.1"
    told = [json.loads(event["raw"]) for event in lab.indexes.since({}) if event["sourcetype"] == "soar:action:result"]
    ends = [(one["status"], one["user"]) for one in told if one["sid"] == report.sid]
    assert sorted(ends) == [("delivered", owner)] * 2 + [("queued", owner)] * 2


@pytest.mark.parametrize(
    ("owner", "account", "exit_code", "status", "words"),
    [
        ("ann", "acc_direct", 0, "queued", "has started"),
        ("ann", "acc_service", 0, "queued", "the delivery input"),
        ("bob", "acc_direct", 3, "rejected", "capability use_soar_actions"),
        ("ann", "acc_soc", 3, "rejected", "allowed roles"),
    ],
)
def test_the_action_for_playbooks_asks_as_well(  # noqa: PLR0917 - fixtures and a table
    lab: Lab, tmp_path: Path, owner: str, account: str, exit_code: int, status: str, words: str
) -> None:
    """The same rights, and by service it asks nothing of SOAR either."""
    assert lab.soar.stand_in is not None
    admin = lab.soar.stand_in.admin
    admin.clear_requests()
    path = write_results(tmp_path / "results.csv.gz", ROWS)
    asked = {"account": account, "playbooks": "local/contain_host", "follow": "0"}
    report = lab.send(SendRequest(path, action="run_soar_playbook", parameters=asked, owner=owner))
    assert (report.exit_code, {one.status for one in report.results}) == (exit_code, {status})
    assert all(words in str(one.reason) for one in report.results)
    assert bool(admin.requests) is (words == "has started")
    if account == "acc_service":
        lab.drain(wait=5)
        assert any(request.path == "/rest/playbook_run" and request.method == "POST" for request in admin.requests)


def test_a_splunkd_that_can_t_answer_costs_no_alert_and_gives_no_right(
    lab: Lab, send: Send, tmp_path: Path, soar: SoarReader
) -> None:
    """The alert is written down unasked; the input asks for its user before it sends, and rejects who may not."""
    before, others = len(soar.all_containers()), lab.drain(wait=5).remaining  # runs of other tests that ask people
    for owner, account, status, words in (
        ("ann", "acc_direct", "delivered", ""),
        ("lea", "acc_soc", "delivered", ""),
        ("bob", "acc_direct", "rejected", "capability use_soar_actions"),
        ("ann", "acc_soc", "rejected", "limited to other roles"),
        ("gone", "acc_direct", "rejected", "knows no such user"),
    ):
        lab.splunkd.add_user("gone", ["user", "send_to_soar_user"])
        lab.splunkd.fault("POST", ENDPOINT, status=503)
        report = run(lab, tmp_path, account, owner)
        lab.splunkd.clear_faults()
        assert (report.exit_code, {one.status for one in report.results}) == (0, {"queued"}), owner
        lab.splunkd.remove_user("gone")
        drained = lab.drain(wait=60)
        assert (drained.problems, drained.remaining) == ((), others), owner
        assert {one.status for one in drained.results} == {status}, owner
        assert all(words in str(one.reason) for one in drained.results), owner
    assert len(soar.all_containers()) == before + 4


def test_every_call_to_soar_is_logged(lab: Lab, tmp_path: Path) -> None:
    """By the action and by the input: who, for which search and result, what, and how it ended; as an event type."""
    mark = lab.indexes.marks()
    reports = [run(lab, tmp_path, account, "ann") for account in ("acc_direct", "acc_service")]
    lab.drain(wait=5)
    found = [event for event in lab.indexes.since(mark) if event["sourcetype"] == "soar:api"]
    assert {(event["index"], tuple(event["eventtype"])) for event in found} == {("_internal", ("soar_api_call",))}
    calls = [json.loads(event["raw"]) for event in found]
    for report, component in zip(reports, ("send_to_soar", "soar_delivery"), strict=True):
        posts = [one for one in calls if one.get("sid") == report.sid and one["method"] == "POST"]
        assert {(one["component"], one["path"], one["status"]) for one in posts} == {
            (component, "/rest/container", 200)
        }
        for one in posts:
            assert (one["user"], one["attempt"], one["bytes_out"] > 100) == ("ann", 1, True)
        assert posts[0]["rid"] == ["0", "1"]


def test_the_checks_of_a_connection_are_logged(lab: Lab) -> None:
    """The page's when an account is saved, and the doctor's: with the user who asked for it."""
    good, page = lab.account(), client_of(lab.splunkd, "admin")
    log = lab.home.logs / "send_to_soar_api.log"
    before = log.read_text("utf-8") if log.exists() else ""
    form = {"url": good.url, "auth_type": "token", "token": good.token, "ca_certificate": good.ca_certificate}
    path = f"/servicesNS/nobody/{APP}/ta_send_to_soar_account"
    assert page.post(path, {"name": "tested", **form}).status == 201
    page.delete(f"{path}/tested")
    lab.doctor({"account": "acc_direct"})
    found = [json.loads(line) for line in log.read_text("utf-8").removeprefix(before).splitlines()]
    for component, account in (("configuration", "tested"), ("soardoctor", "acc_direct")):
        calls = [(one["method"], one["path"], one["status"], one["user"]) for one in found if one["account"] == account]
        assert calls[:2] == [("GET", f"/rest/{path}", 200, "admin") for path in ("version", "container")], component
        assert {one["component"] for one in found if one["account"] == account} == {component}


def test_the_token_is_in_no_file_but_the_password_store(lab: Lab, tmp_path: Path) -> None:
    """Whatever the action, the endpoint and the input leave below SPLUNK_HOME, their logs among it."""
    for account in ("acc_direct", "acc_soc", "acc_service"):
        run(lab, tmp_path, account, "ann")
    lab.drain(wait=5)
    token = lab.account().token.encode()
    files = [path for path in lab.home.root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert [path for path in files if token in path.read_bytes()] == []
    log = (lab.home.logs / "send_to_soar_access.log").read_text(encoding="utf-8")
    assert 'Account given user="ann" account="acc_direct" delivery="direct"' in log
    assert 'Account refused user="ann" account="acc_soc"' in log
