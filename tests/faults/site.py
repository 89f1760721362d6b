"""A lab in which each case has an account, a proxy and an alert of its own, and what is in SOAR at the end."""

from __future__ import annotations

import contextlib
import json
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lab.runner.accounts import Account
from lab.runner.cam import TERMINAL, CamLog
from lab.runner.lab import APP, Lab
from lab.runner.report import Report
from lab.runner.request import SendRequest
from lab.runner.searchcommand import Search, run_command
from lab.soar.admin import Admin
from lab.soar.certificate import Certificate, ensure_certificate
from tests.addon.results import write_results
from tests.addon.soar import SoarReader
from tests.faults.cases import PLAYBOOK_NAME, Case
from tests.faults.proxy import FaultProxy

SECONDS = 2.0
"""Connect and read timeout of the accounts: an unclear attempt settles within it."""

_OTHER_HOST = "127.0.0.2"
"""Loopback too, and in no certificate."""


@dataclass(frozen=True)
class Arrival:
    """What SOAR has of one alert.

    Args:
        artifacts: how many, by source address.
        containers: their containers.
        triggers: how often active playbooks were started, by container.
        runs: how often the named playbook was started, by container.
    """

    artifacts: Counter[str]
    containers: frozenset[int]
    triggers: Mapping[int, int]
    runs: Mapping[int, int]


class Site:
    """A lab with what its cases need.

    A case's ``trouble`` is one of: ``refuse`` (nothing listens), ``dns``, ``authority`` (a certificate of an unknown
    authority), ``host`` (one for another host), ``expired``.

    Args:
        lab: a running lab.
        folder: for files.
    """

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self._folder = folder
        self._open = contextlib.ExitStack()
        self.proxies: dict[str, FaultProxy] = {}
        assert lab.soar.stand_in is not None
        self._port = lab.soar.stand_in.port
        self._certificate = ensure_certificate(lab.soar.stand_in.state / "certificate")
        long_ago = datetime.now(UTC) - timedelta(days=700)
        self._expired = ensure_certificate(folder / "expired", now=long_ago)
        self._account = lab.account()

    def close(self) -> None:
        """End the proxies."""
        self._open.close()

    @property
    def admin(self) -> Admin:
        """The stand-in's switches."""
        assert self.lab.soar.stand_in is not None
        return self.lab.soar.stand_in.admin

    def add(self, case: Case) -> None:
        """Make the case's proxy and account."""
        host = _OTHER_HOST if case.trouble == "host" else "127.0.0.1"
        proxy = self._open.enter_context(FaultProxy(self._port, self._certificate, host))
        self.proxies[case.name] = proxy
        self._save(case, proxy, exists=False)

    def arm(self, case: Case) -> None:
        """Let the fault begin."""
        proxy = self.proxies[case.name]
        proxy.script(*case.faults)
        if case.trouble == "refuse":
            proxy.refuse()
        if case.trouble == "expired":
            proxy.present(self._expired)

    def recover(self, case: Case) -> None:
        """End the fault, as an administrator would."""
        proxy = self.proxies[case.name]
        proxy.clear()
        if case.trouble == "refuse":
            proxy.accept()
        if case.trouble == "expired":
            proxy.present(self._certificate)
        if case.trouble in {"dns", "authority", "host", "expired"}:
            self._save(replace(case, trouble=""), proxy if case.trouble != "host" else self._moved(case), exists=True)

    def send(self, case: Case, *, sid: str = "", python: Path | None = None, is_cut_short: bool = False) -> Report:
        """Run the action on the case's alert.

        Args:
            case: the case.
            sid: another search id than its own.
            python: another interpreter than the lab's.
            is_cut_short: it can't tell every row.
        """
        file = write_results(self._folder / f"{case.name}.csv.gz", [{"src": source} for source in sources(case)])
        parameters = {"account": case.name, "playbook": f"local/{PLAYBOOK_NAME}", **case.parameters}
        report = self.lab.send(SendRequest(file, parameters=parameters, sid=sid or sid_of(case)), python=python)
        assert is_cut_short or report.problems == ()
        return report

    def resend(self, case: Case) -> None:
        """Do what a person does about rejected containers."""
        text = f"soaroutboxctl action=resend account={case.name} {case.resend}"
        search = Search(text, "admin", self.lab.splunkd.session_key("admin"), self.lab.splunkd.uri)
        result = run_command(self.lab.home, APP, search, self.lab.python)
        assert result.texts("ERROR") == []
        assert {row["done"] for row in result.rows} == {"1"}

    def items(self) -> dict[str, list[dict[str, Any]]]:
        """The rows of the outbox, by account."""
        found: dict[str, list[dict[str, Any]]] = {}
        for item in self.lab.management.documents(APP, "soar_outbox", {}):
            found.setdefault(str(item["account"]), []).append(item)
        return found

    def statuses(self, case: Case) -> dict[str, list[str]]:
        """The Common Action Model's statuses of the case's rows; each row was invoked once."""
        log = CamLog("send_to_soar", sid_of(case))
        for event in self.lab.indexes.since({}):
            if event["index"] == "cim_modactions":
                log.add(event)
        assert {entry.invocations for entry in log.rids.values()} == {1}
        return {rid: entry.statuses for rid, entry in log.rids.items()}

    def last_states(self, case: Case) -> dict[str, str]:
        """The state that the newest result event of each row tells."""
        found: dict[str, str] = {}
        for event in self.lab.indexes.since({}):
            if event["sourcetype"] == "soar:action:result":
                body = json.loads(event["raw"])
                if body["sid"] == sid_of(case):
                    found[body["rid"]] = body["status"]
        return found

    def arrivals(self, cases: Sequence[Case]) -> dict[str, Arrival]:
        """What is in SOAR of each case."""
        reader = SoarReader(self.lab)
        try:
            by_container = reader.all_artifacts()
            runs = reader.run_counts(PLAYBOOK_NAME)
        finally:
            reader.close()
        triggers = self.admin.triggers
        return {case.name: _arrival(set(sources(case)), by_container, triggers, runs) for case in cases}

    def containers(self) -> int:
        """How many containers SOAR has."""
        reader = SoarReader(self.lab)
        try:
            return len(reader.all_containers())
        finally:
            reader.close()

    def _moved(self, case: Case) -> FaultProxy:
        self.proxies[case.name] = self._open.enter_context(FaultProxy(self._port, self._certificate))
        return self.proxies[case.name]

    def _save(self, case: Case, proxy: FaultProxy, *, exists: bool) -> None:
        url = f"https://soar.invalid:{proxy.port}" if case.trouble == "dns" else proxy.url
        authority = self._expired if case.trouble in {"authority", "expired"} else self._certificate
        account = Account(case.name, url, self._account.token, _pem(authority))
        fields = {**account.fields(), "is_default": "0", "skip_test": "1", "read_timeout": f"{SECONDS:g}"}
        path = f"/servicesNS/nobody/{APP}/{APP.lower()}_account"
        target, named = (f"{path}/{case.name}", {}) if exists else (path, {"name": case.name})
        self.lab.management.post(target, {**named, **fields, "connect_timeout": f"{SECONDS:g}"})


