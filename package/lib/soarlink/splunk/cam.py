"""The Common Action Model: what Enterprise Security reads about an action, and where its results go.

Built on ``splunktaucclib.cim_actions.ModularAction``. Its known defects are mended here, at one place: values are
cleaned so that they can't break a log line, result ids are taken from the rows as read, events are written to a
temporary file that is moved into the spool whole.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from splunktaucclib.cim_actions import ModularAction

from soarlink.delivery.outcome import CAM_STATUS, RowOutcome
from soarlink.splunk import spool
from soarlink.splunk.actionlog import ActionLogHandler
from soarlink.splunk.logline import clean, fields

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from soarlink.plan.shipment import RowAccount
    from soarlink.splunk.payload import Invocation

SOURCETYPE = "soar:action:result"
EVENTS_PER_FILE = 5_000

_EVENT = json.JSONEncoder(ensure_ascii=False)
"""As props.conf finds the time in it."""


class ResultId(NamedTuple):
    """What changes from result to result; the three names that ``ModularAction.message`` reads."""

    orig_sid: str
    rid: str
    orig_rid: str


class CommonAction(ModularAction):
    """One run of an alert action as the Common Action Model sees it.

    Args:
        invocation: the parsed payload.
        home: ``$SPLUNK_HOME``.
        index: where result events go.
        clock: epoch seconds.
    """

    def __init__(
        self, invocation: Invocation, home: Path, index: str = "main", clock: Callable[[], float] = time.time
    ) -> None:
        self._log = ActionLogHandler(home / "var" / "log" / "splunk" / f"{invocation.run.action}_modalert.log")
        logger = _logger(invocation.run.action, self._log)
        # The library logs the search's name as it comes, before anything of ours runs, and takes the action's name (and
        # with it the log's) from a parameter that any user can set.
        configuration = {**invocation.configuration, "action_name": invocation.run.action}
        settings = {**json.loads(invocation.text.reveal()), "search_name": "", "configuration": configuration}
        super().__init__(json.dumps(settings), logger, invocation.run.action)
        self.search_name: str = clean(invocation.run.search_name)
        self.sid: str = clean(invocation.run.sid)
        self.app: str = clean(invocation.run.app)
        self.user: str = clean(invocation.run.owner)
        self._run = invocation.run
        self._home = home
        self._clock = clock
        self.index = index
        self.account = ""
        self.mapping = ""
        self.events: list[str] = []
        self._started = clock()

    @property
    def log(self) -> Path:
        """The action's log file."""
        return log_of(self._run.action, self._home)

    def verbose(self) -> None:
        """Log at DEBUG too. Less than INFO is not on offer: Enterprise Security reads those lines."""
        self.logger.setLevel(logging.DEBUG)

    def begin(self, accounts: Sequence[RowAccount]) -> None:
        """The rows' invocation lines; the signature is the one that CIM's event type looks for."""
        self.message("Invoking modular action", rids=[_result_id(account) for account in accounts])

    def finish(self, outcome: RowOutcome) -> None:
        """The row's one terminal (or pending) line and its result event."""
        self.line(outcome)
        self.event(outcome)

    def line(self, outcome: RowOutcome) -> None:
        """The row's line in the log: what Enterprise Security shows."""
        self._tell(f"Result {outcome.state}", CAM_STATUS[outcome.state], outcome)

    def _tell(self, signature: str, status: str, outcome: RowOutcome) -> None:
        self.message(
            signature,
            status=status,
            rids=[_result_id(outcome.account)],
            level=logging.ERROR if CAM_STATUS[outcome.state] == "failure" else logging.INFO,
            state=outcome.state,
            container_id="" if outcome.container_id is None else outcome.container_id,
            container_url=outcome.container_url or "",
            artifacts=outcome.artifacts,
            reason=outcome.reason or "",
        )

    def remark(self, outcome: RowOutcome) -> None:
        """A line without a status, of a row that has its final one from an earlier call: there is only one."""
        self._tell(f"Later outcome: {outcome.state}", "", outcome)

    def event(self, outcome: RowOutcome) -> None:
        """The row's result event."""
        self.orig_sid, self.rid, self.orig_rid = (clean(part) for part in _result_id(outcome.account))
        self.addevent(_EVENT.encode(self._event(outcome)), SOURCETYPE)
        if len(self.events) >= EVENTS_PER_FILE:
            self.flush()

    def close(self) -> None:
        """Hand over the last events; log how long the run took (ES's Adaptive Response Action Center)."""
        self.flush()
        self.rid = self.orig_sid = self.orig_rid = ""
        milliseconds = round((self._clock() - self._started) * 1000)
        self.message("Modular action script duration", component="main", duration=milliseconds)
        for handler in self.logger.handlers:
            handler.close()

    def hold_lines(self) -> None:
        """Hold lines back until :meth:`flush_lines`, :meth:`flush` or :meth:`close`: many rows are to be told."""
        self._log.hold()

    def flush_lines(self) -> None:
        """Write the lines that are held back."""
        self._log.flush()

    @property
    def has_lost_lines(self) -> bool:
        """Whether the disk had no room for lines: then not all rows were told what they were to be told."""
        return self._log.has_lost_lines

    def flush(self) -> None:
        """Write the lines and hand the collected events over to Splunk."""
        self.flush_lines()
        if self.events:
            self.writeevents(index=self.index, source=self._run.action)
            self.events = []

    def message(
        self,
        signature: str,
        status: str | None = None,
        rids: list[Any] | None = None,
        level: int = logging.INFO,
        **kwargs: Any,
    ) -> str:
        """Log one line for each result id, as the library does, with every value made safe for ``key="value"``.

        The library formats, searches and prunes the whole line anew for each row, which took a tenth of a long run;
        that both write the same is tested.
        """
        opening = fields(
            {
                "worker": self.worker,
                "signature": signature,
                "action_name": self.action_name,
                "search_name": self.search_name,
                "sid": self.sid,
            }
        )
        closing = fields(
            {
                "app": self.app,
                "user": self.user,
                "digest_mode": self.digest_mode,
                "action_mode": self.action_mode,
                "action_status": status or self.action_status,
                **dict(sorted(kwargs.items())),
            }
        )
        line = ""
        for orig_sid, rid, orig_rid in rids or [(self.orig_sid, self.rid, self.orig_rid)]:
            own = fields({"orig_sid": orig_sid, "rid": rid, "orig_rid": orig_rid})
            line = " ".join(filter(None, ("sendmodaction -", opening, own, closing)))
            self.logger.log(level, line)
        return line

    def writeevents(self, index: str = "main", host: str | None = None, source: str | None = None) -> bool:
        """Write the events as one file that appears in the spool whole or not at all."""
        header = self.DEFAULT_HEADER % (
            self.get_header_item("index", index, self.DEFAULT_INDEX),
            self.get_header_item("host", host),
            self.get_header_item("source", source),
        )
        breaker = "\n" + self.DEFAULT_BREAKER
        text = header.rstrip() + breaker + breaker.join(self.events)
        try:
            spool.place(self._home, text, self._clock())
        except OSError as error:
            self.message(
                f"Result events could not be written to var/spool/splunk: {error.strerror}. They stand in this log",
                level=logging.ERROR,
                event_count=len(self.events),
            )
            return False
        return True

    def _event(self, outcome: RowOutcome) -> dict[str, Any]:
        account = outcome.account
        event: dict[str, Any] = {
            "time": round(self._clock(), 6),
            "action": self._run.action,
            "status": outcome.state,
            "sid": self._run.sid,
            "rid": account.rid,
            "artifacts": outcome.artifacts,
            "fields_mapped": account.mapped,
            "fields_kept": account.kept,
            "fields_dropped": list(account.dropped),
        }
        optional = (
            ("search_name", self._run.search_name),
            ("app", self._run.app),
            ("user", self._run.owner),
            ("action_mode", self.action_mode),
            ("account", self.account),
            ("mapping", self.mapping),
            ("container_id", outcome.container_id),
            ("container_url", outcome.container_url),
            ("soar_host", (outcome.container_url or "").partition("://")[2].partition("/")[0]),
            ("reason", outcome.reason),
            ("notes", list(account.notes)),
            ("runs", [_run(run) for run in outcome.runs]),
            ("would_send", outcome.would_send),
        )
        event.update((name, value) for name, value in optional if value)
        event.update(outcome.answers or {})
        return event


def _run(run: Any) -> dict[str, Any]:
    named = (("id", run.id), ("playbook", run.playbook), ("state", run.state), ("reason", run.reason))
    return {name: value for name, value in named if value is not None}


def _result_id(account: RowAccount) -> ResultId:
    return ResultId(account.orig_sid, account.rid, account.orig_rid)


def log_of(action: str, home: Path) -> Path:
    """An action's log file; its name makes CIM find it: sourcetype modular_alerts:<action>, index cim_modactions."""
    return home / "var" / "log" / "splunk" / f"{action}_modalert.log"


def _logger(action: str, log: ActionLogHandler) -> logging.Logger:
    # The file's name makes CIM find it: sourcetype modular_alerts:<action>, index cim_modactions.
    logger = logging.getLogger(f"{action}_modalert")
    logger.propagate = False
    logger.setLevel(logging.INFO)  # ES needs the lines at INFO, whatever the add-on's log level
    logger.handlers = [log]
    return logger
