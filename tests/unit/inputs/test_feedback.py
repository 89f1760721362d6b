"""The feedback input, in this process: what it brings, when it goes on, what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from soarlink.feedback import checkpoint
from soarlink.feedback.cases import COLLECTION
from soarlink.feedback.cursor import Cursor
from soarlink.feedback.poll import End, Poll
from soarlink.inputs.feedback import Feedback
from soarlink.rows.row import Value
from soarlink.soar.client import SoarClient
from soarlink.splunk.kvstore import KvStore
from tests.unit.inputs.site import Site

ROWS: list[dict[str, Value]] = [{"src": f"10.60.0.{n}", "event_id": f"ev{n}"} for n in range(3)]


def spooled(site: Site) -> list[dict[str, Any]]:
    """Events of this test's search that were handed over since the last look, each with its sourcetype."""
    found = []
    for path in sorted((site.splunkd.home / "var/spool/splunk").glob("*.stash_soar")):
        for part in path.read_text("utf-8").split("==##~~##~~  1E8N3D4E6V5E7N2T9 ~~##~~##==")[1:]:
            header, text = part.strip().split("\n", 1)
            event = json.loads(text)
            if event.get("orig_sid") == site.sid and "soar_event_id" in event:  # SOAR holds other tests' containers
                found.append({**event, "sourcetype": header.split('sourcetype="')[1].split('"')[0]})
        path.unlink()
    return found


def send(site: Site, **parameters: str) -> None:
    """Send three results."""
    assert site.installed.run(site.installed.results(ROWS), automation="0", **parameters) == 0


def counts(events: list[dict[str, Any]]) -> dict[str, int]:
    """Events by sourcetype."""
    found: dict[str, int] = {}
    for event in events:
        found[event["sourcetype"]] = found.get(event["sourcetype"], 0) + 1
    return found


@pytest.fixture
def kv_store(site: Site) -> KvStore:
    """The KV store without what earlier tests left."""
    kv = KvStore(site.splunkd.session())
    for collection in (COLLECTION, checkpoint.COLLECTION, "soar_lease"):
        empty(kv, collection)
    return kv


def empty(kv: KvStore, collection: str) -> None:
    """Delete every document."""
    for document in kv.query(collection):
        kv.delete(collection, str(document["_key"]))


def test_each_state_is_brought_once(site: Site, kv_store: KvStore) -> None:
    """Containers and runs come with the finding's id; a later round brings what is new, and nothing again."""
    site.account(more="feedback_artifacts = 1")
    send(site, playbook="local/contain_host")
    feedback = Feedback(site.session, site.stop)
    feedback.round()
    first = spooled(site)
    assert {event.get("splunk_id") for event in first} == {"ev0", "ev1", "ev2"}
    found = counts(first)
    assert (found["soar:container"], found["soar:artifact"]) == (3, 3)
    # A run that moves on during the poll is there in both of its states.
    assert len({event["run_id"] for event in first if "run_id" in event}) == 3
    assert {event["playbook"] for event in first if "playbook" in event} == {"local/contain_host"}
    feedback.round()
    assert spooled(site) == []  # not due yet

    client = SoarClient(site.soar.account())
    number = int(first[0]["container_id"])
    client.set_status(number, "closed")
    client.close()
    site.later(61)
    feedback.round()
    closed = [event for event in spooled(site) if event["sourcetype"] == "soar:container"]
    assert [(event["container_id"], event["status"]) for event in closed] == [(number, "closed")]
    row = kv_store.get(COLLECTION, f"lab:{number}") or {}
    assert (row["status"], row["event_id"], row["ours"]) == ("closed", closed[0]["splunk_id"], True)
    assert checkpoint.load(kv_store, "lab").polled > 0


def test_another_process_goes_on_from_there(site: Site, kv_store: KvStore) -> None:
    """A new input reads the lookup and the cursors: it brings nothing twice, and knows whose containers they are."""
    site.account()
    send(site)
    Feedback(site.session, site.stop).round()
    assert counts(spooled(site))["soar:container"] == 3
    empty(kv_store, "soar_lease")
    client = SoarClient(site.soar.account())
    numbers = [one.id for one in client.containers_with_keys([f"{site.sid}+0"])]
    client.set_status(numbers[0], "open")
    client.close()
    Feedback(site.session, site.stop).round()
    assert [event["container_id"] for event in spooled(site)] == [numbers[0]]


