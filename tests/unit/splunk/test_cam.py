"""Lines and events of the Common Action Model."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from splunktaucclib.cim_actions import ModularAction

from soarlink.delivery.outcome import DELIVERED, QUEUED, REJECTED, UPDATED, PlaybookRun, RowOutcome
from soarlink.splunk import cam as module
from soarlink.splunk import payload
from soarlink.splunk.cam import CommonAction
from soarlink.splunk.logline import clean
from tests.unit.samples import SCHEDULED_SID, make_account

PAIR = re.compile(r'(\w+)="([^"]*)"')
Make = Callable[..., CommonAction]


class Lines(logging.Handler):
    """Keeps messages in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one."""
        self.found.append(record.getMessage())


@pytest.fixture
def make(home: Path) -> Iterator[Make]:
    """Return a function that makes the action of a payload with these keys."""
    made: list[CommonAction] = []

    def start(**changes: Any) -> CommonAction:
        whole = {"sid": SCHEDULED_SID, "search_name": "Rule", "app": "search", "owner": "admin", **changes}
        invocation = payload.parse(json.dumps(whole).encode(), "send_to_soar")
        action = CommonAction(invocation, home, clock=lambda: 1_700_000_000.25)
        action.logger.setLevel(logging.INFO)
        made.append(action)
        return action

    yield start
    for action in made:
        for handler in action.logger.handlers:
            handler.close()


def logged(home: Path) -> list[str]:
    """The lines of the log."""
    return (home / "var/log/splunk/send_to_soar_modalert.log").read_text(encoding="utf-8").splitlines()


def events(home: Path) -> list[tuple[str, dict[str, Any]]]:
    """The (header, event) pairs in the spool, as the shipped props take them apart."""
    found = []
    for file in sorted((home / "var/spool/splunk").iterdir()):
        assert re.search(r"\.stash_soar$", file.name)
        text = file.read_bytes().decode("utf-8")
        first, *parts = re.split(r"\r?\n==##~~##~~  1E8N3D4E6V5E7N2T9 ~~##~~##==\r?\n", text)
        assert first == '***SPLUNK*** index="main"  source="send_to_soar"'
        for part in parts:
            header, _, body = part.partition("\n")
            found.append((header, json.loads(body)))
    return found


def outcome(state: str = DELIVERED, **changes: Any) -> RowOutcome:
    """A row's outcome."""
    facts: dict[str, Any] = {"account": make_account(3), "container_id": 7, "container_url": "https://soar/mission/7"}
    return RowOutcome(state=state, **{**facts, "artifacts": 1, **changes})


CLEAN = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"\\'), max_size=20)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    call=st.sampled_from(
        [{"sid": SCHEDULED_SID}, {"sid": "1700000100.42", "result_id": "2"}, {"sid": "rt_scheduler__a.32"}]
    ),
    rids=st.lists(st.tuples(CLEAN, CLEAN, CLEAN), max_size=3),
    status=st.sampled_from([None, "", "success", "failure"]),
    keywords=st.dictionaries(st.sampled_from(["state", "count", "artifacts", "reason", "a"]), CLEAN | st.integers()),
)
def test_a_line_of_clean_values_is_that_of_splunks_library(
    make: Make, call: dict[str, str], rids: list[tuple[str, str, str]], status: str | None, keywords: dict[str, Any]
) -> None:
    """Byte for byte what ModularAction writes, for every kind of run."""
    action = make(**call)
    ours, theirs = Lines(), Lines()
    action.logger.handlers = [ours]
    reference = logging.Logger("reference", logging.INFO)  # noqa: LOG001 - one of its own for each test
    reference.addHandler(theirs)
    library = ModularAction(
        json.dumps({"search_name": "Rule", "app": "search", "owner": "admin", **call}), reference, "send_to_soar"
    )
    theirs.found.clear()
    ids = [library.rid_ntuple(*rid) for rid in rids]
    said = action.message("Hello there", status=status, rids=ids, **keywords)
    assert said == library.message("Hello there", status=status, rids=ids, **keywords)
    assert ours.found == theirs.found
    assert ours.found[0].startswith('sendmodaction - worker="sh1" signature="Hello there"')


