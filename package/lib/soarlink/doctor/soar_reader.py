"""Asks SOAR what the checks need to know. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from soarlink.doctor.facts import Container, Playbook, Run, SoarFacts, SoarUser, Subject, Unread
from soarlink.doctor.permission import VIEWS
from soarlink.errors import SoarError
from soarlink.soar.answer import number

if TYPE_CHECKING:
    from soarlink.soar.client import SoarClient

_Fact = TypeVar("_Fact")


def read(client: SoarClient, subject: Subject) -> SoarFacts:
    """Gather the facts; each that can't be had says why, and stops no other."""
    options = _try(client.options)
    return SoarFacts(
        user=_try(lambda: _user(client)),
        views={area: _view(client, path) for area, path in VIEWS.items()},
        labels=options if isinstance(options, Unread) else tuple(map(str, options.get("label") or ())),
        severities=options if isinstance(options, Unread) else tuple(map(_name, options.get("severity") or ())),
        playbooks=_try(lambda: _playbooks(client)),
        container=None if subject.container is None else _container(client, subject.container),
    )


def _try(call: Callable[[], _Fact]) -> _Fact | Unread:
    try:
        return call()
    except SoarError as error:
        return Unread.of(error)


def _view(client: SoarClient, path: str) -> Unread | None:
    found = _try(lambda: client.record(f"{path}?page_size=1"))
    return found if isinstance(found, Unread) else None


def _user(client: SoarClient) -> SoarUser:
    """Whom SOAR takes us for; the shape of ``user_info`` is documented nowhere, so anything may be missing."""
    told = client.record("/rest/user_info")
    username = str(told.get("username") or told.get("name") or "the account")
    own = number(told.get("id"))
    if own is None:
        return SoarUser(username)
    try:
        given = client.record(f"/rest/ph_user/{own}").get("roles")
        roles = {number(row.get("id")): row for row in client.listing("/rest/role")}
    except SoarError:
        return SoarUser(username)  # it may not view users and roles, as it should be
    held = [roles[key] for key in map(_identity, given or ()) if key in roles]
    if not held:
        return SoarUser(username)
    rights: dict[str, frozenset[str]] = {}
    for role in held:
        for area, verbs in _permissions(role.get("permissions")).items():
            rights[area] = rights.get(area, frozenset()) | verbs
    return SoarUser(username, tuple(_name(role) for role in held), rights or None)


def _identity(entry: Any) -> int | None:
    return number(entry.get("id") if isinstance(entry, dict) else entry)


def _permissions(told: Any) -> Mapping[str, frozenset[str]]:
    """Area → verbs, from either shape that clients know: a list of verbs, or verb → allow/deny."""
    found = {}
    for area, verbs in told.items() if isinstance(told, dict) else ():
        if isinstance(verbs, dict):
            found[str(area)] = frozenset(str(verb) for verb, state in verbs.items() if state in ("allow", True))
        elif isinstance(verbs, list):
            found[str(area)] = frozenset(map(str, verbs))
    return found


def _playbooks(client: SoarClient) -> tuple[Playbook, ...]:
    rows = client.listing("/rest/playbook")
    repositories = {number(row.get("id")): str(row.get("name") or "") for row in client.listing("/rest/scm")}
    found = []
    for row in rows:
        own = number(row.get("id"))
        if own is None:
            continue
        repository = repositories.get(number(row.get("scm")), "")
        found.append(
            Playbook(
                id=own,
                name=f"{repository}/{_name(row)}" if repository else _name(row),
                active=bool(row.get("active")),
                kind=str(row.get("playbook_type") or ""),
                labels=tuple(map(str, row.get("labels") or ())),
                draft=bool(row.get("draft_mode")),
                disabled=bool(row.get("disabled")),
            )
        )
    return tuple(found)


def _container(client: SoarClient, wanted: int) -> Container | Unread:
    def ask() -> Container:
        record = client.record(f"/rest/container/{wanted}")
        artifacts = [number(row.get("id")) for row in client.listing(f"/rest/container/{wanted}/artifacts")]
        runs = client.listing("/rest/playbook_run", (("_filter_container", str(wanted)),))
        return Container(
            id=wanted,
            label=str(record.get("label") or ""),
            artifacts=tuple(sorted(one for one in artifacts if one is not None)),
            runs=tuple(
                Run(number(row.get("playbook")) or 0, str(row.get("status") or ""), number(row.get("last_artifact")))
                for row in runs
            ),
        )

    return _try(ask)


def _name(entry: Any) -> str:
    return str((entry.get("name") if isinstance(entry, dict) else entry) or "")
