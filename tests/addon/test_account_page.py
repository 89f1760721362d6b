"""SOAR accounts on the configuration page: the built add-on's own REST handler in the stand-in splunkd."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.runner.lab import ACCOUNT, APP, Lab
from lab.soar import StandInSoar, Switches
from lab.splunkd.python.splunk.clilib import conffile
from soarlink.outbox.item import PENDING, OutboxItem
from tests.lab.splunkd.client import Client, Reply, client_of
from tests.unit.certificates import Authority
from tests.unit.rawserver import Connection, RawServer, Script

ROOT = f"/servicesNS/nobody/{APP}"
ACCOUNTS = f"{ROOT}/ta_send_to_soar_account"
PASSWORDS = f"{ROOT}/storage/passwords"
NAME = "page"
SECRET = "geheim-T0ken/+="
MASK = "******"

Serve = Callable[..., RawServer]


@pytest.fixture
def page(lab: Lab) -> Client:
    """The page's calls, as an administrator makes them."""
    return client_of(lab.splunkd, "admin")


@pytest.fixture
def form(lab: Lab, page: Client) -> Iterator[dict[str, str]]:
    """A good form; the account that a test saves is gone afterwards."""
    good = lab.account()
    yield {
        "name": NAME,
        "url": good.url,
        "auth_type": "token",
        "token": good.token,
        "ca_certificate": good.ca_certificate,
    }
    page.delete(f"{ACCOUNTS}/{NAME}")
    assert stored(page) == {}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority for servers that never should be."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def serve(authority: Authority) -> Iterator[Serve]:
    """Start servers that behave as the test says."""
    proper = authority.issue("proper", "DNS:localhost,IP:127.0.0.1")
    with contextlib.ExitStack() as stack:

        def start(script: Script, certificate: Path | None = proper) -> RawServer:
            return stack.enter_context(RawServer(script, certificate))

        yield start


def stored(page: Client, name: str = NAME) -> dict[str, str]:
    """The pieces of an account's secret in splunkd's password store, by number."""
    entries = page.get(PASSWORDS, count=0).json["entry"]
    names = {entry["content"]["username"]: entry["content"]["clear_password"] for entry in entries}
    return {key.rpartition("`")[2]: text for key, text in names.items() if key.startswith(f"{name}``")}


def local(lab: Lab) -> dict[str, dict[str, str]]:
    """The local layer of the accounts' conf file."""
    return conffile.read(str(lab.home.apps / APP / "local" / "ta_send_to_soar_account.conf"))


def refusal(reply: Reply) -> str:
    """What the page shows of a refusal: what UCC takes out of splunkd's words."""
    assert reply.status >= 400
    text = reply.messages[0][1]
    assert "REST Error [" in text
    return text.partition(" -- ")[2].partition('". See splunkd.log')[0]


def soar_version(version: bytes) -> Script:
    """A server that says so of itself."""

    def script(channel: Connection) -> None:
        while channel.read_request():
            channel.answer(version)

    return script


def test_a_good_account_is_tested_and_saved(lab: Lab, page: Client, form: dict[str, str]) -> None:
    """SOAR is asked with the new token; conf file and answers hold a mask, the password store the secret."""
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.admin.clear_requests()
    created = page.post(
        ACCOUNTS, form | {"url": f"{form['url']}/browse/", "delivery": "service", "allowed_roles": "soc"}
    )
    assert created.status == 201
    assert [record.path for record in lab.soar.stand_in.admin.requests] == ["/rest/version", "/rest/container"]
    assert created.content["token"] == MASK
    written = local(lab)[NAME]
    assert (written["token"], written["url"]) == (MASK, form["url"])
    assert (written["delivery"], written["allowed_roles"]) == ("service", "soc")
    assert "skip_test" not in written
    assert json.loads(stored(page)["1"]) == {"token": form["token"]}


