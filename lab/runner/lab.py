"""The lab: a Splunk with the built add-on and a SOAR, as far as the add-on can tell."""

from __future__ import annotations

import os
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lab.runner.accounts import Account, Accounts
from lab.runner.draining import DRAIN_SECONDS, DrainReport, drain
from lab.runner.errors import LabError
from lab.runner.examination import DoctorReport, examine
from lab.runner.generation import generated
from lab.runner.home import SplunkHome
from lab.runner.indexing.index import Indexes
from lab.runner.indexing.indexer import Indexer
from lab.runner.locks import FileLock
from lab.runner.management import Management
from lab.runner.modularinput import ModularInput
from lab.runner.payload import Splunkd
from lab.runner.polling import PollReport, news, poll
from lab.runner.sending import Stage, send
from lab.runner.servers import OwnSoar, StandInHost
from lab.runner.splunkdhost import SplunkdHost
from lab.splunkd import SPLUNK_PACKAGE, StandInSplunkd
from lab.splunkd.users import SYSTEM_USER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from lab.runner.report import Report
    from lab.runner.request import SendRequest
    from lab.soar import Switches
    from lab.spl.value import Row

APP = "TA_send_to_soar"
ACCOUNT = "lab"
"""Name of the account that the lab configures; it is the default account."""

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "output" / APP


