"""What a saved search that uses SOAR Export's alert actions says in the words of `send_to_soar`.

The old actions and their parameters as their users see them in savedsearches.conf: ``action.sendtophantom`` ("Send to
SOAR") and ``action.runphantomplaybook`` ("Run Playbook in SOAR").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.runner.conf import is_true

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SEND = "sendtophantom"
RUN = "runphantomplaybook"
FORWARD = "phantomeventforwarding"
_ACCOUNT = re.compile(r"^[a-zA-Z]\w{0,49}$", re.ASCII)
_RESULT_TOKEN = re.compile(r"\$result\.([^$]+)\$")
_RELAYED = re.compile(r"\s*\(ARR\)$")
_MEANINGS = {
    "container_name": {"search_name": "{{search_name}}", "source": "{{source|or:search_name}}"},
    "grouping": {"0": "result", "1": "search"},
}
_DEFAULTS = {"label": "event", "severity": "medium", "container_per": "result", "container_name": "{{search_name}}"}
"""What the old actions do where a search says nothing."""
_KNOWN = {
    SEND: ("phantom_server", "severity", "sensitivity", "label", "grouping", "container_name", "search_description"),
    RUN: (
        "server_playbook_name",
        "severity",
        "sensitivity",
        "label",
        "grouping",
        "container_name",
        "search_description",
    ),
}
_RELAY = ("relay_account", "relay_details", "_cam_workers")
_OWN = ("_cam",)
"""Metadata that each action brings for itself."""


@dataclass(frozen=True)
class Migration:
    """One saved search.

    Args:
        search: its name.
        settings: what its stanza gains, in order; empty when nothing could be taken over.
        old: the old actions that it uses.
        notes: what a person should know or do, a sentence each.
    """

    search: str
    settings: Mapping[str, str]
    old: tuple[str, ...]
    notes: tuple[str, ...]

    def stanza(self) -> str:
        """The stanza as text for ``local/savedsearches.conf``, notes as comments above it."""
        lines = [f"# {note}" for note in self.notes]
        lines.append(f"[{self.search}]")
        lines += [f"{key} = {_continued(value)}" for key, value in self.settings.items()]
        lines += [f"# When it has proved itself: action.{action} = 0" for action in self.old if self.settings]
        return "\n".join(lines) + "\n"


def migrate(searches: Mapping[str, Mapping[str, str]]) -> Iterator[Migration]:
    """Say for each saved search that uses an old action what takes its place; the others are passed over.

    Args:
        searches: stanzas of savedsearches.conf, with ``[default]`` merged in.
    """
    for name, settings in searches.items():
        used = tuple(action for action in (SEND, RUN, FORWARD) if _switched_on(settings, action))
        if used:
            yield _migration(name, settings, used)


def _switched_on(settings: Mapping[str, str], action: str) -> bool:
    listed = {part.strip() for part in settings.get("actions", "").split(",")}
    return is_true(settings, f"action.{action}", default=action in listed)


def _migration(name: str, settings: Mapping[str, str], used: tuple[str, ...]) -> Migration:
    notes: list[str] = []
    found: dict[str, str] = {}
    for action in used:
        if action == FORWARD:
            notes.append(
                "Event forwarding is not converted. Schedule a search of your own with Send to SOAR: see the two"
                " examples that the add-on ships, and group_by, identity_fields and identity_window."
            )
            continue
        for key, value in _parameters(action, settings, notes).items():
            if found.setdefault(key, value) != value:
                notes.append(f'The two old actions differ: {key} is "{found[key]}" here, "{value}" in {action}.')
    if SEND in used and RUN in used:
        notes.append("Both old actions become one: the container is sent, then the playbook runs on it.")
    new: dict[str, str] = {}
    if SEND in used or RUN in used:
        new["action.send_to_soar"] = "1"
        new.update((f"action.send_to_soar.param.{key}", value) for key, value in {**_DEFAULTS, **found}.items())
    return Migration(name, new, used, tuple(dict.fromkeys(" ".join(note.split()) for note in notes)))


def _parameters(action: str, settings: Mapping[str, str], notes: list[str]) -> dict[str, str]:
    """Our parameters for what the search says of one old action."""
    prefix = f"action.{action}.param."
    old = {key[len(prefix) :]: value.strip() for key, value in settings.items() if key.startswith(prefix)}
    for key in old:
        if key in _RELAY:
            notes.append(f"{action}.{key} is not taken over: the adaptive response relay is not used.")
        elif key not in _KNOWN[action] and key not in _OWN:
            notes.append(f"{action}.{key} is not known here and not taken over.")
    for key, meanings in _MEANINGS.items():
        if old.get(key) and old[key] not in meanings:
            notes.append(f'{action}.{key} = "{old.pop(key)}" is not known here and not taken over.')
    server, playbook = _target(action, old)
    found = {
        "account": _account(server, notes),
        "playbook": playbook,
        "label": old.get("label", ""),
        "severity": old.get("severity", "").rpartition(": ")[2],
        "sensitivity": old.get("sensitivity", "").lower(),
        "container_per": _MEANINGS["grouping"].get(old.get("grouping", ""), ""),
        "container_name": _MEANINGS["container_name"].get(old.get("container_name", ""), ""),
        "description": old.get("search_description", ""),
    }
    return {key: _per_row(key, value, notes) for key, value in found.items() if value}


def _target(action: str, old: Mapping[str, str]) -> tuple[str, str]:
    """(server, playbook): the old playbook action holds both in one value, "Server: scm/playbook"."""
    if action == SEND:
        return old.get("phantom_server", ""), ""
    server, _, playbook = f"{old.get('server_playbook_name', '')} ".rpartition(": ")
    return server, playbook.strip()


def _account(server: str, notes: list[str]) -> str:
    name = _RELAYED.sub("", server)
    if name != server:
        notes.append(f'The server "{name}" was reached through the adaptive response relay; now it is called directly.')
    if name.lower() in ("", "default"):
        return ""
    account = name
    if not _ACCOUNT.match(name):
        account = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_")
        account = (account if account[:1].isalpha() else f"soar_{account}")[:50].rstrip("_")
    meant = "" if account == name else f', for the server "{name}"'
    notes.append(f'Needs a SOAR account named "{account}" on the configuration page{meant}.')
    return account


def _per_row(key: str, value: str, notes: list[str]) -> str:
    """``$result.x$`` comes from the first row only; our templates are filled from each row."""
    changed = _RESULT_TOKEN.sub(r"{{\1}}", value)
    if changed != value:
        notes.append(f"{key}: $result.…$ comes from the first row only; it became {{{{…}}}}, filled from each row.")
    return changed


def _continued(value: str) -> str:
    return value.replace("\n", "\\\n")
