"""A value that an analyst clicks on arrives in SOAR exactly as it is, and never becomes part of a search."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lab.runner import conf
from lab.runner.lab import Lab
from lab.runner.report import Report
from lab.runner.request import SendRequest
from lab.runner.search import Mode
from lab.spl.evaluator import evaluate
from lab.spl.pipeline import Command, Macro, commands
from lab.spl.value import Row
from tests.addon.conftest import interpreter
from tests.addon.results import write_results
from tests.addon.soar import SoarReader
from tests.lab.spl.sources import NOW, Memory
from tools import build
from tools.dashboards import definition
from tools.dashboards.tokens import filled, initial

FIELDS = ("src", "dest", "user", "url", "file_hash")
PLAYBOOK = "local/enrich_indicators"
VIEW = definition.load(definition.FOLDER / "ask_soar.json")
FINDING = {
    "event_id": 'A1@@notable@@"b\\',
    "orig_sid": "scheduler__admin__search__RMD5ask_at_1700000000_1",
    "orig_rid": "3",
}
NASTY = (
    'x" | delete',
    'C:\\Program Files\\a "b" \\',
    "$src$ $x|s$ $$",
    "a|b; [search index=_internal] `soar_index`",
    "100%25 %22 + & = # ? /",
    "two\nlines\tand ümlaut 漢字 🙂",
    "{{src}} it's ''",
)
_TOKEN = re.compile(r"\$(?P<raw>!?)(?P<field>[^$]+)\$")
_PARAMETER = re.compile(r'\s*param\.(\w+)="([^"\\]*)"')


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab with one of the Pythons."""
    folder = build.build().folder
    with Lab(tmp_path_factory.mktemp("ask") / "lab", build=folder, python=interpreter((3, 13))) as running:
        yield running


def link(field: str, event: Mapping[str, str], *, unknown: str = "") -> str:
    """The address of an action on a value, for an event."""
    stanza = stanzas()[f"soar_ask_{field}"]
    assert (stanza["type"], stanza["fields"], stanza["display_location"]) == ("link", field, "both")
    return expanded(stanza["link.uri"], event, unknown=unknown)


def stanzas() -> dict[str, dict[str, str]]:
    """The workflow actions of the built add-on."""
    return conf.parse((build.build().folder / "default" / "workflow_actions.conf").read_text("utf-8"))


def expanded(uri: str, event: Mapping[str, str], *, unknown: str = "") -> str:
    """An address as Splunk Web expands it: values URI-encoded (workflow_actions.conf.spec), behind ``$!`` as they are.

    What becomes of a field that the event lacks is nowhere said: nothing, or it stays as it is written.
    """

    def value(match: re.Match[str]) -> str:
        if match["field"] not in event:
            return unknown and match[0]
        return event[match["field"]] if match["raw"] else quote(event[match["field"]], safe="")

    return _TOKEN.sub(value, uri)


def searches(address: str, **chosen: str) -> list[str]:
    """What the view's lines open in Search: the view's own search, with the tokens of the address."""
    assert urlsplit(address).path == "/app/TA_send_to_soar/ask_soar"
    asked = parse_qs(urlsplit(address).query, keep_blank_values=True)
    tokens = {**initial(VIEW), **{name.removeprefix("form."): value for name, (value,) in asked.items()}, **chosen}
    query = filled(VIEW.sources["ds_steps"]["options"]["query"], tokens)
    assert "$" not in query
    (handler,) = VIEW.visualizations["viz_steps"]["eventHandlers"]
    found = []
    for row in evaluate(query, Memory(), now=NOW).texts():
        target = filled(handler["options"]["url"], {"row._search.value": str(row.get("_search", ""))})
        found += parse_qs(urlsplit(target).query).get("q", [])
    return found


def parts(search: str) -> tuple[dict[str, str | list[str]], Command]:
    """The one row that a search makes, and its sendalert."""
    *_, last = commands(search, 0)
    assert last.name == "sendalert"
    (row,) = evaluate(search[: search.rindex("| sendalert")], Memory(), now=NOW).texts()
    return row, last


def started(lab: Lab, search: str, folder: Path) -> Report:
    """What happens when the analyst lets the search run: its row goes through the built add-on."""
    row, command = parts(search)
    action, _, rest = command.text.strip().partition(" ")
    parameters = dict(_PARAMETER.findall(rest))
    assert _PARAMETER.sub("", rest).strip() == ""
    path = write_results(folder / "ask.csv.gz", [row])
    report = lab.send(SendRequest(path, action=action, mode=Mode.ADHOC, parameters=parameters))
    assert report.problems == ()
    return report


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_has_its_link(field: str) -> None:
    """The link leads to searches that begin with a row of that field alone, whatever becomes of missing fields."""
    for unknown in ("", "as written"):
        first, second = searches(link(field, {field: "v"}, unknown=unknown), playbook=PLAYBOOK)
        for search, action in ((first, "request_soar_enrichment"), (second, "run_soar_playbook")):
            row, command = parts(search)
            assert row == {"_time": row["_time"], field: "v"}
            assert command.text.split()[0] == action


