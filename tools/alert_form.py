"""Writes the alert forms in ``package/default/data/ui/alerts`` from globalConfig.json and ``tools/alert_forms.toml``.

``python -m tools.alert_form`` writes them. With ``--check`` it only says which of them are out of date. The forms take
the place of those that ucc-gen generates: grouped, with an example for every field. Markup is Bootstrap 2, which the
editors of Splunk and of Enterprise Security show alike; Splunk strips scripts, so there are none.
"""

from __future__ import annotations

import html
import json
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
LAYOUT = ROOT / "tools/alert_forms.toml"
FOLDER = ROOT / "package/default/data/ui/alerts"
_EXAMPLE = "Example: "


class LayoutError(Exception):
    """The layout and globalConfig.json do not name the same fields."""


@dataclass(frozen=True)
class Field:
    """One parameter as the form shows it."""

    action: str
    entity: Mapping[str, Any]
    hint: str
    example: str

    @property
    def name(self) -> str:
        """The name under which Splunk saves the value."""
        return f"action.{self.action}.param.{self.entity['field']}"

    @property
    def identifier(self) -> str:
        """The id that the label refers to."""
        return f"{self.action}_{self.entity['field']}"

    @property
    def default(self) -> str:
        """The parameter's default."""
        return str(self.entity.get("defaultValue", ""))


def form(action: Mapping[str, Any], layout: Mapping[str, Any]) -> str:
    """Return the form of one action.

    Args:
        action: its declaration in globalConfig.json.
        layout: its part of the layout.

    Raises:
        LayoutError: a field is in no group, in two, or is not declared; or it has no example.
    """
    fields = {field.entity["field"]: field for field in _fields(action, layout)}
    lines = [
        "<!-- Generated from globalConfig.json and tools/alert_forms.toml by tools/alert_form.py. -->",
        '<form class="form-horizontal form-complex">',
        f"    <p>{_text(layout['intro'])}</p>",
    ]
    for group in layout["groups"]:
        lines += ["    <fieldset>", f"        <legend>{_text(group['title'])}</legend>"]
        lines.append(f'        <p class="help-block">{_text(group["hint"])}</p>')
        for name in group["fields"]:
            lines += ["        " + line for line in _control_group(fields[name])]
        lines.append("    </fieldset>")
    lines.append("</form>")
    return "\n".join(lines) + "\n"


def _fields(action: Mapping[str, Any], layout: Mapping[str, Any]) -> Iterator[Field]:
    declared = [entity["field"] for entity in action["entity"]]
    grouped = [name for group in layout["groups"] for name in group["fields"]]
    if sorted(declared) != sorted(grouped):
        wrong = sorted(set(declared) ^ set(grouped) | {name for name in grouped if grouped.count(name) > 1})
        raise LayoutError(f"{action['name']}: not in exactly one group and declared: {', '.join(wrong)}")
    for entity in action["entity"]:
        hint, _, example = entity.get("help", "").partition(_EXAMPLE)
        example = example or layout.get("examples", {}).get(entity["field"], "")
        if not example or not hint.strip():
            raise LayoutError(f"{action['name']}: {entity['field']} has no hint or no example")
        yield Field(action["name"], entity, hint.strip(), example)


def _control_group(field: Field) -> list[str]:
    hint = f"{_text(field.hint)} Example: {_example(field)}"
    if field.entity["type"] == "checkbox":
        checked = ' checked="checked"' if field.default == "1" else ""
        inner = [
            f'<label class="checkbox" for="{field.identifier}">',
            f'    <input type="checkbox" name="{field.name}" id="{field.identifier}" value="1"{checked} />',
            f"    {_text(field.entity['label'])}",
            "</label>",
        ]
        before = []
    else:
        before = [f'<label class="control-label" for="{field.identifier}">{_text(field.entity["label"])}</label>']
        inner = _control(field)
    return [
        '<div class="control-group">',
        *(f"    {line}" for line in before),
        '    <div class="controls">',
        *(f"        {line}" for line in inner),
        f'        <span class="help-block">{hint}</span>',
        "    </div>",
        "</div>",
    ]


def _control(field: Field) -> list[str]:
    """The control, with the default in it; Splunk puts the saved value, or the same default, in its place."""
    kind, entity = field.entity["type"], field.entity
    named = f'name="{field.name}" id="{field.identifier}"'
    if kind == "singleSelectSplunkSearch":
        search = f'search="{_text(entity["search"])}"'
        columns = f'value-field="{_text(entity["valueField"])}" label-field="{_text(entity["labelField"])}"'
        value = f' value="{_text(field.default)}"' if field.default else ""
        # What is typed counts too: templates, and names of a server that has not been asked yet.
        free = 'allow-custom-value="true"'
        return [f"<splunk-search-dropdown {named}{value} {columns} {free} {search}></splunk-search-dropdown>"]
    if kind == "singleSelect":
        options = [
            f'    <option value="{_text(item["value"])}"{_selected(item, field)}>{_text(item["label"])}</option>'
            for item in entity["options"]["items"]
        ]
        return [f"<select {named}>", *options, "</select>"]
    placeholder = "" if field.default else f' placeholder="{_text(field.example)}"'
    if kind == "textarea":
        return [f'<textarea {named} class="input-xlarge" rows="3"{placeholder}>{_text(field.default)}</textarea>']
    if kind == "text":
        value = f' value="{_text(field.default)}"' if field.default else ""
        return [f'<input type="text" {named} class="input-xlarge"{value}{placeholder} />']
    raise LayoutError(f"{field.action}: {entity['field']} is a {kind}, which the form has no control for")


def _selected(item: Mapping[str, Any], field: Field) -> str:
    return ' selected="selected"' if item["value"] == field.default else ""


def _example(field: Field) -> str:
    """What can be typed in stands out; what is a choice is a phrase."""
    kind, help_text = field.entity["type"], field.entity.get("help", "")
    typed = kind in {"text", "textarea"} or (kind == "singleSelectSplunkSearch" and _EXAMPLE in help_text)
    return f"<code>{_text(field.example)}</code>" if typed else f"{_text(field.example)}."


def _text(text: str) -> str:
    """Text for HTML. Braces too: Splunk replaces ``{{SPLUNKWEB_URL_PREFIX}}`` in forms, and nothing else shall be."""
    return html.escape(text).replace("{", "&#123;").replace("}", "&#125;")


def files() -> Iterator[tuple[Path, str]]:
    """Yield every form with its content.

    Raises:
        LayoutError: see :func:`form`; or an action has no layout.
    """
    config = json.loads((ROOT / "globalConfig.json").read_text(encoding="utf-8"))
    layouts = tomllib.loads(LAYOUT.read_text(encoding="utf-8"))
    for action in config["alerts"]:
        if action["name"] not in layouts:
            raise LayoutError(f"{LAYOUT.name} has no layout for {action['name']}")
        yield FOLDER / f"{action['name']}.html", form(action, layouts[action["name"]])


def main(arguments: Sequence[str]) -> int:
    """Write or check the forms; 1 when a check finds one out of date or the layout does not fit."""
    try:
        stale = [(path, text) for path, text in files() if not path.exists() or path.read_text("utf-8") != text]
    except LayoutError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for path, text in stale:
        if "--check" in arguments:
            print(f"{path.relative_to(ROOT)} is out of date: run python -m tools.alert_form")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
