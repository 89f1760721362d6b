"""A whole lab for a visitor's browser, while other lab commands come and go."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lab.demo.incident import NOTABLES_FILE
from lab.demo.soars import further_soars
from lab.runner.accounts import Accounts
from lab.runner.lab import ACCOUNT, APP, Lab
from lab.runner.request import SendRequest
from lab.web.splunkweb import PREFERRED_PORT, StandInSplunkWeb
from lab.web.trial import Soar, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from lab.runner.report import Report
    from lab.runner.servers import StandInHost
    from lab.splunkd.users import User

POLL_SECONDS = 10
"""How often the lab's SOAR is asked what happened: as often as an account may be set to."""

_PASSWORD_BYTES = 6


@dataclass(frozen=True)
class Served:
    """What a visitor needs to know.

    Args:
        soar: the stand-in SOAR.
        pages: address of the stand-in Splunk Web.
        users: who can sign in there.
        password: with which; not in ``repr``.
        news: gives what the feedback input has brought since it was called last, as ``lab poll`` does; oldest first.
    """

    soar: StandInHost
    pages: str
    users: tuple[User, ...]
    password: str = field(repr=False)
    news: Callable[[], list[dict[str, Any]]] = field(repr=False)


@contextmanager
def serve(state: Path, *, python: Path | None = None) -> Iterator[Served]:
    """Run the stand-ins of a state folder, the add-on's pages and its inputs, its account for the stand-in SOAR set up.

    Args:
        state: the state folder.
        python: the interpreter that runs the add-on.

    Raises:
        LabError: it is running already.
    """
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    with Lab(state, python=python) as lab:
        lab.share(password)
        users = _users(lab, password)
        Accounts(lab.management, APP).poll_every(ACCOUNT, POLL_SECONDS)
        with (
            further_soars(state),
            StandInSplunkWeb(
                lab.home.root,
                APP,
                uri=lab.splunkd.uri,
                ca_file=lab.splunkd.ca_file,
                version=lab.splunkd.version,
                users=users,
                trial=trial_of(lab),
                ports=(PREFERRED_PORT, 0),
            ) as web,
            lab.delivery(),
            lab.feedback(),
        ):
            yield Served(lab.soar, web.url, users, password, lab.news())


def _users(lab: Lab, password: str) -> tuple[User, ...]:
    """Give an administrator, an analyst, and a user for each role of the add-on, who has the role beside `user`."""
    users = [lab.splunkd.user("admin"), lab.splunkd.user("analyst")]
    for role in lab.home.conf(APP, "authorize"):
        name = role.removeprefix("role_")
        if role.startswith(f"role_{APP.lower().removeprefix('ta_')}"):
            users.append(lab.splunkd.add_user(name, ["user", name]))
    for user in users:
        lab.splunkd.set_login(user.name, password)
    return tuple(users)


def trial_of(lab: Lab) -> Trial:
    """Give what a visitor can try: the lab's SOAR, and its actions on the incident that the lab brings."""

    def send(owner: str, search_name: str, action: str, parameters: Mapping[str, str]) -> Report:
        request = SendRequest(NOTABLES_FILE, action=action, parameters=parameters, search_name=search_name, owner=owner)
        return lab.send(request)

    account = lab.account()
    soar = Soar(lab.soar.url, account.token, lab.soar.ca_file.read_text(encoding="ascii"))
    return Trial(soar, send)
