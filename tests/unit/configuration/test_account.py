"""What an account may hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from soarlink.configuration import account as module
from soarlink.configuration.account import AccountEntry, check_name, entry
from soarlink.errors import SettingsError
from soarlink.feedback import settings as feedback
from tests.unit.certificates import Authority
from tests.unit.standin import ROOT

TOKEN = "K2Z=geheim"
JSON = json.dumps({"ph-auth-token": "from+JSON=", "server": "https://10.1.16.117:8443/"})
STORED = AccountEntry({"url": "https://soar", "auth_type": "token", "default_label": "events"}, {"token": TOKEN})


def saved(
    stored: AccountEntry | None = None, others: Mapping[str, Mapping[str, str]] | None = None, **posted: str
) -> AccountEntry:
    """What is stored of a form."""
    return entry("prod", posted, stored, others or {})


def refusal(stored: AccountEntry | None = None, **posted: Any) -> str:
    """Why a form is not stored; no secret is in it."""
    with pytest.raises(SettingsError) as caught:
        saved(stored, posted.pop("others", None), **posted)
    assert "geheim" not in str(caught.value)
    return str(caught.value)


def test_the_least_that_an_account_needs() -> None:
    """URL and token; the conf file gets a mask in place of the secret."""
    found = saved(url="https://soar/", token=f" {TOKEN}\n")
    assert found.secrets == {"token": TOKEN}
    assert (found.settings["url"], found.settings["auth_type"]) == ("https://soar", "token")
    assert (found.stanza()["token"], found.stanza()["password"]) == ("******", "")
    assert TOKEN not in repr(found)


def test_what_is_not_sent_stays() -> None:
    """The page leaves out a secret that nobody touched; scripts leave out more."""
    found = saved(STORED, default_label="incidents")
    assert found.secrets == {"token": TOKEN}
    assert found.settings == {**STORED.settings, **found.settings, "url": "https://soar", "default_label": "incidents"}


@pytest.mark.parametrize("mask", ["******", "********", " ****** "])
def test_a_mask_stands_for_what_is_stored(mask: str) -> None:
    """In a changed account; in a new one it stands for nothing."""
    assert saved(STORED, token=mask).secrets == {"token": TOKEN}
    assert "token is missing" in refusal(url="https://soar", token=mask)


def test_an_emptied_secret_is_missing() -> None:
    """Cleared on purpose is not left alone."""
    assert "token is missing" in refusal(STORED, token="")


class TestPasted:
    """The JSON that SOAR shows for an automation user."""

    def test_as_token_it_brings_the_url(self) -> None:
        """Both fields are filled from it."""
        found = saved(token=JSON)
        assert (found.settings["url"], found.secrets) == ("https://10.1.16.117:8443", {"token": "from+JSON="})

    def test_a_typed_url_counts(self) -> None:
        """SOAR's own idea of its address may not be reachable from here."""
        assert saved(url="https://soar", token=JSON).settings["url"] == "https://soar"

    def test_as_url_it_brings_the_token(self) -> None:
        """Of a changed account too, and whatever way of sign-in was chosen."""
        found = saved(STORED, url=f" {JSON}", auth_type="basic", username="anna")
        assert (found.settings["url"], found.secrets) == ("https://10.1.16.117:8443", {"token": "from+JSON="})
        assert (found.settings["auth_type"], found.settings["username"]) == ("token", "")

    @pytest.mark.parametrize("text", ["{broken geheim", "{}", '{"ph-auth-token": 5}', '{"server": "https://geheim"}'])
    def test_what_is_no_such_json(self, text: str) -> None:
        """Cut or something else: what to paste is shown."""
        assert '{"ph-auth-token": "…", "server": "https://…"}' in refusal(token=text)

    def test_without_a_server(self) -> None:
        """The URL is missing then, and where."""
        assert "URL is missing in the pasted JSON" in refusal(token='{"ph-auth-token": "geheim"}')


class TestSignIn:
    """A token, or user and password."""

    def test_the_other_way_is_not_kept(self) -> None:
        """Going from token to password forgets the token, and back."""
        basic = saved(STORED, auth_type="basic", username="anna", password=" geheim ")
        assert (basic.secrets, basic.settings["username"]) == ({"password": " geheim "}, "anna")
        back = saved(basic, auth_type="token", token=TOKEN)
        assert (back.secrets, back.settings["username"]) == ({"token": TOKEN}, "")

    @pytest.mark.parametrize(
        ("posted", "words"),
        [
            ({"auth_type": "oauth"}, 'Authentication is "oauth"'),
            ({"auth_type": "token"}, "token is missing"),
            ({"token": "geheim geheim"}, "blanks or other characters"),
            ({"token": "geheimü"}, "blanks or other characters"),
            ({"auth_type": "basic", "password": "geheim"}, "user name is missing"),
            ({"auth_type": "basic", "username": "a:b", "password": "geheim"}, "colon"),
            ({"auth_type": "basic", "username": "anna"}, "password is missing"),
        ],
    )
    def test_what_is_incomplete(self, posted: dict[str, str], words: str) -> None:
        """Each is told with what to do."""
        assert words in refusal(None, url="https://soar", **posted)


