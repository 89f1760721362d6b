"""What add-ons leave behind is indexed by the settings that they ship."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lab.runner.conf import parse
from lab.runner.errors import LabError
from lab.runner.home import SplunkHome
from lab.runner.indexing.event import Event
from lab.runner.indexing.eventtypes import read_eventtypes
from lab.runner.indexing.extractions import pairs, search_fields
from lab.runner.indexing.index import Indexes
from lab.runner.indexing.indexer import Indexer
from lab.runner.indexing.patterns import path_pattern
from lab.runner.indexing.timestamps import event_time
from lab.runner.indexing.transforms import apply, compile_transform

APP = "TA_send_to_soar"
BREAKER = "\n==##~~##~~  1E8N3D4E6V5E7N2T9 ~~##~~##==\n"
LINE = (
    '2026-11-26 10:00:0{number},250+0000 INFO sendmodaction - worker="sh1" signature="{signature}" '
    'action_name="send_to_soar" sid="s1" rid="{number}"\n'
)


def _indexer(home: SplunkHome, *, with_cim: bool = True) -> tuple[Indexer, Indexes]:
    indexes = Indexes(home.root.parent / "index")
    return Indexer(home, indexes, apps=(APP,), host="sh1", clock=lambda: 5.0, with_cim=with_cim), indexes


def _header(sid: str, rid: str, sourcetype: str = "soar:action:result") -> str:
    return (
        f'***Common Action Model*** orig_action_name="send_to_soar" orig_sid="{sid}" orig_rid="{rid}" '
        f'sourcetype="{sourcetype}"\n'
    )


def _result(rid: str, **fields: Any) -> str:
    return _header("s 1", rid) + json.dumps({"time": 1_700_000_000.25, "rid": rid, "status": "delivered", **fields})


def _spool(home: SplunkHome, name: str, text: str) -> Path:
    path = home.spool / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("with_cim", [True, False])
def test_result_events_are_indexed_with_and_without_cim(home: SplunkHome, *, with_cim: bool) -> None:
    """The built add-on's settings split the file, read the headers, tag the events and remove the file."""
    events = BREAKER.join(
        ['***SPLUNK*** index="main" source="send_to_soar"', _result("0"), _result("1", reason="ö\nx")]
    )
    path = _spool(home, "TA_send_to_soar_1.stash_soar", events)
    indexer, indexes = _indexer(home, with_cim=with_cim)
    indexer.collect()
    found = list(indexes.since({}))
    assert [event["fields"]["rid"] for event in found] == ["0", "1"]
    first, second = found
    assert (first["index"], first["host"], first["source"]) == ("main", "sh1", "send_to_soar")
    assert first["sourcetype"] == "soar:action:result"
    assert (first["fields"]["orig_sid"], first["fields"]["orig_rid"]) == ("s 1", "0")
    assert first["fields"]["orig_action_name"] == "send_to_soar"
    assert (first["time"], first["indextime"]) == (1_700_000_000.25, 5.0)
    assert first["tag"] == ["modaction_result"]
    assert json.loads(second["raw"])["reason"] == "ö\nx"
    assert not path.exists()


def test_generic_stash_ending_needs_cim_or_is_indexed_raw(home: SplunkHome) -> None:
    """A file that no add-on claims falls to Splunk's own spool input, header and all."""
    _spool(home, "1_2.stash_common_action_model", BREAKER.join(['***SPLUNK*** index="main"', _result("0")]))
    indexer, indexes = _indexer(home, with_cim=False)
    indexer.collect()
    assert any(event["raw"].startswith("***Common Action Model***") for event in indexes.since({}))


