"""The alert run that an action works for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class AlertRun:
    """What splunkd says about the search whose results are sent; the same for every row of a run.

    ``sid`` is the search id without a real-time snapshot. ``scheduled`` is true when the scheduler started the search
    (Common Action Model: ``action_mode="saved"``), false for ad hoc runs.
    """

    action: str
    sid: str
    search_name: str = ""
    app: str = ""
    owner: str = ""
    results_link: str = ""
    server_host: str = ""
    scheduled: bool = False

    def facts(self) -> Mapping[str, str]:
        """The non-empty facts by name: what a container keeps of its origin and what templates may use."""
        named = (
            ("search_name", self.search_name),
            ("sid", self.sid),
            ("app", self.app),
            ("owner", self.owner),
            ("results_link", self.results_link),
            ("server_host", self.server_host),
        )
        return {name: value for name, value in named if value}
