"""The action's form in the saved-search editor: what it shows, what it saves, and that the action takes it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping

import pytest
from playwright.sync_api import expect

from lab.demo.incident import NOTABLES_FILE
from lab.runner import conf
from lab.runner.lab import APP, Lab
from lab.runner.request import SendRequest
from lab.splunkd.python.splunk.clilib import conffile
from tests.browser.conftest import ADMIN, ANALYST, OpenVisit
from tests.browser.visit import Visit
from tools.process import ROOT

ACTION = "send_to_soar"
PREFIX = f"action.{ACTION}.param."
SEARCH = "Browser - Form"
DECLARED = next(
    alert["entity"]
    for alert in json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))["alerts"]
    if alert["name"] == ACTION
)
# What a person might type where the kind of the field does not say it.
TYPED = {
    "account": "lab",
    "label": "events",
    "severity": "{{urgency|default:low}}",
    "container_name": "{{rule_title}} (from the browser)",
    "description": "Two lines:\n{{rule_description}}",
    "status": "open",
    "owner": "alice",
    "tags": "splunk,{{security_domain}}",
    "due": "+4h",
    "group_by": "dest",
    "identity_fields": "rule_name,dest",
    "identity_window": "24h",
    "max_containers": "50",
}

# The last choice, where that fits what is typed.
CHOSEN = {"container_per": "group"}


@pytest.fixture(autouse=True)
def clean(lab: Lab) -> Iterator[None]:
    """No search is left behind."""
    yield
    for user in (ADMIN, ANALYST):
        (lab.home.root / f"etc/users/{user}/search/local/savedsearches.conf").unlink(missing_ok=True)


def _saved(lab: Lab, user: str = ADMIN) -> dict[str, str]:
    """The parameters of the saved search."""
    stanza = conffile.read(str(lab.home.root / f"etc/users/{user}/search/local/savedsearches.conf"))[SEARCH]
    assert (stanza["actions"], stanza[f"action.{ACTION}"]) == (ACTION, "1")
    return {key.removeprefix(PREFIX): value for key, value in stanza.items() if key.startswith(PREFIX)}


def _open(visit: Visit) -> None:
    visit.go(f"/en-US/lab/alert?name={SEARCH.replace(' ', '%20')}")
    expect(visit.page.locator("#alert-form")).to_have_attribute("data-ready", "true")


def _save(visit: Visit) -> None:
    visit.page.get_by_role("button", name="Save").click()
    expect(visit.page.get_by_role("status")).to_have_text("Saved.")


def _defaults(lab: Lab) -> dict[str, str]:
    stanza = conf.layered((lab.home.apps / APP / "default" / "alert_actions.conf",))[ACTION]
    return {key.removeprefix("param."): value for key, value in stanza.items() if key.startswith("param.")}


def _accepts(lab: Lab, parameters: Mapping[str, str]) -> None:
    report = lab.send(SendRequest(NOTABLES_FILE, parameters=parameters, search_name=SEARCH))
    assert (report.exit_code, report.problems) == (0, ()), [result.reason for result in report.results]
    assert len(report.results) == 12


def test_an_untouched_form_saves_the_defaults(visit: OpenVisit, lab: Lab) -> None:
    """Every declared parameter, as alert_actions.conf has it; the action takes them."""
    here = visit()
    _open(here)
    here.picture("alert_form")
    _save(here)
    saved, defaults = _saved(lab), _defaults(lab)
    assert saved == {entity["field"]: defaults.get(entity["field"], "") for entity in DECLARED}
    _accepts(lab, saved)


def test_a_filled_form_is_saved_as_filled(visit: OpenVisit, lab: Lab) -> None:
    """Each field by its label; the saved search holds what was filled in, shows it again, and the action takes it."""
    here = visit()
    _open(here)
    expected = _fill(here)
    here.picture("alert_form_filled")
    _save(here)
    saved = _saved(lab)
    assert {name: saved[name] for name in expected} == expected
    _open(here)
    for entity in DECLARED:
        control = here.page.get_by_label(entity["label"], exact=True)
        shown = "01"[control.is_checked()] if entity["type"] == "checkbox" else control.input_value()
        assert shown == saved[entity["field"]], entity["field"]
    _accepts(lab, saved)


def _fill(visit: Visit) -> dict[str, str]:
    expected = {}
    for entity in DECLARED:
        name, control = entity["field"], visit.page.get_by_label(entity["label"], exact=True)
        if name in TYPED:
            control.fill(TYPED[name])
            expected[name] = TYPED[name]
        elif entity["type"] == "checkbox":
            control.set_checked(not control.is_checked())
            expected[name] = "01"[control.is_checked()]
        elif entity["type"] == "singleSelect":
            expected[name] = CHOSEN.get(name, entity["options"]["items"][-1]["value"])
            control.select_option(expected[name])
    return expected


CHOICES = {
    "account": {"lab"},
    "label": {"events", "notable"},
    "severity": {"high", "low", "{{severity|or:urgency|default:medium}}"},
    "status": {"new", "open", "closed"},
    "owner": {"alice", "{{owner}}", "role:Incident Commander"},
    "playbook": {"local/contain_host"},
}


def test_what_soar_has_is_offered_to_who_uses_the_action(visit: OpenVisit, lab: Lab) -> None:
    """The delivery input fills the lists; an analyst with the add-on's user role sees them; a choice is saved."""
    lab.splunkd.add_user(ANALYST, ["user", "send_to_soar_user"])
    try:
        here = visit(ANALYST)
        with lab.delivery():
            end = time.monotonic() + 60
            while not CHOICES.keys() <= {row["kind"] for row in lab.management.documents(APP, "soar_choices", {})}:
                assert time.monotonic() < end
                time.sleep(0.2)
        _open(here)
        for field, values in CHOICES.items():
            options = here.page.locator(f"#{ACTION}_{field}_choices option")
            expect(options.first).to_be_attached()
            assert {option.get_attribute("value") for option in options.all()} >= values, field
        playbook = here.page.get_by_label("Run this playbook")
        playbook.fill("local/contain_host")
        playbook.press("Tab")  # closes the list
        here.picture("alert_form_choices")
        _save(here)
        assert _saved(lab, ANALYST)["playbook"] == "local/contain_host"
        assert here.complaints == []
    finally:
        lab.splunkd.add_user(ANALYST, ["user"])