def test_a_saved_account_sends(lab: Lab, page: Client, form: dict[str, str], send: Callable[..., Any]) -> None:
    """What the page stores, the action reads: certificate, secret and all."""
    page.post(ACCOUNTS, form)
    report = send([{"src": "10.77.0.1"}], {"account": NAME})
    assert [outcome.status for outcome in report.results] == ["delivered"]


def test_the_pasted_json_is_understood(lab: Lab, page: Client, form: dict[str, str]) -> None:
    """As SOAR shows it for the automation user, in the token's field; the URL comes with it."""
    pasted = json.dumps({"ph-auth-token": form["token"], "server": f"{form['url']}/"})
    assert page.post(ACCOUNTS, form | {"token": pasted, "url": ""}).status == 201
    assert local(lab)[NAME]["url"] == form["url"]
    assert json.loads(stored(page)["1"]) == {"token": form["token"]}


def test_user_and_password_sign_in(lab: Lab, page: Client, form: dict[str, str]) -> None:
    """Instead of a token, which is forgotten."""
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.add_user("anna", "pass wörd")
    page.post(ACCOUNTS, form)
    change = {"auth_type": "basic", "username": "anna", "password": "pass wörd"}
    assert page.post(f"{ACCOUNTS}/{NAME}", change).status == 200
    assert json.loads(stored(page)["1"]) == {"password": "pass wörd"}
    assert (local(lab)[NAME]["token"], local(lab)[NAME]["password"]) == ("", MASK)
    wrong = refusal(page.post(f"{ACCOUNTS}/{NAME}", {"password": SECRET}))
    assert "Check the account's user name and password" in wrong


def test_secrets_never_come_back(lab: Lab, page: Client, form: dict[str, str]) -> None:
    """Not on request either, and not to somebody who may read passwords."""
    page.post(ACCOUNTS, form)
    for reply in (
        page.get(f"{ACCOUNTS}/{NAME}", **{"--cred--": "1"}),
        page.get(ACCOUNTS, count=0, **{"--cred--": "1"}),
        page.post(f"{ACCOUNTS}/{NAME}", {"default_label": "events"}),
    ):
        assert reply.status == 200
        assert form["token"] not in reply.text
        assert MASK in reply.text


def test_analysts_change_nothing_and_learn_nothing(lab: Lab, page: Client, form: dict[str, str]) -> None:
    """The page takes the capability for it; past it, the conf file shows masks only, and the store nothing."""
    page.post(ACCOUNTS, form)
    analyst = client_of(lab.splunkd, "analyst")
    for refused in (
        analyst.get(ACCOUNTS, count=0),
        analyst.post(f"{ACCOUNTS}/{NAME}", {"url": "https://evil.example"}),
        analyst.post(ACCOUNTS, form | {"name": "mine"}),
        analyst.delete(f"{ACCOUNTS}/{NAME}"),
    ):
        assert "edit_soar_accounts" in refused.messages[0][1]
        assert form["token"] not in refused.text
    assert form["token"] not in analyst.get(f"{ROOT}/configs/conf-ta_send_to_soar_account", count=0).text
    assert analyst.get(PASSWORDS, count=0).status == 403
    assert local(lab)[NAME]["url"] == form["url"]
    assert json.loads(stored(page)["1"]) == {"token": form["token"]}


def test_the_role_for_it_manages_accounts(lab: Lab, form: dict[str, str]) -> None:
    """send_to_soar_admin beside the role user is enough."""
    lab.splunkd.add_user("keeper", ["user", "send_to_soar_admin"])
    keeper = client_of(lab.splunkd, "keeper")
    assert keeper.post(ACCOUNTS, form).status == 201
    assert keeper.post(f"{ACCOUNTS}/{NAME}", {"default_label": "events"}).status == 200
    assert keeper.delete(f"{ACCOUNTS}/{NAME}").status == 200


