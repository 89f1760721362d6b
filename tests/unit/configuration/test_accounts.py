"""Listing, saving, testing and deleting accounts: splunkd and SOAR are the stand-ins."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from soarlink.configuration import settings as tabs
from soarlink.configuration.accounts import Accounts
from soarlink.errors import KvStoreUnavailable, SettingsError, SoarError, SplunkdError
from soarlink.splunk import passwords
from soarlink.splunk.conf import ACCOUNTS, SETTINGS
from soarlink.splunk.settings import Settings
from soarlink.splunk.splunkd import Splunkd
from soarlink.splunk.stanzas import Stanzas
from tests.unit.configuration.conftest import ROOT
from tests.unit.outbox.splunkd import SplunkdProcess
from tests.unit.standin import TOKEN, StandIn

NONE = Settings({}, {}, "INFO", "main")
NOW = 1_764_000_000.0


def accounts(splunkd: Splunkd, settings: Settings = NONE, waiting: Callable[[str], int] = lambda _: 0) -> Accounts:
    """The accounts of that session."""
    return Accounts(splunkd, settings, waiting, lambda _name: lambda _call: None, lambda: NOW)


@pytest.fixture
def form(soar: StandIn) -> dict[str, str]:
    """What the page posts for the stand-in SOAR."""
    return {"url": soar.url, "auth_type": "token", "token": TOKEN, "ca_certificate": soar.ca}


@pytest.fixture(autouse=True)
def clean(splunkd: Splunkd, process: SplunkdProcess) -> Iterator[None]:
    """Nothing is left of a test's accounts."""
    yield
    process.clear()
    for stanza in Stanzas(splunkd, ACCOUNTS).all():
        Stanzas(splunkd, ACCOUNTS).remove(stanza.name)
        passwords.remove(splunkd, ACCOUNTS, stanza.name)
    passwords.remove(splunkd, SETTINGS, "proxy")


def pieces(splunkd: Splunkd, stanza: str) -> list[str]:
    """The names of a stanza's entries in the password store."""
    reply = splunkd.request("GET", f"{ROOT}/storage/passwords?output_mode=json&count=0")
    names = [entry["content"]["username"] for entry in json.loads(reply.body)["entry"]]
    return sorted(name.rpartition("`")[2] for name in names if name.startswith(f"{stanza}`"))


