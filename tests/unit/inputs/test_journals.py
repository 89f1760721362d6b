"""Journals that actions left behind: worked off, or moved into the outbox, and never in anybody's way."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from soarlink.commands.act import Desk
from soarlink.commands.arguments import RESEND, ActRequest
from soarlink.commands.changes import Changes
from soarlink.errors import KvStoreUnavailable
from soarlink.inputs.journals import AGAIN
from soarlink.outbox.item import DELIVERED, PENDING, REJECTED
from soarlink.outbox.selection import Filters
from soarlink.rows.row import Value
from soarlink.splunk.settings import DeliveryLimits
from tests.unit.actions.installed import ROWS
from tests.unit.inputs.site import Site

AGE_LIMIT = DeliveryLimits().age_limit


def test_a_journal_that_is_due_is_delivered(site: Site) -> None:
    """The time of the settling is over: rows end as delivered, the journal is gone, nothing is in the outbox."""
    site.alert(ROWS)
    site.later(30)
    assert site.journals().round(site.outbox) == 1
    assert site.states() == {rid: ["queued", "delivered"] for rid in "012"}
    assert site.installed.statuses() == {rid: ["pending", "success"] for rid in "012"}
    assert (site.installed.journals(), site.items()) == ([], [])
    assert "Journal worked off" in site.own_log()


def test_what_must_settle_goes_into_the_outbox(site: Site) -> None:
    """With everything that a person or the next attempt needs to know; the rows are not told again."""
    items = site.queue(ROWS)
    assert [item.state for item in items] == [PENDING] * 3
    first = items[0]
    assert (first.account, first.sid, first.action, first.rows) == ("lab", site.sid, "send_to_soar", 1)
    assert (first.attempts, first.error_class, first.error_code, first.unclear) == (1, "server fault", "503", True)
    assert "503" in first.error_text
    assert 10 < first.next_attempt - site.clock() <= 20
    assert site.states() == {rid: ["queued"] for rid in "012"}
    payload = site.outbox.load(first)
    assert payload.run.sid == site.sid
    assert [row.rid for shipment in payload.shipments for row in shipment.rows] == ["0"]


def test_a_call_again_leaves_to_the_outbox_what_it_has(site: Site) -> None:
    """Nothing is sent beside it: its rows wait with it, later they are told how they ended; one playbook run."""
    site.queue(ROWS[:1], playbook="local/contain_host", automation="0")
    path = site.installed.results(ROWS[:1])
    parameters = {"playbook": "local/contain_host", "automation": "0"}
    assert site.installed.run(path, **parameters) == 0
    assert site.soar.requests() == []
    assert "outbox" in site.events()[-1]["reason"]
    site.later(30)
    site.deliveries().round()
    assert site.installed.run(path, **parameters) == 0
    assert site.states() == {"0": ["queued", "queued", "delivered", "delivered"]}
    first, again = site.events()[2:]
    assert first["container_id"] == again["container_id"]
    assert len(site.soar.runs(first["container_id"])) == 1
    assert site.installed.statuses() == {"0": ["pending", "success"]}
    assert site.installed.journals() == []


def test_a_call_again_sends_what_was_refused(site: Site) -> None:
    """The outbox keeps that for a person and sends nothing by itself; somebody has corrected the search."""
    assert site.installed.run(site.installed.results(ROWS[:1]), label="nope") == 4
    assert site.journals().round(site.outbox) == 1
    assert site.installed.run(site.installed.results(ROWS[:1])) == 0
    assert site.states() == {"0": ["rejected", "delivered"]}
    assert site.installed.statuses() == {"0": ["failure"]}


def test_nothing_there_is_nothing_to_do(site: Site) -> None:
    """No folder yet."""
    assert site.journals().round(site.outbox) == 0


def test_a_live_action_keeps_its_journal(site: Site) -> None:
    """Its lock is held: the input passes it over, and takes it up when it is free."""
    site.alert(ROWS)
    site.later(30)
    (key,) = site.installed.journals()
    held = site.installed.store().resume(key)
    assert held is not None
    journals = site.journals()
    assert journals.round(site.outbox) == 0
    held.release()
    assert journals.round(site.outbox) == 1


def test_a_run_that_could_not_start_waits_half_a_minute(site: Site) -> None:
    """The secret can't be had: looked at again after :data:`AGAIN`, not in between, and told once."""
    site.alert(ROWS)
    site.later(30)
    site.splunkd.fault("GET", ".*/storage/passwords.*", status=503, times=1)
    journals = site.journals()
    assert journals.round(site.outbox) == 0
    assert "Journal waits" in site.own_log()
    assert journals.round(site.outbox) == 0
    site.later(AGAIN + 1)
    assert journals.round(site.outbox) == 1
    assert site.states() == {rid: ["queued", "delivered"] for rid in "012"}