@pytest.mark.parametrize("lengths", [(20, 700, 30), (700, 300, 20), (300, 900, 301)], ids=str)
def test_a_secret_is_rotated_cleanly(page: Client, form: dict[str, str], lengths: tuple[int, ...]) -> None:
    """To longer and shorter ones: nothing of an old secret stays in the store."""
    for number, length in enumerate(lengths):
        secret = chr(ord("a") + number) * length
        where = f"{ACCOUNTS}/{NAME}" if number else ACCOUNTS
        fields = {key: text for key, text in form.items() if not number or key != "name"}
        assert page.post(where, fields | {"token": secret, "skip_test": "1"}).status in (200, 201)
        pieces = stored(page)
        *body, mark = (pieces[str(at)] for at in range(1, len(pieces) + 1))
        assert json.loads("".join(body)) == {"token": secret}
        assert "splunk_cred_sep" in mark


def test_an_untouched_secret_is_used_for_the_test(lab: Lab, page: Client, form: dict[str, str]) -> None:
    """With the mask, or without the field, which is how the page leaves it out."""
    page.post(ACCOUNTS, form)
    assert lab.soar.stand_in is not None
    for change in ({"token": MASK}, {"default_label": "incidents"}):
        lab.soar.stand_in.admin.clear_requests()
        assert page.post(f"{ACCOUNTS}/{NAME}", change).status == 200
        assert [record.status for record in lab.soar.stand_in.admin.requests] == [200, 200]
        assert json.loads(stored(page)["1"]) == {"token": form["token"]}
    assert "token is missing" in refusal(page.post(ACCOUNTS, form | {"name": "copy", "token": MASK}))


def test_a_secret_written_into_the_conf_file_is_taken_into_the_store(
    lab: Lab, page: Client, form: dict[str, str]
) -> None:
    """By hand or by a deployment: it is masked at once, and gone from the file when the account is saved."""
    lab.management.post(
        f"{ROOT}/configs/conf-ta_send_to_soar_account",
        {key: text for key, text in form.items() if key != "skip_test"},
    )
    assert local(lab)[NAME]["token"] == form["token"]
    assert form["token"] not in page.get(ACCOUNTS, count=0).text
    assert page.post(f"{ACCOUNTS}/{NAME}", {"default_label": "events"}).status == 200
    assert local(lab)[NAME]["token"] == MASK
    assert json.loads(stored(page)["1"]) == {"token": form["token"]}


def test_there_is_one_default_account(page: Client, form: dict[str, str]) -> None:
    """The lab's is it: the refusal names it."""
    assert f'"{ACCOUNT}" is the default account already' in refusal(page.post(ACCOUNTS, form | {"is_default": "1"}))


def test_what_is_wrong_is_told_before_anything_is_asked(lab: Lab, page: Client, form: dict[str, str]) -> None:
    """All of it at once, and nothing is stored."""
    assert lab.soar.stand_in is not None
    lab.soar.stand_in.admin.clear_requests()
    wrong = form | {"url": "http://soar", "connections": "99", "ca_certificate": "nonsense"}
    told = refusal(page.post(ACCOUNTS, wrong))
    for words in ("not https", "Connections", "CA certificate"):
        assert words in told
    assert lab.soar.stand_in.admin.requests == []
    assert NAME not in local(lab)


def test_deleting_an_account_removes_its_secret(lab: Lab, page: Client, form: dict[str, str]) -> None:
    """Conf file and password store are as before; another account of a similar name keeps its own."""
    page.post(ACCOUNTS, form)
    other = f"{NAME}2"
    page.post(ACCOUNTS, form | {"name": other})
    assert page.delete(f"{ACCOUNTS}/{NAME}").status == 200
    assert (NAME in local(lab), stored(page)) == (False, {})
    assert json.loads(stored(page, other)["1"]) == {"token": form["token"]}
    assert page.delete(f"{ACCOUNTS}/{other}").status == 200
    assert "There is no account" in page.get(f"{ACCOUNTS}/{other}").messages[0][1]


