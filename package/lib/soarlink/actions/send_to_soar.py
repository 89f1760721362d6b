"""The alert action "Send to SOAR": puts the parts together and tells the truth about each row."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

from soarlink.delivery.outcome import (
    EXIT_CONFIGURATION,
    EXIT_INTERNAL,
    REJECTED,
    RowOutcome,
    count,
    exit_code,
)
from soarlink.errors import ParameterError, PayloadError, ResultsError, SendToSoarError, SettingsError
from soarlink.mapping import shipped
from soarlink.mapping.compiled import SearchContext
from soarlink.plan import parameters
from soarlink.plan.planner import Planner
from soarlink.plan.shipment import RowAccount, Shipment
from soarlink.rows.results import Results
from soarlink.splunk import payload
from soarlink.splunk.cam import CommonAction
from soarlink.splunk.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from soarlink.mapping.compiled import Mapping
    from soarlink.soar.account import Account

ACTION = "send_to_soar"
APP = Path(__file__).resolve().parents[3]
"""The add-on's folder: ``lib/soarlink/actions`` is three below it."""


def main(argv: list[str], stdin: IO[bytes]) -> int:
    """Run the action as splunkd starts it.

    Args:
        argv: script name and ``--execute``.
        stdin: the alert payload.

    Returns:
        The process's exit code, see :mod:`soarlink.delivery.outcome`.
    """
    if argv[1:] != ["--execute"]:
        sys.stderr.write(f"{ACTION} is started by splunkd: --execute, and an alert payload on standard input.\n")
        return EXIT_CONFIGURATION
    try:
        invocation = payload.parse(stdin.read(), ACTION)
    except PayloadError as error:
        sys.stderr.write(f"ERROR {ACTION}: {error}\n")  # splunkd.log is all there is without a payload
        return EXIT_CONFIGURATION
    action = CommonAction(invocation, Path(os.environ["SPLUNK_HOME"]))
    run = _Run(invocation, action)
    try:
        return run.execute()
    except Exception as error:
        action.logger.exception("Unexpected error")
        run.reject_open(f"Internal error of the add-on: {type(error).__name__}. The log has the details.")
        return EXIT_INTERNAL
    finally:
        action.close()


class _Run:
    """One run: which rows were announced, which have their outcome."""

    def __init__(self, invocation: payload.Invocation, action: CommonAction) -> None:
        self._invocation = invocation
        self._action = action
        self._results = Results(invocation.results_file, invocation.fixed_rid, invocation.rid_suffix)
        self._open: dict[int, RowAccount] = {}
        self._totals: dict[str, int] = dict(count(()))
        self._all_unreachable = True
        self._broken: ResultsError | None = None

    def execute(self) -> int:
        try:
            asked, account, mapping = self._prepare()
        except (ParameterError, SettingsError, SendToSoarError) as error:
            return self._reject_all(error)
        self._deliver(asked, account, mapping)
        if self._broken is not None:
            self._action.message(
                f"Results after this point could not be read, nothing of them was sent: {self._broken}",
                level=logging.ERROR,
            )
            return EXIT_INTERNAL
        return exit_code(self._totals, all_unreachable=self._all_unreachable)

    def reject_open(self, reason: str) -> None:
        """End every row that was announced and has no outcome yet."""
        for account in list(self._open.values()):
            self._settle(RowOutcome(account, REJECTED, reason=reason))

    def _prepare(self) -> tuple[parameters.SendParameters, Account, Mapping]:
        settings = Settings.load(APP)
        self._action.index = settings.index
        self._action.logger.setLevel(settings.log_level)
        asked = parameters.parse(self._invocation.configuration)
        mapping = shipped.load()
        account = settings.account(asked.account, self._credentials)
        self._action.account = account.name
        self._action.mapping = mapping.digest[:16]
        return asked, account, mapping

    def _credentials(self, conf_file: str, stanza: str) -> dict[str, str]:
        from splunk.clilib.cli_common import getConfKeyValue

        from soarlink.splunk.splunkd import Splunkd, trust

        def server_conf(key: str) -> str:
            try:
                return str(getConfKeyValue("server", "sslConfig", key) or "")
            except Exception:  # noqa: BLE001 - Splunk raises what it likes for a key that is not set
                return ""

        invocation = self._invocation
        home = Path(os.environ["SPLUNK_HOME"])
        splunkd = Splunkd(
            invocation.server_uri, invocation.session_key, trust(invocation.server_uri, server_conf, home)
        )
        try:
            return dict(splunkd.credentials(conf_file, stanza))
        finally:
            splunkd.close()

    def _deliver(self, asked: parameters.SendParameters, account: Account, mapping: Mapping) -> None:
        from soarlink.delivery.carrier import Carrier, ServerTraits
        from soarlink.delivery.sender import send
        from soarlink.soar.client import SoarClient

        run = self._invocation.run
        mapper = mapping.bind(self._results.header(), SearchContext(run.search_name, app=run.app), asked.mapping)
        planner = Planner(run, asked, mapper, account.default_label)
        traits = ServerTraits()
        shipments = self._announced(planner.plan(self._results))
        for outcome in send(shipments, lambda: Carrier(SoarClient(account), traits), account.connections):
            self._settle(outcome)

    def _announced(self, shipments: Iterable[Shipment]) -> Iterator[Shipment]:
        """Log each row's invocation before it is sent. A file that breaks off ends the stream; the rest goes out."""
        try:
            for shipment in shipments:
                for account in shipment.rows:
                    self._announce(account)
                yield shipment
        except ResultsError as error:
            self._broken = error

    def _announce(self, account: RowAccount) -> None:
        self._action.begin(account)
        self._open[account.position] = account

    def _settle(self, outcome: RowOutcome) -> None:
        self._action.finish(outcome)
        self._open.pop(outcome.account.position, None)
        self._totals[outcome.state] += 1
        if outcome.state == REJECTED and not outcome.unreachable:
            self._all_unreachable = False

    def _reject_all(self, error: SendToSoarError) -> int:
        """Nothing can be sent: every row is told why."""
        self._action.message(f"Nothing was sent: {error}", level=logging.ERROR)
        try:
            for row in self._results:
                account = RowAccount(row.position, row.rid, row.first("orig_sid"), row.first("orig_rid"), 0, 0, 0, ())
                self._announce(account)
                self._settle(RowOutcome(account, REJECTED, reason=str(error)))
        except ResultsError as broken:
            self._action.message(str(broken), level=logging.ERROR)
        return EXIT_CONFIGURATION
