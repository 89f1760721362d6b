"""What the account's dialog says when the connection test of a new account fails: the cause, and the way out."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from playwright.sync_api import expect

from lab.runner.accounts import Accounts
from lab.runner.lab import APP, Lab
from lab.soar import StandInSoar, Switches
from tests.browser.conftest import OpenVisit
from tests.browser.visit import Visit
from tests.unit.certificates import Authority
from tests.unit.rawserver import Connection, RawServer

NAME = "soar_failing"
SECRET = "token-of-a-failing-account-0123456789"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that signs what SOAR should not have."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def here(visit: OpenVisit, lab: Lab) -> Iterator[Visit]:
    """The dialog for a new account, filled in but for what a test fills in; nothing of it may be saved."""
    one = visit()
    one.expected_statuses.add(500)
    one.tab("SOAR accounts")
    one.page.get_by_role("button", name="Add", exact=True).click()
    one.fill("name", NAME)
    one.fill("token", SECRET)
    one.expand("Limits")
    one.fill("connect_timeout", "1")
    yield one
    assert Accounts(lab.management, APP).find(NAME) is None
    assert SECRET.encode() not in one.received


def _told(here: Visit, picture: str, fields: Mapping[str, str]) -> str:
    """Fill in, try to save, and return what the dialog says."""
    for field, text in fields.items():
        here.fill(field, text)
    here.dialog.get_by_role("button", name="Add").click()
    message = here.dialog.locator('[data-test="message"]')
    expect(message).to_be_visible()
    expect(message).to_be_in_viewport()
    here.picture(f"connection_{picture}")
    text = message.inner_text()
    assert SECRET not in text
    return text


def _nginx(channel: Connection) -> None:
    while channel.read_request():
        channel.answer(b"<html><title>Welcome to nginx")


def test_a_name_that_does_not_resolve(here: Visit) -> None:
    """DNS."""
    assert "can't be resolved" in _told(here, "dns", {"url": "https://soar.invalid"})


def test_a_port_that_refuses(here: Visit) -> None:
    """Nothing listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        told = _told(here, "refused", {"url": f"https://127.0.0.1:{held.getsockname()[1]}"})
    assert "refuses connections" in told
    assert "whether the server is running" in told


def test_a_server_that_does_not_answer(here: Visit) -> None:
    """As behind a firewall that drops."""
    with socket.socket() as hole, contextlib.ExitStack() as callers:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        for _ in range(4):
            caller = callers.enter_context(socket.socket())
            caller.setblocking(False)  # noqa: FBT003 - the socket module's own
            caller.connect_ex(hole.getsockname())
        told = _told(here, "timeout", {"url": f"https://127.0.0.1:{hole.getsockname()[1]}"})
    assert "in time" in told
    assert "firewall" in told


def test_an_unknown_authority(here: Visit, lab: Lab) -> None:
    """The certificate is good, but nobody has said so."""
    assert "CA certificate" in _told(here, "unknown_ca", {"url": lab.soar.url})


@pytest.mark.parametrize(
    ("case", "san", "end", "words"),
    [
        ("wrong_host", "DNS:other.example", "20991231000000Z", "name that stands in the certificate"),
        ("expired", "DNS:localhost,IP:127.0.0.1", "20210101000000Z", "renewed"),
    ],
)
def test_a_certificate_that_does_not_hold(  # noqa: PLR0917 - the parameters of a case
    here: Visit, authority: Authority, case: str, san: str, end: str, words: str
) -> None:
    """Another host's, or expired."""
    certificate = authority.issue(case, san, "20200101000000Z", end)
    with RawServer(_nginx, certificate) as server:
        told = _told(here, case, {"url": server.url, "ca_certificate": authority.pem})
    assert words in told
    assert server.requests == []


def test_a_wrong_token(here: Visit, lab: Lab) -> None:
    """401."""
    pem = lab.soar.ca_file.read_text(encoding="ascii")
    told = _told(here, "wrong_token", {"url": lab.soar.url, "ca_certificate": pem})
    assert "HTTP 401" in told
    assert "token" in told


@pytest.mark.parametrize(
    ("case", "words"), [("allowed_ips", "allowed IPs"), ("missing_permission", "role the permission")]
)
def test_what_soar_forbids(here: Visit, lab: Lab, case: str, words: str) -> None:
    """403, for the address or for a permission that the role lacks."""
    assert lab.soar.stand_in is not None
    allowed = ("10.0.0.0/8",) if case == "allowed_ips" else ("any",)
    permissions = {"containers" if case == "allowed_ips" else "playbooks": ("view",)}
    lab.soar.stand_in.add_automation_user("limited", SECRET, allowed_ips=allowed, permissions=permissions)
    pem = lab.soar.ca_file.read_text(encoding="ascii")
    told = _told(here, case, {"url": lab.soar.url, "ca_certificate": pem})
    lab.soar.stand_in.deactivate_user("limited")
    assert "HTTP 403" in told
    assert words in told


def test_what_is_not_soar(here: Visit, authority: Authority) -> None:
    """Another product answers."""
    certificate = authority.issue("proper", "DNS:localhost,IP:127.0.0.1")
    with RawServer(_nginx, certificate) as server:
        told = _told(here, "not_soar", {"url": server.url, "ca_certificate": authority.pem})
    assert "is not SOAR" in told


def test_a_soar_that_is_too_old(here: Visit, tmp_path: Path) -> None:
    """Its version and the one that is needed."""
    with StandInSoar(tmp_path, switches=Switches(version="5.5.0.1")) as old:
        old.add_automation_user("a", SECRET)
        pem = Path(old.ca_file).read_text(encoding="ascii")
        told = _told(here, "too_old", {"url": old.url, "ca_certificate": pem})
    assert "SOAR 5.5.0.1 is too old" in told


def test_saving_without_the_test(visit: OpenVisit, lab: Lab) -> None:
    """For a SOAR that is not there yet; the box is not ticked when the account is opened again."""
    here = visit()
    here.tab("SOAR accounts")
    here.page.get_by_role("button", name="Add", exact=True).click()
    for field, text in (("name", NAME), ("url", "https://127.0.0.1:1"), ("token", SECRET)):
        here.fill(field, text)
    here.field("skip_test").get_by_role("checkbox").click()
    here.dialog.get_by_role("button", name="Add").click()
    try:
        expect(here.row(NAME)).to_be_visible()
        here.row(NAME).get_by_role("button", name="Edit").click()
        expect(here.field("skip_test").get_by_role("checkbox")).not_to_be_checked()
        here.picture("account_untested")
    finally:
        lab.management.delete(f"/servicesNS/nobody/{APP}/ta_send_to_soar_account/{NAME}")
