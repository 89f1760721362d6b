"""The built add-on's search commands, started as splunkd starts them, with a real session key, on both Pythons."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.runner.conf import is_true
from lab.runner.errors import LabError
from lab.runner.lab import Lab
from lab.runner.searchcommand import CommandResult, Search, run_command
from lab.splunkd import SPLUNK_PACKAGE

APP = "TA_send_to_soar"
Run = Callable[..., CommandResult]
Fill = Callable[..., None]

# Runs inside the built add-on, as the delivery input would: the rows come in through its own code, over TLS.
FILL = """
import json, os, sys
from dataclasses import replace
from pathlib import Path
from soarlink.secret import Secret
from soarlink.splunk.session import connect
from soarlink.outbox.collection import Outbox
from soarlink.outbox.item import OutboxItem, item_key
from soarlink.outbox.payload import Payload
from soarlink.plan.run import AlertRun
from soarlink.plan.shipment import RowAccount, Shipment
from soarlink.splunk.kvstore import KvStore

order = json.loads(sys.stdin.read())
outbox = Outbox(KvStore(connect(order["uri"], Secret(order["key"]), Path(os.environ["SPLUNK_HOME"]))))
run = AlertRun("send_to_soar", "1.1", search_name=order["search"])
for identity in order["identities"]:
    row = RowAccount(0, "0", "", "", 1, 1, 0, ())
    shipment = Shipment(identity, {"name": "x", "label": "old"}, ({"name": "x", "cef": {"a": "ü"}},), (0,), (row,))
    key = item_key("send_to_soar", run.sid, order["search"] + identity)
    item = OutboxItem(
        key, "pending", "lab", "send_to_soar", run.search_name, run.sid, identity=identity, rows=1,
        created=order["now"], queued=order["now"], updated=order["now"], next_attempt=order["now"] + 900,
    )
    outbox.insert(item, Payload(run, (shipment,)))
    if identity == "rejected":
        outbox.settle(replace(outbox.get(key), state="rejected", error_text='label "old" {unknown}'))
"""


@pytest.fixture
def command(lab: Lab, python: Path) -> Run:
    """Run a search command as a user."""

    def run(text: str, user: str = "admin") -> CommandResult:
        search = Search(text, user, lab.splunkd.session_key(user), lab.splunkd.uri)
        result = run_command(lab.home, APP, search, python)
        assert search.session_key not in result.stderr
        return result

    return run


@pytest.fixture
def fill(lab: Lab, python: Path) -> Fill:
    """Put rows into the outbox; every test uses a search name of its own."""
    paths = (str(lab.home.apps / APP / "lib"), str(SPLUNK_PACKAGE))
    environment = {"PATH": os.defpath, "SPLUNK_HOME": str(lab.home.root), "PYTHONPATH": os.pathsep.join(paths)}

    def put(search: str, *identities: str) -> None:
        order = {
            "uri": lab.splunkd.uri,
            "key": lab.splunkd.session_key("admin"),
            "search": search,
            "identities": identities,
            "now": time.time() - 7200,
        }
        subprocess.run([python, "-c", FILL], input=json.dumps(order).encode(), env=environment, check=True, timeout=60)

    return put


def test_rows_are_listed(command: Run, fill: Fill) -> None:
    """With their texts as they are, and a configuration that keeps the command on the search head."""
    fill("Brute force, Müller", "waiting", "rejected")
    result = command('soaroutbox search="Brute force, Müller" age>1h')
    assert (result.exit_code, result.messages) == (0, [])
    assert {row["identity"]: row["state"] for row in result.rows} == {"waiting": "pending", "rejected": "rejected"}
    assert {row["error_text"] for row in result.rows} == {"", 'label "old" {unknown}'}
    assert result.configuration["type"] == "reporting"
    assert result.configuration["generating"] is True


def test_a_rejected_row_is_resent_with_another_label(command: Run, fill: Fill) -> None:
    """The whole round: look, resend, look again."""
    fill("resend", "rejected")
    (row,) = command("soaroutbox state=rejected search=resend").rows
    (done,) = command(f"soaroutboxctl action=resend key={row['key']} label=events").rows
    assert (done["done"], done["state"]) == ("1", "pending")
    (shown,) = command(f"soaroutbox show key={row['key']}").rows
    assert json.loads(str(shown["container"])) == {"label": "events", "name": "x"}
    assert "admin: resend label=events" in str(shown["acts"])


def test_an_act_leaves_an_event_in_the_spool(command: Run, fill: Fill, lab: Lab) -> None:
    """Splunk indexes it from there."""
    fill("event", "waiting")
    command("soaroutboxctl action=discard search=event")
    files = list(lab.home.spool.glob("TA_send_to_soar_*.stash_soar"))
    texts = [path.read_text(encoding="ascii") for path in files]
    for path in files:
        path.unlink()
    (event,) = [json.loads(line) for text in texts for line in text.splitlines() if '"search_name": "event"' in line]
    assert (event["act"], event["by"], event["state"]) == ("discard", "admin", "discarded")


def test_who_may_not_is_told(command: Run, fill: Fill, lab: Lab) -> None:
    """An analyst with the user role sees rows and changes nothing."""
    fill("rights", "waiting")
    lab.splunkd.add_user("ann", ["user", "send_to_soar_user"])
    assert len(command("soaroutbox search=rights", "ann").rows) == 1
    result = command("soaroutboxctl action=discard search=rights", "ann")
    assert result.exit_code == 1
    assert result.texts("ERROR")[0].startswith(
        "ann may not change the outbox. It takes the capability edit_soar_outbox"
    )
    assert command("soaroutbox search=rights state=pending").rows != []


def test_mistakes_are_messages(command: Run, lab: Lab) -> None:
    """Wrong words, and a KV store that is away: plain text, no traceback."""
    result = command("soaroutbox colour=red")
    assert (result.exit_code, result.rows) == (1, [])
    assert '"colour=red" is not understood' in result.texts("ERROR")[0]
    lab.splunkd.fault("GET", "soar_outbox", status=503)
    try:
        result = command("soaroutbox")
    finally:
        lab.splunkd.clear_faults()
    assert result.texts("ERROR")[0].startswith("The KV store is not available (HTTP 503")
    assert "Traceback" not in result.stderr


def test_numbers(command: Run, fill: Fill) -> None:
    """stats, as a bare word."""
    fill("numbers", "waiting")
    (row,) = command("soaroutbox stats").rows
    assert row["account"] == "lab"
    assert int(str(row["pending"])) >= 1


def test_a_command_that_is_not_declared_is_no_command(command: Run) -> None:
    """The runner starts what commands.conf names, nothing else."""
    with pytest.raises(LabError, match="no chunked search command soarabsent"):
        command("soarabsent")


def test_the_acting_command_is_risky_and_the_shipped_alerts_are_off(lab: Lab) -> None:
    """Splunk asks before it runs it out of a link; nobody gets mails unasked."""
    commands = lab.home.conf(APP, "commands")
    assert is_true(commands["soaroutboxctl"], "is_risky", default=False)
    assert not is_true(commands["soaroutbox"], "is_risky", default=False)
    searches = lab.home.conf(APP, "savedsearches")
    scheduled = {name: one for name, one in searches.items() if is_true(one, "enableSched", default=False)}
    assert len(scheduled) >= 4
    assert all(is_true(one, "disabled", default=False) for one in scheduled.values())
    bnf = lab.home.conf(APP, "searchbnf")
    assert {f"{name}-command" for name in commands} <= set(bnf)
