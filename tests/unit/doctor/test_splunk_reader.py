"""What splunkd is asked, over real connections to the stand-in, as users with and without rights."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable
from urllib.parse import urlencode

import pytest

from soarlink.doctor import splunk_reader
from soarlink.doctor.facts import App, Lease, Polls, SavedSearch, SplunkFacts, Unread, Updates
from soarlink.doctor.splunk_reader import Inputs
from soarlink.errors import SplunkdError
from soarlink.feedback import checkpoint
from soarlink.feedback.checkpoint import Checkpoint
from soarlink.outbox.collection import Outbox
from soarlink.outbox.lease import Lease as HeldLease
from soarlink.splunk.kvstore import KvStore
from soarlink.splunk.settings import Settings
from soarlink.wire.exchange import Reply
from soarlink.writeback.ledger import REFUSED, UNCONFIRMED
from soarlink.writeback.path import ROOTS
from soarlink.writeback.path import Path as Path8
from tests.unit.outbox.conftest import kv, outbox, splunkd, splunkd_process
from tests.unit.outbox.samples import NOW, item, payload
from tests.unit.outbox.splunkd import SplunkdProcess
from tests.unit.writeback.conftest import desk8, mission_control
from tests.unit.writeback.desk import Desk

__all__ = ["desk8", "kv", "mission_control", "outbox", "splunkd", "splunkd_process"]

LOGS = Inputs(12.0, None)
SETTINGS = Settings(accounts={}, proxy={}, log_level="INFO", index="main")
Read = Callable[..., SplunkFacts]


@pytest.fixture
def apps(splunkd: SplunkdProcess) -> Iterator[Path]:
    """Return the folder of apps; what a test adds there is taken out again."""
    folder = splunkd.home / "etc" / "apps"
    before = {path for path in folder.rglob("*") if path.is_file()}
    yield folder
    for path in folder.rglob("*"):
        if path.is_file() and path not in before:
            path.unlink()
    for path in folder.iterdir():
        if path.name != "TA_send_to_soar":
            shutil.rmtree(path)


@pytest.fixture
def read(splunkd: SplunkdProcess) -> Read:
    """Return what a user's doctor reads."""

    def gather(user: str = "admin", search: str = "", settings: Settings = SETTINGS) -> SplunkFacts:
        session = splunkd.session(user)
        try:
            return splunk_reader.read(session, settings, search, LOGS, NOW)
        finally:
            session.close()

    return gather


def write(path: Path, text: str) -> None:
    """Write a file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_a_plain_splunk(read: Read) -> None:
    """No inputs declared, no CIM, no ES, no saved search asked for."""
    facts = read()
    assert not isinstance(facts.caller, Unread)
    assert (facts.caller.name, facts.caller.roles) == ("admin", ("admin",))
    assert "list_storage_passwords" in facts.caller.capabilities
    assert (facts.version, facts.kv_store, facts.outbox) == ("9.4.3", "ready", ())
    assert (facts.delivery.enabled, facts.delivery.lease, facts.delivery.log_age) == (None, None, 12.0)
    assert (facts.cim, facts.es, facts.search) == (None, None, None)
    assert isinstance(facts.parsing, dict)
    assert facts.parsing["sourcetype"] == "modular_alerts:send_to_soar"


def test_the_index_and_its_readers(read: Read, splunkd: SplunkdProcess) -> None:
    """Inherited patterns count; an index of search peers is found by a search, only when it is not here."""
    index = read().index
    assert (index.name, index.is_here, index.events) == ("main", True, None)
    assert not isinstance(index.readers, Unread)
    assert index.readers["power"] == ("*",)
    assert index.readers["send_to_soar_user"] == ()
    splunkd.canned("eventcount summarize=false index=elsewhere", [{"count": "3"}, {"count": "4"}])
    index = read(settings=replace(SETTINGS, index="elsewhere")).index
    assert (index.is_here, index.events) == (False, 7)
    splunkd.fault("POST", "search/v2/jobs", status=403, times=1)
    index = read(settings=replace(SETTINGS, index="elsewhere", problems=("p",))).index
    assert isinstance(index.events, Unread)
    assert index.problems == ("p",)
    splunkd.fault("GET", "data/indexes", status=500, times=1)
    assert isinstance(read().index.is_here, Unread)


def test_products_and_parsing(read: Read, apps: Path) -> None:
    """Versions, disabled ones, and an app that overrides the source type of the action's log."""
    write(apps / "Splunk_SA_CIM/default/app.conf", "[launcher]\nversion = 6.0.0\n[install]\nstate = disabled\n")
    write(apps / "SplunkEnterpriseSecuritySuite/default/app.conf", "[launcher]\nversion = 8.1.0\n")
    write(apps / "AAA/local/props.conf", "[source::...send_to_soar_modalert.log*]\nsourcetype = mine\n")
    write(apps / "AAA/metadata/default.meta", "[]\nexport = system\n")
    facts = read()
    assert facts.cim == App("6.0.0", disabled=True)
    assert facts.es == App("8.1.0", disabled=False)
    assert isinstance(facts.parsing, dict)
    assert facts.parsing["sourcetype"] == "mine"


