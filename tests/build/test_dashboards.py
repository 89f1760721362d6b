"""The dashboards' definitions: nothing is wrong with ours, and what is wrong is found."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from additional_packaging import view
from tools.dashboards import colours, definition, floor, layout, names, references, results, tokens
from tools.dashboards.definition import Dashboard

ALL = definition.load_all()
Content = dict[str, Any]
CASES = definition.load(definition.FOLDER / "cases.json")
PANEL, TABLE, SOURCE, CHAIN = "viz_trend", "viz_list", "ds_cases", "ds_trend"


def problems(dashboard: Dashboard, addon: Path) -> Iterator[str]:
    """What every check that needs no browser says."""
    for check in (references, tokens, layout, colours, floor):
        yield from check.problems(dashboard)
    yield from names.problems(dashboard, names.names_of(addon))


@pytest.mark.parametrize("dashboard", ALL, ids=lambda one: one.name)
def test_nothing_is_wrong_with_ours(dashboard: Dashboard, addon: Path) -> None:
    """References, tokens, positions, colours, the oldest Splunk, and names of what the add-on brings."""
    assert list(problems(dashboard, addon)) == []


@pytest.mark.parametrize("dashboard", ALL, ids=lambda one: one.name)
def test_the_view_holds_the_definition(dashboard: Dashboard, addon: Path) -> None:
    """What Splunk reads is what was reviewed, under its title, without a theme."""
    root = ET.parse(addon / "default" / "data" / "ui" / "views" / f"{dashboard.name}.xml").getroot()  # noqa: S314 - ours
    assert json.loads(root.findtext("definition", "")) == dashboard.content
    assert (root.findtext("label"), root.attrib) == (dashboard.content["title"], {"version": "2"})
    assert root.findtext("description") == dashboard.content["description"] != ""


def test_everyone_can_reach_every_view(addon: Path) -> None:
    """The navigation has each view once, home first, and the configuration page."""
    folder = addon / "default" / "data" / "ui"
    navigation = ET.parse(folder / "nav" / "default.xml").getroot()  # noqa: S314 - ours
    listed = [str(element.get("name")) for element in navigation.iter("view")]
    assert listed[0] == "home"
    assert sorted(listed) == sorted([*(path.stem for path in (folder / "views").glob("*.xml")), "search"])


def test_a_definition_that_would_end_its_section() -> None:
    """`]]>` would end the CDATA section early: such a definition is refused."""
    with pytest.raises(ValueError, match="]]>"):
        view(json.dumps({"title": "t", "description": "d", "x": "a]]>b"}))


def _position(content: Content, item: str) -> Content:
    (one,) = content["layout"]["layoutDefinitions"].values()
    position: Content = next(block["position"] for block in one["structure"] if block["item"] == item)
    return position


def _handler(content: Content) -> Content:
    handler: Content = content["visualizations"][TABLE]["eventHandlers"][0]
    return handler


def _query(content: Content, source: str, old: str, new: str) -> None:
    options = content["dataSources"][source]["options"]
    assert old in options["query"]
    options["query"] = options["query"].replace(old, new)


def _placed(content: Content) -> list[Content]:
    (one,) = content["layout"]["layoutDefinitions"].values()
    structure: list[Content] = one["structure"]
    return structure


Mutation = Callable[[Content], object]
MUTATIONS: dict[str, Mutation] = {
    "there is no visualization viz_nix": lambda c: _placed(c)[0].update(item="viz_nix"),
    "viz_new is placed more than once": lambda c: _placed(c)[0].update(item="viz_new"),
    "viz_open: is not placed": lambda c: _placed(c).pop(0),
    "there is no input input_nix": lambda c: c["layout"]["globalInputs"].append("input_nix"),
    "input_time: is not shown": lambda c: c["layout"]["globalInputs"].remove("input_time"),
    "there is no data source ds_nix": lambda c: c["visualizations"][PANEL]["dataSources"].update(primary="ds_nix"),
    "ds_trend: nothing uses it": lambda c: c["visualizations"][PANEL]["dataSources"].update(primary="ds_open"),
    "ds_trend: has no query": lambda c: c["dataSources"][CHAIN]["options"].pop("query"),
    "extends ds_nix, which is not there": lambda c: c["dataSources"][CHAIN]["options"].update(extend="ds_nix"),
    "extends ds_open, which is no search": lambda c: c["dataSources"][CHAIN]["options"].update(extend="ds_open"),
    "a chain, and nothing else": lambda c: c["dataSources"][CHAIN]["options"].pop("extend"),
    "drilldown.linkToSearch is none of": lambda c: _handler(c).update(type="drilldown.linkToSearch"),
    "drilldown.customUrl has no url": lambda c: _handler(c).update(type="drilldown.customUrl", options={"ur": "/"}),
    "has fields, which 9.4 may not know": lambda c: _handler(c)["options"].update(fields=["Case"]),
    "input_label: sets no token": lambda c: c["inputs"]["input_label"]["options"].pop("token"),
    "input_label: has no value": lambda c: c["inputs"]["input_label"]["options"].pop("defaultValue"),
    "owner is set by another input": lambda c: c["inputs"]["input_label"]["options"].update(token="owner"),
    "the token nix has no value": lambda c: _handler(c)["options"]["tokens"][0].update(token="nix"),
    "row._links is no row.<field>.value": lambda c: _handler(c)["options"]["tokens"][0].update(key="row._links"),
    "nothing sets $nix$": lambda c: _query(c, SOURCE, "$label|s$", "$nix|s$"),
    "has a filter other than s and u": lambda c: _query(c, SOURCE, "$label|s$", "$label|h$"),
    "needs x, y, w and h": lambda c: _position(c, PANEL).pop("w"),
    "viz_new begins at 241": lambda c: _position(c, "viz_new").update(x=241),
    "is 1441 wide, the canvas 1440": lambda c: _position(c, "viz_closed").update(w=241),
    "viz_list: every column has a width": lambda c: [
        column.update(width=90) for column in c["visualizations"][TABLE]["options"]["columnFormat"].values()
    ],
    "are not of one height": lambda c: _position(c, "viz_new").update(h=100),
    "a row begins at": lambda c: _position(c, TABLE).update(y=5000),
    "green is no colour": lambda c: c["visualizations"][PANEL]["options"]["seriesColorsByField"].update(closed="green"),
    "transparent is no colour": lambda c: c["visualizations"][PANEL]["options"]["seriesColorsByField"].update(
        closed="transparent"
    ),
    "#12345 is no colour": lambda c: c["visualizations"]["viz_late"]["context"]["colours"][0].update(value="#12345"),
    "can't be read": lambda c: c["visualizations"][TABLE]["context"]["SeverityText"][0].update(value="#B8161D"),
    "a ground and no colour of its text": lambda c: c["visualizations"][TABLE]["context"]["SeverityText"].pop(),
    "splunk.timeline is not among": lambda c: c["visualizations"][PANEL].update(type="splunk.timeline"),
    "trellis needs": lambda c: c["visualizations"][PANEL]["options"].update(splitByLayout="trellis"),
    "on a condition needs": lambda c: c["visualizations"][PANEL].update(containerOptions={"visibility": {}}),
    "expressions: needs": lambda c: c.update(expressions={"conditions": {"a": {}}}),
    "there is no macro soar_nix": lambda c: _query(c, SOURCE, "`soar_cases`", "`soar_nix`"),
    "there is no macro soar_duration(2)": lambda c: _query(
        c, "ds_list", "`soar_duration(age)`", "`soar_duration(age,1)`"
    ),
    "there is no lookup soar_nix": lambda c: _query(c, SOURCE, "`soar_cases`", "inputlookup soar_nix"),
    "there is no sourcetype soar:nix": lambda c: _query(c, "ds_steps", '"soar:approval"', '"soar:nix"'),
    "there is no event type soar_nix": lambda c: _query(c, "ds_steps", "`soar_index`", "eventtype=soar_nix"),
    "there is no saved search Nix": lambda c: _query(c, SOURCE, "| `soar_cases`", '| savedsearch "Nix"'),
    "names an index": lambda c: _query(c, "ds_steps", "`soar_index`", "index=main"),
    "there is no view nix": lambda c: _query(c, "ds_list", "automation_timeline", "nix"),
}


@pytest.mark.parametrize("complaint", MUTATIONS)
def test_a_mistake_is_found(complaint: str, addon: Path) -> None:
    """Each kind of mistake, made in a definition of ours, is named."""
    content = copy.deepcopy(dict(CASES.content))
    MUTATIONS[complaint](content)
    assert any(complaint in problem for problem in problems(Dashboard("cases", content), addon))


def test_a_field_that_no_search_returns() -> None:
    """A column, a colour, an option or a link that reads another field than its search returns is named."""
    fields = {source: {"value", "severity", "_links"} for source in CASES.sources}
    found = list(results.problems(CASES, fields))
    assert "visualizations/viz_list: ds_list returns no field Severity, but _links, severity, value" in found
    assert any("inputs/input_owner: ds_owners returns no field label" in problem for problem in found)
    assert not any("viz_open" in problem for problem in found)
    without = {source: {"Case"} for source in CASES.sources}
    assert any("returns no field _links" in problem for problem in results.problems(CASES, without))


def test_tokens_are_put_in_as_splunk_does() -> None:
    """A filter's value is quoted where the query says so; the time range has two tokens."""
    opening = tokens.initial(CASES)
    assert (opening["global_time.earliest"], opening["global_time.latest"]) == ("-7d@d", "now")
    given = {**opening, "search_name": 'Rule "A"'}
    assert 'search_name="Rule \\"A\\""' in tokens.filled(CASES.query("ds_open"), given)
    with pytest.raises(KeyError):
        tokens.filled("$nix$", opening)