def test_without_a_kv_store_the_journal_stays(site: Site) -> None:
    """And is delivered from, when its time comes."""
    site.alert(ROWS)
    site.splunkd.fault("POST", ".*/storage/collections/data/soar_.*", status=503, times=None)
    journals = site.journals()
    assert journals.round(site.outbox) == 0
    assert "the KV store is away" in site.own_log()
    assert len(site.installed.journals()) == 1
    site.later(AGAIN + 1)
    assert journals.round(site.outbox) == 1
    assert site.states() == {rid: ["queued", "delivered"] for rid in "012"}


def test_a_move_that_breaks_off_goes_on_where_it_was(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """In groups; those that are in the outbox already are not inserted again and not delivered from here."""
    monkeypatch.setattr("soarlink.inputs.journals._GROUP", 2)
    site.alert([*ROWS, {"src": "10.0.0.4"}, {"src": "10.0.0.5"}])
    insert, calls = site.outbox.insert_many, 0

    def failing(entries: object) -> object:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KvStoreUnavailable("away.")
        return insert(entries)  # type: ignore[arg-type]

    monkeypatch.setattr(site.outbox, "insert_many", failing)
    journals = site.journals()
    assert journals.round(site.outbox) == 0
    assert len(site.items()) == 2
    site.later(AGAIN + 1)
    monkeypatch.setattr(site.outbox, "insert_many", insert)
    assert site.journals().round(site.outbox) == 1
    assert len(site.items()) == 2
    assert sorted(site.states().values()) == [["queued"]] * 2 + [["queued", "delivered"]] * 3


def test_a_move_whose_answer_is_lost_starts_no_playbook_twice(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outbox has the container, the ledger does not say so: from one of the two it is sent, not from both."""
    site.alert(ROWS[:1], playbook="local/contain_host", automation="0")
    insert = site.outbox.insert_many

    def unanswered(entries: Iterable[Any]) -> set[str]:
        insert(entries)
        raise KvStoreUnavailable("no answer.")

    monkeypatch.setattr(site.outbox, "insert_many", unanswered)
    assert site.journals().round(site.outbox) == 0
    monkeypatch.setattr(site.outbox, "insert_many", insert)
    site.later(AGAIN + 1)
    site.journals().round(site.outbox)
    while site.deliveries().round():
        pass
    (item,) = site.items()
    assert item.container_id is not None
    assert len(site.soar.runs(item.container_id)) == 1


def test_what_soar_refused_is_kept_for_a_person(site: Site) -> None:
    """Rejected in the outbox, with the reason and what it would have sent; its row was told by the action."""
    assert site.installed.run(site.installed.results([*ROWS[:1]]), label="nope") == 4
    assert site.journals().round(site.outbox) == 1
    (item,) = site.items()
    assert (item.state, item.error_class, item.attempts) == (REJECTED, "refused", 1)
    assert "nope" in item.error_text
    assert site.outbox.load(item).shipments[0].container["label"] == "nope"
    assert site.installed.statuses() == {"0": ["failure"]}
    assert site.installed.journals() == []


def custom_strings(site: Site) -> list[str | None]:
    """The field `cs6` of each artifact in the container of this search."""
    number = next(
        event["container_id"]
        for event in site.events()
        if event["sid"] == site.installed.sid and "container_id" in event
    )
    return [artifact["cef"].get("cs6") for artifact in site.soar.artifacts(number)]


def test_an_artifact_that_soar_refused_is_kept_for_a_person(site: Site) -> None:
    """As a whole container is: nothing is ever deleted undelivered."""
    site.soar.fault("POST /rest/artifact", "failed", message="Too large.")
    assert site.installed.run(site.installed.results(ROWS[:1]), automation="0") == 4
    site.soar.reset()
    site.journals().round(site.outbox)
    (item,) = site.items()
    assert (item.state, item.error_class, item.attempts) == (REJECTED, "refused", 1)
    assert "has 0 of 1 artifacts" in item.error_text
    (container,) = {event["container_id"] for event in site.events()}
    assert (item.container_id, item.container_url) == (container, site.events()[0]["container_url"])
    assert site.installed.statuses() == {"0": ["failure"]}
    assert site.installed.journals() == []


def test_an_artifact_that_is_resent_arrives_in_its_container(site: Site) -> None:
    """Also when another process took the journal up first: what was refused in part is known from the ledger."""
    site.soar.fault("POST /rest/artifact", "failed", message="Too large.")
    assert site.installed.run(site.installed.results(ROWS[:1]), automation="0") == 4
    site.soar.reset()
    site.splunkd.fault("POST", ".*/storage/collections/data/soar_.*", status=503, times=1)
    assert site.journals().round(site.outbox) == 0
    site.later(AGAIN + 1)
    assert site.journals().round(site.outbox) == 1
    (item,) = site.items()
    (done,) = Desk(site.outbox, "alice", site.clock()).carry_out(ActRequest(RESEND, Filters()), [item])
    assert done.is_done
    assert site.deliveries().round() == 1
    assert [item.state for item in site.items()] == [DELIVERED]
    assert item.container_id is not None
    assert len(site.soar.artifacts(item.container_id)) == 1
    assert site.states() == {"0": ["rejected", "updated"]}


def test_the_rules_are_those_of_the_alert(site: Site) -> None:
    """Rules that were changed while it waited do not apply to it."""
    site.alert(ROWS[:1])
    site.installed.configure("ta_send_to_soar_mapping", "[own]\nfields = src\nto = cs6\norder = 1\n")
    site.later(30)
    assert site.journals().round(site.outbox) == 1, site.own_log()
    assert custom_strings(site) == [None]
    site.installed.sid += "b"
    assert site.installed.run(site.installed.results(ROWS[:1])) == 0
    assert custom_strings(site) == ["10.0.0.1"]


def test_rules_that_are_wrong_now_hold_nothing_back(site: Site) -> None:
    """The alert has rules of its own."""
    site.alert(ROWS[:1])
    site.installed.configure("ta_send_to_soar_mapping", "[own]\nfields = src\nto = cs6\nmode = drop\n")
    site.later(30)
    assert site.journals().round(site.outbox) == 1, site.own_log()


ENDPOINT = "/services/ta_send_to_soar/access"


@pytest.mark.parametrize(
    ("owner", "policy", "state", "words"),
    [
        ("ann", "", "delivered", ""),
        ("lea", "allowed_roles = power", "delivered", ""),
        ("nobody", "allowed_roles = power", "delivered", ""),
        ("ann", "allowed_roles = power", "rejected", "limited to other roles"),
        ("bob", "", "rejected", "capability use_soar_actions"),
        ("gone", "", "rejected", "splunkd knows no such user"),
        ("", "", "rejected", "splunkd knows no such user"),
    ],
)
def test_an_alert_that_was_written_down_unasked_is_asked_for(
    site: Site, owner: str, policy: str, state: str, words: str
) -> None:
    """The user's rights, before anything is sent."""
    site.splunkd.add_user("ann", "user", "send_to_soar_user")
    site.splunkd.add_user("lea", "admin", "send_to_soar_user")  # admin imports power
    site.splunkd.add_user("bob", "power")
    site.account(more=policy)
    site.splunkd.fault("POST", ENDPOINT, status=503)
    site.installed.payload = {"owner": owner}
    assert site.installed.run(site.installed.results(ROWS)) == 0
    site.splunkd.clear()
    site.later(30)
    assert site.journals().round(site.outbox) == 1
    assert {tuple(states) for states in site.states().values()} == {("queued", state)}
    assert all(words in event["reason"] for event in site.events() if event["status"] == "rejected")
    assert (site.soar.requests() == []) is (state == "rejected")
    assert site.installed.journals() == []


def test_a_splunkd_that_is_still_away_holds_it(site: Site) -> None:
    """Nobody is refused because splunkd is busy."""
    site.account()
    site.splunkd.fault("POST", ENDPOINT, status=503)
    site.splunkd.fault("GET", "/services/authentication/users", status=503)
    assert site.installed.run(site.installed.results(ROWS)) == 0
    site.later(30)
    assert site.journals().round(site.outbox) == 0
    assert {tuple(states) for states in site.states().values()} == {("queued",)}
    site.splunkd.clear()
    site.later(30)
    assert site.journals().round(site.outbox) == 1
    assert {tuple(states) for states in site.states().values()} == {("queued", "delivered")}


def test_the_account_is_the_one_it_was_written_down_for(site: Site) -> None:
    """Another default account since then gets nothing: nobody has asked whether the user may use that one."""
    site.account()
    site.alert(ROWS)
    pem = site.soar.ca.strip().replace("\n", "\\\n")
    stanza = f"url = {{}}\nca_certificate = {pem}\n"
    other = f"[other]\nis_default = 1\n{stanza.format('https://127.0.0.1:1')}"
    site.installed.configure("ta_send_to_soar_account", f"[lab]\n{stanza.format(site.soar.url)}\n{other}")
    site.later(30)
    assert site.journals().round(site.outbox) == 1
    assert {states[-1] for states in site.states().values()} == {"delivered"}


def test_an_account_that_is_gone_holds_the_alert(site: Site) -> None:
    """Somebody may put it back: the reason is in the log, the journal stays."""
    site.alert(ROWS)
    site.later(30)
    site.account("other")
    site.installed.configure("ta_send_to_soar_account", "")
    assert site.journals().round(site.outbox) == 0
    assert "There is no SOAR account 'lab'" in site.own_log()
    site.account()
    assert site.journals().round(site.outbox) == 1


def test_an_account_without_its_token_holds_the_alert(site: Site) -> None:
    """It was written down: somebody may enter the token again."""
    site.alert(ROWS)
    site.later(30)
    site.secret("lab", "")
    assert site.journals().round(site.outbox) == 0
    assert "has no automation token" in site.own_log()
    assert site.states() == {rid: ["queued"] for rid in "012"}
    site.account()
    assert site.journals().round(site.outbox) == 1
    assert site.states() == {rid: ["queued", "delivered"] for rid in "012"}


def test_the_account_is_the_one_of_the_alert(site: Site) -> None:
    """Another one that became the default since gets nothing of it."""
    site.alert(ROWS[:1])
    site.later(30)
    accounts = (site.installed.app / "local/ta_send_to_soar_account.conf").read_text("utf-8")
    site.account("dead", url="https://localhost:1", more="is_default = 1")
    with (site.installed.app / "local/ta_send_to_soar_account.conf").open("a", encoding="utf-8") as file:
        file.write(accounts)
    assert site.journals().round(site.outbox) == 1
    assert site.states() == {"0": ["queued", "delivered"]}


def test_an_alert_that_waits_for_its_account_for_too_long_is_rejected(site: Site) -> None:
    """Into the outbox, with what to do; not tried any more, and resent it arrives in the account that is named."""
    site.alert(ROWS, playbook="local/contain_host", automation="0")
    site.later(AGE_LIMIT + 60)
    site.account("other")
    assert site.journals().round(site.outbox) == 1
    items = site.items()
    assert {(item.state, item.account) for item in items} == {(REJECTED, "lab")}
    assert items[0].error_text.startswith('Not delivered within 72 hours: There is no SOAR account "lab"')
    assert "to_account=" in items[0].error_text
    assert site.installed.statuses() == {rid: ["pending", "failure"] for rid in "012"}
    assert site.installed.journals() == []
    request = ActRequest(RESEND, Filters(), Changes(account="other"))
    assert all(done.is_done for done in Desk(site.outbox, "alice", site.clock()).carry_out(request, items))
    assert site.deliveries().round() == 3
    assert {item.state for item in site.items()} == {DELIVERED}


def test_an_alert_that_can_t_be_planned_for_too_long_is_put_aside(site: Site) -> None:
    """Its results are rejected and say where it is kept; moved back, it is tried again."""
    site.alert(ROWS)
    (key,) = site.installed.journals()
    journal = site.installed.delivery / "journal" / key
    settings = json.loads((journal / "settings.json").read_bytes())
    (journal / "settings.json").write_text(json.dumps({**settings, "mapping": "gone"}), "ascii")
    site.later(AGE_LIMIT + 60)
    assert site.journals().round(site.outbox) == 0
    assert site.installed.journals() == []
    assert site.installed.statuses() == {rid: ["pending", "failure"] for rid in "012"}
    assert f"unusable/{key}" in site.events()[-1]["reason"]
    assert {event["account"] for event in site.events()} == {"lab"}
    assert "Journal put aside" in site.own_log()
    aside = site.installed.delivery / "unusable" / key
    (aside / "settings.json").write_text(json.dumps(settings), "ascii")
    aside.rename(journal)
    assert site.journals().round(site.outbox) == 1
    assert site.states() == {rid: ["queued", "rejected", "delivered"] for rid in "012"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("payload.json", "["),
        ("ledger", "litter\n"),
        ("settings.json", "{"),
        ("settings.json", "5"),
        ("settings.json", '{"format": 99, "action": "send_to_soar", "account": "lab"}'),
    ],
)
def test_a_journal_that_is_damaged_for_too_long_is_put_aside(site: Site, name: str, content: str) -> None:
    """Nothing is deleted, it is not looked at for ever, and its rows are told, unless it has none any more."""
    site.alert(ROWS[:1])
    (key,) = site.installed.journals()
    path = site.installed.delivery / "journal" / key / name
    path.write_text(content, "ascii")
    site.later(30)
    site.journals().round(site.outbox)
    assert site.installed.journals() == [key]
    site.later(AGE_LIMIT + 60)
    site.journals().round(site.outbox)
    assert site.installed.journals() == []
    assert (site.installed.delivery / "unusable" / key / name).read_text("ascii") == content
    ends = [] if name == "payload.json" else ["failure"]
    assert site.installed.statuses() == {"0": ["pending", *ends]}


def test_parts_of_a_large_container_stay_together(site: Site) -> None:
    """One item of the outbox holds all of them, with the runs that are known."""
    rows: list[dict[str, Value]] = [{"src": f"10.0.{n // 200}.{n % 200}"} for n in range(250)]
    (item,) = site.queue(rows, "503", container_per="search", playbook="local/contain_host")
    assert item.rows == 250
    assert [shipment.part for shipment in site.outbox.load(item).shipments] == [0, 1, 2]


def test_a_stop_ends_the_round(site: Site) -> None:
    """No further journal is begun."""
    site.alert(ROWS)
    site.later(30)
    site.stop.set()
    assert site.journals().round(site.outbox) == 0
    assert site.states() == {rid: ["queued"] for rid in "012"}


def test_a_journal_of_another_version_stops_no_other(site: Site) -> None:
    """It is left alone, and said."""
    site.alert(ROWS[:1])
    (odd,) = site.installed.journals()
    settings = site.installed.delivery / "journal" / odd / "settings.json"
    settings.write_text('{"format": 99}', "ascii")
    site.alert(ROWS[1:])
    site.later(30)
    assert site.journals().round(site.outbox) == 1
    assert site.installed.journals() == [odd]
    assert "format 99" in site.own_log()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("settings.json", "{"),
        ("payload.json", "["),
        ("ledger", "litter\n"),
    ],
)
def test_a_damaged_journal_stops_no_other(site: Site, name: str, content: str) -> None:
    """One poisoned item never blocks the others."""
    site.alert(ROWS[:1])
    (odd,) = site.installed.journals()
    (site.installed.delivery / "journal" / odd / name).write_text(content, "ascii")
    site.alert(ROWS[1:])
    site.later(30)
    assert site.journals().round(site.outbox) == 1
    assert site.installed.journals() == [odd]


def test_a_search_id_of_the_journal_is_not_a_secret_but_the_key_is(site: Site) -> None:
    """What is on disk while an alert waits has no session key in it (the fixture greps all files)."""
    site.alert(ROWS)
    (key,) = site.installed.journals()
    document = json.loads((site.installed.delivery / "journal" / key / "payload.json").read_bytes())
    assert (document["sid"], document["session_key"]) == (site.sid, "")
