"""Run by ucc-gen at the end of a build: merges ``fragments/*.conf``, and makes views of ``dashboards/*.json``.

A fragment's name is that of its conf file, or ``<conf file>.<topic>.conf``.

A conf file in ``package/default`` would replace the generated one whole (and with it the REST handlers in
restmap.conf, for example). A fragment only adds: new stanzas go to the end, settings of a stanza that is there go into
that stanza, and a setting that is there too gets the fragment's value. So no stanza and no setting appears twice.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parent


def _entries(text: str) -> list[str]:
    r"""Split conf text into entries: a header, a setting with its continuation lines (``\``), or another line."""
    entries: list[str] = []
    continued = False
    for line in text.splitlines():
        if continued:
            entries[-1] += "\n" + line
        else:
            entries.append(line)
        continued = line.endswith("\\") and not line.lstrip().startswith("#")
    return entries


def _setting(entry: str) -> str | None:
    """Return the name of the setting that an entry sets; None for comments, blank lines and headers."""
    if not entry.strip() or entry.lstrip().startswith(("#", "[")) or "=" not in entry:
        return None
    return entry.split("=", 1)[0].strip()


def _stanzas(text: str) -> dict[str, list[str]]:
    """Group entries by stanza header, in order; what stands before the first header is under the empty name.

    Comments directly above a header belong to that header's stanza.
    """
    stanzas: dict[str, list[str]] = {"": []}
    header = ""
    comments: list[str] = []
    for entry in _entries(text):
        if entry.startswith("["):
            header = entry.strip()
            stanzas.setdefault(header, []).extend(comments)
            comments = []
        elif entry.startswith("#"):
            comments.append(entry)
        else:
            stanzas[header].extend((*comments, entry))
            comments = []
    stanzas[header].extend(comments)
    return stanzas


def _add(stanza: list[str], additions: list[str]) -> None:
    """Add a fragment's entries to a stanza; a setting that is there gets the new value where it stands."""
    places = {_setting(entry): index for index, entry in enumerate(stanza)}
    for entry in additions:
        name = _setting(entry)
        if name is not None and name in places:
            stanza[places[name]] = entry
        elif entry.strip():
            stanza.append(entry)


def merge(generated: str, fragment: str) -> str:
    """Return conf text that holds every stanza of both texts once; on one setting the fragment's value counts.

    Args:
        generated: text of the conf file that ucc-gen wrote; empty if it wrote none.
        fragment: text to merge into it.
    """
    stanzas = {header: [entry for entry in body if entry.strip()] for header, body in _stanzas(generated).items()}
    for header, additions in _stanzas(fragment).items():
        _add(stanzas.setdefault(header, []), additions)
    blocks: list[str] = []
    for header, body in stanzas.items():
        block = [header, *body] if header else body
        if block:
            blocks.append("\n".join(block))
    return "\n\n".join(blocks) + "\n"


def view(definition: str) -> str:
    """Return the view, as Splunk keeps it on disk, of a Dashboard Studio definition.

    It names no theme, so that Splunk chooses. What people see of it in lists is the definition's title and description.

    Args:
        definition: JSON text.

    Raises:
        ValueError: the definition can't stand in the CDATA section that Splunk reads it from.
    """
    content = json.loads(definition)
    text = json.dumps(content, indent=2, ensure_ascii=False)
    if "]]>" in text:
        message = f"{content['title']}: a dashboard's definition must not hold ]]>"
        raise ValueError(message)
    hidden = json.dumps({"hideEdit": False, "hideOpenInSearch": False, "hideExport": False})
    return (
        f'<dashboard version="2">\n  <label>{escape(content["title"])}</label>\n'
        f"  <description>{escape(content['description'])}</description>\n"
        f"  <definition><![CDATA[\n{text}\n  ]]></definition>\n"
        f'  <meta type="hiddenElements"><![CDATA[{hidden}]]></meta>\n</dashboard>\n'
    )


def cleanup_output_files(output_path: str, addon_name: str) -> None:
    """Merge the fragments, write the views, and remove what ucc-gen copies but the add-on does not need.

    ucc-gen calls this after it has copied ``package/`` over what it generated.

    Args:
        output_path: folder that holds the built add-on's folder.
        addon_name: name of the add-on's folder.
    """
    addon = Path(output_path) / addon_name
    for fragment in sorted((ROOT / "fragments").glob("*.conf")):
        target = addon / "default" / f"{fragment.name.partition('.')[0]}.conf"
        generated = target.read_text(encoding="utf-8") if target.is_file() else ""
        target.write_text(merge(generated, fragment.read_text(encoding="utf-8")), encoding="utf-8")
    for dashboard in sorted((ROOT / "dashboards").glob("*.json")):
        target = addon / "default" / "data" / "ui" / "views" / f"{dashboard.stem}.xml"
        target.write_text(view(dashboard.read_text(encoding="utf-8")), encoding="utf-8")
    for name in ("requirements.txt", "exclude.txt"):
        (addon / "lib" / name).unlink(missing_ok=True)
    # The module that ucc-gen's own alert script would call; ours does not. Its folder's name is open to clashes.
    shutil.rmtree(addon / "bin" / addon_name.lower(), ignore_errors=True)
    for folder in list(addon.rglob("__pycache__")):
        shutil.rmtree(folder)
