"""`| soarpreview` in this process: arguments, chunks, limit, messages. tests/addon runs it as splunkd does."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from soarlink.commands import preview as command
from soarlink.commands.preview_arguments import DEFAULT_LIMIT, read
from soarlink.errors import ParameterError
from soarlink.preview.preview import preview
from tests.unit.commands.chunks import Answer, chunk, read_answer

HEADER = ["src", "user", "__mv_user", "rid"]
ROWS = [["10.0.0.1", "a\nb", "$a$;$b$", ""], ["10.0.0.2", "c", "$c$", "77"], ["", "", "$$;$$", ""]]


def run(words: Sequence[str], chunks: Sequence[Sequence[Sequence[str]]], folder: Path, app: str = "search") -> Answer:
    """Answer to these chunks of rows."""
    info = {
        "args": list(words),
        "raw_args": list(words),
        "dispatch_dir": str(folder),
        "sid": "1700000000.7",
        "app": app,
        "owner": "anna",
        "username": "anna",
        "splunk_version": "9.4.3",
        "search": "soarpreview",
        "command": "soarpreview",
        "maxresultrows": 50000,
        "earliest_time": "0",
        "latest_time": "0",
    }
    data = chunk({"action": "getinfo", "preview": False, "searchinfo": info})
    for number, rows in enumerate(chunks):
        text = io.StringIO(newline="")
        csv.writer(text).writerows([HEADER, *rows])
        data += chunk({"action": "execute", "finished": number == len(chunks) - 1}, text.getvalue().encode())
    output = io.BytesIO()
    code = 0
    try:
        command.PreviewCommand().process(["soarpreview"], io.BytesIO(data), output)
    except SystemExit as ended:
        code = int(str(ended.code))
    return read_answer(output.getvalue(), code)


@pytest.fixture(autouse=True)
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An add-on's folder without accounts and rules of its own."""
    folder = tmp_path / "app"
    (folder / "default").mkdir(parents=True)
    (folder / "local").mkdir()
    monkeypatch.setattr(command, "APP", folder)
    return folder


def test_rows_of_all_chunks_make_one_preview(tmp_path: Path) -> None:
    """Positions run on through chunks, rids are the results' own, multi-value fields and empty cells are read right."""
    answer = run(["container_per=search"], [ROWS[:1], ROWS[1:]], tmp_path)
    assert (answer.code, answer.errors) == (0, [])
    containers = [row for row in answer.rows if row["kind"] == "container"]
    assert [row["rid"].split() for row in containers] == [["0", "77", "2"]]
    values = [(row["rid"], row["field"], row["value"]) for row in answer.rows if row["kind"] == "field"]
    assert ("0", "user", "a") in values
    assert ("0", "user", "b") in values
    assert ("77", "user", "c") in values
    assert [value for value in values if value[0] == "2"] == []
    assert [text for kind, text in answer.messages if kind == "INFO"] == [
        "Note: no SOAR account is configured: the container label shown is events.",
        "soarpreview looked at all 3 results (limit=100). Nothing was sent.",
    ]


def test_the_limit_is_stated(tmp_path: Path) -> None:
    """What is beyond it is counted and said; 0 looks at all."""
    answer = run(["limit=1"], [ROWS], tmp_path)
    assert len([row for row in answer.rows if row["kind"] == "container"]) == 1
    assert "first 1 of 3 results (limit=1; limit=0 for all)" in answer.warnings[0]
    assert run(["limit=0"], [ROWS], tmp_path).warnings == []


def test_a_cut_trace_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes of the preview reach the search."""
    monkeypatch.setattr(command, "preview", partial(preview, most_trace=1))
    assert any("the trace is cut" in text for text in run([], [ROWS], tmp_path).warnings)


def test_mistakes_end_the_search(tmp_path: Path, app: Path) -> None:
    """Wrong words in the getinfo exchange, a wrong rule once the rows are there."""
    answer = run(["lable=x"], [ROWS], tmp_path)
    assert (answer.code, answer.rows) == (1, [])
    assert '"lable=x" is not understood' in answer.errors[0]
    (app / "local/ta_send_to_soar_mapping.conf").write_text("[mine]\norder = 1\n", encoding="utf-8")
    answer = run([], [ROWS], tmp_path)
    assert (answer.code, answer.rows) == (1, [])
    assert "[mine] to" in answer.errors[0]


def test_arguments() -> None:
    """Parameters with and without their prefix, what only the preview has, defaults for the rest."""
    found = read(["param.label=x", 'search_name="My search"', "data_model=Web", "limit=7", "tags="])
    assert (found.parameters.label.text, found.search_name, found.data_model, found.limit) == (
        "x",
        "My search",
        "Web",
        7,
    )
    assert read([]).limit == DEFAULT_LIMIT
    assert (found.action, read(["playbooks=local/x", "action=run_soar_playbook"]).action) == (
        "send_to_soar",
        "run_soar_playbook",
    )
    with pytest.raises(ParameterError) as caught:
        read(["limit=-1", "x", "severity={{"])
    assert len(caught.value.problems) == 3
    with pytest.raises(ParameterError) as caught:
        read(["x"])
    assert len(caught.value.problems) == 1
    with pytest.raises(ParameterError, match=r'"fields=src" is not understood; run_soar_playbook has: action, limit'):
        read(["fields=src", "playbooks=local/x", "action=run_soar_playbook"])
    with pytest.raises(ParameterError, match='action="email" is unknown; there are: send_to_soar, run_soar_playbook'):
        read(["action=email"])


def test_standard_streams_are_the_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` reads and writes the process's own streams, whatever stands behind the script's name."""
    given: list[object] = []
    monkeypatch.setattr(command.PreviewCommand, "process", lambda _self, *arguments: given.extend(arguments))
    monkeypatch.setattr("sys.argv", ["soarpreview.py", "ignored"])
    command.run()
    assert given[0] == ["soarpreview.py"]
