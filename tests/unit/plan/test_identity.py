"""The keys by which SOAR knows containers and artifacts again."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from typing import Any

import pytest

from soarlink.mapping.artifact import MappedArtifact, MappedRow
from soarlink.plan import identity
from soarlink.plan.artifact import ArtifactBodies, Common
from soarlink.plan.run import AlertRun
from soarlink.rows.row import Row, Value
from tests.unit.samples import SCHEDULED_SID, make_row, make_run, plan
from tests.unit.standin import ROOT

ADHOC = make_run(sid="1700000100.42", scheduled=False)


def test_the_scheduled_run_and_an_ad_hoc_run_on_its_notable_meet() -> None:
    """Both give the same key, because the notable carries the first one's sid and rid."""
    found = identity.of_row(make_row(3, dest="web-1"), make_run())
    notable = make_row(orig_sid=SCHEDULED_SID, orig_rid="3", event_id="A@@notable@@1")
    assert found == f"{SCHEDULED_SID}+3"
    assert identity.of_row(notable, ADHOC) == found


@pytest.mark.parametrize(
    ("fields", "run", "key"),
    [
        ({"event_id": "E1"}, ADHOC, "E1"),
        ({"event_id": "E1"}, make_run(), f"{SCHEDULED_SID}+0"),
        ({"orig_sid": "S", "event_id": "E1"}, ADHOC, "E1"),
        ({"orig_rid": "1"}, ADHOC, "1700000100.42+0"),
        ({}, ADHOC, "1700000100.42+0"),
    ],
)
def test_the_order_of_keys(fields: dict[str, Any], run: AlertRun, key: str) -> None:
    """Origin first, then the own run when scheduled, then the finding's id, then the own run."""
    assert identity.of_row(make_row(**fields), run) == key


def test_groups_searches_and_overflow_have_keys_of_their_own() -> None:
    """No key of one kind equals one of another, and value boundaries count."""
    run = make_run()
    keys = {
        identity.of_row(make_row(), run),
        identity.of_search(run),
        identity.of_overflow(run),
        identity.of_group([("a", "b")], run),
        identity.of_group([("a",), ("b",)], run),
        identity.of_group([("ab",)], run),
        identity.of_group([()], run),
        identity.of_group([("",)], run),
    }
    assert len(keys) == 8


def _mapped(cef: dict[str, Value]) -> MappedRow:
    return MappedRow((MappedArtifact(cef, {}),), tuple(cef), (), {})


def test_an_artifact_is_known_by_its_content() -> None:
    """Equal content in any order of keys is the same artifact; anything else is another."""

    def key(cef: dict[str, Value], row_key: str = "k", link: str = "") -> str:
        common = Common(row_key, "n", "low", (), None)
        (body,) = ArtifactBodies(link).of_row(common, Row("0", 0, {}), _mapped(cef))
        return str(body["source_data_identifier"])

    known = key({"a": "1", "b": ("x",)})
    assert known == key({"b": ("x",), "a": "1"}) == key({"a": "1", "b": ("x",)}, link="https://sh/r")
    assert len({known, key({"a": "1"}), key({"a": "1", "b": ("x",)}, "other"), key({"a": "1", "b": "x"})}) == 4


def test_an_artifacts_key_is_the_same_on_every_interpreter() -> None:
    """A key that is written down here holds for text of every kind, half a surrogate pair included."""
    cef: dict[str, Value] = {"ü": "é\u2028\U0001f600", "a": ("\ud800", '"\\\n\x00'), "B": ""}
    (body,) = ArtifactBodies("").of_row(Common("k", "n", "low", (), None), Row("0", 0, {}), _mapped(cef))
    text = r"""{"B":"","a":["\ud800","\"\\\n\u0000"],"ü":"é""" + "\u2028\U0001f600" + '"}'
    assert body["source_data_identifier"] == f"k#{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def test_keys_do_not_depend_on_the_process() -> None:
    """The same plan in processes with different hash seeds has the same keys."""
    code = (
        "from tests.unit.samples import *\n"
        "rows = [make_row(n, dest=('é', str(n % 3)), artifacts='2') for n in range(9)]\n"
        "for s in plan(rows, container_per='group', group_by='dest'):\n"
        "    print(s.identity, [a['source_data_identifier'] for a in s.artifacts])\n"
    )
    path = os.pathsep.join([str(ROOT), *filter(None, sys.path)])
    printed = {
        subprocess.run(
            [sys.executable, "-B", "-c", code],
            env={"PYTHONPATH": path, "PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(printed) == 1
    assert printed.pop().count(b"\n") == 3


def test_the_same_notable_sent_twice_by_hand_is_the_same_artifact() -> None:
    """Two ad hoc runs on one notable differ in sid and link only: SOAR must know the artifact again."""
    notable = make_row(orig_sid=SCHEDULED_SID, orig_rid="3", dest="web-1")
    keys = {
        plan([notable], make_run(sid=sid, scheduled=False, results_link=f"https://sh/{sid}"))[0].artifacts[0][
            "source_data_identifier"
        ]
        for sid in ("1700000100.1", "1700000200.2")
    }
    assert len(keys) == 1