class TestAccounts:
    """What the account page does."""

    def test_a_life(self, splunkd: Splunkd, form: dict[str, str]) -> None:
        """Created, listed, changed, deleted: secrets are masked throughout, and go with the account."""
        book = accounts(splunkd)
        assert book.create("prod", form).content["token"] == "******"
        assert passwords.read(splunkd, ACCOUNTS, "prod") == {"token": TOKEN}
        assert book.edit("prod", {"default_label": "incidents"}).content["default_label"] == "incidents"
        (listed,) = book.list()
        assert (listed.name, listed.content["url"], listed.content["token"]) == ("prod", form["url"], "******")
        assert (listed.content["delivery"], listed.content["is_default"]) == ("direct", "0")
        book.remove("prod")
        assert book.list() == []
        assert pieces(splunkd, "prod") == []

    def test_names_are_taken_once(self, splunkd: Splunkd, form: dict[str, str]) -> None:
        """And what is not there can't be changed."""
        book = accounts(splunkd)
        with pytest.raises(SettingsError, match="can't be called"):
            book.create("default", form)
        book.create("prod", form)
        with pytest.raises(SettingsError, match='account "prod" already'):
            book.create("prod", form)
        with pytest.raises(SettingsError, match='no account "test"'):
            book.edit("test", form)

    def test_a_failed_test_saves_nothing(self, splunkd: Splunkd, form: dict[str, str]) -> None:
        """Neither a new account nor a change; without the test both are saved."""
        book = accounts(splunkd)
        dead = {**form, "url": "https://127.0.0.1:1", "token": "geheim"}
        with pytest.raises(SoarError, match=r"\(tcp\): 127\.0\.0\.1:1 refuses.*Save without test"):
            book.create("prod", dead)
        assert (book.list(), pieces(splunkd, "prod")) == ([], [])
        book.create("prod", {**dead, "skip_test": "1"})
        with pytest.raises(SoarError, match="tcp"):
            book.edit("prod", {"token": "other"})
        assert passwords.read(splunkd, ACCOUNTS, "prod") == {"token": "geheim"}
        assert "skip_test" not in book.list()[0].content

    def test_the_proxy_in_force_is_tried(self, splunkd: Splunkd, form: dict[str, str]) -> None:
        """With its password, which the password store has."""
        passwords.write(splunkd, SETTINGS, "proxy", {"proxy_password": "geheim"})
        proxy = {"proxy_enabled": "1", "proxy_host": "127.0.0.1", "proxy_port": "1", "proxy_username": "anna"}
        with pytest.raises(SoarError, match=r"\(proxy\): proxy 127\.0\.0\.1:1 refuses connections"):
            accounts(splunkd, Settings({}, proxy, "INFO", "main")).create("prod", form)

    def test_a_secret_in_the_conf_file_is_taken_into_the_store(self, splunkd: Splunkd, form: dict[str, str]) -> None:
        """It does not show meanwhile."""
        Stanzas(splunkd, ACCOUNTS).create("prod", form)
        book = accounts(splunkd)
        assert TOKEN not in str(book.list())
        book.edit("prod", {})
        assert passwords.read(splunkd, ACCOUNTS, "prod") == {"token": TOKEN}
        (stanza,) = Stanzas(splunkd, ACCOUNTS).all()
        assert stanza.settings["token"] == "******"

    def test_the_outbox_keeps_an_account(self, splunkd: Splunkd, form: dict[str, str]) -> None:
        """While containers wait for it; an outbox that can't be asked keeps nothing."""
        accounts(splunkd).create("prod", form)
        for waiting, words in ((1, "1 container in the outbox waits"), (2, "2 containers in the outbox wait")):
            with pytest.raises(SettingsError, match=f'{words} for the account "prod"'):
                accounts(splunkd, waiting=lambda _, number=waiting: number).remove("prod")  # type: ignore[misc]
        assert pieces(splunkd, "prod") == ["1", "2"]

        def away(_: str) -> int:
            raise KvStoreUnavailable("The KV store is away.")

        accounts(splunkd, waiting=away).remove("prod")
        assert accounts(splunkd).list() == []

    def test_a_conf_file_that_is_not_written_leaves_no_secret(
        self, splunkd: Splunkd, process: SplunkdProcess, form: dict[str, str]
    ) -> None:
        """Splunkd fails between the two: the new secret is taken back."""
        process.fault("POST", "configs/conf-ta_send_to_soar_account", status=500)
        with pytest.raises(SplunkdError, match=r"HTTP 500 for ta_send_to_soar_account"):
            accounts(splunkd).create("prod", form)
        assert pieces(splunkd, "prod") == []

    def test_whoever_may_not_is_told(self, splunkd: Splunkd, reader: Splunkd, form: dict[str, str]) -> None:
        """They see accounts, and change none."""
        accounts(splunkd).create("prod", form)
        book = accounts(reader)
        assert [answer.name for answer in book.list()] == ["prod"]
        refused: tuple[Callable[[], Any], ...] = (
            lambda: book.create("mine", form),
            lambda: book.edit("prod", {"default_label": "x"}),
            lambda: book.remove("prod"),
        )
        for call in refused:
            with pytest.raises(SplunkdError, match="storage_passwords") as caught:
                call()
            assert caught.value.status == 403


