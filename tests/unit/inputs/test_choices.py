"""What the alert form offers is what the accounts' SOAR servers have, kept cheaply and never emptied by a failure."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from soarlink.delivery.breaker import Breaker
from soarlink.errors import KvStoreUnavailable
from soarlink.inputs import choices as module
from soarlink.inputs import choicetable
from soarlink.inputs.choices import EVERY, LISTS, OFFERED, RETRY, Choices
from soarlink.inputs.choicetable import COLLECTION
from soarlink.outbox.lease import Lease
from soarlink.splunk.kvstore import KvStore
from tests.unit.actions.installed import ROWS
from tests.unit.inputs.site import Site
from tests.unit.inputs.test_delivery import Run, other, run
from tests.unit.standin import TOKEN

__all__ = ["other", "run"]

Rows = list[dict[str, Any]]


class Form:
    """The lookup and what keeps it up to date."""

    def __init__(self, site: Site, kv: KvStore) -> None:
        self.site = site
        self.kv = kv
        self.has_lease = True
        self.choices = self.fresh()

    def fresh(self) -> Choices:
        """As a new process has it."""
        return Choices(self.site.session, self.kv, self.site.log, lambda: self.has_lease)

    def work(self) -> int:
        """Rounds until nothing is due; how many did something."""
        count = 0
        while self.choices.round():
            count += 1
            assert count < 100
        return count

    def rows(self) -> Rows:
        """Everything in the lookup."""
        return self.kv.query(COLLECTION)

    def values(self, kind: str, account: str = "lab") -> list[str]:
        """The choices of a kind."""
        return sorted(row["value"] for row in self.rows() if (row["kind"], row["account"]) == (kind, account))

    def asked(self) -> list[str]:
        """What SOAR was asked since the last time."""
        found = [record["path"] for record in self.site.soar.requests()]
        self.site.soar.reset()
        return found


@pytest.fixture
def form(site: Site, kv: KvStore) -> Form:
    """Return an empty lookup."""
    kv.delete_where(COLLECTION, {"kind": {"$ne": ""}})
    site.soar.reset()
    return Form(site, kv)


def test_the_lookup_holds_what_soar_has(form: Form) -> None:
    """Names of every kind as the action takes them, templates for every account, and no secret."""
    form.work()
    assert {"events", "notable"} <= set(form.values("label"))
    assert {"high", "low", "medium"} <= set(form.values("severity"))
    assert {"closed", "new", "open"} <= set(form.values("status"))
    assert {"alice", "bob"} <= set(form.values("owner"))
    assert "role:Incident Commander" in form.values("owner_role")
    assert {"local/contain_host", "local/splunk_triage"} <= set(form.values("playbook"))
    assert "local/enrich_indicators" not in form.values("playbook")  # for other playbooks to call
    assert form.values("workbook") == ["Incident response"]
    assert form.values("account") == ["lab"]
    assert form.values("severity", "") == sorted(choice.value for choice in OFFERED["severity"])
    (account,) = (row for row in form.rows() if row["kind"] == "account")
    assert account["label"] == "lab (localhost)"
    text = json.dumps(form.rows())
    assert TOKEN not in text
    assert form.site.key not in text


def test_each_list_is_asked_for_once_an_hour_and_one_at_a_time(form: Form) -> None:
    """One request a round; none until it is due again."""
    assert form.choices.round()
    assert form.asked() == []
    for _ in LISTS:
        assert form.choices.round()
        assert len(form.asked()) == 1
    assert form.work() == 0
    form.site.later(EVERY - 10)
    assert form.work() == 0
    form.site.later(20)
    assert form.work() == len(LISTS)
    assert len(form.asked()) == len(LISTS)


def test_names_that_are_gone_in_soar_go(form: Form) -> None:
    """And new ones come."""
    form.work()
    ghost = {"_key": "ghost", "account": "lab", "kind": "label", "value": "ghost", "label": "ghost", "updated": 1.0}
    assert form.kv.insert(COLLECTION, ghost)
    form.site.later(EVERY + 1)
    form.work()
    assert "ghost" not in form.values("label")
    assert "events" in form.values("label")


@pytest.mark.parametrize("fault", ["503", "drop_before_commit", "429", "login_page"])
def test_a_server_that_fails_keeps_its_rows_and_costs_one_request(form: Form, fault: str) -> None:
    """Old rows are better than none; the server is left alone, and its fault is told once."""
    form.work()
    before = form.rows()
    form.asked()
    form.site.soar.fault("GET /rest/*", fault, times=None)
    form.site.later(EVERY + 1)
    form.work()
    assert len(form.site.soar.requests()) == 1
    form.site.later(RETRY + 1)
    form.work()
    assert len(form.site.soar.requests()) == 2
    assert form.rows() == before
    assert form.site.own_log().count("Choices of the alert form") == 1
    form.asked()
    form.site.later(RETRY + 1)
    assert form.work() == len(LISTS)
    assert {row["updated"] for row in form.rows() if row["kind"] == "label"} != {
        row["updated"] for row in before if row["kind"] == "label"
    }


def test_a_list_that_the_user_may_not_read_stops_no_other(form: Form) -> None:
    """Its kind stays empty, the reason is told, and it is not asked for before an hour is over."""
    form.site.soar.fault("GET /rest/ph_user", "failed", times=None, message="You do not have permission.")
    form.work()
    assert form.values("owner") == []
    assert form.values("playbook") != []
    assert "user: SOAR refuses it: You do not have permission." in form.site.own_log()
    form.site.later(RETRY + 1)
    assert form.work() == 0


def test_accounts_come_change_and_go(form: Form) -> None:
    """A new one is listed at once, one at another address is asked again, a deleted one leaves nothing."""
    form.work()
    accounts = form.site.installed.app / "local/ta_send_to_soar_account.conf"
    one = accounts.read_text("utf-8")
    form.site.secret("second", TOKEN)
    accounts.write_text(one + one.replace("[lab]", "[second]") + "is_default = 1\n", "utf-8")
    form.asked()
    form.work()
    assert len(form.asked()) == len(LISTS)
    assert form.values("label", "second") == form.values("label")
    (row,) = (row for row in form.rows() if (row["kind"], row["account"]) == ("account", "second"))
    assert row["label"] == "second (localhost, default)"
    accounts.write_text(one.replace(form.site.soar.url, "https://127.0.0.1:1"), "utf-8")
    form.work()
    assert {(row["account"], row["kind"]) for row in form.rows() if row["account"]} == {("lab", "account")}
    accounts.write_text("", "utf-8")
    form.work()
    assert {row["account"] for row in form.rows()} == {""}


def test_a_new_process_clears_what_was_deleted_meanwhile(form: Form) -> None:
    """Also an account of which only some rows are left."""
    form.work()
    (form.site.installed.app / "local/ta_send_to_soar_account.conf").write_text("", "utf-8")
    form.choices = form.fresh()
    form.work()
    assert {row["account"] for row in form.rows()} == {""}


def test_many_names_are_bounded_and_told(form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones in order; the cut list does not become one by which names are refused."""
    monkeypatch.setattr(choicetable, "MOST", 2)
    monkeypatch.setattr(module, "MOST", 2)
    form.work()
    assert len(form.values("owner")) == 2
    assert "user: there are more than 2, the form offers the first ones" in form.site.own_log()
    file = form.site.splunkd.home / "var/run/splunk/TA_send_to_soar/vocabulary-lab.json"
    assert "user" not in json.loads(file.read_text("utf-8"))["parts"]
    assert {"page_size=3" in record["query"] for record in form.site.soar.requests("GET /rest/ph_user")} == {True}


