"""A second search head of the cluster: a file system of its own, the same splunkd and KV store, and its own clock."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.runner.home import SplunkHome
from lab.runner.indexing.index import Indexes
from lab.runner.indexing.indexer import Indexer
from lab.runner.lab import APP, Lab
from lab.runner.modularinput import ModularInput
from lab.runner.payload import Splunkd
from lab.runner.report import Report
from lab.runner.request import SendRequest
from lab.runner.sending import Stage, send
from lab.splunkd import SPLUNK_PACKAGE
from tests.faults.clock import Clock


class Member:
    """One search head of a cluster that the lab's splunkd and KV store stand for.

    Args:
        lab: the running lab.
        folder: where it lives.
        skew: seconds that its clock is ahead.
    """

    def __init__(self, lab: Lab, folder: Path, skew: float) -> None:
        self._lab = lab
        self._clock = Clock(folder / "clock", skew)
        self.home = SplunkHome(folder / "splunk")
        shutil.copytree(lab.home.root / "etc", self.home.root / "etc")
        self.home.lay_out()
        self.indexes = Indexes(folder / "index")
        self._indexer = Indexer(
            self.home, self.indexes, apps=(APP,), host=folder.name, clock=self._clock.now, with_cim=True
        )

    def later(self, seconds: float) -> None:
        """Let time pass at this member."""
        self._clock.later(seconds)

    def send(self, results: Path, sid: str, parameters: Mapping[str, str]) -> Report:
        """Run the action on this member."""
        stage = Stage(
            home=self.home,
            app=APP,
            splunkd=self._splunkd,
            python=self._lab.python,
            python_path=Path(SPLUNK_PACKAGE),
            environ=self._clock.environ,
            indexer=self._indexer,
            indexes=self.indexes,
            clock=self._clock.now,
        )
        return send(stage, SendRequest(results, sid=sid, parameters=parameters))

    def delivery(self) -> ModularInput:
        """Its delivery input."""
        return self._input("soar_delivery")

    def feedback(self) -> ModularInput:
        """Its feedback input."""
        return self._input("soar_feedback")

    def _input(self, kind: str) -> ModularInput:
        return ModularInput(
            self.home,
            APP,
            kind,
            splunkd=self._splunkd("admin"),
            python=self._lab.python,
            python_path=Path(SPLUNK_PACKAGE),
            environ=self._clock.environ,
        )

    def journals(self) -> int:
        """How many alerts are written down here."""
        return len(list(self.home.root.glob("var/lib/splunk/modinputs/soar_delivery/journal/*")))

    def events(self) -> list[dict[str, Any]]:
        """Everything that it has written, indexed."""
        self._indexer.collect()
        return list(self.indexes.since({}))

    def _splunkd(self, user: str) -> Splunkd:
        return Splunkd(self._lab.splunkd.uri, "member", self._lab.splunkd.session_key(user))