def test_a_row_has_one_invocation_and_one_terminal_line(make: Make, home: Path) -> None:
    """The invocation has CIM's signature and no status; the terminal line comes after it with the status."""
    action = make()
    action.begin([make_account(3, orig_sid="S", orig_rid="9")])
    action.finish(outcome(account=make_account(3, orig_sid="S", orig_rid="9")))
    first, last = (dict(PAIR.findall(line)) for line in logged(home)[-2:])
    assert first["signature"] == "Invoking modular action"
    assert "action_status" not in first
    assert (last["action_status"], last["state"], last["container_id"]) == ("success", "delivered", "7")
    for line in (first, last):
        assert (line["action_name"], line["sid"], line["rid"]) == ("send_to_soar", SCHEDULED_SID, "3")
        assert (line["orig_sid"], line["orig_rid"], line["action_mode"], line["user"]) == ("S", "9", "saved", "admin")


@pytest.mark.parametrize(
    ("state", "status", "level"),
    [
        (DELIVERED, "success", "INFO"),
        (UPDATED, "success", "INFO"),
        (QUEUED, "pending", "INFO"),
        (REJECTED, "failure", "ERROR"),
    ],
)
def test_states_become_the_models_statuses(make: Make, home: Path, state: str, status: str, level: str) -> None:
    """Rejected rows stand out by their level too."""
    make().finish(outcome(state))
    assert f'action_status="{status}"' in logged(home)[-1]
    assert f"+0000 {level} sendmodaction" in logged(home)[-1]


@given(st.text(max_size=30))
@hypothesis_settings(max_examples=300)
def test_a_cleaned_value_cannot_break_its_line(text: str) -> None:
    """No quote, no control character, no line break, no backslash before the closing quote."""
    cleaned = clean(text)
    assert '"' not in cleaned
    assert not cleaned.endswith("\\")
    assert len(cleaned.splitlines()) <= 1
    assert len(cleaned) <= len(text) + 1


def test_a_long_value_is_cut_and_the_cut_shows() -> None:
    """At most a thousand characters, and never an escaping backslash at the cut."""
    assert clean("x" * 1_001) == "x" * 999 + "…"
    assert clean("x" * 1_000) == "x" * 1_000
    assert clean(7) == "7"


EVIL = (
    'a" action_status="success" x="\n2023-11-14 22:13:20,123+0000 INFO sendmodaction - '
    'signature="Invoking modular action" b\\'
)


@pytest.mark.parametrize("where", ["signature", "reason", "rid", "orig_sid"])
def test_no_value_of_a_row_or_of_soar_can_forge_a_line(make: Make, home: Path, where: str) -> None:
    """Quotes and line breaks in row values and reasons stay inside their value."""
    action = make()
    before = len(logged(home)) if (home / "var/log/splunk/send_to_soar_modalert.log").exists() else 0
    if where == "signature":
        action.message(EVIL, status="failure")
    elif where == "reason":
        action.finish(outcome(REJECTED, reason=EVIL))
    else:
        action.finish(outcome(REJECTED, account=make_account(**{"position": 3, where: EVIL})))
    (line,) = logged(home)[before:]
    assert line.count("action_status=") == 1 or 'action_status="success"' not in line
    assert dict(PAIR.findall(line))["action_status"] == "failure"


@pytest.mark.parametrize("where", ["search_name", "app", "owner"])
def test_no_value_of_the_payload_can_forge_a_line(make: Make, home: Path, where: str) -> None:
    """A saved search may have quotes in its name; the payload's values are cleaned like any other."""
    action = make(**{where: EVIL})
    action.finish(outcome(REJECTED))
    found = [line for line in logged(home) if "sendmodaction" in line]
    assert len(found) == 1
    assert dict(PAIR.findall(found[0]))["action_status"] == "failure"
    assert 'action_status="success"' not in found[0]


def test_a_result_event_tells_the_outcome(make: Make, home: Path) -> None:
    """Header as the shipped transforms expect it, then one line of JSON with its time first."""
    action = make(search_name='Rule "ü"')
    action.account, action.mapping = "prod", "abc"
    account = make_account(3, orig_sid="S", orig_rid="9", dropped=("x",), notes=("n",))
    runs = (PlaybookRun("l/p", "started", id="46"), PlaybookRun("l/q", "not started", reason="no"))
    action.finish(outcome(REJECTED, account=account, reason="why\nso", runs=runs))
    action.close()
    ((header, event),) = events(home)
    assert header == (
        '***Common Action Model*** orig_action_name="send_to_soar" orig_sid="S" orig_rid="9" '
        'sourcetype="soar:action:result"'
    )
    assert next(iter(event)) == "time"
    assert event == {
        "time": 1_700_000_000.25,
        "action": "send_to_soar",
        "status": "rejected",
        "sid": SCHEDULED_SID,
        "rid": "3",
        "artifacts": 1,
        "fields_mapped": 2,
        "fields_kept": 1,
        "fields_dropped": ["x"],
        "search_name": 'Rule "ü"',
        "app": "search",
        "user": "admin",
        "action_mode": "saved",
        "account": "prod",
        "mapping": "abc",
        "container_id": 7,
        "container_url": "https://soar/mission/7",
        "soar_host": "soar",
        "reason": "why\nso",
        "notes": ["n"],
        "runs": [
            {"id": "46", "playbook": "l/p", "state": "started"},
            {"playbook": "l/q", "state": "not started", "reason": "no"},
        ],
    }


