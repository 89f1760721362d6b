"""One run of a search command, started the way splunkd starts a chunked one (commands.conf ``chunked = true``).

splunkd starts ``<python> <script>`` without arguments, sends one ``getinfo`` chunk that names the search and holds its
session key, reads the command's configuration, then sends ``execute`` chunks until the command says that it has
finished. A chunk is ``chunked 1.0,<metadata bytes>,<body bytes>`` and a newline, JSON metadata, a CSV body.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
import shlex
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from lab.runner.errors import LabError
from lab.runner.process import environment
from lab.splunkd import SPLUNK_PACKAGE

if TYPE_CHECKING:
    from pathlib import Path

    from lab.runner.home import SplunkHome

_HEADER = re.compile(rb"chunked 1\.0,(\d+),(\d+)\n")
_MULTIVALUE = "__mv_"
_MV_VALUE = re.compile(r"\$((?:\$\$|[^$])*)\$(?:;|$)")


@dataclass(frozen=True)
class Search:
    """What splunkd tells a command.

    Args:
        text: the command and its arguments as in SPL, such as ``soaroutbox state=pending``.
        user: who runs the search.
        session_key: the search's session key.
        server_uri: splunkd's management uri.
        app: where the search runs.
        sid: its id.
    """

    text: str
    user: str
    session_key: str
    server_uri: str
    app: str = "search"
    sid: str = "1790000000.1"


@dataclass(frozen=True)
class CommandResult:
    """What a search command gave.

    Args:
        rows: its records; a multi-value field is a list.
        messages: (type, text) of its messages, as the search shows them.
        configuration: its answer to ``getinfo``.
        exit_code: of the process.
        stderr: what splunkd would write to its log.
    """

    rows: Sequence[Mapping[str, str | list[str]]]
    messages: Sequence[tuple[str, str]]
    configuration: Mapping[str, Any]
    exit_code: int
    stderr: str

    def texts(self, kind: str) -> list[str]:
        """Return the texts of one type of message: ERROR, WARN, INFO."""
        return [text for found, text in self.messages if found == kind]


def run_command(home: SplunkHome, app: str, search: Search, python: Path) -> CommandResult:
    """Run a generating search command of the installed add-on.

    Args:
        home: SPLUNK_HOME.
        app: the add-on.
        search: what splunkd tells the command.
        python: interpreter.

    Raises:
        LabError: the add-on does not declare the command, or the command does not keep to the protocol.
    """
    name, *words = shlex.split(search.text)
    stanza = home.conf(app, "commands").get(name)
    if stanza is None or stanza.get("chunked") != "true":
        raise LabError(f"{app} has no chunked search command {name}.")
    dispatch = home.dispatch / search.sid
    dispatch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen(
            [str(python), str(home.apps / app / "bin" / stanza["filename"])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment(home.root, SPLUNK_PACKAGE, {}),
            cwd=home.apps / app / "bin",
            start_new_session=True,
        )
        with process:
            try:
                result = _talk(process, _searchinfo(search, name, words, dispatch))
            except BaseException:
                process.kill()
                raise
        stderr.seek(0)
        text = stderr.read().decode("utf-8", errors="replace")
    return CommandResult(*result, process.returncode, text)


def _talk(
    process: subprocess.Popen[bytes], searchinfo: Mapping[str, Any]
) -> tuple[list[Mapping[str, str | list[str]]], list[tuple[str, str]], Mapping[str, Any]]:
    assert process.stdin is not None  # noqa: S101 - asked for above
    assert process.stdout is not None  # noqa: S101 - asked for above
    rows: list[Mapping[str, str | list[str]]] = []
    messages: list[tuple[str, str]] = []
    _send(process.stdin, {"action": "getinfo", "preview": False, "searchinfo": searchinfo})
    configuration, _ = _receive(process.stdout, process.stdout.readline())
    messages += _messages(configuration)
    if not configuration.get("finished"):
        _send(process.stdin, {"action": "execute", "finished": True})
    # A command that refuses its arguments ends after the first chunk, others when they have finished.
    while header := process.stdout.readline():
        metadata, body = _receive(process.stdout, header)
        messages += _messages(metadata)
        rows += _rows(body)
        if not metadata.get("finished"):
            _send(process.stdin, {"action": "execute", "finished": True})
        else:
            _close(process.stdin)
    _close(process.stdin)
    return rows, messages, configuration


def _searchinfo(search: Search, name: str, words: list[str], dispatch: Path) -> dict[str, Any]:
    return {
        "args": words,
        "raw_args": search.text.split()[1:],
        "dispatch_dir": str(dispatch),
        "sid": search.sid,
        "app": search.app,
        "owner": search.user,
        "username": search.user,
        "session_key": search.session_key,
        "splunkd_uri": search.server_uri,
        "splunk_version": "9.4.3",
        "search": f"%7C%20{name}",
        "command": name,
        "maxresultrows": 50000,
        "earliest_time": "0",
        "latest_time": "0",
    }


def _send(stream: IO[bytes], metadata: Mapping[str, Any]) -> None:
    data = json.dumps(metadata).encode()
    with contextlib.suppress(BrokenPipeError):  # it has ended; what it wrote before is still to be read
        stream.write(b"chunked 1.0,%d,0\n" % len(data) + data)
        stream.flush()


def _close(stream: IO[bytes]) -> None:
    with contextlib.suppress(BrokenPipeError):
        stream.close()


def _receive(stream: IO[bytes], header: bytes) -> tuple[dict[str, Any], str]:
    match = _HEADER.fullmatch(header)
    if match is None:
        raise LabError(f"The search command wrote {header[:200]!r}, which is no chunk.", exit_code=1)
    metadata = json.loads(stream.read(int(match[1])))
    return metadata, stream.read(int(match[2])).decode()


def _messages(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(kind, text) for kind, text in metadata.get("inspector", {}).get("messages", [])]


def _rows(body: str) -> list[Mapping[str, str | list[str]]]:
    rows: list[Mapping[str, str | list[str]]] = []
    for record in csv.DictReader(io.StringIO(body, newline="")):
        row: dict[str, str | list[str]] = {}
        for field, value in record.items():
            if not field.startswith(_MULTIVALUE):
                row.setdefault(field, value)
            elif value:
                row[field.removeprefix(_MULTIVALUE)] = [part.replace("$$", "$") for part in _MV_VALUE.findall(value)]
        rows.append(row)
    return rows
