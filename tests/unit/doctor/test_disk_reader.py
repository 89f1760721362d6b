"""What is read from the search head's disk: files against their list, local settings, journals, logs."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from soarlink.delivery.breaker import Breaker
from soarlink.doctor import disk_reader
from soarlink.doctor.facts import Package, Unread, WaitingJournal
from soarlink.doctor.inventory import LIST, take
from soarlink.doctor.local_settings import idle
from soarlink.journal.journal import JournalStore, journal_root
from soarlink.mapping.shipped_rules import STANZAS
from tests.unit.standin import ROOT

PACKAGE = ROOT / "package"
NOW = 1_790_000_000.0
MAPPING = "ta_send_to_soar_mapping"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a `$SPLUNK_HOME`."""
    (tmp_path / "etc" / "system" / "local").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def app(home: Path) -> Path:
    """Return an installed add-on: some of its files, listed as the build lists them."""
    folder = home / "etc" / "apps" / "TA_send_to_soar"
    files = {
        "default/alert_actions.conf": "[send_to_soar]\nmaxresults = 50000\nparam.label =\nparam.severity = x\n",
        f"default/{MAPPING}.conf": (PACKAGE / "default" / f"{MAPPING}.conf").read_text(encoding="utf-8"),
        f"README/{MAPPING}.conf.spec": "[<name>]\nto =\n",
        "README/ta_send_to_soar_account.conf.spec": "[<name>]\nurl =\ntoken =\n",
        "bin/send_to_soar.py": "print()\n",
        "lib/soarlink/errors.py": "pass\n",
    }
    for name, text in files.items():
        write(folder / name, text)
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in files]
    write(folder / LIST, "".join(lines))
    return folder


def write(path: Path, text: str) -> None:
    """Write a file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_files_as_built(app: Path) -> None:
    """Settings of local, byte code and its folders are no part of it."""
    write(app / "local" / "macros.conf", "[soar_index]\n")
    write(app / "lib" / "soarlink" / "__pycache__" / "errors.cpython-39.pyc", "x")
    assert take(app) == Package(6)


def test_a_changed_a_missing_and_an_added_file_are_named(app: Path) -> None:
    """Each by its path in the add-on."""
    write(app / "lib" / "soarlink" / "errors.py", "hacked\n")
    (app / "bin" / "send_to_soar.py").unlink()
    write(app / "lib" / "old.py", "pass\n")
    found = take(app)
    assert found == Package(6, ("bin/send_to_soar.py",), ("lib/soarlink/errors.py",), ("lib/old.py",))


def test_a_folder_in_place_of_a_file_is_a_change(app: Path) -> None:
    """It can't be read."""
    (app / "bin" / "send_to_soar.py").unlink()
    (app / "bin" / "send_to_soar.py").mkdir()
    assert take(app).changed == ("bin/send_to_soar.py",)


def test_without_its_list_nothing_is_known(app: Path) -> None:
    """The count says so."""
    (app / LIST).unlink()
    assert take(app) == Package(0)


def shipped_rule() -> tuple[str, str, str]:
    """A shipped rule: its stanza, a key and the value."""
    name = next(iter(STANZAS))
    return name, "fields", STANZAS[name]["fields"]


def test_local_settings_that_change_nothing(app: Path, home: Path) -> None:
    """Misspelt files, parameters and keys; what is shipped so; rules that are off; places where nobody reads."""
    rule, key, value = shipped_rule()
    write(app / "local" / "alert_action.conf", "[x]\n")
    write(app / "local" / "ta_send_to_soar_mappings.conf", "[x]\n")
    write(
        app / "local" / "alert_actions.conf",
        "[send_to_soar]\nmaxresults = 50000\nparam.labl = a\nparam.label = b\n[x]\na = b\n",
    )
    write(
        app / "local" / f"{MAPPING}.conf",
        f"[{rule}]\n{key} = {value}\n[mine]\nfields = a\nto = b\ndisabled = 1\n[empty]\n[other]\nfields = a\n",
    )
    write(app / "local" / "ta_send_to_soar_account.conf", "[prod]\nurl = https://x\nverify = 0\ndisabled = 0\n")
    write(home / "etc/system/local/macros.conf", "[soar_index]\ndefinition = index=soar\n")
    write(home / "etc/apps/search/local/ta_send_to_soar_settings.conf", "[logging]\n")
    write(home / "etc/apps/search/default/macros.conf", "[another]\n")
    found = {(one.file, one.stanza, one.key): one.why for one in idle(app, home)}
    elsewhere = "only the add-on's own local is read"
    assert found == {
        ("local/alert_action.conf", "", ""): "the add-on has no such file; alert_actions.conf is meant?",
        ("local/ta_send_to_soar_mappings.conf", "", ""): f"the add-on has no such file; {MAPPING}.conf is meant?",
        ("local/alert_actions.conf", "send_to_soar", "maxresults"): "it is shipped so",
        ("local/alert_actions.conf", "send_to_soar", "param.labl"): "the action has no such parameter",
        ("local/alert_actions.conf", "x", ""): "the add-on has no such action",
        (f"local/{MAPPING}.conf", rule, key): "it is shipped so",
        (f"local/{MAPPING}.conf", "mine", "fields"): "the rule is switched off",
        (f"local/{MAPPING}.conf", "mine", "to"): "the rule is switched off",
        (f"local/{MAPPING}.conf", "empty", ""): "it sets nothing",
        ("local/ta_send_to_soar_account.conf", "prod", "verify"): "there is no such setting",
        ("etc/system/local/macros.conf", "soar_index", ""): f"{elsewhere}: searches follow it, the action does not",
        ("etc/apps/search/local/ta_send_to_soar_settings.conf", "", ""): elsewhere,
    }


