"""What the alert form offers: filled by the built delivery input, read by those who use the action."""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest

from lab.runner import conf
from lab.runner.accounts import Account, Accounts
from lab.runner.lab import ACCOUNT, APP, Lab
from tools import build
from tools.process import ROOT

DATA = f"/servicesNS/nobody/{APP}/storage/collections/data/soar_choices"
OFFERED = {"account", "label", "severity", "status", "owner", "owner_role", "playbook", "workbook"}
SECONDS = 60.0


def _rows(lab: Lab) -> list[dict[str, Any]]:
    return lab.management.documents(APP, "soar_choices", {})


def _wait(lab: Lab, done: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    """The rows once they are as wanted; the input works on its own time."""
    end = time.monotonic() + SECONDS
    while not done(rows := _rows(lab)):
        assert time.monotonic() < end, rows
        time.sleep(0.2)
    return rows


def _call(lab: Lab, user: str, method: str, path: str, body: object = None) -> int | list[dict[str, Any]]:
    """What splunkd answers a user: the rows, or the status."""
    context = ssl.create_default_context(cafile=str(lab.splunkd.ca_file))
    context.check_hostname = False
    data = None if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"Splunk {lab.splunkd.session_key(user)}", "Content-Type": "application/json"}
    request = Request(f"{lab.splunkd.uri}{path}", data, headers, method=method)  # noqa: S310 - the lab's own
    try:
        with urlopen(request, context=context, timeout=30) as answer:  # noqa: S310 - the same
            found: list[dict[str, Any]] = json.loads(answer.read() or b"[]")
            return found
    except HTTPError as error:
        return error.code


def test_the_lookup_follows_accounts_and_soar(lab: Lab) -> None:
    """Filled after the start, an account that is added comes, one that is deleted goes; no secret in any row."""
    good, accounts = lab.account(), Accounts(lab.management, APP)
    with lab.delivery():
        rows = _wait(lab, lambda rows: {row["kind"] for row in rows if row["account"] == ACCOUNT} >= OFFERED)
        values = {(row["kind"], row["value"]) for row in rows}
        assert values >= {
            ("account", ACCOUNT),
            ("label", "events"),
            ("severity", "high"),
            ("severity", "{{severity|or:urgency|default:medium}}"),
            ("status", "open"),
            ("owner", "alice"),
            ("owner_role", "role:Incident Commander"),
            ("playbook", "local/contain_host"),
        }
        assert good.token not in json.dumps(rows)
        accounts.save(Account("other", good.url, good.token, good.ca_certificate), exists=False)
        _wait(lab, lambda rows: ("other", "label") in {(row["account"], row["kind"]) for row in rows})
        lab.management.delete(f"/servicesNS/nobody/{APP}/{APP.lower()}_account/other")
        _wait(lab, lambda rows: "other" not in {row["account"] for row in rows})
    assert {row["kind"] for row in _rows(lab) if row["account"] == ACCOUNT} >= OFFERED


def test_soar_away_leaves_what_was_there(lab: Lab) -> None:
    """A new process that meets a dead server takes nothing out of the form."""
    assert lab.soar.stand_in is not None
    with lab.delivery():
        _wait(lab, lambda rows: {row["kind"] for row in rows if row["account"] == ACCOUNT} >= OFFERED)
    before = {row["_key"] for row in _rows(lab) if row["account"] == ACCOUNT}
    log = lab.home.root / "var" / "log" / "splunk" / "soar_delivery.log"
    told = log.read_text(encoding="utf-8").count("Choices of the alert form")
    lab.soar.stand_in.admin.fault("GET /rest/*", "503", times=None)
    try:
        with lab.delivery():
            _wait(lab, lambda _: log.read_text(encoding="utf-8").count("Choices of the alert form") > told)
    finally:
        lab.soar.stand_in.admin.clear()
    assert {row["_key"] for row in _rows(lab) if row["account"] == ACCOUNT} == before


def test_who_uses_the_action_reads_and_nobody_writes(lab: Lab) -> None:
    """The user role reads the rows; neither it nor the add-on's administrator writes them; others see nothing."""
    lab.splunkd.add_user("chooser", ["user", "send_to_soar_user"])
    lab.splunkd.add_user("keeper", ["user", "send_to_soar_admin"])
    with lab.delivery():
        _wait(lab, lambda rows: {row["kind"] for row in rows if row["account"] == ACCOUNT} >= OFFERED)
    query = urlencode({"query": json.dumps({"kind": "label"})})
    for user in ("chooser", "keeper"):
        found = _call(lab, user, "GET", f"{DATA}?{query}")
        assert isinstance(found, list)
        assert "events" in {row["value"] for row in found}
        forged = {"account": ACCOUNT, "kind": "label", "value": "forged", "label": "forged", "updated": 1}
        assert _call(lab, user, "POST", DATA, forged) == 403
        assert _call(lab, user, "POST", f"{DATA}/batch_save", [forged]) == 403
        assert _call(lab, user, "DELETE", f"{DATA}?{query}") == 403
    assert _call(lab, "analyst", "GET", DATA) == 403
    assert "forged" not in {row["value"] for row in _rows(lab)}


@pytest.mark.parametrize("field", ["account", "label", "severity", "status", "owner", "playbook"])
def test_the_form_s_dropdowns_read_what_is_written(field: str) -> None:
    """Each search names the lookup, kinds that the input writes, and columns that the lookup has."""
    folder = build.build().folder
    declared = json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))["alerts"]
    (action,) = (one for one in declared if one["name"] == "send_to_soar")
    (entity,) = (one for one in action["entity"] if one["field"] == field)
    transforms = conf.layered((Path(folder) / "default/transforms.conf",))["soar_choices"]
    columns = {name.strip() for name in transforms["fields_list"].split(",")}
    assert entity["search"].startswith("| inputlookup soar_choices where ")
    kinds = set(re.findall(r'kind="(\w+)"', entity["search"]))
    assert field in kinds
    assert kinds <= OFFERED
    assert {entity["valueField"], entity["labelField"]} <= columns
