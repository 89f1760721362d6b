"""What a person sees of an event that the feedback input has brought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_WHAT = ("playbook", "action", "prompt", "title", "content", "name", "container_name")
"""What an event is best told by, the first that it has."""


class Told(NamedTuple):
    """One event in four words."""

    sourcetype: str
    container: str
    what: str
    state: str


def told(one: Mapping[str, Any]) -> Told:
    """Tell an event of ``lab poll --json``."""
    event = one["event"]
    what = next((event[name] for name in _WHAT if event.get(name)), "")
    state = event.get("verdict") or event.get("status") or event.get("outcome") or ""
    return Told(one["sourcetype"], str(event.get("container_id", "")), " ".join(str(what).split()), str(state))