def sid_of(case: Case) -> str:
    """The search id of the case's alert."""
    return f"scheduler__admin__search__RMD5{case.name}_at_1700000000_1"


def sources(case: Case) -> list[str]:
    """What tells the case's rows in SOAR."""
    number = zlib.crc32(case.name.encode())
    return [f"{11 + number % 200}.{number // 200 % 250}.{row // 250}.{row % 250}" for row in range(case.rows)]


def check_exactly_once(case: Case, arrival: Arrival) -> None:
    """Every row is in SOAR once, in a container that started playbooks once."""
    assert arrival.artifacts == Counter(sources(case))
    assert len(arrival.containers) == (1 if case.parameters.get("container_per") == "search" else case.rows)
    starts = 0 if case.parameters.get("automation") == "0" else 1
    assert set(arrival.triggers.values()) == {starts}
    assert set(arrival.runs.values()) == {1}


def check_told_once(statuses: Mapping[str, Sequence[str]], rows: int) -> None:
    """Each row has one terminal status, and none after it."""
    assert sorted(statuses, key=int) == [str(row) for row in range(rows)]
    for found in statuses.values():
        assert found[-1] in TERMINAL
        assert list(found[:-1]) in ([], ["pending"])


def _arrival(
    wanted: set[str], by_container: Mapping[int, list[str]], triggers: Mapping[int, int], runs: Mapping[int, int]
) -> Arrival:
    containers = {number for number, found in by_container.items() if wanted.intersection(found)}
    return Arrival(
        Counter(source for number in containers for source in by_container[number]),
        frozenset(containers),
        {number: triggers.get(number, 0) for number in containers},
        {number: runs.get(number, 0) for number in containers},
    )


def _pem(certificate: Certificate) -> str:
    return certificate.ca_file.read_text(encoding="ascii")


@contextlib.contextmanager
def site(lab: Lab, folder: Path, cases: Sequence[Case]) -> Iterator[Site]:
    """A site with the accounts of these cases."""
    made = Site(lab, folder)
    try:
        for case in cases:
            made.add(case)
        yield made
    finally:
        made.close()
