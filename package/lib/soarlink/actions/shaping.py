"""What shapes a run beside its rows: the server's vocabulary, and how many results Splunk hands over at most."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Callable

from soarlink.delivery import snapshot
from soarlink.errors import NotSent, ParameterError, Throttled
from soarlink.plan import naming
from soarlink.soar import vocabulary as soar_vocabulary
from soarlink.splunk import conf

if TYPE_CHECKING:
    from pathlib import Path

    from soarlink.delivery.gate import Gate
    from soarlink.plan.parameters import SendParameters
    from soarlink.plan.run import AlertRun
    from soarlink.plan.vocabulary import Vocabulary
    from soarlink.rows.results import Results
    from soarlink.soar.account import Account
    from soarlink.soar.client import SoarClient

FOLDER = ("var", "run", "splunk", "TA_send_to_soar")
"""Below SPLUNK_HOME: files that may be lost at any time."""

_ODD = re.compile(r"[^\w-]", re.ASCII)


def vocabulary(
    asked: SendParameters,
    run: AlertRun,
    results: Results,
    *,
    account: Account,
    home: Path,
    connect: Callable[[], SoarClient] | None,
    gate: Gate | None = None,
    clock: Callable[[], float] = time.time,
) -> Vocabulary:
    """The server's names, as far as this run asks for any: most runs ask for none, and cost nothing.

    Args:
        asked: the parameters.
        run: the alert run.
        results: the results; read only when a parameter that names things is filled from their columns.
        account: the SOAR account.
        home: ``$SPLUNK_HOME``.
        connect: opens a connection, when there is something to ask; None when SOAR may not be asked.
        gate: whether the server may be asked at this time, and what it learns of one that is away.
        clock: seconds since 1970.

    Raises:
        ParameterError: a name that is the same for every row, and that can't be sent, is none of the server's.
        SoarError: a list is needed and can't be had.
        ResultsError: the results can't be read.
    """
    facts, columns = run.facts(), results.header()
    opened: list[SoarClient] = []

    def fetch(part: str) -> soar_vocabulary.Tables:
        closed = gate.check() if gate is not None else None
        if closed is not None:
            raise closed
        if not opened and connect is not None:
            opened.append(connect())
        try:
            return soar_vocabulary.fetch(opened[0], part)
        except (NotSent, Throttled) as error:
            if gate is not None:
                gate.learn(error)
            raise

    def missing(known: Vocabulary) -> frozenset[str]:
        return naming.missing_parts(asked, facts, results, columns, known, default_label=account.default_label)

    file, judged = snapshot_file(home, account), naming.judged_by_soar(asked)
    try:
        found = snapshot.vocabulary(missing, file, fetch if connect is not None else None, clock, judged)
    finally:
        for client in opened:
            client.close()
    problems = naming.refusals(asked, facts, found)
    if problems:
        raise ParameterError(problems)
    return found


def snapshot_file(home: Path, account: Account) -> snapshot.SnapshotFile:
    """Where this machine keeps the names of an account's server."""
    path = home.joinpath(*FOLDER, f"vocabulary-{_ODD.sub('_', account.name)}.json")
    return snapshot.SnapshotFile(path, account.url)


def most_results(app: Path, action: str, *, per_result: bool) -> int:
    """``maxresults`` of the action as alert_actions.conf of the add-on sets it; 0 when it says nothing about this call.

    A saved search can set a value of its own, of which the action is not told.
    """
    text = conf.read(app, "alert_actions").get(action, {}).get("maxresults", "")
    return int(text) if text.strip().isdecimal() and not per_result else 0
