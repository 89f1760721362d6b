"""The alert action "Send to SOAR": puts the parts together and tells the truth about each row."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from soarlink.delivery.outcome import (
    EXIT_CONFIGURATION,
    EXIT_INTERNAL,
    EXIT_REJECTED,
    EXIT_UNREACHABLE,
    REJECTED,
    RowOutcome,
    count,
    exit_code,
)
from soarlink.errors import AuthFailed, PayloadError, Refused, ResultsError, SendToSoarError, SoarError
from soarlink.mapping import shipped
from soarlink.mapping.compiled import SearchContext
from soarlink.plan import parameters
from soarlink.plan.planner import Planner, cut_results_note
from soarlink.plan.shipment import RowAccount, Shipment
from soarlink.rows.results import Results
from soarlink.splunk import payload
from soarlink.splunk.cam import CommonAction
from soarlink.splunk.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from soarlink.mapping.compiled import Mapping
    from soarlink.mapping.rowmapper import RowMapper as BoundMapper
    from soarlink.plan.planner import RowMapper
    from soarlink.plan.vocabulary import Vocabulary
    from soarlink.soar.account import Account
    from soarlink.soar.client import SoarClient

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
    action = _SendAction(invocation, Path(os.environ["SPLUNK_HOME"]))
    run = _Run(invocation, action)
    try:
        return run.execute()
    except Exception as error:
        action.logger.exception("Unexpected error")
        run.reject_open(f"Internal error of the add-on: {type(error).__name__}. The log has the details.")
        return EXIT_INTERNAL
    finally:
        action.close()


class _SendAction(CommonAction):
    """Also tells what a dry run would have sent."""

    def _event(self, outcome: RowOutcome) -> dict[str, Any]:
        event = super()._event(outcome)
        if outcome.would_send is not None:
            event["would_send"] = outcome.would_send
        return event


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
        self._rate = 0
        self._most_results = 0

    def execute(self) -> int:
        try:
            asked, account, mapping = self._prepare()
            vocabulary = self._vocabulary(asked, account)
        except SoarError as error:
            unreachable = not isinstance(error, (AuthFailed, Refused))
            return self._reject_all(error, EXIT_UNREACHABLE if unreachable else EXIT_REJECTED)
        except SendToSoarError as error:
            return self._reject_all(error, EXIT_CONFIGURATION)
        if asked.dry_run:
            self._simulate(asked, account, mapping, vocabulary)
        else:
            self._deliver(asked, account, mapping, vocabulary)
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
        # A dry run signs in nowhere: it needs no secret, and works before anybody has entered one.
        account = settings.account(asked.account, _no_secrets if asked.dry_run else self._credentials)
        self._rate = _rate(settings.accounts[account.name].get("rate_limit", ""))
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

    def _vocabulary(self, asked: parameters.SendParameters, account: Account) -> Vocabulary:
        from soarlink.actions import shaping

        def connect() -> SoarClient:
            from soarlink.soar.client import SoarClient

            return SoarClient(account)

        self._most_results = shaping.most_results(APP, ACTION, per_result=self._invocation.fixed_rid is not None)
        home = Path(os.environ["SPLUNK_HOME"])
        allowed = None if asked.dry_run else connect
        return shaping.vocabulary(
            asked, self._invocation.run, self._results, account=account, home=home, connect=allowed
        )

    def _planner(
        self, asked: parameters.SendParameters, mapper: RowMapper, account: Account, vocabulary: Vocabulary
    ) -> Planner:
        return Planner(
            self._invocation.run,
            asked,
            mapper,
            account.default_label,
            vocabulary=vocabulary,
            columns=self._results.header(),
            most_results=self._most_results,
        )

    def _mapper(self, asked: parameters.SendParameters, mapping: Mapping) -> BoundMapper:
        run = self._invocation.run
        return mapping.bind(self._results.header(), SearchContext(run.search_name, app=run.app), asked.mapping)

    def _deliver(
        self, asked: parameters.SendParameters, account: Account, mapping: Mapping, vocabulary: Vocabulary
    ) -> None:
        from soarlink.delivery.carrier import Carrier, ServerTraits
        from soarlink.delivery.pace import Pace
        from soarlink.delivery.sender import send
        from soarlink.soar.client import SoarClient

        planner = self._planner(asked, self._mapper(asked, mapping), account, vocabulary)
        traits = ServerTraits()
        shipments = self._announced(planner.plan(self._results))
        pace = Pace(self._rate) if self._rate else None
        for outcome in send(shipments, lambda: Carrier(SoarClient(account), traits), account.connections, pace):
            self._settle(outcome)
        self._tell_if_cut()

    def _simulate(
        self, asked: parameters.SendParameters, account: Account, mapping: Mapping, vocabulary: Vocabulary
    ) -> None:
        from soarlink.delivery.simulation import TracingMapper, simulate

        mapper = TracingMapper(self._mapper(asked, mapping))
        planner = self._planner(asked, mapper, account, vocabulary)
        for outcome in simulate(self._announced(planner.plan(self._results)), mapper):
            self._settle(outcome)
        self._tell_if_cut()

    def _tell_if_cut(self) -> None:
        if self._most_results and sum(self._totals.values()) == self._most_results:
            self._action.message(cut_results_note(self._most_results), level=logging.WARNING)

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

    def _reject_all(self, error: SendToSoarError, code: int) -> int:
        """Nothing can be sent: every row is told why."""
        self._action.message(f"Nothing was sent: {error}", level=logging.ERROR)
        try:
            for row in self._results:
                account = RowAccount(row.position, row.rid, row.first("orig_sid"), row.first("orig_rid"), 0, 0, 0, ())
                self._announce(account)
                self._settle(RowOutcome(account, REJECTED, reason=str(error)))
        except ResultsError as broken:
            self._action.message(str(broken), level=logging.ERROR)
        return code


def _no_secrets(_conf_file: str, _stanza: str) -> dict[str, str]:
    """What stands for every secret where none is used."""
    return dict.fromkeys(("token", "password", "proxy_password"), "-")


def _rate(text: str) -> int:
    """The account's containers per minute; 0 for no limit."""
    return int(text) if text.strip().isdigit() else 0