def test_an_input_and_its_lease(read: Read, apps: Path, kv: KvStore) -> None:
    """Enabled, disabled; the lease only for administrators."""
    conf = apps / "TA_send_to_soar/local/inputs.conf"
    write(conf, "[soar_delivery://default]\ndisabled = 0\n")
    assert (read().delivery.enabled, read().delivery.lease) == (True, None)
    held = HeldLease(kv, "soar_delivery", "sh1:42", 300.0, lambda: NOW)
    assert held.acquire()
    assert read().delivery.lease == Lease("sh1:42", NOW + 300)
    lease = read("analyst").delivery.lease
    assert isinstance(lease, Unread)
    assert lease.is_refused
    write(conf, "[soar_delivery://default]\ndisabled = 1\n")
    assert read().delivery.enabled is False


def test_an_input_that_cant_be_read(read: Read, splunkd: SplunkdProcess) -> None:
    """Is unread; it is not taken for absent."""
    splunkd.fault("GET", "data/inputs/soar_delivery", status=500)
    assert isinstance(read().delivery.enabled, Unread)


def test_how_far_feedback_has_come(splunkd: SplunkdProcess, kv: KvStore) -> None:
    """From the account's settings and its checkpoint; who may not read that is told so."""
    session = splunkd.session()
    settings = replace(
        SETTINGS, accounts={"prod": {"feedback_interval": "120"}, "off": {"feedback": "off"}, "x": {"feedback": "y"}}
    )
    checkpoint.save(kv, Checkpoint("prod", polled=NOW - 50, error="no", writeback_error="none"))
    assert splunk_reader.polls(session, settings, "prod") == Polls(
        is_off=False, interval=120.0, polled=NOW - 50, error="no", writeback_error="none"
    )
    assert splunk_reader.polls(session, settings, "off") == Polls(is_off=True)
    wrong = splunk_reader.polls(session, settings, "x")
    assert isinstance(wrong, Unread)
    assert 'feedback = "y"' in wrong.what
    splunkd.fault("GET", "soar_checkpoint", status=403, times=1)
    refused = splunk_reader.polls(session, settings, "prod")
    assert isinstance(refused, Unread)
    assert refused.is_refused
    kv.delete("soar_checkpoint", "prod")
    session.close()


def test_the_outbox_in_numbers(read: Read, outbox: Outbox) -> None:
    """Administrators see it; who may not is told so."""
    outbox.insert(item("a", created=NOW - 100), payload("a"))
    facts = read()
    assert isinstance(facts.outbox, tuple)
    (account,) = facts.outbox
    assert (account.account, account.pending, account.oldest_age) == ("prod", 1, 100)
    refused = read("analyst").outbox
    assert isinstance(refused, Unread)
    assert refused.is_refused


SAVED = {
    "search": "index=main",
    "is_scheduled": "1",
    "cron_schedule": "* * * * *",
    "action.send_to_soar": "1",
    "action.send_to_soar.param.label": "email",
    "action.send_to_soar.param._cam": "{}",
}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"scheduled": True, "attached": True}),
        ({"action.send_to_soar": "0"}, {"scheduled": True, "attached": False}),
        ({"action.send_to_soar": "0", "actions": "email, send_to_soar"}, {"scheduled": True, "attached": True}),
        ({"disabled": "1", "is_scheduled": "0"}, {"disabled": True, "attached": True}),
        ({"is_scheduled": "0", "enableSched": "1"}, {"scheduled": True, "attached": True}),
        (
            {"action.send_to_soar.param.dry_run": "1", "alert.suppress": "1", "alert.suppress.period": "24h"},
            {"scheduled": True, "attached": True, "dry_run": True, "suppressed": "24h"},
        ),
    ],
)
def test_a_saved_search(
    read: Read, splunkd: SplunkdProcess, apps: Path, settings: dict[str, str], expected: dict[str, Any]
) -> None:
    """Its switches, and the parameters that are the action's."""
    post(splunkd, {"name": "Brute force", **SAVED, **settings})
    found = read(search="Brute force").search
    assert isinstance(found, SavedSearch)
    defaults: dict[str, Any] = {
        "disabled": False,
        "scheduled": False,
        "attached": False,
        "dry_run": False,
        "suppressed": "",
    }
    seen = {name: getattr(found, name) for name in defaults}
    assert seen == {**defaults, **expected}
    assert (found.name, found.app, found.problems) == ("Brute force", "search", ())
    assert found.parameters["label"] == "email"
    assert "_cam" not in found.parameters
    assert apps.exists()


