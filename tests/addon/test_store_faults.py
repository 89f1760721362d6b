"""The places where alerts wait go wrong themselves: the KV store, and the disk that journals are on."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.runner.lab import Lab
from lab.soar import Switches
from tests.addon.conftest import interpreter
from tests.faults.cases import CONTAINER, Case
from tests.faults.proxy import Fault, Kind
from tests.faults.site import Site, check_exactly_once, check_told_once, site, sources
from tools import build

_DATA = "/storage/collections/data/soar_"
_WORK_SECONDS = 2.5
_PATIENCE = 60.0

KV_FAULTS: dict[str, tuple[str, dict[str, Any]]] = {
    "503": (".*", {"status": 503}),
    "409": ("POST", {"status": 409}),
    "read_only": ("POST|DELETE", {"status": 503}),
    "slow": (".*", {"slow": 0.4}),
    "reset": (".*", {"reset": True}),
}
"""Method, and what happens to requests to the collections of the outbox."""

_UNAVAILABLE = (Fault(Kind.ANSWER, CONTAINER, times=1, status=503),)
KV_CASES = {name: Case(f"kv_{name}", "server fault", _UNAVAILABLE) for name in KV_FAULTS}


@pytest.fixture(scope="module")
def kv(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One alert after the other meets a SOAR that is away and a KV store that is ill; then all is well."""
    folder = tmp_path_factory.mktemp("kv")
    with (
        Lab(folder / "lab", build=build.build().folder, python=interpreter((3, 13))) as lab,
        site(lab, folder, list(KV_CASES.values())) as place,
    ):
        for name, case in KV_CASES.items():
            # The action can't read the secret and tries nothing, the input's attempt fails: all goes into the outbox.
            lab.splunkd.fault("GET", "/storage/passwords", status=503)
            assert {outcome.status for outcome in place.send(case).results} == {"queued"}
            lab.splunkd.clear_faults()
            place.arm(case)
            method, what = KV_FAULTS[name]
            lab.splunkd.fault(method, _DATA, **what)
            with lab.delivery():
                _wait_until_tried(place, case)
                time.sleep(_WORK_SECONDS)
            lab.splunkd.clear_faults()
        drained = lab.drain(wait=90)
        assert (drained.problems, drained.remaining) == ((), 0)
        yield place
        assert lab.splunkd.unknown_calls == []


def _wait_until_tried(place: Site, case: Case) -> None:
    until = time.monotonic() + _PATIENCE
    while not place.proxies[case.name].is_spent and time.monotonic() < until:
        time.sleep(0.1)
    assert place.proxies[case.name].is_spent


@pytest.mark.parametrize("name", KV_FAULTS)
def test_an_ill_kv_store_loses_and_doubles_nothing(kv: Site, name: str) -> None:
    """Whatever the KV store says while the outbox is written: in SOAR once, told once."""
    case = KV_CASES[name]
    check_exactly_once(case, kv.arrivals([case])[case.name])
    check_told_once(kv.statuses(case), case.rows)


DEDUPLICATION = ("hash", "sdi", "off")
ARTIFACT_CASES = [
    Case(
        f"dedup_{kind.name.lower()}",
        "maybe sent",
        (Fault(kind, CONTAINER), Fault(kind, "POST /rest/artifact", times=2)),
        parameters={"container_per": "search"},
        rows=250,
    )
    for kind in (Kind.RESET_AFTER_COMMIT, Kind.LATE_COMMIT, Kind.CUT_ANSWER)
]


@pytest.mark.parametrize("deduplication", DEDUPLICATION)
def test_a_container_in_parts_is_whole_however_soar_drops_doubles(tmp_path: Path, deduplication: Any) -> None:
    """Answers of the container and of each part are lost: every artifact is there once, with or without SOAR's help."""
    switches = Switches(artifact_dedup=deduplication)
    with (
        Lab(tmp_path / "lab", build=build.build().folder, python=interpreter((3, 13)), switches=switches) as lab,
        site(lab, tmp_path, ARTIFACT_CASES) as place,
    ):
        for case in ARTIFACT_CASES:
            place.arm(case)
            assert {outcome.status for outcome in place.send(case).results} == {"queued"}
        drained = lab.drain(wait=90)
        assert (drained.problems, drained.remaining) == ((), 0)
        arrivals = place.arrivals(ARTIFACT_CASES)
        for case in ARTIFACT_CASES:
            check_exactly_once(case, arrivals[case.name])
            check_told_once(place.statuses(case), case.rows)


def _script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A Python whose processes find a disk of 64 kB, almost full, where journals are written."""
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-Urm", "true"], check=False).returncode:
        pytest.skip("a file system of one's own needs user namespaces (Linux)")
    script = """mkdir -p "$SPLUNK_HOME/var/lib/splunk/modinputs/soar_delivery"
mount -t tmpfs -o size=64k none "$SPLUNK_HOME/var/lib/splunk/modinputs/soar_delivery"
head -c 61440 /dev/zero > "$SPLUNK_HOME/var/lib/splunk/modinputs/soar_delivery/others"
exec "$@" """
    inner = _script(tmp_path / "inner", script)
    return _script(tmp_path / "python", f'exec unshare -Urm "{inner}" "{interpreter((3, 13))}" "$@"')


def test_a_full_disk_is_said_at_once(tmp_path: Path, small_disk: Path) -> None:
    """What can't be written down is not sent: rejected, with the reason; the same alert arrives once there is room."""
    case = Case("disk", "", rows=40)
    with (
        Lab(tmp_path / "lab", build=build.build().folder, python=interpreter((3, 13))) as lab,
        site(lab, tmp_path, [case]) as place,
    ):
        report = place.send(case, python=small_disk)
        assert report.exit_code != 0
        assert {outcome.status for outcome in report.results} == {"rejected"}
        assert "is full" in str(report.results[0].reason)
        assert place.containers() == 0
        again = place.send(case, is_cut_short=True)
        assert {outcome.status for outcome in again.results} == {"delivered"}
        check_exactly_once(case, place.arrivals([case])[case.name])


@pytest.mark.skipif(os.name != "posix", reason="limits of files are POSIX's")
def test_a_disk_that_fills_up_on_the_way_loses_nothing(tmp_path: Path) -> None:
    """Action and input can't note how far they have come: they stop, and what is in SOAR already is not sent again."""
    case = Case("filling", "", rows=60)
    limited = _script(tmp_path / "python", f'ulimit -f 16\nexec "{interpreter((3, 13))}" -B "$@"')
    with (
        Lab(tmp_path / "lab", build=build.build().folder, python=interpreter((3, 13))) as lab,
        site(lab, tmp_path, [case]) as place,
    ):
        place.send(case, sid="scheduler__admin__search__RMD5before_at_1700000000_1")  # keeps the mapping, a large file
        before = place.containers()
        place.send(case, python=limited, is_cut_short=True)
        journals = lab.home.root / "var/lib/splunk/modinputs/soar_delivery/journal"
        assert len(list(journals.iterdir())) == 1
        assert place.containers() > before
        with lab.delivery(python=limited):
            time.sleep(_WORK_SECONDS)
        assert len(list(journals.iterdir())) == 1
        drained = lab.drain(wait=90)
        assert (drained.problems, drained.remaining) == ((), 0)
        arrival = place.arrivals([case])[case.name]
        assert arrival.artifacts == dict.fromkeys(sources(case), 2)  # one of each alert
        assert len(arrival.containers) == 2 * case.rows
        assert set(arrival.triggers.values()) == {1}
        assert max(arrival.runs.values()) == 1
