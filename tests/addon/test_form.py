"""The form of the alert action in the built add-on, held against globalConfig.json and alert_actions.conf."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from lab.runner import conf
from tools import alert_form, build
from tools.process import ROOT

CONTROLS = {
    "text": "input",
    "textarea": "textarea",
    "checkbox": "input",
    "singleSelect": "select",
    "singleSelectSplunkSearch": "splunk-search-dropdown",
}
ACTIONS = [alert["name"] for alert in json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))["alerts"]]


@pytest.fixture(scope="module")
def folder() -> Path:
    """The built add-on."""
    return build.build().folder


@pytest.fixture(params=ACTIONS)
def action(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What globalConfig.json declares of an action."""
    declared = json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))["alerts"]
    return next(one for one in declared if one["name"] == request.param)


@pytest.fixture
def form(folder: Path, action: dict[str, Any]) -> ET.Element:
    """The action's form, read as XML: so it is well-formed, too."""
    text = (folder / f"default/data/ui/alerts/{action['name']}.html").read_text(encoding="utf-8")
    return ET.fromstring(text)  # noqa: S314 - our own file


def _named(form: ET.Element) -> dict[str, ET.Element]:
    return {element.attrib["name"]: element for element in form.iter() if "name" in element.attrib}


def test_every_declared_parameter_is_in_the_form_once(form: ET.Element, action: dict[str, Any]) -> None:
    """Exactly the declared parameters, each once, by the name under which Splunk saves it, with the right control."""
    names = Counter(element.attrib["name"] for element in form.iter() if "name" in element.attrib)
    declared = {f"action.{action['name']}.param.{entity['field']}": entity for entity in action["entity"]}
    assert names == dict.fromkeys(declared, 1)
    for name, element in _named(form).items():
        assert element.tag == CONTROLS[declared[name]["type"]], name


def test_defaults_of_the_form_are_those_of_the_action(form: ET.Element, folder: Path, action: dict[str, Any]) -> None:
    """What a form shows that nobody has touched is what alert_actions.conf says."""
    settings = conf.layered((folder / "default/alert_actions.conf",))[action["name"]]
    for name, element in _named(form).items():
        assert _shown(element) == settings.get(name.removeprefix(f"action.{action['name']}."), ""), name


def _shown(element: ET.Element) -> str:
    if element.tag == "select":
        chosen = [option.attrib["value"] for option in element if "selected" in option.attrib]
        assert len(chosen) == 1
        return chosen[0]
    if element.attrib.get("type") == "checkbox":
        return "1" if "checked" in element.attrib else "0"
    return (element.text or "") if element.tag == "textarea" else element.attrib.get("value", "")


def test_choices_of_the_form_are_those_declared(form: ET.Element, action: dict[str, Any]) -> None:
    """Values and labels, in their order."""
    named = _named(form)
    for entity in action["entity"]:
        if entity["type"] == "singleSelect":
            options = named[f"action.{action['name']}.param.{entity['field']}"]
            shown = [(option.attrib["value"], option.text) for option in options]
            assert shown == [(item["value"], item["label"]) for item in entity["options"]["items"]]


def test_every_field_has_a_label_a_hint_and_an_example(form: ET.Element) -> None:
    """In each control group: a label that belongs to the control, and help with an example."""
    groups = [element for element in form.iter("div") if element.attrib["class"] == "control-group"]
    assert len(groups) == len(_named(form))
    for group in groups:
        (control,) = _named(group).values()
        (label,) = group.iter("label")
        assert label.attrib["for"] == control.attrib["id"]
        (help_block,) = (span for span in group.iter("span") if span.attrib["class"] == "help-block")
        words = "".join(help_block.itertext())
        hint, example = words.split("Example: ")
        assert hint.strip()
        assert example.strip(" .")


def test_the_form_holds_nothing_that_splunk_strips(form: ET.Element) -> None:
    """No script, no event handler, and braces only as entities, so that Splunk's own replacement leaves them alone."""
    assert {element.tag for element in form.iter()} <= {
        *("form", "fieldset", "legend", "div", "label", "span", "p", "code", "option"),
        *CONTROLS.values(),
    }
    assert [name for element in form.iter() for name in element.attrib if name.startswith("on")] == []


def test_braces_are_entities(folder: Path, action: dict[str, Any]) -> None:
    """Splunk replaces `{{SPLUNKWEB_URL_PREFIX}}` in a form's text; templates must pass unseen."""
    text = (folder / f"default/data/ui/alerts/{action['name']}.html").read_text(encoding="utf-8")
    assert "{" not in text
    assert "&#123;&#123;" in text


FIRST = {
    "send_to_soar": ["account", "label", "severity"],
    "run_soar_playbook": ["account", "playbooks", "scope", "inputs", "follow"],
    "request_soar_enrichment": ["account", "fields", "playbooks", "scope", "inputs", "follow"],
}
"""What the common case needs."""


def test_what_the_common_case_needs_comes_first(form: ET.Element, action: dict[str, Any]) -> None:
    """It is the first group, and every group says what it is about."""
    fieldsets = list(form.iter("fieldset"))
    first = [name.rpartition(".")[2] for name in _named(fieldsets[0])]
    assert first == FIRST[action["name"]]
    assert all("".join(fieldset[0].itertext()) and fieldset[1].text for fieldset in fieldsets)


def test_committed_forms_are_fresh() -> None:
    """A parameter that is added must be laid out, and the form written again."""
    assert [path.name for path, text in alert_form.files() if path.read_text(encoding="utf-8") != text] == []


def test_a_field_without_a_place_is_an_error() -> None:
    """The tool refuses a declaration that the layout forgets, one that it invents, and a field without example."""
    entity = {"field": "a", "label": "A", "type": "text", "help": "Say a. Example: x"}
    layout = {"intro": "", "groups": [{"title": "G", "hint": "h", "fields": ["a"]}]}
    assert "action.n.param.a" in alert_form.form({"name": "n", "entity": [entity]}, layout)
    for action, words in (
        ({"name": "n", "entity": [entity, {**entity, "field": "b"}]}, "b"),
        ({"name": "n", "entity": []}, "a"),
        ({"name": "n", "entity": [{**entity, "help": "Say a."}]}, "no example"),
    ):
        with pytest.raises(alert_form.LayoutError, match=words):
            alert_form.form(action, layout)