@pytest.mark.parametrize("value", NASTY)
def test_an_awkward_value_arrives(own: Lab, tmp_path: Path, value: str) -> None:
    """Quotes, pipes, backslashes, dollars, percent signs: the artifact has the very value, the container the ids."""
    soar = SoarReader(own)
    for search in searches(link("user", {"user": value, **FINDING}), playbook=PLAYBOOK):
        assert [command.name for command in commands(search, 0)].count("sendalert") == 1
        (outcome,) = started(own, search, tmp_path).results
        assert outcome.status in {"delivered", "updated"}
        assert [one.playbook for one in outcome.runs] == [PLAYBOOK]
        assert value in {artifact["data"]["row"]["user"] for artifact in soar.artifacts(outcome.container_id)}
        origin = soar.container(outcome.container_id)["data"]["splunk"]
        assert {name: origin[name] for name in FINDING} == FINDING
    soar.close()


def test_the_view_shows_what_came_back(own: Lab, tmp_path: Path) -> None:
    """Of a finding what was asked of it, with answers; of another finding nothing."""
    event = {"src": "203.0.113.9", "orig_sid": "scheduler__admin__search__RMD5shown_at_1700000000_1", "orig_rid": "0"}
    address = link("src", event)
    for search in searches(address, playbook=PLAYBOOK):
        started(own, search, tmp_path)
    shown = asked(own, address)
    assert {(row["Asked"], row["State"]) for row in shown} <= {
        (kind, state) for kind in ("enrichment", "playbook") for state in ("delivered", "updated")
    }
    assert {row["Asked"] for row in shown} == {"enrichment", "playbook"}
    other = asked(own, link("src", {**event, "orig_rid": "99"}))
    assert [row["When"] for row in other] == ["Nothing was asked in the time range."]


def asked(lab: Lab, address: str) -> list[dict[str, str | list[str]]]:
    """The lines of the view that tell what was asked."""
    rows: list[Row] = [
        {
            **one["fields"],
            "_time": one["time"],
            "_raw": one["raw"],
            "index": one["index"],
            "sourcetype": one["sourcetype"],
        }
        for one in lab.indexes.since({})
    ]
    given = {name.removeprefix("form."): value for name, (value,) in parse_qs(urlsplit(address).query).items()}
    query = filled(VIEW.sources["ds_asked"]["options"]["query"], {**initial(VIEW), **given})
    return evaluate(query, Memory(rows, {"soar_index": Macro((), "index=main")}), now=time.time()).texts()


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(value=st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text != "-"))
@example('" | delete "')
def test_no_value_becomes_search(value: str) -> None:
    """Whatever the value: the same commands, and one row with just that value."""
    wanted = ["makeresults", "eval", "eval", "fields", "sendalert"]
    for search in searches(link("dest", {"dest": value, **FINDING}), playbook=PLAYBOOK):
        assert [command.name for command in commands(search, 0)] == wanted
        row, _ = parts(search)
        assert {name: row[name] for name in ("dest", *FINDING)} == {"dest": value, **FINDING}


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        ({"value": "-"}, "Enter a value"),
        ({"field": 'src="" | delete | eval x'}, "letters, digits and underscores"),
        ({"playbook": "-"}, "Choose a playbook"),
        ({"playbook": 'x" | delete'}, "can't stand in a link"),
        ({"account": 'x" | delete'}, "can't stand in a link"),
    ],
)
def test_what_can_not_be_asked_is_said(chosen: dict[str, str], words: str) -> None:
    """An address that somebody made up gives no search, but the reason."""
    address = link("src", {"src": "10.0.0.1"})
    given = {"playbook": PLAYBOOK, **chosen}
    assert searches(address, **given) == []
    tokens = {**initial(VIEW), "value": "10.0.0.1", **given}
    query = filled(VIEW.sources["ds_steps"]["options"]["query"], tokens)
    assert all(words in str(row["Ready"]) for row in evaluate(query, Memory(), now=NOW).texts())


def test_an_event_opens_its_container(own: Lab, tmp_path: Path) -> None:
    """Result events and events of the feedback lead to the container's page, port and all; nothing but a page opens."""
    path = write_results(tmp_path / "rows.csv.gz", [{"src": "10.0.0.1"}])
    (outcome,) = own.send(SendRequest(path, mode=Mode.ADHOC)).results
    assert urlsplit(str(outcome.container_url)).port is not None
    own.poll()
    action = stanzas()["soar_open_container"]
    names = [name.strip() for name in action["fields"].split(",")]
    shown = set()
    for event in own.indexes.since({}):
        found = {**event["fields"], **(json.loads(event["raw"]) if event["raw"].startswith("{") else {})}
        if found.get("container_url") == outcome.container_url and all(name in found for name in names):
            event_values = {name: str(value) for name, value in found.items()}
            assert expanded(action["link.uri"], event_values) == outcome.container_url
            shown.add(event["sourcetype"])
    assert {"soar:action:result", "soar:container"} <= shown
    forged = expanded(action["link.uri"], {"soar_host": "javascript:alert(1)", "container_id": "1"})
    assert urlsplit(forged).scheme == "https"


def test_a_finding_opens_its_timeline() -> None:
    """The link on a notable names it to the automation timeline, encoded."""
    address = expanded(stanzas()["soar_containers_of_finding"]["link.uri"], FINDING)
    asked = parse_qs(urlsplit(address).query)
    timeline = definition.load(definition.FOLDER / "automation_timeline.json")
    tokens = {part["options"]["token"] for part in timeline.inputs.values()}
    assert {name.removeprefix("form.").split(".")[0] for name in asked} <= tokens
    assert asked["form.case"] == [FINDING["event_id"]]
    assert all(stanza["type"] == "link" for stanza in stanzas().values())
    assert unquote(address) != address