@pytest.mark.parametrize(
    ("posted", "words"),
    [
        ({"connect_timeout": "0"}, 'Connect timeout is "0": it must be a number from 1 to 120.'),
        ({"connect_timeout": "121"}, "from 1 to 120"),
        ({"read_timeout": "soon"}, 'Read timeout is "soon"'),
        ({"read_timeout": "nan"}, 'Read timeout is "nan"'),
        ({"connections": "2.5"}, "Connections is"),
        ({"connections": "17"}, "a whole number from 1 to 16"),
        ({"rate_limit": "-1"}, "from 0 to 100000"),
        ({"default_label": "x" * 81}, "default label"),
        ({"default_label": "a\nb"}, "default label"),
        ({"delivery": "later"}, "must be direct or service"),
        ({"allowed_roles": "soc tier 2"}, '"soc tier 2" is no role'),
        ({"ca_certificate": "no certificate"}, "CA certificate can't be used"),
        ({"ca_certificate": "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----"}, "can't be used"),
        ({"feedback": "labels"}, "no label is named"),
        ({"feedback_interval": "1"}, "feedback_interval"),
        ({"url": "http://soar"}, "not https"),
        ({"url": ""}, "URL is missing"),
        ({"is_default": "1", "others": {"prod": {"is_default": "1"}}}, '"prod" is the default account already'),
    ],
)
def test_every_other_rule(posted: dict[str, Any], words: str) -> None:
    """Field, value and way out."""
    assert words in refusal(**{"url": "https://soar", "token": TOKEN, **posted})


def test_all_that_is_wrong_is_told_at_once() -> None:
    """One round of mending is enough."""
    told = refusal(url="http://soar", connections="0", delivery="x")
    for words in ("not https", "token is missing", "Connections", "Delivery"):
        assert words in told


def test_roles_and_switches_have_one_form() -> None:
    """Blanks, doubles and upper case of role names; the checkbox in any of Splunk's spellings."""
    found = saved(url="https://soar", token=TOKEN, allowed_roles=" soc, Tier_2 ,,soc", is_default="true")
    assert (found.settings["allowed_roles"], found.settings["is_default"]) == ("soc,tier_2", "1")


def test_one_default_account_may_be_saved_again() -> None:
    """It is no rival of its own; one that is not the default disturbs nobody."""
    others = {"lab": {"is_default": "1"}}
    assert saved(STORED, {"lab": {"is_default": "0"}}, is_default="1").settings["is_default"] == "1"
    assert saved(STORED, others, is_default="0").settings["is_default"] == "0"


def test_a_key_that_was_pasted_with_the_certificate_is_not_kept(authority: Authority) -> None:
    """Only certificates stand in the conf file."""
    pem = authority.pem
    text = f"remark\n-----BEGIN PRIVATE KEY-----\ngeheim\n-----END PRIVATE KEY-----\n{pem}\n{pem}"
    found = saved(url="https://soar", token=TOKEN, ca_certificate=text).settings["ca_certificate"]
    assert "geheim" not in found
    assert found.count("BEGIN CERTIFICATE") == 2


@pytest.mark.parametrize("name", ["prod", "a", "A_1", "x" * 50])
def test_names_that_are_taken(name: str) -> None:
    """Letters, digits and underscores."""
    check_name(name)


@pytest.mark.parametrize("name", ["", "1a", "a b", "a-b", "ä", "x" * 51, "default", "Default", "a/b", "_a"])
def test_names_that_are_refused(name: str) -> None:
    """What would clash with conf files, searches and paths."""
    with pytest.raises(SettingsError, match="can't be called"):
        check_name(name)


def test_json_that_can_t_be_read_is_the_only_complaint() -> None:
    """A token that was cut off in the middle is not called a token with blanks."""
    told = refusal(token='{"ph-auth-token": "cut", "server":')
    assert "pasted JSON can't be used" in told
    assert "blanks" not in told


def test_the_page_has_the_same_ranges() -> None:
    """globalConfig.json is what the browser checks by."""
    config = json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))
    tab = next(tab for tab in config["pages"]["configuration"]["tabs"] if tab.get("name") == "account")
    ranges = {
        field["field"]: (field["label"].removesuffix(" (s)"), field["validators"][0]["range"])
        for field in tab["entity"]
        if field.get("validators", [{}])[0].get("type") == "number"
    }
    ours = {name: (one.label, [one.least, one.most]) for name, one in module.NUMBERS.items()}
    polled = {name: [least, most] for name, (_, least, most) in feedback._NUMBERS.items()}  # noqa: SLF001 - its bounds
    assert {name: ranges.pop(name)[1] for name in polled} == polled
    assert ranges == ours