def test_the_form_works_without_choices(visit: OpenVisit, lab: Lab) -> None:
    """Who may not read the lists still gets the form, and saves it with what is typed."""
    here = visit(ANALYST)
    here.expected_statuses.update({400, 403, 500})
    _open(here)
    here.page.get_by_label("Container label").fill("{{team}}")
    _save(here)
    assert (_saved(lab, ANALYST)["account"], _saved(lab, ANALYST)["label"]) == ("", "{{team}}")


def test_the_form_of_playbooks_is_saved_and_run(visit: OpenVisit, lab: Lab) -> None:
    """Reached by a link, filled in; the search keeps the action that it had, and what runs is the form's own action."""
    here = visit()
    _open(here)
    _save(here)
    here.page.get_by_role("link", name="run_soar_playbook").click()
    here.page.wait_for_url("**action=run_soar_playbook**")
    expect(here.page.locator("#alert-form")).to_have_attribute("data-ready", "true")
    expect(here.page.get_by_role("button", name="Run the action now")).to_be_disabled()
    here.page.get_by_label("Playbook", exact=True).fill("local/contain_host")
    here.page.get_by_label("Wait for the verdict (s)").fill("0")
    here.picture("playbook_form_filled")
    _save(here)
    stanza = conffile.read(str(lab.home.root / f"etc/users/{ADMIN}/search/local/savedsearches.conf"))[SEARCH]
    assert stanza["actions"] == "send_to_soar,run_soar_playbook"
    assert stanza["action.run_soar_playbook.param.playbooks"] == "local/contain_host"
    here.page.get_by_role("button", name="Run the action now").click()
    expect(here.page.get_by_text("The action run_soar_playbook ended with exit code 0")).to_be_visible()
    expect(here.page.get_by_role("cell", name="queued")).to_have_count(12)
    here.picture("playbook_sent")


def test_the_form_in_the_dark_theme(visit: OpenVisit) -> None:
    """Looks as intended, on a picture."""
    here = visit(theme="dark")
    _open(here)
    here.picture("alert_form_dark")
