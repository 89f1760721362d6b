"""What the built add-on would send, asked of its own code in a process of its own."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.runner.action import Action, check_parameters, load_action
from lab.runner.adhoc import through_sendalert
from lab.runner.dispatch import write_result
from lab.runner.errors import LabError
from lab.runner.home import SplunkHome
from lab.runner.locks import FileLock
from lab.runner.payload import Call, Splunkd, payload
from lab.runner.process import environment
from lab.runner.results import Results, inspect, records
from lab.runner.search import Mode, Search, check_sid, claim_sid, mode_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lab.runner.request import SendRequest

APP = "TA_send_to_soar"
ACCOUNT = "lab"
_ACCOUNTS = {ACCOUNT: {"url": "https://soar.invalid", "is_default": "1"}}
_NO_SPLUNKD = Splunkd("https://127.0.0.1:8089", "sh1", "")
_SECONDS = 300.0


@dataclass(frozen=True)
class MapRequest:
    """Single values to be explained.

    Args:
        fields: name → values.
        search_name: name of the search that they come from.
        data_model: its data model.
        sourcetype: source type of the result, where it is not among the fields.
        field_names: the action's parameter of that name.
        multivalue: the action's parameter of that name.
    """

    fields: Mapping[str, list[str]]
    search_name: str = ""
    data_model: str = ""
    sourcetype: str = ""
    field_names: str = "both"
    multivalue: str = "list"


@dataclass(frozen=True)
class AddOn:
    """The built add-on as it is installed in a state folder, and the interpreter that runs it.

    Args:
        home: its SPLUNK_HOME.
        python: interpreter.
        environ: what is added to the environment, for example to measure coverage.
    """

    home: SplunkHome
    python: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The installed add-on."""
        return self.home.apps / APP


def installed(state: Path, build: Path, python: Path, environ: Mapping[str, str] | None = None) -> AddOn:
    """Install the built add-on in a state folder, as every lab does; its settings and local rules stay.

    Args:
        state: the state folder.
        build: the built add-on.
        python: the interpreter that runs it.
        environ: what is added to the environment.

    Raises:
        LabError: the folder can't be used, or there is no built add-on.
    """
    state = Path(os.path.abspath(state))  # noqa: PTH100 - resolve() would follow links
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise LabError(f"{state} can't be used as state folder: {error.strerror}.") from error
    home = SplunkHome(state / "splunk")
    with FileLock(state / ".lock"):
        home.lay_out()
        home.install(build)
    return AddOn(home, python, environ or {})


def preview(
    addon: AddOn, request: SendRequest, *, limit: int, clock: Callable[[], float] = time.time
) -> dict[str, Any]:
    """Give the document of ``lab preview``: what the action would send for this request, and why. Sends nothing.

    Args:
        addon: the add-on.
        request: what `lab send` would be asked.
        limit: how many results are looked at; 0 for all.
        clock: seconds since the epoch.

    Raises:
        LabError: the request can't be carried out.
    """
    action = load_action(addon.home, APP, request.action)
    mode = request.mode or (mode_of(request.sid) if request.sid else Mode.SAVED)
    parameters = _parameters(action, request, mode)
    results = inspect(request.results)
    with tempfile.TemporaryDirectory(prefix="lab-preview-") as name:
        search = _search(request, mode, Path(name), clock())
        calls = itertools.islice(_calls(search, results, Path(name)), limit or None)
        asked = {
            "app": str(addon.folder),
            "action": action.name,
            "calls": [payload(search, call, _NO_SPLUNKD, parameters) for call in calls],
            "limit": limit,
            "total": results.count,
            "accounts": _ACCOUNTS,
        }
        return _ask(addon, asked, request.timeout or action.maxtime)


def explain(addon: AddOn, request: MapRequest) -> dict[str, Any]:
    """Give the document of ``lab map``: where single values go, and why."""
    asked = {
        "app": str(addon.folder),
        "fields": dict(request.fields),
        "search_name": request.search_name,
        "data_model": request.data_model,
        "sourcetype": request.sourcetype,
        "field_names": request.field_names,
        "multivalue": request.multivalue,
    }
    return _ask(addon, asked, _SECONDS)


def _parameters(action: Action, request: SendRequest, mode: Mode) -> dict[str, str]:
    given = dict(request.parameters)
    if mode is Mode.ADHOC:
        given = through_sendalert(action, given)
    else:
        check_parameters(action, given)
    return {**action.parameters, **given}


def _search(request: SendRequest, mode: Mode, folder: Path, now: float) -> Search:
    default = "" if mode is Mode.ADHOC else f"Lab - {request.results.name.partition('.')[0]}"
    name = default if request.search_name is None else request.search_name
    if request.sid is not None:
        sid = check_sid(request.sid)
    else:
        sid = claim_sid(mode, name=name, app=request.app, owner=request.owner, now=now, dispatch=folder)
    return Search(sid=sid, mode=mode, name=name, app=request.app, owner=request.owner, started=now)


def _calls(search: Search, results: Results, folder: Path) -> Iterator[Call]:
    if search.mode is not Mode.PER_RESULT:
        path = Path(os.path.abspath(results.path))  # noqa: PTH100 - as above
        yield Call(results_file=path, columns=results.columns(), count=results.count)
        return
    rows = records(results.path)
    header = next(rows, [])
    for number, cells in enumerate(rows):
        yield Call(
            results_file=write_result(folder / search.sid, number, header, cells),
            columns=list(zip(header, cells, strict=False)),
            count=results.count,
            result_id=number,
        )


def _ask(addon: AddOn, asked: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    from lab.splunkd import SPLUNK_PACKAGE  # noqa: PLC0415 - brings a web server, which mistakes need not wait for

    path = os.pathsep.join((str(addon.folder / "lib"), str(SPLUNK_PACKAGE)))
    environ = environment(addon.home.root, Path(path), addon.environ)
    try:
        done = subprocess.run(
            [str(addon.python), "-m", "soarlink.preview"],
            input=json.dumps(asked).encode("ascii"),
            capture_output=True,
            env=environ,
            cwd=addon.home.root.anchor,
            timeout=timeout,
            check=False,
        )
    except OSError as error:
        raise LabError(f"{addon.python} can't be run: {error.strerror}.", "Name one with --python.") from error
    except subprocess.TimeoutExpired:
        raise LabError(f"The preview took longer than {timeout:g} s.", "Look at fewer results.", exit_code=1) from None
    try:
        document: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise LabError(f"The add-on gave no preview (exit code {done.returncode}): {said}", exit_code=1) from None
    return document
