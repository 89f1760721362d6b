"""A dry run of an action: everything but the sending."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from soarlink.actions import shaping
from soarlink.delivery.simulation import TracingMapper, simulate
from soarlink.plan.planner import cut_results_note
from soarlink.splunk.settings import no_secrets

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from soarlink.actions.clerk import Clerk
    from soarlink.actions.request import Request
    from soarlink.plan.shipment import Shipment
    from soarlink.splunk.cam import CommonAction


def simulate_run(request: Request, clerk: Clerk, action: CommonAction, app: Path, home: Path) -> int:
    """Plan a run and tell its rows what would be sent. Asks neither SOAR nor for any secret.

    Args:
        request: what was asked for.
        clerk: tells the rows.
        action: the Common Action Model's side.
        app: the add-on's folder.
        home: ``$SPLUNK_HOME``.

    Returns:
        The exit code.

    Raises:
        SendToSoarError: nothing can be planned.
    """
    account = request.settings.account(request.asked.account, no_secrets)
    run = request.invocation.run
    known = shaping.vocabulary(request.asked, run, request.results, account=account, home=home, connect=None)
    most = shaping.most_results(app, run.action, per_result=request.invocation.fixed_rid is not None)
    mapper = TracingMapper(request.mapper())
    planner = request.planner(mapper, account, known, most)
    for outcome in simulate(_announced(planner.plan(request.results), clerk), mapper):
        clerk.tell(outcome)
    clerk.flush()
    if most and clerk.rows == most:
        action.message(cut_results_note(most), level=logging.WARNING)
    return clerk.exit_code()


def _announced(shipments: Iterable[Shipment], clerk: Clerk) -> Iterator[Shipment]:
    for shipment in shipments:
        for account in shipment.rows:
            clerk.announce(account)
        yield shipment
