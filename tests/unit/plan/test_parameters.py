"""The parameters of `send_to_soar`."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from soarlink.errors import ParameterError
from soarlink.plan import parameters
from soarlink.plan.parameters import PlaybookOrder
from tests.unit.samples import make_row
from tests.unit.standin import ROOT


def declared(action: str) -> dict[str, str]:
    """Names and defaults as globalConfig.json has them."""
    config = json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))
    alert = next(item for item in config["alerts"] if item["name"] == action)
    return {entity["field"]: _text(entity.get("defaultValue", "")) for entity in alert["entity"]}


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def test_names_and_defaults_are_those_that_the_form_declares() -> None:
    """globalConfig.json and the code agree on every parameter of every action."""
    for action, defaults in parameters.DEFAULTS_OF.items():
        assert dict(defaults) == declared(action)


def test_choices_are_those_that_the_form_offers() -> None:
    """What the form offers is what the code takes."""
    config = json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))
    entities = {entity["field"]: entity for entity in config["alerts"][0]["entity"]}
    for name, allowed in (
        ("sensitivity", parameters.SENSITIVITIES),
        ("field_names", parameters.FIELD_NAMES),
        ("container_per", parameters.CONTAINER_PER),
    ):
        assert tuple(item["value"] for item in entities[name]["options"]["items"]) == allowed


def test_what_is_generated_from_the_parameters_is_fresh() -> None:
    """Spec files, save-time rules and docs follow globalConfig.json."""
    command = [str(ROOT / ".venv" / "bin" / "python"), "-m", "tools.parameters", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("value", ["", "  ", None])
def test_an_empty_parameter_means_its_default(value: object) -> None:
    """Absent, empty and blank parameters are the same."""
    emptied = parameters.parse(dict.fromkeys(parameters.DEFAULTS, value))
    assert _shown(emptied) == _shown(parameters.parse({}))


def test_the_defaults_are_the_sensible_thing() -> None:
    """Without any parameter: one container per result, amber, automation on, 500 containers at most."""
    parsed = parameters.parse({})
    row = make_row(urgency="high", search_name="S")
    assert (parsed.container_per, parsed.sensitivity, parsed.automation, parsed.max_containers) == (
        "result",
        "amber",
        True,
        500,
    )
    assert parsed.severity.render(row, {}) == "high"
    assert parsed.container_name.render(row, {}) == "S"
    assert parsed.label.render(row, {}) == ""


def test_given_parameters_are_parsed() -> None:
    """Choices in any case, lists, switches, numbers and templates arrive in their types."""
    parsed = parameters.parse(
        {
            "account": " prod ",
            "container_per": "Group",
            "group_by": "dest, user,,",
            "sensitivity": "RED",
            "tags": "splunk, {{a|map:x=1,y=2}} ,{{b}},",
            "multivalue": "join:; ",
            "field_names": "cef",
            "max_containers": "0",
            "automation": "false",
            "playbook": "local/triage",
            "_cam": "{}",
            "_cam_workers": "[]",
            "verbose": "1",
            "action_name": "send_to_soar",
        }
    )
    assert (parsed.account, parsed.container_per, parsed.group_by) == ("prod", "group", ("dest", "user"))
    assert [tag.text for tag in parsed.tags] == ["splunk", "{{a|map:x=1,y=2}}", "{{b}}"]
    assert (parsed.sensitivity, parsed.max_containers, parsed.automation) == ("red", 0, False)
    assert parsed.mapping.field_names == "cef"
    assert (parsed.playbooks, parsed.follow) == ((PlaybookOrder("local/triage"),), None)


def test_the_playbooks_of_a_run_are_parsed() -> None:
    """Several by comma or line, each once, with scope and inputs; what the action does not have keeps its default."""
    asked = {"playbooks": "local/a, local/b\nlocal/a", "scope": "All", "inputs": "ip={{src}}", "follow": "30"}
    parsed = parameters.parse(asked, parameters.RUN_SOAR_PLAYBOOK)
    assert [(order.name, order.scope) for order in parsed.playbooks] == [("local/a", "all"), ("local/b", "all")]
    assert [(name, text.text) for name, text in parsed.playbooks[0].inputs] == [("ip", "{{src}}")]
    assert (parsed.follow, parsed.automation, parsed.artifacts) == (30.0, False, "per_result")


def test_an_enrichment_names_fields_and_sees_their_artifacts() -> None:
    """What Run SOAR Playbook takes, and fields; as shipped the playbook sees only what they make."""
    asked = {"playbooks": "local/a", "fields": "src, user,,url"}
    parsed = parameters.parse(asked, parameters.REQUEST_SOAR_ENRICHMENT)
    assert (parsed.fields, parsed.playbooks) == (("src", "user", "url"), (PlaybookOrder("local/a", "artifacts"),))
    assert (parsed.asks_answers, parsed.automation, parsed.follow) == (True, False, 15.0)
    with pytest.raises(ParameterError) as caught:
        parameters.parse({}, parameters.REQUEST_SOAR_ENRICHMENT)
    assert "Parameter fields is empty" in str(caught.value)
    assert "Parameter playbooks is empty" in str(caught.value)


@pytest.mark.parametrize("name", ["playbook", "attach_results", "fields"])
def test_what_a_run_does_not_have_is_unknown_to_it(name: str) -> None:
    """A parameter of the other action is named, and what there is."""
    with pytest.raises(ParameterError, match=f"Parameter {name} is unknown; known are account"):
        parameters.parse({"playbooks": "local/a", name: "x"}, parameters.RUN_SOAR_PLAYBOOK)


@pytest.mark.parametrize("text", ["1", "true", "YES", "on"])
def test_a_switch_is_on_in_every_spelling(text: str) -> None:
    """Splunk's spellings of true are all taken."""
    assert parameters.parse({"automation": text}).automation