@pytest.mark.parametrize(("with_cim", "index"), [(True, "cim_modactions"), (False, "_internal")])
def test_action_log_is_read_as_the_common_action_model_reads_it(
    home: SplunkHome, *, with_cim: bool, index: str
) -> None:
    """Sourcetype, index, time, fields and the invocation tag follow from file name and text."""
    log = home.logs / "send_to_soar_modalert.log"
    log.write_text(LINE.format(number=0, signature="Invoking modular action") + LINE.format(number=1, signature="x"))
    indexer, indexes = _indexer(home, with_cim=with_cim)
    indexer.collect()
    first, second = indexes.since({})
    assert (first["index"], first["sourcetype"]) == (index, "modular_alerts:send_to_soar")
    assert (first["time"], second["time"]) == (1_795_687_200.25, 1_795_687_201.25)
    assert first["fields"] == {
        "worker": "sh1",
        "signature": "Invoking modular action",
        "action_name": "send_to_soar",
        "sid": "s1",
        "rid": "0",
    }
    assert first["tag"] == (["modaction", "invocation"] if with_cim else [])
    assert second["tag"] == (["modaction"] if with_cim else [])


def test_log_is_followed_through_rotation_and_restart(home: SplunkHome) -> None:
    """Each line is read once: over several passes, half-written lines, a rotated file and a new process."""
    log = home.logs / "send_to_soar_modalert.log"
    lines = [LINE.format(number=number, signature="x") for number in range(5)]
    log.write_text(lines[0] + lines[1][:40])
    _indexer(home)[0].collect()
    log.write_text(lines[0] + lines[1])
    _indexer(home)[0].collect()
    with log.open("a") as stream:
        stream.write(lines[2])
    log.rename(log.with_name(log.name + ".1"))
    log.write_text(lines[3])
    _indexer(home)[0].collect()
    log.write_text("")
    log.write_text(lines[4])
    indexer, indexes = _indexer(home)
    indexer.collect()
    indexer.collect()
    assert [event["fields"]["rid"] for event in indexes.since({})] == ["0", "1", "2", "3", "4"]


def test_marks_hide_what_was_there_before(home: SplunkHome) -> None:
    """``since`` gives what was indexed after the marks only, ``before`` the rest."""
    _spool(home, "TA_send_to_soar_1.stash_soar", BREAKER.join(['***SPLUNK*** index="main"', _result("0")]))
    indexer, indexes = _indexer(home)
    indexer.collect()
    marks = indexes.marks()
    _spool(home, "TA_send_to_soar_2.stash_soar", BREAKER.join(['***SPLUNK*** index="main"', _result("7")]))
    indexer.collect()
    assert [event["fields"]["rid"] for event in indexes.since(marks)] == ["7"]
    assert [event["fields"]["rid"] for event in indexes.before(marks)] == ["0"]
    assert list(indexes.before({})) == []


def test_file_that_is_still_written_is_left_alone(home: SplunkHome) -> None:
    """A temporary name is no spool file yet."""
    path = _spool(home, "TA_send_to_soar_1.stash_soar.tmp", _result("0"))
    indexer, indexes = _indexer(home)
    indexer.collect()
    assert path.exists()
    assert list(indexes.since({})) == []


@pytest.mark.parametrize("name", ["../x", "a/../../x", ".x"])
def test_index_name_can_not_leave_the_folder(home: SplunkHome, name: str) -> None:
    """An index named like a path is refused."""
    _spool(home, "TA_send_to_soar_1.stash_soar", BREAKER.join([f'***SPLUNK*** index="{name}"', _result("0")]))
    with pytest.raises(LabError, match="no name of an index"):
        _indexer(home)[0].collect()


EVENT = Event(raw='a="1" b="two words"', index="main", host="h", source="s", sourcetype="t")


def test_transforms_write_metadata_fields_and_text() -> None:
    """DEST_KEY decides where FORMAT goes; a value with spaces stays whole."""
    to_field = compile_transform("f", {"REGEX": 'b="([^"]+)"', "FORMAT": "b::$1", "WRITE_META": "true"})
    to_sourcetype = compile_transform(
        "s", {"REGEX": '(?<x>a)="1"', "FORMAT": "sourcetype::$1", "DEST_KEY": "MetaData:Sourcetype"}
    )
    to_raw = compile_transform("r", {"REGEX": "^(a)", "FORMAT": "<$1>", "DEST_KEY": "_raw"})
    event = apply(EVENT, (to_field, to_sourcetype, to_raw))
    assert event is not None
    assert (event.indexed, event.sourcetype, event.raw) == ({"b": "two words"}, "a", "<a>")


