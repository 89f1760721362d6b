"""`lab doctor` as a user or a script calls it."""

from __future__ import annotations

from pathlib import Path

from tests.lab.command import answer_of, lab


def test_json_is_one_document_and_the_exit_code_tells(tmp_path: Path) -> None:
    """0 while nothing failed, warnings or not; 5 when something did, with the answer as last record."""
    document = answer_of(lab("doctor", "--json", "--state", "s", folder=tmp_path))
    assert (document["exit_code"], document["problems"], document["summary"]["failed"]) == (0, [], 0)
    assert document["summary"]["warning"] > 0
    assert sum(document["summary"].values()) == len(document["checks"])
    assert set(document["checks"][0]) == {"section", "check", "verdict", "evidence", "remedy", "account"}
    arguments = ("doctor", "--json", "--state", "s", "--question", "arrival", "--label", "no such label")
    document = answer_of(lab(*arguments, folder=tmp_path))
    assert document["exit_code"] == 5
    assert document["checks"][-1]["check"] == "answer"
    assert 'SOAR has no label "no such label"' in document["checks"][-1]["evidence"]


def test_person_sees_what_was_seen_and_what_to_do(tmp_path: Path) -> None:
    """A table with sections, remedies and the sum; with --create the container that was sent."""
    done = lab("doctor", "--create", "--playbook", "local/none", "--state", "s", folder=tmp_path)
    assert done.returncode == 5, done.stderr
    for words in ("connection", "what is sent", 'SOAR has no playbook "local/none"', "→ Write it as", "1 failed"):
        assert words in done.stdout
    assert "create=true" not in done.stdout
    unasked = lab("doctor", "--state", "s", folder=tmp_path)
    assert "Not asked for: --create sends one test container" in " ".join(unasked.stdout.replace("│", " ").split())
    assert "created, given an artifact, read back as it was sent, closed" in " ".join(done.stdout.split())


def test_what_cant_be_asked(tmp_path: Path) -> None:
    """Exit code 2, in the doctor's own words; --json says it as a document, too."""
    done = lab("doctor", "--json", "--question", "why", "--state", "s", folder=tmp_path)
    document = answer_of(done)
    assert (document["exit_code"], document["checks"]) == (2, [])
    assert document["problems"] == ['question="why" is none of all, arrival, playbook, data.']
    assert "lab: question=" in done.stderr
    done = lab("doctor", "--token", "x", folder=tmp_path)
    assert (done.returncode, "--token and --ca belong to --soar" in done.stderr) == (2, True)
