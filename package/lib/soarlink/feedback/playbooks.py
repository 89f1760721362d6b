"""Playbooks by their full names: a run names its playbook by id until it has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soarlink.automation import verdict
from soarlink.errors import AuthFailed, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from soarlink.feedback.changes import Record
    from soarlink.soar.client import SoarClient


class Playbooks:
    """Names of one SOAR's playbooks, each asked for once.

    Args:
        client: the account's SOAR.
    """

    def __init__(self, client: SoarClient) -> None:
        self._client = client
        self._known: dict[int, str] = {}

    def learn(self, runs: Iterable[Record]) -> None:
        """Ask for the playbooks of these runs, as far as they are not known.

        Without the right to see playbooks the runs' own words have to do.
        """
        wanted = {int(run["playbook"]) for run in runs if run.get("playbook")} - self._known.keys()
        if not wanted:
            return
        listed = ",".join(map(str, sorted(wanted)))
        query = (("_filter_id__in", f"[{listed}]"), ("page_size", "0"), ("pretty", "1"))
        self._known.update(dict.fromkeys(wanted, ""))
        try:
            found = self._client.records("playbook", query)
        except (AuthFailed, Refused):
            return
        for one in found:
            repository = one.get("_pretty_scm")
            self._known[int(one["id"])] = f"{repository}/{one.get('name')}" if repository else str(one.get("name"))

    def name(self, run: Record) -> str:
        """``repository/name`` of a run's playbook, as far as it is known."""
        return self._known.get(int(run.get("playbook") or 0)) or verdict.playbook_of(run)