def test_transform_to_the_null_queue_drops_the_event() -> None:
    """An event sent to the nullQueue ends there."""
    drop = compile_transform("q", {"REGEX": ".", "FORMAT": "nullQueue", "DEST_KEY": "queue"})
    assert apply(EVENT, (drop,)) is None


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"REGEX": "("},
        {"REGEX": ".", "DEST_KEY": "_raw", "INGEST_EVAL": "x=1"},
        {"REGEX": ".", "DEST_KEY": "_TCP_ROUTING"},
    ],
)
def test_transform_that_the_lab_can_not_act_on_is_an_error(settings: dict[str, str]) -> None:
    """What is missing, wrong or unknown is never passed over in silence."""
    with pytest.raises(LabError, match=r"\[name\]"):
        compile_transform("name", settings)


def test_pairs_take_the_first_value_and_unescape() -> None:
    """``k="v"`` extraction: quotes, escapes, bare values, the first of two."""
    assert pairs(r'x a="1 \"2\"" b=3, a="4" not"c="5') == {"a": '1 "2"', "b": "3"}


def test_json_fields_are_named_as_splunk_names_them() -> None:
    """Nested objects are joined with dots, lists get braces and hold several values."""
    raw = '{"a": {"b": 1}, "runs": [{"id": "4"}, {"id": "5"}], "n": null, "t": true}'
    assert search_fields(raw, {"KV_MODE": "json"}) == {"a.b": "1", "runs{}.id": ["4", "5"], "t": "true"}


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("...stash_soar", "/var/spool/x.stash_soar", True),
        ("/spool/*.log", "/spool/a.log", True),
        ("/spool/*.log", "/spool/a/b.log", False),
        ("..._modalert.log*", "/x/send_to_soar_modalert.log.1", True),
        ("/a.b", "/aXb", False),
    ],
)
def test_path_patterns(pattern: str, path: str, *, fits: bool) -> None:
    """``...`` crosses folders, ``*`` does not, a dot is a dot."""
    assert bool(path_pattern(pattern).fullmatch(path)) is fits


@pytest.mark.parametrize(
    ("raw", "settings", "expected"),
    [
        ("2026-11-26 10:00:00,250+0100 x", {"TIME_FORMAT": "%Y-%m-%d %H:%M:%S,%3N%z"}, 1_795_683_600.25),
        ('{"time": 1700000000.5}', {"TIME_PREFIX": r'"time":\s', "TIME_FORMAT": "%s.%6N"}, 1_700_000_000.5),
        ("no time", {"TIME_FORMAT": "%s"}, None),
        ("1700000000", {}, None),
    ],
)
def test_event_time(raw: str, settings: dict[str, str], expected: float | None) -> None:
    """Prefix and format find the time; without them there is none."""
    assert event_time(raw, {"MAX_TIMESTAMP_LOOKAHEAD": "128", **settings}) == expected


def test_event_type_with_a_macro_and_a_pattern() -> None:
    """All terms must hold; macros are put in; what can't be evaluated is an error."""
    stanzas = parse('[t]\nsearch = `m` sourcetype="soar:*" word\n')
    (kind,) = read_eventtypes(
        stanzas, {"eventtype=t": {"x": "enabled", "y": "disabled"}}, {"m": {"definition": "index=i"}}
    )
    event = Event(raw="A Word", index="i", host="h", source="s", sourcetype="soar:result")
    assert kind.tags == ("x",)
    assert kind.holds(event, {})
    assert not kind.holds(Event(raw="A Word", index="j", host="h", source="s", sourcetype="soar:result"), {})
    with pytest.raises(LabError, match="OR"):
        read_eventtypes({"t": {"search": "a=1 OR b=2"}}, {}, {})
