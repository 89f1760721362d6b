"""The SOARs of the busy week, and the people who work in them."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from lab.demo.people import Person
from lab.demo.schedule import APAC, EMEA, PROMPT_SECONDS
from lab.runner.accounts import Account, Accounts
from lab.runner.lab import ACCOUNT, APP, Lab
from lab.soar import Outcome, StandInSoar, Switches
from lab.soar.seed import SEEDED_OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import TracebackType

PEOPLE = ("alice", "bob")

# Containers are opened by people alone, so that the ledger knows when.
_OUTCOMES = {
    name: replace(SEEDED_OUTCOMES[name], container_status=None)
    for name in ("local/contain_host", "local/phishing_triage")
}
_FAILING = {**_OUTCOMES, "local/phishing_triage": Outcome(status="failed", message="The mail gateway did not answer.")}
SWITCHES = Switches(prompt_seconds=PROMPT_SECONDS, outcomes=_OUTCOMES)
"""How the lab's own SOAR behaves; in the others phishing triage fails, too."""


class Soars:
    """The lab's own SOAR and two more, each with an account, from ``with`` to its end.

    Args:
        lab: an open lab, whose own SOAR has `SWITCHES`.
        clock: seconds since the epoch.
    """

    def __init__(self, lab: Lab, clock: Callable[[], float]) -> None:
        self._lab = lab
        self._clock = clock
        self._open = {EMEA: ExitStack(), APAC: ExitStack()}
        self._soars: dict[str, StandInSoar] = {}
        self._people: dict[tuple[str, str], Person] = {}

    def __enter__(self) -> Self:
        own = self._lab.soar.stand_in
        if own is None:
            raise RuntimeError(f"{self._lab.state} is in use.")
        self._staff(ACCOUNT, own)
        for name in self._open:
            self._staff(name, self._added(name))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for one in self._open.values():
            one.close()

    def person(self, account: str, name: str) -> Person:
        """Give somebody who works in an account's SOAR."""
        return self._people[account, name]

    def throttle(self, account: str) -> None:
        """Let an account's SOAR take no more."""
        self._soars[account].admin.fault("* /rest/*", "429", times=None, retry_after=60)

    def relieve(self, account: str) -> None:
        """Let it take everything again."""
        self._soars[account].admin.clear()

    def lose(self, account: str) -> None:
        """An account's SOAR goes away."""
        self._open[account].close()

    def _added(self, name: str) -> StandInSoar:
        switches = replace(SWITCHES, outcomes=_FAILING)
        soar = StandInSoar(_folder(self._lab.state, name), switches=switches, clock=self._clock)
        self._open[name].enter_context(soar)
        token = secrets.token_urlsafe(32)
        soar.add_automation_user("splunk", token)
        account = Account(name, soar.url, token, soar.ca_file.read_text(encoding="ascii"))
        Accounts(self._lab.management, APP).save(account, exists=False)
        return soar

    def _staff(self, account: str, soar: StandInSoar) -> None:
        self._soars[account] = soar
        soar.admin.add_status("false_positive", "resolved")
        for person in PEOPLE:
            password = secrets.token_urlsafe(12)
            soar.add_user(person, password)
            self._people[account, person] = Person(soar.url, soar.ca_file, person, password)


def _folder(state: Path, account: str) -> Path:
    return state / f"soar-{account}"


@contextmanager
def further_soars(state: Path) -> Iterator[None]:
    """Run what a busy week has beside the lab's own SOAR, and has not lost; nothing in any other state folder."""
    folder = _folder(state, EMEA)
    with StandInSoar(folder) if folder.is_dir() else nullcontext():
        yield
