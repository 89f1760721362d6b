"""storage/passwords and the file behind it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from tests.lab.splunkd.client import APP, Client, Run, Start, client_of

PASSWORDS = f"/servicesNS/nobody/{APP}/storage/passwords"


def test_credential_life_cycle(admin: Client) -> None:
    """A credential is created once, read in the clear, changed and removed; its name escapes colons."""
    form = {"name": "us:er", "realm": "re/alm", "password": "first"}
    created = admin.post(PASSWORDS, form)
    assert created.status == 201
    assert created.json["entry"][0]["name"] == "re/alm:us\\:er:"
    assert admin.post(PASSWORDS, form).status == 409
    link = created.json["entry"][0]["links"]["alternate"]
    assert "%252F" in link
    content = admin.post(link, {"password": "second"}).content
    assert (content["clear_password"], content["password"]) == ("second", "********")
    assert content["encr_password"].startswith("$7$")
    assert admin.delete(link).status == 200
    assert admin.get(link).status == 404


def test_reading_needs_the_capability(admin: Client, as_user: Callable[[str], Client]) -> None:
    """An analyst gets 403 with the capability's name for reading and writing."""
    admin.post(PASSWORDS, {"name": "u", "password": "p"})
    analyst = as_user("analyst")
    refused = analyst.get(PASSWORDS)
    assert refused.status == 403
    assert "requires capability: list_storage_passwords" in refused.messages[0][1]
    assert analyst.post(PASSWORDS, {"name": "v", "password": "p"}).status == 403


def test_the_access_list_counts_beside_the_capability(
    start: Start,
) -> None:
    """Who may not read the app's passwords sees none of them; who may not write changes none."""
    splunkd = start()
    admin = client_of(splunkd, "admin")
    admin.post(PASSWORDS, {"name": "u", "password": "p"})
    splunkd.add_user("eve", ["power"], ["list_storage_passwords", "edit_storage_passwords"])
    eve = client_of(splunkd, "eve")
    assert eve.get(PASSWORDS).json["entry"] == []
    assert eve.get(f"{PASSWORDS}/{quote(':u:')}").status == 404
    assert eve.post(PASSWORDS, {"name": "v", "password": "p"}).status == 403
    assert eve.delete(f"{PASSWORDS}/{quote(':u:')}").status == 404
    assert len(admin.get(PASSWORDS).json["entry"]) == 1


def test_credentials_belong_to_their_app(admin: Client) -> None:
    """Another app does not see a credential, the wildcard namespace does."""
    admin.post(PASSWORDS, {"name": "u", "realm": "r", "password": "p"})
    assert admin.get("/servicesNS/nobody/search/storage/passwords").json["entry"] == []
    assert len(admin.get("/servicesNS/nobody/-/storage/passwords").json["entry"]) == 1
    assert len(admin.get(PASSWORDS, search="realm=r").json["entry"]) == 1
    assert admin.get(PASSWORDS, search="realm=other").json["entry"] == []


def test_secrets_are_in_one_private_file(start: Start, tmp_path: Path) -> None:
    """Secrets survive a restart, in passwords.json with mode 0600 and in no other file; logins are digests."""
    splunkd = start()
    client_of(splunkd, "admin").post(PASSWORDS, {"name": "u", "password": "the-secret-value"})
    splunkd.set_login("admin", "the-login-value")
    again = client_of(start(), "admin")
    assert again.get(f"{PASSWORDS}/{quote(':u:')}").content["clear_password"] == "the-secret-value"
    file = tmp_path / "state" / "passwords.json"
    assert file.stat().st_mode & 0o777 == 0o600
    holding = [path for path in tmp_path.rglob("*") if path.is_file() and b"the-secret-value" in path.read_bytes()]
    assert holding == [file]
    assert "the-login-value" not in file.read_text(encoding="utf-8")
    assert json.loads(file.read_text(encoding="utf-8"))["credentials"][0]["app"] == APP


def test_credential_manager(in_addon: Run) -> None:
    """Solnlib's CredentialManager stores long secrets in chunks, replaces them and reports what is not there."""
    result = in_addon("""
        from solnlib.credentials import CredentialManager, CredentialNotExistException
        manager = CredentialManager(KEY, APP, realm="__REST_CREDENTIAL__#x#configs/conf-y", scheme="https",
                                    host=HOST, port=PORT)
        manager.set_password("user", "a" * 600)
        long = manager.get_password("user")
        manager.set_password("user", "short")
        short = manager.get_password("user")
        manager.delete_password("user")
        try:
            manager.get_password("user")
            gone = False
        except CredentialNotExistException:
            gone = True
        result = {"long": len(long), "short": short, "gone": gone}
    """)
    assert result == {"long": 600, "short": "short", "gone": True}