def test_an_account_that_the_outbox_needs_stays(lab: Lab, page: Client, form: dict[str, str]) -> None:
    """Deleting it would leave containers that nobody can deliver: how to deliver or give them up is told."""
    page.post(ACCOUNTS, form)
    row = OutboxItem(key="a" * 64, state=PENDING, account=NAME, action="send_to_soar").document()
    path = f"{ROOT}/storage/collections/data/soar_outbox"
    known = json.loads(page.call("GET", path).body)
    try:
        assert page.post_json(path, row).status == 201
        told = refusal(page.delete(f"{ACCOUNTS}/{NAME}"))
        assert f'1 container in the outbox waits for the account "{NAME}"' in told
        assert "| soaroutboxctl action=resend" in told
        assert json.loads(stored(page)["1"]) == {"token": form["token"]}
    finally:
        page.call("DELETE", f"{path}/{row['_key']}")
    assert json.loads(page.call("GET", path).body) == known
    assert page.delete(f"{ACCOUNTS}/{NAME}").status == 200


class TestConnection:
    """Saving tells what is wrong, and stores nothing; saving without the test does."""

    @pytest.fixture(autouse=True)
    def nothing_is_stored(self, lab: Lab, page: Client, form: dict[str, str]) -> Iterator[None]:
        """A failed test leaves no trace."""
        yield
        assert NAME not in local(lab)
        assert stored(page) == {}

    def test_a_name_that_does_not_resolve(self, page: Client, form: dict[str, str]) -> None:
        """The resolver's answer, where it gives one."""
        told = refusal(page.post(ACCOUNTS, form | {"url": "https://soar.invalid"}))
        assert "(dns): The name of soar.invalid can't be resolved." in told
        assert "Save without test" in told

    def test_a_port_that_refuses(self, page: Client, form: dict[str, str]) -> None:
        """Nothing listens."""
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            told = refusal(page.post(ACCOUNTS, form | {"url": f"https://127.0.0.1:{held.getsockname()[1]}"}))
        assert "(tcp)" in told
        assert "refuses connections" in told
        assert "whether the server is running" in told

    def test_a_black_hole(self, page: Client, form: dict[str, str]) -> None:
        """As behind a firewall that drops: ends with the account's own timeout."""
        with socket.socket() as hole, contextlib.ExitStack() as callers:
            hole.bind(("127.0.0.1", 0))
            hole.listen(0)
            for _ in range(4):
                caller = callers.enter_context(socket.socket())
                caller.setblocking(False)  # noqa: FBT003 - the socket module's own
                caller.connect_ex(hole.getsockname())
            url = f"https://127.0.0.1:{hole.getsockname()[1]}"
            start = time.monotonic()
            told = refusal(page.post(ACCOUNTS, form | {"url": url, "connect_timeout": "1"}))
        assert time.monotonic() - start < 20
        assert "did not accept a connection in time" in told
        assert "firewall" in told

    def test_an_unknown_authority(self, page: Client, form: dict[str, str]) -> None:
        """Without the private authority that the lab's SOAR has."""
        told = refusal(page.post(ACCOUNTS, form | {"ca_certificate": ""}))
        assert "(tls)" in told
        assert "CA certificate" in told

    @pytest.mark.parametrize(
        "certificate",
        [
            ("DNS:other.example", "20991231000000Z", "name that stands in the certificate"),
            ("DNS:localhost", "20210101000000Z", "renewed"),
        ],
        ids=["wrong-host", "expired"],
    )
    def test_a_certificate_that_does_not_hold(
        self, page: Client, form: dict[str, str], authority: Authority, serve: Serve, certificate: tuple[str, str, str]
    ) -> None:
        """Another host's, or expired: no request leaves."""
        san, end, words = certificate
        server = serve(soar_version(b"{}"), authority.issue(f"bad-{end}", san, "20200101000000Z", end))
        told = refusal(page.post(ACCOUNTS, form | {"url": server.url, "ca_certificate": authority.pem}))
        assert "(tls)" in told
        assert words in told
        assert server.requests == []

    def test_a_wrong_token(self, page: Client, form: dict[str, str]) -> None:
        """401, with the token as cause and not shown."""
        told = refusal(page.post(ACCOUNTS, form | {"token": SECRET}))
        assert "(sign_in)" in told
        assert "HTTP 401" in told
        assert "token" in told
        assert SECRET not in told

    @pytest.mark.parametrize(
        "user",
        [
            (("10.0.0.0/8",), {"containers": ("view",)}, "allowed IPs"),
            (("any",), {"playbooks": ("view",)}, "role the permission"),
        ],
        ids=["address", "permission"],
    )
    def test_what_soar_forbids(
        self, lab: Lab, page: Client, form: dict[str, str], user: tuple[Sequence[str], dict[str, Sequence[str]], str]
    ) -> None:
        """403, for the address or for a permission that the role lacks."""
        allowed, permissions, words = user
        assert lab.soar.stand_in is not None
        lab.soar.stand_in.add_automation_user("limited", SECRET, allowed_ips=allowed, permissions=permissions)
        told = refusal(page.post(ACCOUNTS, form | {"token": SECRET}))
        assert "HTTP 403" in told
        assert words in told
        assert SECRET not in told

    def test_what_is_not_soar(self, page: Client, form: dict[str, str], authority: Authority, serve: Serve) -> None:
        """Another product answers, and says what."""
        server = serve(soar_version(b"<html><title>Welcome to nginx"))
        told = refusal(page.post(ACCOUNTS, form | {"url": server.url, "ca_certificate": authority.pem}))
        assert "is not SOAR" in told
        assert "Welcome to nginx" in told

    def test_a_soar_that_is_too_old(self, page: Client, form: dict[str, str], tmp_path: Path) -> None:
        """Its version and the one that is needed."""
        with StandInSoar(tmp_path, switches=Switches(version="5.5.0.1")) as old:
            old.add_automation_user("a", SECRET)
            pem = Path(old.ca_file).read_text(encoding="ascii")
            told = refusal(page.post(ACCOUNTS, form | {"url": old.url, "ca_certificate": pem, "token": SECRET}))
        assert "SOAR 5.5.0.1 is too old" in told
        assert "6.2" in told

    def test_saving_without_the_test(self, lab: Lab, page: Client, form: dict[str, str]) -> None:
        """For a SOAR that is not there yet; the box itself is not stored, and is not ticked the next time."""
        saved = page.post(ACCOUNTS, form | {"url": "https://127.0.0.1:1", "skip_test": "1"})
        assert saved.status == 201
        assert saved.content["skip_test"] == "0"
        assert "skip_test" not in local(lab)[NAME]
        assert page.delete(f"{ACCOUNTS}/{NAME}").status == 200

    def test_a_change_that_does_not_connect_is_not_saved(self, lab: Lab, page: Client, form: dict[str, str]) -> None:
        """The account stays as it was, secret and all."""
        page.post(ACCOUNTS, form)
        refusal(page.post(f"{ACCOUNTS}/{NAME}", {"token": SECRET, "url": "https://127.0.0.1:1"}))
        assert local(lab)[NAME]["url"] == form["url"]
        assert json.loads(stored(page)["1"]) == {"token": form["token"]}
        assert page.delete(f"{ACCOUNTS}/{NAME}").status == 200


def test_secrets_are_in_no_file_but_the_password_store(lab: Lab, page: Client, form: dict[str, str]) -> None:
    """After saving, failing, changing and deleting: logs, conf files and all else below the lab's folder."""
    fields = form | {"token": SECRET}
    page.post(ACCOUNTS, fields)
    page.post(ACCOUNTS, fields | {"skip_test": "1"})
    page.post(ACCOUNTS, fields | {"skip_test": "1"})
    page.post(f"{ACCOUNTS}/{NAME}", {"default_label": "events"})
    page.post(f"{ACCOUNTS}/{NAME}", {"url": f"https://anna:{SECRET}@soar"})
    files = [Path(folder) / name for folder, _, names in os.walk(lab.state) for name in names]
    holding = [path.name for path in files if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert holding == ["passwords.json"]
    page.delete(f"{ACCOUNTS}/{NAME}")
    assert [path for path in files if path.is_file() and SECRET.encode() in path.read_bytes()] == []