def test_a_saved_search_whose_parameters_are_wrong(read: Read, splunkd: SplunkdProcess, apps: Path) -> None:
    """Says what the action would say."""
    post(splunkd, {"name": "Wrong", **SAVED, "action.send_to_soar.param.container_per": "nonsense"})
    found = read(search="Wrong").search
    assert isinstance(found, SavedSearch)
    assert "container_per" in " ".join(found.problems)
    assert apps.exists()


def test_a_saved_search_that_is_not_there(read: Read, splunkd: SplunkdProcess) -> None:
    """Or that can't be read."""
    missing = read(search="Nope").search
    assert isinstance(missing, Unread)
    assert 'No saved search "Nope"' in missing.what
    splunkd.fault("GET", "saved/searches", status=500, times=1)
    unread = read(search="Nope").search
    assert isinstance(unread, Unread)
    assert unread.status == 500


def test_a_splunkd_that_answers_nonsense_is_unread_everywhere(read: Read, splunkd: SplunkdProcess) -> None:
    """Each fact says why; none is made up."""
    splunkd.fault("", "", status=500)
    facts = read(search="x")
    for fact in (
        facts.caller,
        facts.version,
        facts.kv_store,
        facts.outbox,
        facts.cim,
        facts.es,
        facts.parsing,
        facts.search,
    ):
        assert isinstance(fact, Unread)
        assert "500" in fact.what


def test_the_owner_of_a_saved_search_may_use_the_account(read: Read, splunkd: SplunkdProcess, apps: Path) -> None:
    """Or it is told why not; an owner whom nobody knows is not judged."""
    post(splunkd, {"name": "Owned", **SAVED})
    splunkd.add_user("bob", "power")
    splunkd.add_user("ann", "user", "send_to_soar_user")
    settings = replace(SETTINGS, accounts={"prod": {"allowed_roles": "soc"}, "lab": {"is_default": "1"}})
    refused = {}
    for owner in ("ann", "bob", "gone"):
        write(apps / "search/metadata/local.meta", f"[savedsearches/Owned]\nowner = {owner}\n")
        found = read(search="Owned", settings=settings).search
        assert isinstance(found, SavedSearch)
        refused[owner] = found.refused
    assert (refused["ann"], refused["gone"]) == (None, None)
    assert refused["bob"] is not None
    assert "bob may not use SOAR accounts" in refused["bob"].what


@pytest.mark.parametrize(
    ("count", "word"), [(0, "No saved search"), (2, "is the name of several, in search (ann), es (bob)")]
)
def test_a_name_that_is_nobodys_or_of_several(count: int, word: str) -> None:
    """Says so, with the apps."""
    entries = [
        {"name": "x", "acl": {"app": app, "owner": who}, "content": {}}
        for app, who in (("search", "ann"), ("es", "bob"))
    ]
    session = Silent(json.dumps({"entry": entries[:count]}).encode())
    found = splunk_reader.read(session, SETTINGS, "x", LOGS, NOW).search  # type: ignore[arg-type]
    assert isinstance(found, Unread)
    assert word in found.what


class Silent:
    """A session whose answers are not what splunkd gives."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def request(self, *_: object) -> Any:
        """Always the same."""
        return Reply(200, {}, self.body)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{}", b'{"entry": []}', b'{"entry": [{}]}'])
def test_an_answer_without_a_feed_is_an_error(body: bytes) -> None:
    """A login page, another document, an empty feed."""
    with pytest.raises(SplunkdError):
        splunk_reader.caller(Silent(body))  # type: ignore[arg-type]


def post(splunkd: SplunkdProcess, fields: dict[str, str]) -> None:
    """Save a search."""
    session = splunkd.session()
    path = "/servicesNS/nobody/search/saved/searches?output_mode=json"
    reply = session.request("POST", path, urlencode(fields).encode(), "application/x-www-form-urlencoded")
    assert reply.status == 201, reply.body
    session.close()


def test_how_notables_are_updated(desk8: Desk) -> None:
    """The way of version 8, and how many containers' last update was refused or not seen; the latest reason."""

    def updates() -> Any:
        return splunk_reader.read(desk8.session, SETTINGS, "", LOGS, NOW).updates

    assert updates() == Updates("on", str(Path8("8.1.0", ROOTS[0])))
    for number, state in enumerate((REFUSED, REFUSED, UNCONFIRMED, "done")):
        note = f"why {number}"
        desk8.keep(replace(desk8.case(number, changed=2_000.0 - number), writeback=state, writeback_note=note))
    found = updates()
    assert (found.refused, found.unconfirmed, found.last) == (2, 1, "why 0")
    desk8.process.fault("GET", "public/v2", status=503, times=1)
    assert isinstance(updates(), Unread)
