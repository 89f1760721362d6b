"""What `lab send` is asked to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lab.runner.search import Mode

DEFAULT_ACTION = "send_to_soar"


@dataclass(frozen=True)
class SendRequest:
    """One run of an action on a results file.

    Args:
        results: CSV or gzip, as Splunk writes it.
        action: the action's name.
        parameters: what is set for it; all others have their defaults.
        search_name: the saved search's name; None for the lab's choice.
        sid: the search's id; None for a new one.
        mode: how the action comes to run; None to tell from ``sid``, and else by a saved search.
        app: app context of the search.
        owner: user context of the search.
        timeout: seconds the action may run; None for its ``maxtime``.
    """

    results: Path
    action: str = DEFAULT_ACTION
    parameters: Mapping[str, str] = field(default_factory=dict)
    search_name: str | None = None
    sid: str | None = None
    mode: Mode | None = None
    app: str = "search"
    owner: str = "admin"
    timeout: float | None = None