def test_values_that_can_t_be_used_are_told(app: Path, home: Path) -> None:
    """Of each, what holds in its place."""
    write(
        app / "local" / "ta_send_to_soar_settings.conf",
        "[delivery]\nseconds = lots\nage_limit = 24\n[enterprise_security]\nwriteback_mode = maybe\n",
    )
    told = [one.why for one in idle(app, home) if one.file == "local"]
    assert len(told) == 2
    assert 'writeback_mode is "maybe"' in told[0]
    assert "none is updated" in told[0]
    assert 'seconds is "lots", which is no number above 0: 20 holds' in told[1]


def test_settings_with_an_effect_are_left_alone(app: Path, home: Path) -> None:
    """Files of Splunk's own, own macros, other parameters."""
    write(app / "local" / "macros.conf", "[soar_index]\ndefinition = index=soar\n")
    write(app / "local" / "passwords.conf", "[x]\npassword = $7$\n")
    write(app / "local" / "alert_actions.conf", "[send_to_soar]\nmaxresults = 100\n")
    assert list(idle(app, home)) == []


def test_everything_is_read(app: Path, home: Path) -> None:
    """A healthy search head."""
    write(app / "local" / f"{MAPPING}.conf", "[mine]\norder = 1\nfields = mine\nto = cs1\n")
    for name in ("python3.13", "python3.9", "python3.9-config", "python3"):
        write(home / "bin" / name, "")
    found = disk_reader.read(app, home, "prod", lambda: NOW)
    assert isinstance(found.mapping, int)
    assert found.mapping > 100
    assert (found.own_rules, found.overrides, found.journals, found.pause) == (("mine",), (), (), "")
    assert found.limits["maxresults"] == "50000"
    assert found.interpreter.version >= (3, 9, 0)
    assert found.interpreter.brought == ((3, 9), (3, 13))
    assert found.package == Package(6)


def test_a_wrong_rule_is_told_with_stanza_and_key(app: Path, home: Path) -> None:
    """And the way out."""
    write(app / "local" / f"{MAPPING}.conf", "[mine]\norder = 1\nfields = mine\nto = cs1\nmode = nonsense\n")
    found = disk_reader.read(app, home, "", lambda: NOW).mapping
    assert isinstance(found, Unread)
    assert found.what.startswith("[mine] mode:")


def test_journals_tell_their_age_and_whether_somebody_works_on_them(app: Path, home: Path) -> None:
    """Looking at one takes it from nobody."""
    store = JournalStore(journal_root(home))
    free = store.create("a" * 48, {}, None, {})
    free.release()
    owned = store.create("b" * 48, {}, None, {})
    for one in (free, owned):
        os.utime(one.path / "payload.json", (NOW - 600, NOW - 600))
    (journal_root(home) / "journal" / "half-removed").mkdir()
    found = sorted(disk_reader.read(app, home, "", lambda: NOW).journals, key=lambda one: one.key)
    assert found == [WaitingJournal(free.key, 600.0, owned=False), WaitingJournal(owned.key, 600.0, owned=True)]
    owned.release()
    again = store.resume(free.key)
    assert again is not None
    again.release()


def test_journals_tell_what_they_wait_for(app: Path, home: Path) -> None:
    """As the delivery input has noted it; how long nobody has looked counts from the time it was to look."""
    store = JournalStore(journal_root(home))
    for key, until, why in (("a", NOW + 20, "Ünknown."), ("b", NOW - 400, "Two\nlines."), ("c", NOW - 9000, "")):
        journal = store.create(key, {}, None, {})
        store.note_waiting(key, until, why, for_answer=key == "c")
        journal.release()
        os.utime(journal.path / "payload.json", (NOW - 600, NOW - 600))
    assert sorted(disk_reader.read(app, home, "", lambda: NOW).journals, key=lambda one: one.key) == [
        WaitingJournal("a", 600.0, owned=False, idle=0.0, why="Ünknown."),
        WaitingJournal("b", 600.0, owned=False, idle=400.0, why="Two\nlines."),
        WaitingJournal("c", 600.0, owned=False, idle=600.0),
    ]
    for content in ("", "soon\n"):
        (journal_root(home) / "journal/a/waiting").write_text(content, encoding="ascii")
        found = {one.key: one for one in disk_reader.read(app, home, "", lambda: NOW).journals}
        assert found["a"] == WaitingJournal("a", 600.0, owned=False)


def test_a_paused_server_tells_why(app: Path, home: Path) -> None:
    """For the account that is asked about only."""
    Breaker(journal_root(home) / "breaker", "prod", lambda: NOW).trip("HTTP 401.")
    assert disk_reader.read(app, home, "prod", lambda: NOW).pause == "HTTP 401."
    assert disk_reader.read(app, home, "lab", lambda: NOW).pause == ""


def test_a_log_has_an_age(home: Path) -> None:
    """None where there is none."""
    log = home / "var" / "log" / "splunk" / "soar_delivery.log"
    assert disk_reader.log_age(home, "soar_delivery", NOW) is None
    write(log, "x\n")
    os.utime(log, (NOW - 42, NOW - 42))
    assert disk_reader.log_age(home, "soar_delivery", NOW) == 42.0
