"""Conf files: syntax, layers, REST."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lab.splunkd import StandInSplunkd
from lab.splunkd.python.splunk.clilib import conffile
from tests.lab.splunkd.client import APP, Client, Run, Start, client_of

CONF = "ta_send_to_soar_settings"
BASE = f"/servicesNS/nobody/{APP}/configs/conf-{CONF}"


def local_file(splunkd: StandInSplunkd, conf: str, app: str = APP) -> Path:
    """Return the local layer of `conf`."""
    return splunkd.home / "etc" / "apps" / app / "local" / f"{conf}.conf"


def test_syntax_of_conf_files() -> None:
    """Comments, keys before a header, continued lines, later values and odd names are read as Splunk reads them."""
    text = "a = 0\n# c\n[x://y z]\nk = 1\nk = 2 = 3\nlong = one\\\n  two\\\nthree\n;no\nempty =\n[e]\n"
    assert conffile.parse(text) == {
        "default": {"a": "0"},
        "x://y z": {"k": "2 = 3", "long": "one\n  two\nthree", "empty": ""},
        "e": {},
    }


@pytest.mark.parametrize("value", ["plain", "a\nb", "ends with\n", "a # b", "[x]", "caf\u00e9 \u2028 x", ""])
def test_values_survive_writing(value: str) -> None:
    """What is written is read back the same."""
    stanzas = {"s": {"k": value, "after": "1"}}
    assert conffile.parse(conffile.dump(stanzas)) == stanzas


def test_update_goes_to_local_and_wins(splunkd: StandInSplunkd, admin: Client) -> None:
    """A POST writes only the given key into the app's local folder, and the default layer shows through elsewhere."""
    default = admin.get(f"{BASE}/logging").content["loglevel"]
    assert default == "INFO"
    assert admin.post(f"{BASE}/logging", {"loglevel": "DEBUG"}).content["loglevel"] == "DEBUG"
    assert conffile.read(str(local_file(splunkd, CONF))) == {"logging": {"loglevel": "DEBUG"}}
    assert not (splunkd.home / "etc" / "apps" / APP / "default" / CONF).exists()


def test_values_are_strings_and_survive_a_restart(start: Start) -> None:
    """Conf values are strings in JSON and are there after a restart."""
    client_of(start(), "admin").post(BASE, {"name": "extra", "number": "7", "flag": "true"})
    content = client_of(start(), "admin").get(f"{BASE}/extra").content
    assert (content["number"], content["flag"]) == ("7", "true")


def test_create_duplicate_delete(admin: Client) -> None:
    """Creating twice is 409, creating without a name 400, a stanza of the default layer can't be deleted."""
    assert admin.post(BASE, {"name": "a/b c", "x": "1"}).status == 201
    assert admin.post(BASE, {"name": "a/b c"}).status == 409
    nameless = admin.post(BASE, {"x": "1"})
    assert nameless.messages == [("ERROR", 'Cannot perform action "POST" without a target name to act on.')]
    link = admin.get(f"{BASE}/a%252Fb%20c").json["entry"][0]["links"]["alternate"]
    assert link == f"{BASE}/a%252Fb%20c"
    assert admin.delete(link).status == 200
    gone = admin.get(link)
    assert (gone.status, gone.messages) == (404, [("ERROR", "Could not find object id=a/b c")])
    assert admin.delete(f"{BASE}/logging").status == 400


def test_analyst_reads_and_does_not_write(splunkd: StandInSplunkd, as_user: Callable[[str], Client]) -> None:
    """Write access follows default.meta: an analyst reads the settings and gets 403 for a change."""
    analyst = as_user("analyst")
    entry = analyst.get(f"{BASE}/logging").json["entry"][0]
    assert entry["acl"]["can_write"] is False
    refused = analyst.post(f"{BASE}/logging", {"loglevel": "DEBUG"})
    assert (refused.status, refused.messages[0][0]) == (403, "WARN")
    assert not local_file(splunkd, CONF).exists()


