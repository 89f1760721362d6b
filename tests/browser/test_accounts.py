"""SOAR accounts on the configuration page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lab.runner.accounts import Accounts
from lab.runner.lab import APP, Lab
from tests.browser.conftest import OpenVisit
from tests.browser.visit import Visit

TAB = "SOAR accounts"
TOKEN = "a-token-that-is-typed-into-the-page-0123456789"
SHORTER = "shorter-token"


@pytest.fixture
def accounts(lab: Lab) -> Iterator[Accounts]:
    """The accounts as the add-on keeps them; those that a test made are gone afterwards."""
    yield Accounts(lab.management, APP)
    for entry in lab.management.get(f"/servicesNS/nobody/{APP}/ta_send_to_soar_account", count="0") or []:
        if entry["name"] != "lab":
            lab.management.delete(f"/servicesNS/nobody/{APP}/ta_send_to_soar_account/{entry['name']}")


def _secrets_in(folder: Path, secret: str) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def _add(visit: Visit, lab: Lab, name: str, token: str) -> None:
    """Fill the dialog as an administrator does who has a token and a certificate, and save."""
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.add_automation_user(f"user_of_{name}", token)
    visit.tab(TAB)
    visit.page.get_by_role("button", name="Add").click()
    visit.fill("name", name)
    visit.fill("url", lab.soar.url)
    visit.fill("token", token)
    visit.fill("ca_certificate", lab.soar.ca_file.read_text(encoding="ascii"))
    visit.dialog.get_by_role("button", name="Add").click()
    expect(visit.row(name)).to_be_visible()


def test_an_account_is_added(visit: OpenVisit, lab: Lab, accounts: Accounts, local_conf: Path) -> None:
    """With address, token and certificate; the token is kept as typed, in no conf file, and never shown again."""
    here = visit()
    _add(here, lab, "soar_test", TOKEN)
    expect(here.row("soar_test")).to_contain_text(lab.soar.url)
    here.picture("accounts")
    kept = accounts.find("soar_test")
    assert kept is not None
    assert (kept.url, kept.token) == (lab.soar.url, TOKEN)
    assert kept.ca_certificate.strip() == lab.soar.ca_file.read_text(encoding="ascii").strip()
    assert _secrets_in(local_conf, TOKEN) == []
    here.row("soar_test").get_by_role("button", name="Edit").click()
    expect(here.field("url").locator("input")).to_have_value(lab.soar.url)
    assert TOKEN not in here.value("token")
    here.picture("account_edit")
    assert TOKEN.encode() not in here.received


def test_a_change_leaves_the_token_alone(visit: OpenVisit, lab: Lab, accounts: Accounts) -> None:
    """Who edits another field keeps the token."""
    here = visit()
    _add(here, lab, "soar_edited", TOKEN)
    here.row("soar_edited").get_by_role("button", name="Edit").click()
    here.fill("default_label", "phishing")
    here.dialog.get_by_role("button", name="Update").click()
    expect(here.dialog).to_have_count(0)
    entries = lab.management.get(f"/servicesNS/nobody/{APP}/ta_send_to_soar_account/soar_edited") or []
    assert entries[0]["content"]["default_label"] == "phishing"
    kept = accounts.find("soar_edited")
    assert kept is not None
    assert kept.token == TOKEN


def test_a_token_is_rotated(visit: OpenVisit, lab: Lab, accounts: Accounts, local_conf: Path) -> None:
    """A shorter one takes the place of a longer one, whole; neither comes to the browser."""
    here = visit()
    _add(here, lab, "soar_rotated", TOKEN)
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.add_automation_user("user_of_soar_rotated", SHORTER)
    here.row("soar_rotated").get_by_role("button", name="Edit").click()
    here.fill("token", SHORTER)
    here.dialog.get_by_role("button", name="Update").click()
    expect(here.dialog).to_have_count(0)
    kept = accounts.find("soar_rotated")
    assert kept is not None
    assert kept.token == SHORTER
    here.tab(TAB)
    expect(here.row("soar_rotated")).to_be_visible()
    for secret in (TOKEN, SHORTER):
        assert secret.encode() not in here.received
        assert _secrets_in(local_conf, secret) == []


def test_an_account_is_deleted(visit: OpenVisit, lab: Lab, accounts: Accounts) -> None:
    """After a question; its secret goes with it."""
    here = visit()
    _add(here, lab, "soar_deleted", TOKEN)
    here.row("soar_deleted").get_by_role("button", name="Delete").click()
    expect(here.dialog).to_contain_text("soar_deleted")
    here.picture("account_delete")
    here.dialog.get_by_role("button", name="Delete").click()
    expect(here.row("soar_deleted")).to_have_count(0)
    assert accounts.find("soar_deleted") is None
    assert _secrets_in(lab.state / "passwords.json", TOKEN) == []


def test_user_and_password(visit: OpenVisit, lab: Lab, accounts: Accounts) -> None:
    """The way to sign in decides which fields are there; a password is kept like a token."""
    here = visit()
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.add_user("page_person", "page-password-of-a-person")
    here.tab(TAB)
    here.page.get_by_role("button", name="Add").click()
    expect(here.field("token")).to_be_visible()
    expect(here.field("username")).to_have_count(0)
    here.picture("account_add")
    here.choose("auth_type", "User and password")
    expect(here.field("username")).to_be_visible()
    expect(here.field("token")).to_have_count(0)
    here.fill("name", "soar_person")
    here.fill("url", lab.soar.url)
    here.fill("username", "page_person")
    here.fill("password", "page-password-of-a-person")
    here.fill("ca_certificate", lab.soar.ca_file.read_text(encoding="ascii"))
    here.dialog.get_by_role("button", name="Add").click()
    expect(here.row("soar_person")).to_be_visible()
    assert b"page-password-of-a-person" not in here.received


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("name", "1 soar", "Start with a letter"),
        ("url", "http://soar.example.com", "https://"),
        ("connect_timeout", "0", "1 and 120"),
        ("connections", "99", "1 and 16"),
    ],
)
def test_a_wrong_value_is_said_before_it_is_sent(visit: OpenVisit, field: str, text: str, words: str) -> None:
    """The page names what is wrong, and nothing goes to the server."""
    here = visit()
    here.tab(TAB)
    here.page.get_by_role("button", name="Add").click()
    here.expand("Limits")
    for name, good in (("name", "soar_wrong"), ("url", "https://soar.example.com"), ("token", TOKEN), (field, text)):
        here.fill(name, good)
    sent: list[str] = []
    here.page.on("request", lambda request: sent.append(request.method))
    here.dialog.get_by_role("button", name="Add").click()
    expect(here.dialog.locator('[data-test="message"]')).to_contain_text(words)
    expect(here.dialog.locator('[data-test="message"]')).to_be_in_viewport()
    here.picture(f"account_wrong_{field}")
    assert "POST" not in sent