def test_every_problem_is_named_at_once() -> None:
    """One error lists each wrong parameter with its value and what is allowed."""
    with pytest.raises(ParameterError) as caught:
        parameters.parse(
            {
                "sensitivity": "blue",
                "container_per": "group",
                "severity": "{{|x}}",
                "tags": "{{a|nope}}",
                "multivalue": "zip",
                "max_containers": "-1",
                "automation": "maybe",
                "field_names": "all",
                "colour": "red",
            }
        )
    problems = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 9
    for words in (
        "colour is unknown; known are account, label",
        'sensitivity has the value "blue": allowed are white, green, amber, red.',
        "group_by is empty",
        'severity has the value "{{|x}}": ',
        'tags has the value "{{a|nope}}": ',
        "multivalue has the value \"zip\": 'zip' is no way",
        'max_containers has the value "-1": a whole number is needed',
        'automation has the value "maybe": 1 or 0 is needed.',
        'field_names has the value "all": allowed are both, cef, original.',
    ):
        assert words in problems
    assert "Correct the action's parameters" in str(caught.value)


def _shown(parsed: parameters.SendParameters) -> dict[str, object]:
    def text(value: object) -> object:
        if isinstance(value, tuple):
            return tuple(text(item) for item in value)
        return getattr(value, "text", value)

    return {name: text(value) for name, value in parsed._asdict().items()}


def test_a_separator_is_taken_as_it_stands() -> None:
    """`join:, ` joins with comma and blank, and `join: ` with a blank."""
    assert parameters.parse({"multivalue": "join:, "}).mapping.multivalue == "join:, "
    assert parameters.parse({"multivalue": "join: "}).mapping.multivalue == "join: "


@pytest.mark.parametrize("follow", ["-1", "soon", "241", "1.5"])
def test_how_long_runs_are_followed_is_seconds(follow: str) -> None:
    """What is wrong is told with what is allowed, and what 0 means here."""
    with pytest.raises(ParameterError, match=r"at most 240 seconds.* with 0 the runs are looked at once"):
        parameters.parse({"playbooks": "local/x", "follow": follow}, "run_soar_playbook")
    assert parameters.parse({"playbooks": "local/x", "follow": " 240 "}, "run_soar_playbook").follow == 240.0