class TestPasswords:
    """The password store."""

    @pytest.mark.parametrize("lengths", [(20, 700, 30), (700, 300, 20), (300, 900, 301), (5, 5, 5)], ids=str)
    def test_nothing_stays_of_an_older_secret(self, splunkd: Splunkd, lengths: tuple[int, ...]) -> None:
        """Longer, shorter, of the same length: what is read is what was written last, and no piece is left over."""
        for number, length in enumerate(lengths):
            secret = {"token": chr(ord("a") + number) * length}
            passwords.write(splunkd, ACCOUNTS, "prod", secret)
            assert passwords.read(splunkd, ACCOUNTS, "prod") == secret
            assert len(pieces(splunkd, "prod")) == -(-len(json.dumps(secret)) // 255) + 1
        passwords.remove(splunkd, ACCOUNTS, "prod")

    @pytest.mark.parametrize("lengths", [(20, 30), (20, 700), (700, 20)], ids=str)
    def test_a_reader_sees_the_old_or_the_new_one(
        self, splunkd: Splunkd, process: SplunkdProcess, lengths: tuple[int, int]
    ) -> None:
        """After whichever write splunkd stops, as long as one of both fits into one piece."""
        old, new = ({"token": letter * length} for letter, length in zip("on", lengths))
        for writes in range(6):
            passwords.write(splunkd, ACCOUNTS, "prod", old)
            limited = _Failing(splunkd, writes)
            try:
                passwords.write(limited, ACCOUNTS, "prod", new)
            except SplunkdError:
                assert passwords.read(splunkd, ACCOUNTS, "prod") in (old, new)
            else:
                assert passwords.read(splunkd, ACCOUNTS, "prod") == new
        passwords.remove(splunkd, ACCOUNTS, "prod")

    def test_a_store_that_fails_is_told(self, splunkd: Splunkd, process: SplunkdProcess) -> None:
        """With splunkd's status, without the secret."""
        process.fault("POST", "storage/passwords", status=500)
        with pytest.raises(SplunkdError, match=r"did not store a password.*HTTP 500") as caught:
            passwords.write(splunkd, ACCOUNTS, "prod", {"token": "geheim"})
        assert "geheim" not in str(caught.value)

    def test_a_user_who_may_only_read_is_told(self, process: SplunkdProcess, splunkd: Splunkd) -> None:
        """The capability and the role."""
        process.fault("POST", "storage/passwords", status=403)
        with pytest.raises(SplunkdError, match=r"edit_storage_passwords.*send_to_soar_admin"):
            passwords.write(splunkd, ACCOUNTS, "prod", {"token": "geheim"})

    def test_pieces_do_not_show(self, splunkd: Splunkd) -> None:
        """Not in a traceback's or a debugger's repr either."""
        passwords.write(splunkd, ACCOUNTS, "prod", {"token": "geheim"})
        found = passwords._stored(splunkd, ACCOUNTS, "prod")  # noqa: SLF001 - what a traceback would show
        assert "geheim" not in repr(found)
        assert len(found) == 2
        passwords.remove(splunkd, ACCOUNTS, "prod")


class _Failing:
    """A session that fails after some writes."""

    def __init__(self, splunkd: Splunkd, writes: int) -> None:
        self._splunkd = splunkd
        self._left = writes

    def request(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> Any:
        """One call, or none."""
        if method != "GET":
            self._left -= 1
            if self._left < 0:
                raise SplunkdError("splunkd is gone.")
        return self._splunkd.request(method, path, body, content_type)


class TestStanzas:
    """Conf files over REST."""

    def test_values_are_text(self, splunkd: Splunkd) -> None:
        """Whatever splunkd makes of them in JSON."""
        stanzas = Stanzas(splunkd, ACCOUNTS)
        made = stanzas.create("typed", {"a": "1", "b": "", "c": "two\nlines"})
        assert {key: made.settings[key] for key in "abc"} == {"a": "1", "b": "", "c": "two\nlines"}
        assert stanzas.get("typed") == stanzas.all()[0]
        assert stanzas.get("other") is None
        assert not any(key.startswith("eai:") or key == "disabled" for key in made.settings)

    def test_refusals_are_told(self, splunkd: Splunkd, reader: Splunkd, process: SplunkdProcess) -> None:
        """Rights with the roles that have them, everything else in splunkd's words."""
        with pytest.raises(SplunkdError, match=r"HTTP 403.*send_to_soar_admin"):
            Stanzas(reader, ACCOUNTS).create("mine", {})
        Stanzas(splunkd, ACCOUNTS).create("prod", {})
        with pytest.raises(SplunkdError, match=r"HTTP 409 for ta_send_to_soar_account\.conf: .*already exists"):
            Stanzas(splunkd, ACCOUNTS).create("prod", {})
        process.fault("GET", "configs/conf-ta_send_to_soar_account", status=503, body="busy")
        with pytest.raises(SplunkdError, match=r"HTTP 503.*busy"):
            Stanzas(splunkd, ACCOUNTS).all()


class TestTabs:
    """Proxy and logging before they are saved."""

    def test_a_new_password_is_stored_and_masked(self, splunkd: Splunkd) -> None:
        """What Splunk's handler gets is a mask; a mask without a password is nothing."""
        given = {"proxy_username": "anna", "proxy_password": "geheim "}
        assert tabs.before_saving(splunkd, "proxy", {**given, "proxy_password": "******"})["proxy_password"] == ""
        assert tabs.before_saving(splunkd, "proxy", given)["proxy_password"] == "******"
        assert passwords.read(splunkd, SETTINGS, "proxy") == {"proxy_password": "geheim "}
        assert tabs.before_saving(splunkd, "proxy", {**given, "proxy_password": "******"})["proxy_password"] == "******"

    def test_what_is_there_counts(self, splunkd: Splunkd) -> None:
        """A change of one field is judged with the others."""
        Stanzas(splunkd, SETTINGS).create("proxy", {"proxy_enabled": "1", "proxy_host": "p", "proxy_port": "1"})
        assert tabs.before_saving(splunkd, "proxy", {"proxy_port": " 2 "}) == {"proxy_port": "2"}
        with pytest.raises(SettingsError, match="needs host and port"):
            tabs.before_saving(splunkd, "proxy", {"proxy_port": ""})
        Stanzas(splunkd, SETTINGS).remove("proxy")

    def test_the_index_defines_the_macro(self, splunkd: Splunkd) -> None:
        """What searches and actions read is defined before the tab is saved."""
        assert tabs.before_saving(splunkd, "index", {"index": " soar-1 "}) == {"index": "soar-1"}
        macro = Stanzas(splunkd, "macros").get("soar_index")
        assert macro is not None
        assert macro.settings["definition"] == "index=soar-1"
        assert tabs.before_saving(splunkd, "index", {}) == {}

    @pytest.mark.parametrize("index", ["", "_internal", "Main", "a b", "a*", "a OR index=b", "my_kvstore"])
    def test_what_is_no_index_is_refused(self, splunkd: Splunkd, index: str) -> None:
        """Nothing gets into the macro that would be more than one index."""
        tabs.before_saving(splunkd, "index", {"index": "before"})
        with pytest.raises(SettingsError, match=f'The index is "{re.escape(index)}"'):
            tabs.before_saving(splunkd, "index", {"index": index})
        macro = Stanzas(splunkd, "macros").get("soar_index")
        assert macro is not None
        assert macro.settings["definition"] == "index=before"

    def test_who_may_not_define_the_macro_saves_nothing(self, reader: Splunkd) -> None:
        """The tab is not saved with an index that nothing uses."""
        with pytest.raises(SplunkdError, match=r"macros\.conf \(HTTP 403\)"):
            tabs.before_saving(reader, "index", {"index": "mine"})

    def test_other_tabs(self, splunkd: Splunkd) -> None:
        """Logging has one rule, tabs of others have none of ours."""
        assert tabs.before_saving(splunkd, "logging", {"loglevel": "DEBUG"}) == {"loglevel": "DEBUG"}
        with pytest.raises(SettingsError, match='"loud"'):
            tabs.before_saving(splunkd, "logging", {"loglevel": "loud"})
        assert tabs.before_saving(splunkd, "limits", {"x": "1"}) == {"x": "1"}