def test_a_poll_knows_when_soar_was_read_last(site: Site, kv_store: KvStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also right after another, and after one that was cut short: neither takes SOAR's clock for one that went back."""
    seconds: list[float] = []
    run = Poll.run

    def watched(poll: Poll, cursors: Mapping[str, Cursor], first: str, elapsed: float) -> End:
        seconds.append(elapsed)
        end = run(poll, cursors, first, elapsed)
        if len(seconds) == 3:
            raise KeyboardInterrupt
        return end

    def anew() -> None:
        empty(kv_store, "soar_lease")
        Feedback(site.session, site.stop).round()

    monkeypatch.setattr(Poll, "run", watched)
    site.account()
    send(site)
    anew()
    site.later(5)
    anew()
    site.later(1_000)
    client = SoarClient(site.soar.account())
    client.set_status(next(one.id for one in client.containers_with_keys([f"{site.sid}+0"])), "open")
    client.close()
    ended = checkpoint.load(kv_store, "lab").tried
    with pytest.raises(KeyboardInterrupt):
        anew()
    assert checkpoint.load(kv_store, "lab").tried == ended  # it did not come to its end
    site.later(3)
    anew()
    assert seconds == pytest.approx([0, 5, 1_000, 3], abs=1)


@pytest.mark.parametrize(("setting", "brought"), [("feedback = off", 0), ("feedback = all", 3)])
def test_the_accounts_setting_decides(site: Site, kv_store: KvStore, setting: str, brought: int) -> None:
    """Nothing where it is off; everything where it is all."""
    site.account(more=setting)
    send(site)
    Feedback(site.session, site.stop).round()
    assert counts(spooled(site)).get("soar:container", 0) == brought
    assert (kv_store.get(checkpoint.COLLECTION, "lab") is None) == (not brought)


def test_what_is_wrong_is_said_once_and_when_it_is_over(site: Site, kv_store: KvStore) -> None:
    """A setting that can't be used, then a SOAR that refuses, then neither; the checkpoint says why."""
    site.account(more="feedback = some")
    feedback = Feedback(site.session, site.stop)
    feedback.round()
    site.account(token="wrong-" + "x" * 20)
    for _ in range(2):
        site.later(61)
        feedback.round()
    assert "token" in checkpoint.load(kv_store, "lab").error
    site.account()
    site.later(61)
    feedback.round()
    log = (site.splunkd.home / "var/log/splunk/soar_feedback.log").read_text("utf-8")
    assert log.count("Not polled") == 2
    assert log.count("Polled again") == 1
    assert checkpoint.load(kv_store, "lab").error == ""


def test_only_the_holder_of_the_lease_polls(site: Site, kv_store: KvStore) -> None:
    """While another search head has it nothing is asked; a stopped input gives it back."""
    site.account()
    send(site)
    first, second = (Feedback(site.session, site.stop) for _ in range(2))
    first.round()
    assert spooled(site)
    second.round()
    assert spooled(site) == []
    site.stop.set()
    first.run()
    site.stop.clear()
    second.round()
    assert checkpoint.load(kv_store, "lab").error == ""


def test_an_account_that_is_not_read_does_not_seem_to_stand_still(site: Site, kv_store: KvStore) -> None:
    """Its checkpoint says so when its feedback is off or the account is gone, once, and not that something is wrong."""
    site.account(token="wrong-" + "x" * 20)
    feedback = Feedback(site.session, site.stop)
    feedback.round()
    read = checkpoint.load(kv_store, "lab")
    assert (read.interval, bool(read.error)) == (60.0, True)
    site.account(more="feedback = off")
    site.later(61)
    feedback.round()
    off = checkpoint.load(kv_store, "lab")
    assert (off.interval, off.error, off.cursors) == (0.0, "", read.cursors)
    site.account(more="feedback_interval = 600")
    site.later(61)
    feedback.round()
    assert checkpoint.load(kv_store, "lab").interval == 600.0
    site.installed.configure("ta_send_to_soar_account", "")
    feedback.round()  # nothing is due
    assert checkpoint.load(kv_store, "lab").interval == 0.0
    site.account()
    site.later(601)
    feedback.round()
    assert checkpoint.load(kv_store, "lab").interval == 60.0
