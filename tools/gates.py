"""The gates that a change passes: ``python -m tools.gates check|unit|addon|browser|nightly|appinspect|audit|test``.

Each step prints one header, its output and how long it took; ``test`` runs them all, cheap ones first, and ends with a
line that counts them. What needs an interpreter or a browser that this machine does not have is skipped with one
line, or fails where ``CI`` is set.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tools import appinspect, audit, build, chromium, environments, studio
from tools.chromium import MissingBrowserError
from tools.environments import Environment
from tools.interpreters import MissingInterpreterError
from tools.libraries import LibraryError
from tools.process import ROOT, CommandError, capture, show
from tools.studio import MissingNodeError

_COVERAGE = ROOT / "build" / "coverage"
_EXPECTED = (build.BuildError, CommandError, LibraryError, MissingInterpreterError)


class StepError(Exception):
    """A step found something wrong, which it has printed."""


class Skipped(Exception):
    """A step can't run on this machine; the message says why."""


class Outcome(Enum):
    """How a step ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Step:
    """One gate.

    Attributes:
        title: its header.
        run: does it; raises when something is wrong.
        essential: whether the steps after it are pointless without it.
    """

    title: str
    run: Callable[[], None]
    essential: bool = False


def _tool(name: str, *arguments: str | Path) -> None:
    show([environments.ensure(environments.DEV), "-m", name, *arguments])


def _existing(*names: str) -> list[str]:
    return [name for name in names if (ROOT / name).exists()]


def _format() -> None:
    _tool("ruff", "format", "--check", "--output-format", "concise", ".")


def _lint() -> None:
    _tool("ruff", "check", "--output-format", "concise", ".")


def _types_package() -> None:
    _tool("mypy", "--python-version", "3.9", "package/lib/soarlink", *_scripts())


def _scripts() -> list[str]:
    """The entry scripts, without the REST handlers that build on untyped classes of UCC."""
    found = sorted((ROOT / "package" / "bin").glob("*.py"))
    return [str(path.relative_to(ROOT)) for path in found if not path.stem.endswith("_handler")]


def _types_development() -> None:
    # The stand-in for Splunk's own package is checked apart: its module names are "splunk…", not "lab…".
    _tool("mypy", "--python-version", "3.11", *_existing("lab", "tools", "tests"), "additional_packaging.py")


def _environments() -> None:
    """Make the missing environments, two at a time; those that can't be made are the business of their step."""

    def make(environment: Environment) -> None:
        try:
            environments.ensure(environment)
        except MissingInterpreterError as error:
            print(f"environment {environment.folder}: {error}")

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(make, environments.ALL.values()))


def _build() -> None:
    if build.main():
        raise StepError


