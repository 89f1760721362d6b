"""What a run was asked to do, as far as it can be known without SOAR and without secrets."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soarlink.mapping.compiled import SearchContext
from soarlink.plan import parameters
from soarlink.plan.planner import Planner
from soarlink.rows.results import Results
from soarlink.splunk import rules
from soarlink.splunk.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from soarlink.errors import ResultsError
    from soarlink.mapping.compiled import Mapping
    from soarlink.mapping.rowmapper import RowMapper as BoundMapper
    from soarlink.plan.planner import RowMapper
    from soarlink.plan.vocabulary import Vocabulary
    from soarlink.soar.account import Account
    from soarlink.splunk.cam import CommonAction
    from soarlink.splunk.payload import Invocation


@dataclass(frozen=True)
class Request:
    """One run: its results, parameters, mapping and the name of its account."""

    invocation: Invocation
    results: Results
    settings: Settings
    asked: parameters.SendParameters
    mapping: Mapping
    account_name: str
    rows: int
    """How many results can be read."""
    damage: ResultsError | None
    """What is wrong with the results file after them."""

    def mapper(self) -> BoundMapper:
        """The mapping, bound to the results' columns."""
        run = self.invocation.run
        return self.mapping.bind(self.results.header(), SearchContext(run.search_name, app=run.app), self.asked.mapping)

    def errand(self) -> str:
        """What tells two calls for the same results apart: playbooks with scope and inputs, and the fields asked about.

        ``| sendalert`` twice in one search means two errands. What else they differ in meets in the same containers.
        """
        asked = [
            [order.name, order.scope, *(f"{name}={template.text}" for name, template in order.inputs)]
            for order in self.asked.playbooks
        ]
        return f" {json.dumps([asked, self.asked.fields])}" if asked else ""

    def planner(self, mapper: RowMapper, account: Account, vocabulary: Vocabulary, most_results: int) -> Planner:
        """The planner of this run."""
        return Planner(
            self.invocation.run,
            self.asked,
            mapper,
            account.default_label,
            vocabulary=vocabulary,
            columns=self.results.header(),
            most_results=most_results,
        )


@dataclass(frozen=True)
class Written:
    """What a run was written down with; a journal keeps to it, whatever is configured since."""

    account_name: str
    mapping: Mapping | None
    """None where it is the one in force."""


def read(
    app: Path, invocation: Invocation, results: Path | None, action: CommonAction, written: Written | None = None
) -> Request:
    """Read settings, parameters and rules; the action learns where its events go and how loud it logs.

    Args:
        app: the add-on's folder.
        invocation: the parsed payload.
        results: the results file.
        action: the Common Action Model's side.
        written: what the run was written down with; None for a new one.

    Raises:
        SettingsError, ParameterError, MappingError: with what to change.
    """
    settings = Settings.load(app)
    action.index = settings.index
    if settings.log_level == "DEBUG":
        action.verbose()
    for problem in settings.problems:
        action.message(problem, level=logging.WARNING)
    asked = parameters.parse(invocation.configuration, invocation.run.action)
    mapping = (written.mapping if written is not None else None) or rules.load(app)
    name = (written.account_name if written is not None else "") or settings.account_name(asked.account)
    action.account = name
    action.mapping = mapping.digest[:16]
    found, count, damage = Results(results, invocation.fixed_rid, invocation.rid_suffix).intact()
    return Request(invocation, found, settings, asked, mapping, name, count, damage)