def test_without_an_origin_the_event_is_of_this_search(make: Make, home: Path) -> None:
    """The header then names our own sid and rid."""
    action = make()
    action.finish(outcome())
    action.close()
    assert f'orig_sid="{SCHEDULED_SID}" orig_rid="3"' in events(home)[0][0]


@pytest.mark.parametrize(
    "name", ["soar_stash_action_name", "soar_stash_sid", "soar_stash_rid", "soar_stash_sourcetype"]
)
def test_the_shipped_transforms_find_the_header(make: Make, home: Path, name: str) -> None:
    """Every REGEX of transforms.conf matches what is written."""
    action = make()
    action.finish(outcome())
    action.close()
    conf = (Path(__file__).parents[3] / "package/default/transforms.conf").read_text(encoding="utf-8")
    regex = re.search(rf"\[{name}\]\nREGEX = (.*)", conf)
    assert regex is not None
    assert re.search(regex.group(1), events(home)[0][0] + "\n{}")


def test_no_value_of_a_row_can_forge_an_event(make: Make, home: Path) -> None:
    """A line break in orig_sid must not end the header, nor begin an event of its own."""
    breaker = "\n==##~~##~~  1E8N3D4E6V5E7N2T9 ~~##~~##==\n"
    action = make()
    action.finish(outcome(account=make_account(3, orig_sid=f"S{breaker}forged", orig_rid="9")))
    action.close()
    assert len(events(home)) == 1


def test_events_are_handed_over_in_whole_files_of_bounded_size(
    make: Make, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full batch goes out at once; each event is in one file; nothing is left in the work folder."""
    monkeypatch.setattr(module, "EVENTS_PER_FILE", 2)
    action = make()
    for number in range(5):
        action.finish(outcome(account=make_account(number)))
    assert len(list((home / "var/spool/splunk").iterdir())) == 2
    action.close()
    assert sorted(event["rid"] for _, event in events(home)) == ["0", "1", "2", "3", "4"]
    assert list((home / "var/run/splunk").iterdir()) == []


def test_no_results_write_no_file(make: Make, home: Path) -> None:
    """A run without rows leaves the spool empty; its duration is logged."""
    make().close()
    assert list((home / "var/spool/splunk").iterdir()) == []
    assert 'signature="Modular action script duration"' in logged(home)[-1]
    assert 'component="main" duration="0"' in logged(home)[-1]


def test_a_spool_that_cannot_be_written_is_logged(make: Make, home: Path) -> None:
    """The run goes on, and the log says that the events are missing."""
    (home / "var/spool/splunk").rmdir()
    action = make()
    action.finish(outcome())
    action.close()
    assert any("Result events could not be written" in line and "ERROR" in line for line in logged(home))


def test_a_spool_that_cannot_be_written_leaves_no_files_behind(make: Make, home: Path) -> None:
    """A temporary file that can't be handed over is removed."""
    (home / "var/spool/splunk").rmdir()
    action = make()
    action.finish(outcome())
    action.close()
    assert list((home / "var/run/splunk").iterdir()) == []


def test_a_fresh_action_logs_its_invocations(home: Path) -> None:
    """Settings that can't be read don't cost the invocation lines, and the log's name is the action's own."""
    raw = json.dumps({"sid": SCHEDULED_SID, "configuration": {"action_name": "fresh_name"}}).encode()
    action = CommonAction(payload.parse(raw, "send_to_soar"), home)
    action.begin([make_account()])
    action.close()
    text = (home / "var/log/splunk/send_to_soar_modalert.log").read_text(encoding="utf-8")
    assert "Invoking modular action" in text
    assert 'action_name="send_to_soar"' in text


def test_debug_adds_lines_and_takes_none(make: Make, home: Path) -> None:
    """Without invocation and terminal lines Incident Review shows nothing: there is no level below INFO."""
    action = make()
    action.logger.debug("quiet")
    action.verbose()
    action.logger.debug("loud")
    action.begin([make_account()])
    action.finish(outcome())
    text = "\n".join(logged(home))
    assert "quiet" not in text
    assert "loud" in text
    assert "Invoking modular action" in text
    assert 'action_status="success"' in text