def _unit_command(environment: Environment, built: build.Built) -> str:
    """Run the unit tests in one environment under coverage; return their output.

    Our code comes from the sources, the libraries that it uses from the built add-on, as on Splunk.
    """
    python = environments.ensure(environment)
    extra = {
        "PYTHONPATH": os.pathsep.join((str(ROOT / "package" / "lib"), str(built.folder / "lib"))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "COVERAGE_FILE": str(_COVERAGE / f".coverage.{environment.name}"),
    }
    cache = f"cache_dir={ROOT / 'build' / f'pytest-{environment.name}'}"
    return capture([python, "-m", "coverage", "run", "-m", "pytest", "-q", "-o", cache, "tests/unit"], extra=extra)


def _unit() -> None:
    """Run the unit tests on every interpreter at the same time, then judge the coverage of all runs together."""
    built = build.build()
    environments.ensure(environments.DEV)  # the tests start the stand-in SOAR with it
    shutil.rmtree(_COVERAGE, ignore_errors=True)
    _COVERAGE.mkdir(parents=True)
    with ThreadPoolExecutor(max_workers=len(environments.UNIT)) as pool:
        runs = [(item, pool.submit(_unit_command, item, built)) for item in environments.UNIT]
    failed, missing = False, []
    for environment, run in runs:
        print(f"-- {environment.name}")
        try:
            print(run.result(), end="")
        except MissingInterpreterError as error:
            missing.append(str(error))
            print(error)
        except CommandError as error:
            failed = True
            print(error.output, end="")
    if failed:
        raise StepError
    if len(missing) < len(environments.UNIT):
        extra = {"COVERAGE_FILE": str(_COVERAGE / ".coverage")}
        python = environments.ensure(environments.DEV)
        capture([python, "-m", "coverage", "combine", "--keep", _COVERAGE], extra=extra)
        show([python, "-m", "coverage", "report"], extra=extra)
    if missing:
        raise Skipped("; ".join(missing))


def _addon() -> None:
    build.build()
    folders = _existing("tests/addon", "tests/lab", "tests/build")
    _tool("pytest", "-q", "-n", "2", "--dist", "loadscope", *folders)


def _browser() -> None:
    """Run the tests in a browser; they leave pictures in build/screenshots."""
    build.build()
    try:
        chromium.ensure()
    except MissingBrowserError as error:
        raise Skipped(str(error)) from error
    missing = ""
    try:
        studio.ensure()
    except MissingNodeError as error:
        missing = f"dashboards: {error}"
    shutil.rmtree(ROOT / "build" / "screenshots", ignore_errors=True)
    _tool("pytest", "-q", "-n", "2", "--dist", "loadfile", "tests/browser")
    if missing:
        raise Skipped(missing)


def _nightly() -> None:
    build.build()
    _tool("pytest", "-q", "tests/nightly")


def _appinspect() -> None:
    if appinspect.main():
        raise StepError


def _audit() -> None:
    if audit.main():
        raise StepError


CHECK = (
    Step("format: ruff format --check", _format),
    Step("lint: ruff check", _lint),
    Step("types of the package: mypy --strict for 3.9", _types_package),
    Step("types of lab, tools and tests: mypy --strict for 3.11", _types_development),
)
UNIT = (Step("unit tests on 3.9 and 3.13, coverage of soarlink", _unit),)
ADDON = (Step("tests of the built add-on, the lab and the build", _addon),)
BROWSER = (Step("tests of the pages in a browser", _browser),)
NIGHTLY = (Step("kills at random moments of the built add-on", _nightly),)
APPINSPECT = (Step("AppInspect", _appinspect),)
AUDIT = (Step("bandit and pip-audit", _audit),)
GATES: dict[str, Sequence[Step]] = {
    "check": CHECK,
    "unit": UNIT,
    "addon": ADDON,
    "browser": BROWSER,
    "nightly": NIGHTLY,
    "appinspect": APPINSPECT,
    "audit": AUDIT,
    "test": (
        Step("environments", _environments, essential=True),
        *CHECK,
        Step("build", _build, essential=True),
        *UNIT,
        *ADDON,
        *BROWSER,
        *APPINSPECT,
        *AUDIT,
    ),
}


def run_step(step: Step, *, strict: bool) -> Outcome:
    """Run one step between its header and its duration.

    Args:
        step: the gate.
        strict: whether what can't run here counts as failed (as in CI) and not as skipped.
    """
    print(f"\n== {step.title}", flush=True)
    start = time.monotonic()
    outcome = Outcome.PASSED
    try:
        step.run()
    except (Skipped, MissingInterpreterError) as error:
        outcome = Outcome.FAILED if strict else Outcome.SKIPPED
        print(f"{outcome.value}: {error}")
    except StepError:
        outcome = Outcome.FAILED
    except _EXPECTED as error:
        outcome = Outcome.FAILED
        print(f"error: {error}")
    sys.stderr.flush()
    print(f"-- {outcome.value} in {time.monotonic() - start:.1f} s", flush=True)
    return outcome


def run(steps: Sequence[Step], *, strict: bool) -> int:
    """Run the steps, all of them unless an essential one fails; print the count and return the exit code."""
    start = time.monotonic()
    outcomes: list[tuple[Step, Outcome]] = []
    for step in steps:
        outcome = run_step(step, strict=strict)
        outcomes.append((step, outcome))
        if step.essential and outcome is Outcome.FAILED:
            break
    count = {kind: sum(outcome is kind for _, outcome in outcomes) for kind in Outcome}
    not_run = len(steps) - len(outcomes)
    print(f"\n== summary: {time.monotonic() - start:.0f} s" + (f", {not_run} steps not run" if not_run else ""))
    for step, outcome in outcomes:
        if outcome is not Outcome.PASSED:
            print(f"{outcome.value}: {step.title}")
    print(f"gates: {count[Outcome.PASSED]} passed, {count[Outcome.FAILED]} failed, {count[Outcome.SKIPPED]} skipped")
    return 1 if count[Outcome.FAILED] else 0


def main(arguments: Sequence[str]) -> int:
    """Run the named gate; return the exit code."""
    if len(arguments) != 1 or arguments[0] not in GATES:
        print(f"usage: python -m tools.gates {'|'.join(GATES)}", file=sys.stderr)
        return 2
    return run(GATES[arguments[0]], strict=bool(os.environ.get("CI")))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