def test_layers_of_two_apps(splunkd: StandInSplunkd, admin: Client) -> None:
    """Another app's stanzas show only when it exports them; inside an app its own files are the strongest."""
    other = splunkd.home / "etc" / "apps" / "A_other"
    (other / "default").mkdir(parents=True)
    (other / "metadata").mkdir()
    (other / "default" / f"{CONF}.conf").write_text("[logging]\nloglevel = ERROR\n[theirs]\nx = 1\n", encoding="utf-8")
    assert admin.get(f"{BASE}/theirs").status == 404
    (other / "metadata" / "default.meta").write_text("[]\nexport = system\n", encoding="utf-8")
    assert admin.get(f"{BASE}/theirs").json["entry"][0]["acl"]["app"] == "A_other"
    assert admin.get(f"{BASE}/logging").content["loglevel"] == "INFO"
    everywhere = f"/servicesNS/nobody/-/configs/conf-{CONF}/logging"
    assert admin.get(everywhere).content["loglevel"] == "ERROR"


def test_default_stanza_is_inherited(splunkd: StandInSplunkd, admin: Client) -> None:
    """Keys of [default] appear in every stanza that does not set them."""
    path = local_file(splunkd, CONF)
    path.parent.mkdir(exist_ok=True)
    path.write_text("shared = yes\n[one]\nown = 1\n[two]\nshared = no\n", encoding="utf-8")
    assert admin.get(f"{BASE}/one").content["shared"] == "yes"
    assert admin.get(f"{BASE}/two").content["shared"] == "no"


def test_properties(admin: Client) -> None:
    """Properties lists files, stanzas and keys, gives single values as text, and creates files and stanzas."""
    root = f"/servicesNS/nobody/{APP}/properties"
    assert CONF in [entry["name"] for entry in admin.get(root, count=0).json["entry"]]
    assert admin.call("GET", f"{root}/{CONF}/logging/loglevel").text == "INFO"
    assert admin.get(f"{root}/nothing").status == 404
    assert admin.post(root, {"__conf": "brandnew"}).status == 201
    assert admin.post(root, {"__conf": "brandnew"}).status == 303
    assert admin.post(f"{root}/brandnew", {"__stanza": "s"}).status == 201
    assert admin.post(f"{root}/brandnew/s", {"k": "v"}).status == 200
    assert admin.call("GET", f"{root}/brandnew/s/k").text == "v"


def test_conf_manager(in_addon: Run) -> None:
    """Solnlib's ConfManager reads, updates, creates, encrypts, deletes and reports what is missing."""
    result = in_addon("""
        from solnlib import conf_manager
        realm = "__REST_CREDENTIAL__#%s#configs/conf-ta_send_to_soar_account" % APP
        manager = conf_manager.ConfManager(KEY, APP, scheme="https", host=HOST, port=PORT, realm=realm)
        settings = manager.get_conf("ta_send_to_soar_settings")
        settings.update("logging", {"loglevel": "WARNING"})
        accounts = manager.create_conf("ta_send_to_soar_extra")
        accounts.update("one/1", {"url": "https://x", "token": "k" * 600}, ["token"])
        stored = manager.get_conf("ta_send_to_soar_extra").get("one/1")
        missing = []
        for action in (lambda: manager.get_conf("nothing"), lambda: settings.get("nothing")):
            try:
                action()
            except Exception as error:
                missing.append(type(error).__name__)
        accounts.delete("one/1")
        result = {"level": settings.get("logging")["loglevel"], "token": stored["token"], "missing": missing,
                  "left": sorted(manager.get_conf("ta_send_to_soar_extra").get_all())}
    """)
    assert result["level"] == "WARNING"
    assert result["token"] == "k" * 600
    assert result["missing"] == ["ConfManagerException", "ConfStanzaNotExistException"]
    assert result["left"] == []
