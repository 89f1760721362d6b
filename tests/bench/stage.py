"""Where the product runs: a lab with the built add-on, a stand-in SOAR beside it, one interpreter."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from lab.runner.accounts import Account, Accounts
from lab.runner.action import load_action
from lab.runner.dispatch import write_dispatch
from lab.runner.lab import ACCOUNT, APP, Lab
from lab.runner.payload import Call, Splunkd, payload
from lab.runner.process import environment
from lab.runner.results import inspect
from lab.runner.search import Mode, Search
from lab.runner.servers import OwnSoar
from lab.soar.certificate import ensure_certificate
from lab.splunkd import SPLUNK_PACKAGE
from tests.bench import process
from tests.bench.process import Command, RunFailedError, Taken
from tests.bench.recorder import Recorder, Sent
from tests.bench.soar import SoarProcess
from tools.interpreters import Interpreter
from tools.process import capture

OPPONENTS = Path(__file__).with_name("opponents")
PROBE = Path(__file__).with_name("shaping_probe.py")
RECORDED = "recorded"
"""Account that sends through the recorder."""

_ACTION = "send_to_soar"
_LOG_LINES = 20
_SEARCH = "Endpoint - Encoded Command Line - Rule"


@dataclass(frozen=True)
class Recording:
    """What one run of the product sent.

    Args:
        sid: the run's search id; it stands in the bodies.
        sent: the requests.
    """

    sid: str
    sent: Sequence[Sent]

    def posts(self, sid: str) -> list[Sent]:
        """Return the requests that create something, as a run with another search id would have sent them."""
        old, new = self.sid.encode(), sid.encode()
        return [replace(sent, body=sent.body.replace(old, new)) for sent in self.sent if sent.method == "POST"]


class Stage:
    """A lab for one interpreter, from ``with`` to its end.

    Args:
        folder: for everything that is written.
        interpreter: what the product runs on.
        build: the built add-on.
    """

    def __init__(self, folder: Path, interpreter: Interpreter, build: Path) -> None:
        self.folder = folder
        self._interpreter = interpreter
        self.version = ".".join(map(str, interpreter.version))
        self._build = build
        self._open = ExitStack()
        self._numbers = itertools.count(10_000)
        # Without site packages: what is installed on this machine must not run at start-up.
        self.python = folder / "python" / "bin" / "python"
        self.soar: SoarProcess
        self.lab: Lab
        self._recorder: Recorder

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _start(self) -> None:
        capture([self._interpreter.path, "-I", "-m", "venv", "--without-pip", self.python.parents[1]])
        self.soar = self._open.enter_context(SoarProcess(self.folder / "soar"))
        address = self.soar.address
        certificate = ensure_certificate(self.soar.state / "certificate")
        self._recorder = self._open.enter_context(Recorder(address, certificate))
        own = OwnSoar(address.url, address.token, address.ca_file)
        self.lab = self._open.enter_context(Lab(self.folder / "lab", build=self._build, soar=own, python=self.python))
        # The longest that the page allows: a contender that stops half-way has not done its work.
        self.lab.management.post(f"/servicesNS/nobody/{APP}/{APP.lower()}_settings/delivery", {"seconds": "300"})
        proxy = self._recorder.address
        account = Account(RECORDED, proxy.url, proxy.token, proxy.ca_file.read_text(encoding="ascii"))
        Accounts(self.lab.management, APP).save(account, exists=False)

    def another(self, name: str) -> Stage:
        """Return a stage like this one with nothing on it, in a folder of this one."""
        return Stage(self.folder / name, self._interpreter, self._build)

    @property
    def library(self) -> Path:
        """Return the installed add-on's ``lib``."""
        return self.lab.home.apps / APP / "lib"

    def results(self, name: str) -> Path:
        """Return where a results file may be written."""
        return self.folder / name

    def new_sid(self) -> str:
        """Return a search id that was not used yet; all have the same length."""
        return f"scheduler__admin__search__RMD5{'ab' * 8}_at_{int(time.time())}_{next(self._numbers)}"

    def alert(self, script: Path, configuration: Mapping[str, str], results: Path, sid: str) -> Command:
        """Return the start of an alert action, as splunkd does it.

        Args:
            script: the action's entry script.
            configuration: its parameters, without the ``param.`` prefix.
            results: what the search found.
            sid: the search's id.
        """
        search = Search(sid=sid, mode=Mode.SAVED, name=_SEARCH, app="search", owner="admin", started=time.time())
        found = inspect(results)
        target = write_dispatch(self.lab.home.dispatch / sid, search, results, count=found.count)
        splunkd = Splunkd(self.lab.splunkd.uri, "sh1", self.lab.splunkd.session_key(user="admin"))
        call = Call(results_file=target, columns=found.columns(), count=found.count)
        document = payload(search, call, splunkd, configuration)
        return Command(
            arguments=(self.python, script, "--execute"),
            environ=environment(self.lab.home.root, Path(SPLUNK_PACKAGE), {}),
            stdin=json.dumps(document, ensure_ascii=False).encode(),
        )

    def opponent(self, script: Path, document: Mapping[str, Any]) -> Command:
        """Return the start of a plain script that uses the add-on's libraries and reads a document from stdin."""
        address = self.soar.address
        reached = {"url": address.url, "token": address.token, "ca": str(address.ca_file)}
        return Command(
            arguments=(self.python, script),
            environ=environment(self.lab.home.root, self.library, {}),
            stdin=json.dumps({**reached, **document}).encode(),
        )

    def product(self, results: Path, parameters: Mapping[str, str], sid: str | None = None) -> Command:
        """Return the start of the product's action with its defaults and these parameters."""
        action = load_action(self.lab.home, APP, _ACTION)
        configuration = {**action.parameters, "account": ACCOUNT, **parameters}
        return self.alert(action.script, configuration, results, sid or self.new_sid())

    def measure(self, command: Command) -> Taken:
        """Run a process; say also how long the stand-ins worked for it."""
        soar, calls = self.soar.seconds(), len(self.lab.splunkd.calls)
        taken = process.run(command)
        # Its own handlers call it too: that is within the call that the process made.
        made = [call for call in self.lab.splunkd.calls[calls:] if call.origin == "client"]
        splunkd = sum(call.ms for call in made) / 1000
        return replace(taken, soar=self.soar.seconds() - soar, splunkd=splunkd, requests=len(made))

    def measuring(self, command: Callable[[], Command]) -> Callable[[], Taken]:
        """Return what prepares a process, which does not count, and measures it."""
        return lambda: self.measure(command())

    def record(self, results: Path, parameters: Mapping[str, str]) -> Recording:
        """Run the product once through the recorder."""
        sid = self.new_sid()
        self._run(self.product(results, {**parameters, "account": RECORDED}, sid))
        return Recording(sid, self._recorder.take())

    def check_made(self, before: int, expected: int) -> None:
        """Make sure that the contenders did their work.

        Args:
            before: how many containers there were.
            expected: how many more there must be.

        Raises:
            RunFailedError: there are more or fewer.
        """
        made = self.soar.containers() - before
        if made != expected:
            message = f"{expected} containers were to be made, there are {made} more"
            raise RunFailedError(message)

    def _run(self, command: Command) -> Taken:
        try:
            return process.run(command)
        except RunFailedError as error:
            # An action says what went wrong in its log.
            log = self.lab.home.logs / f"{Path(command.arguments[1]).stem}_modalert.log"
            lines = log.read_text(encoding="utf-8").splitlines() if log.is_file() else []
            raise RunFailedError("\n".join((str(error), *lines[-_LOG_LINES:]))) from None
