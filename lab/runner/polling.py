"""Runs the feedback input until it has polled every account once."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lab.runner.errors import LabError
from lab.runner.report import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lab.runner.management import Management
    from lab.runner.modularinput import ModularInput
    from lab.runner.sending import Stage

_LONGEST = 600.0
_LOOK_SECONDS = 0.2
_FAILED = 1
_SOURCE = "soar_feedback"


@dataclass(frozen=True)
class PollReport:
    """What the feedback input brought.

    Args:
        events: each with sourcetype, time and its fields, oldest first.
        duration_ms: how long it ran.
        problems: why an account could not be polled, or its notables not be updated.
    """

    events: tuple[dict[str, Any], ...]
    duration_ms: int
    problems: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """0 when every account was polled."""
        return _FAILED if self.problems else 0

    def summary(self) -> dict[str, int]:
        """Number of events by sourcetype."""
        return dict(sorted(Counter(event["sourcetype"] for event in self.events).items()))

    def document(self) -> dict[str, Any]:
        """Give the JSON document of ``lab poll --json``."""
        return {
            "schema": SCHEMA,
            "exit_code": self.exit_code,
            "duration_ms": self.duration_ms,
            "events": list(self.events),
            "summary": self.summary(),
            "problems": list(self.problems),
        }


def poll(stage: Stage, feedback: ModularInput, management: Management, *, accounts: tuple[str, ...]) -> PollReport:
    """Run the input until it has tried each of these accounts.

    Raises:
        LabError: the add-on has no such input.
    """
    stage.indexer.collect()
    marks = stage.indexes.marks()
    started, begun = time.monotonic(), stage.clock()
    problems: list[str] = []
    with feedback:
        while True:
            tried = _tried(stage, management, begun)
            if tried.keys() >= set(accounts):
                problems += [f"{account}: {error}" for account, error in tried.items() if error]
                break
            if not feedback.is_running:
                problems.append("The feedback input ended by itself; its log is var/log/splunk/soar_feedback.log.")
                break
            if time.monotonic() - started > _LONGEST:
                problems.append(f"The feedback input was not done after {_LONGEST:g} seconds.")
                break
            time.sleep(_LOOK_SECONDS)
    return PollReport(
        events=tuple(_brought(stage, marks)),
        duration_ms=round((time.monotonic() - started) * 1000),
        problems=tuple(problems),
    )


def news(stage: Stage) -> Callable[[], list[dict[str, Any]]]:
    """Give a function that gives what the input has brought since it was called last, oldest first."""
    marks = stage.indexes.marks()

    def brought() -> list[dict[str, Any]]:
        found = _brought(stage, marks)
        marks.update(stage.indexes.marks())
        return found

    return brought


def _brought(stage: Stage, marks: Mapping[str, int]) -> list[dict[str, Any]]:
    stage.indexer.collect()
    brought = [_event(one) for one in stage.indexes.since(marks) if one["source"] == _SOURCE]
    return sorted(brought, key=lambda one: float(one["time"]))


def _tried(stage: Stage, management: Management, begun: float) -> dict[str, str]:
    """Accounts that were polled since, with what went wrong."""
    try:
        documents = management.documents(stage.app, "soar_checkpoint", {})
    except LabError:
        return {}  # the KV store is away
    return {
        str(one["account"]): " ".join(filter(None, (one.get("error"), one.get("writeback_error"))))
        for one in documents
        if float(one.get("tried") or 0) >= begun
    }


def _event(indexed: dict[str, Any]) -> dict[str, Any]:
    return {"sourcetype": indexed["sourcetype"], "time": indexed["time"], "event": json.loads(indexed["raw"])}