class Lab:
    """A lab on a state folder, from ``with`` to its end. Calls of ``send`` may overlap in threads.

    Args:
        state: folder that keeps everything between labs; made when absent. One lab at a time uses it, others wait,
            unless it is shared.
        build: the built add-on.
        soar: the user's own SOAR; None for the stand-in.
        switches: how a stand-in SOAR behaves.
        python: the interpreter that runs the add-on.
        environ: what is added to the environment of actions, for example to measure coverage.
        clock: seconds since the epoch.
        with_cim: Splunk_SA_CIM's part of indexing is there too.
        es: version of Enterprise Security that is installed; None for none.

    Raises:
        LabError: on entering, when something that the lab needs is missing.
    """

    def __init__(
        self,
        state: Path,
        *,
        build: Path = BUILD,
        soar: OwnSoar | None = None,
        switches: Switches | None = None,
        python: Path | None = None,
        environ: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.time,
        with_cim: bool = True,
        es: str | None = None,
    ) -> None:
        self.state = Path(os.path.abspath(state))  # noqa: PTH100 - resolve() would follow links
        self.home = SplunkHome(self.state / "splunk")
        self.python = python or Path(sys.executable)
        self._build = build
        self._own_soar = soar
        self._stand_in = StandInHost(self.state, switches=switches, clock=clock)
        self._environ = dict(environ or {})
        self._clock = clock
        self._with_cim = with_cim
        self._es = es
        self._open = ExitStack()
        self._turn = FileLock(self.state / ".lock")
        self._shared = False
        self._stage: Stage | None = None
        self._host: SplunkdHost
        self.indexes: Indexes
        self.management: Management

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._open.close()

    @property
    def splunkd(self) -> StandInSplunkd:
        """The stand-in splunkd, when this lab has started it."""
        if self._host.stand_in is None:
            message = "the splunkd of this lab runs in another process"
            raise RuntimeError(message)
        return self._host.stand_in

    @property
    def soar(self) -> StandInHost:
        """The stand-in SOAR; without an address when the user's own takes its place."""
        return self._stand_in

    def send(self, request: SendRequest, *, python: Path | None = None) -> Report:
        """Run an action on a results file and report what became of each result.

        Args:
            request: what to run.
            python: another interpreter for this run, such as one with limits.

        Raises:
            LabError: the request can't be carried out; the action did not run.
        """
        stage = self._stage_with(python)
        if not self._shared:
            return send(stage, request)
        with FileLock(self.state / ".lock"):
            return send(stage, request)

    def share(self, password: str) -> None:
        """Let other labs use the state folder while this one goes on: they use its splunkd and its SOAR.

        Args:
            password: what all users of splunkd log in with.

        Raises:
            LabError: this lab uses those of another one itself.
        """
        if self._host.stand_in is None or self._stand_in.stand_in is None:
            raise LabError(f"The stand-in SOAR of {self.state} is running already, at {self._stand_in.url}.")
        self._host.share(password)
        self._shared = True
        self._turn.release()

    def delivery(self, *, python: Path | None = None) -> ModularInput:
        """Give the delivery input; it runs from ``with`` to its end. ``python``: as in :meth:`send`."""
        return self._input("soar_delivery", python)

    def feedback(self) -> ModularInput:
        """Give the feedback input; it runs from ``with`` to its end."""
        return self._input("soar_feedback")

    def collect(self) -> None:
        """Index what the add-on has left since."""
        self._opened().indexer.collect()

    def poll(self) -> PollReport:
        """Run the feedback input until it has polled every account once, and report what it brought."""
        polled = tuple(
            name for name, scope in Accounts(self.management, APP).feedback_scopes().items() if scope != "off"
        )
        return poll(self._opened(), self.feedback(), self.management, accounts=polled)

    def news(self) -> Callable[[], list[dict[str, Any]]]:
        """Give a function that gives what a running feedback input has brought since it was called last."""
        return news(self._opened())

    def _input(self, kind: str, python: Path | None = None) -> ModularInput:
        stage = self._stage_with(python)
        return ModularInput(
            stage.home,
            stage.app,
            kind,
            splunkd=stage.splunkd(SYSTEM_USER),
            python=stage.python,
            python_path=stage.python_path,
            environ=stage.environ,
        )

    def drain(self, *, wait: float = DRAIN_SECONDS) -> DrainReport:
        """Run the delivery input until nothing is due within ``wait`` seconds, and report what it told."""
        return drain(self._opened(), self.delivery(), self.management, wait=wait)

    def doctor(self, arguments: Mapping[str, str]) -> DoctorReport:
        """Run the add-on's doctor as an administrator; ``arguments`` are those of the search command.

        Raises:
            LabError: the doctor refused what was asked.
        """
        return examine(self._opened(), arguments)

    def account(self) -> Account:
        """Give the lab's account with its token, as the add-on keeps it."""
        account = Accounts(self.management, APP).find(ACCOUNT)
        if account is None:
            raise LabError(f"The add-on has no account {ACCOUNT}.", exit_code=1)
        return account

    def _stage_with(self, python: Path | None) -> Stage:
        return replace(self._opened(), python=python or self.python)

    def _opened(self) -> Stage:
        if self._stage is None:
            message = "the lab is not open: use it in a with statement"
            raise RuntimeError(message)
        return self._stage

    def _start(self) -> None:
        # Refused before a state folder is made for it.
        certificate = self._own_soar.ca_certificate() if self._own_soar else ""
        _make_private(self.state)
        self._open.enter_context(self._turn)
        self.home.lay_out()
        self.home.install(self._build)
        self._host = self._open.enter_context(SplunkdHost(self.state, self._stand_in_splunkd))
        self.management = Management(self._host.uri, self._host.session_key(user="admin"), self._host.ca_file)
        self.indexes = Indexes(self.state / "index")
        host = self._server_name()
        indexer = Indexer(self.home, self.indexes, apps=(APP,), host=host, clock=self._clock, with_cim=self._with_cim)
        if self._host.stand_in is not None:
            self._host.stand_in.search_with(indexer.collect, self._run_command)
        self._ensure_account(certificate)
        self._stage = Stage(
            home=self.home,
            app=APP,
            splunkd=lambda user: Splunkd(self._host.uri, host, self._host.session_key(user=user)),
            python=self.python,
            python_path=Path(SPLUNK_PACKAGE),
            environ=self._environ,
            indexer=indexer,
            indexes=self.indexes,
            clock=self._clock,
        )

    def _run_command(self, name: str, arguments: str, user: str) -> list[Row]:
        return list(generated(self._opened(), name, arguments, user))

    def _stand_in_splunkd(self) -> StandInSplunkd:
        return StandInSplunkd(
            self.home.root,
            self.state,
            apps=(APP,),
            python=self.python,
            clock=self._clock,
            cim=self._with_cim,
            es=self._es,
        )

    def _server_name(self) -> str:
        information = self.management.get("/services/server/info") or [{"content": {}}]
        return str(information[0]["content"].get("serverName", "splunk"))

    def _ensure_account(self, certificate: str) -> None:
        accounts = Accounts(self.management, APP)
        known = accounts.find(ACCOUNT)
        if self._own_soar is not None:
            wanted = Account(ACCOUNT, self._own_soar.url, self._own_soar.token, certificate)
        else:
            host = self._open.enter_context(self._stand_in)
            token = known.token if known is not None and known.url == host.url else ""
            if not host.knows(token):
                token = host.new_token()
            wanted = Account(ACCOUNT, host.url, token, host.ca_file.read_text(encoding="ascii"))
        if known is None or not known.same(wanted):
            accounts.save(wanted, exists=known is not None)


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise LabError(f"{folder} can't be used as state folder: {error.strerror}.") from error