def test_five_thousand_users_fit(form: Form) -> None:
    """Written in batches; 5,001 are one too many."""
    table = choicetable.ChoiceTable(form.kv)
    many = [choicetable.Choice(f"u{number:05}", "x") for number in range(5_001)]
    assert table.replace("lab", "owner", many, 1.0) == 1
    assert len(form.values("owner")) == 5_000
    assert table.replace("lab", "owner", many[:1], 2.0) == 0
    assert form.values("owner") == ["u00000"]


def test_without_the_lease_nothing_is_written(form: Form) -> None:
    """Only one search head writes, also when it loses the lease between asking and writing."""
    form.has_lease = False
    form.choices.round()
    assert form.rows() == []
    form.has_lease = True
    form.choices.round()
    form.has_lease = False
    for _ in LISTS:
        form.choices.round()
    assert {row["kind"] for row in form.rows()} <= {"account", *OFFERED}


def test_a_kv_store_that_is_away_is_no_reason_to_ask_soar_again_and_again(form: Form) -> None:
    """The loop says why; the list is tried again later."""
    form.choices.round()
    form.site.splunkd.fault(".*", f".*/{COLLECTION}.*", status=503, times=None)
    with pytest.raises(KvStoreUnavailable):
        form.choices.round()
    for _ in LISTS[1:]:
        with pytest.raises(KvStoreUnavailable):
            form.choices.round()
    assert not form.choices.round()
    assert len(form.asked()) == len(LISTS)


def test_a_server_that_is_left_alone_is_left_alone(form: Form) -> None:
    """The deliveries' breaker counts here too."""
    Breaker(form.site.installed.delivery / "breaker", "lab", form.site.clock).trip("down")
    form.work()
    assert form.asked() == []
    assert form.values("label") == []


def test_an_account_without_secret_stops_no_other(form: Form) -> None:
    """It is told, and tried again later."""
    accounts = form.site.installed.app / "local/ta_send_to_soar_account.conf"
    one = accounts.read_text("utf-8")
    accounts.write_text(one.replace("[lab]", "[bare]") + one, "utf-8")
    form.work()
    assert form.values("label") != []
    assert form.values("account", "bare") == ["bare"]
    assert "has no automation token" in form.site.own_log()


def test_a_run_needs_no_list_of_its_own(form: Form) -> None:
    """This search head's snapshot is filled by the way: one POST, also with label, owner and status."""
    form.work()
    form.asked()
    path = form.site.installed.results(ROWS[:1])
    assert form.site.installed.run(path, label="notable", owner="alice", status="open", severity="high") == 0
    assert [(record["method"], record["path"]) for record in form.site.soar.requests()] == [("POST", "/rest/container")]


def test_the_input_fills_the_lookup(form: Form, run: Run) -> None:
    """Within seconds after its start."""
    run(8)
    assert form.values("playbook") != []


def test_another_search_head_s_lease_keeps_this_one_silent(form: Form, run: Callable[..., Any], other: Lease) -> None:
    """One member writes."""
    assert other.acquire()
    run(30)
    assert form.rows() == []
    assert form.asked() == []
