"""What the account may do in SOAR: enough, and not far more than that.

SOAR has no call that tells a token's own rights. What it may view is found out by viewing; what else it may do stands
in its roles, which only a token that may view users and roles can read; the right to create is proven by creating (REST
reference, 1.3: areas and verbs of roles, the least that the add-on needs).
"""

from __future__ import annotations

from collections.abc import Mapping

from soarlink.doctor.diagnosis import Diagnosis
from soarlink.doctor.facts import SoarFacts, SoarUser, Subject, Trial, Unread
from soarlink.doctor.wording import listed

VIEWS: Mapping[str, str] = {
    "containers": "/rest/container",
    "playbooks": "/rest/playbook",
    "system_settings": "/rest/container_status",
    "users_roles": "/rest/ph_user",
    "apps": "/rest/app",
    "assets": "/rest/asset",
    "custom_lists": "/rest/decided_list",
}
"""Area of rights → a list that only those can read who may view the area."""

NEEDED: Mapping[str, frozenset[str]] = {
    "containers": frozenset({"view", "edit"}),
    "playbooks": frozenset({"view", "execute"}),
}
"""The least that every use of the add-on needs; playbooks only when an action runs one."""

_OF_USE = frozenset({"containers", "playbooks", "system_settings", "users_roles", "case_management", "workbooks"})
"""Areas of which the add-on reads something when a parameter names a status, an owner, a role or a workbook."""

_ROLE = "In SOAR (Administration > User management > Roles & permissions) give the automation user's role"
_LESS = (
    "Give the automation user a role of its own with containers (view, edit), playbooks (view, execute), and view on "
    "system_settings, users_roles, case_management and workbooks, as far as they are used: nothing else is."
)


def rights(facts: SoarFacts, subject: Subject) -> Diagnosis:
    """Whether the account may do what the add-on does with it."""
    name = "rights"
    needed = ["containers"] + (["playbooks"] if subject.playbook else [])
    refused = {area: why for area, why in facts.views.items() if why is not None}
    for area in needed:
        if area in refused:
            verbs = " and ".join(sorted(NEEDED[area], reverse=True))
            return Diagnosis.failed(
                name, f"{_who(facts)} may not view {area}: {refused[area].what}", f"{_ROLE} {verbs} on {area}."
            )
    lacking = _lacking(facts.user, needed)
    if lacking:
        return Diagnosis.failed(
            name, f"The roles of {_who(facts)} do not allow to {listed(lacking)}.", f"{_ROLE} these permissions."
        )
    if "playbooks" in refused:
        return Diagnosis.warning(
            name,
            f"{_who(facts)} may not view playbooks: {refused['playbooks'].what}",
            f"{_ROLE} view and execute on playbooks, if an action is to run one.",
        )
    if isinstance(facts.user, SoarUser) and facts.user.rights is not None:
        return Diagnosis.ok(
            name, f"{_who(facts)} may {listed([f'{verb} {area}' for area in needed for verb in sorted(NEEDED[area])])}."
        )
    seen = " and ".join(needed)
    return Diagnosis.ok(name, f"{_who(facts)} may view {seen}. Whether it may create shows create=true alone.")


def privilege(facts: SoarFacts) -> Diagnosis:
    """Whether the account may do far more than the add-on needs: whoever gets its token may, too."""
    name = "privilege"
    user = facts.user if isinstance(facts.user, SoarUser) else None
    if user is not None and user.roles and any(role.lower() == "administrator" for role in user.roles):
        return Diagnosis.warning(
            name, f"{user.username} has the role Administrator: its token can do everything.", _LESS
        )
    if user is not None and user.rights is not None:
        more = _beyond(user.rights)
        if more:
            return Diagnosis.warning(
                name, f"The roles of {user.username} ({listed(user.roles or ())}) also allow to {listed(more)}.", _LESS
            )
        return Diagnosis.ok(
            name, f"The roles of {user.username} ({listed(user.roles or ())}) allow little more than is needed."
        )
    more = [f"view {area}" for area, why in facts.views.items() if why is None and area not in _OF_USE]
    if more:
        return Diagnosis.warning(name, f"{_who(facts)} may {listed(more)}, which the add-on never does.", _LESS)
    unknown = [area for area, why in facts.views.items() if why is not None and not why.is_refused]
    if unknown:
        return Diagnosis.skipped(name, f"SOAR did not say whether {_who(facts)} may view {listed(unknown)}.")
    return Diagnosis.ok(name, f"{_who(facts)} may not view apps, assets or custom lists.")


def create(trial: Trial | None) -> Diagnosis:
    """What became of the test container."""
    name = "create"
    if trial is None:
        return Diagnosis.skipped(
            name, "Not asked for: create=true sends one test container, reads it back and closes it."
        )
    where = f"container {trial.container_id} ({trial.url})" if trial.container_id is not None else "a test container"
    done = f" Done before: {listed(trial.done)}." if trial.done else ""
    if trial.failure is not None:
        left = f" Close {where} in SOAR by hand." if trial.container_id is not None else ""
        return Diagnosis.failed(
            name, f"{trial.failure.what}{done}", f"{trial.failure.remedy}{left}".strip() or "Look at SOAR."
        )
    return Diagnosis.ok(name, f"{where[0].upper()}{where[1:]}: {listed(trial.done)}.")


def _who(facts: SoarFacts) -> str:
    return facts.user.username if isinstance(facts.user, SoarUser) else "The account"


def _lacking(user: SoarUser | Unread, needed: list[str]) -> list[str]:
    if isinstance(user, Unread) or user.rights is None:
        return []
    return [
        f"{verb} {area}"
        for area in needed
        for verb in sorted(NEEDED[area])
        if verb not in user.rights.get(area, frozenset())
    ]


def _beyond(rights: Mapping[str, frozenset[str]]) -> list[str]:
    """Verbs that the add-on has no use for: any in areas that it never touches, more than reading in the others."""
    found: list[str] = []
    for area, verbs in sorted(rights.items()):
        useful = NEEDED.get(area, frozenset({"view"})) if area in _OF_USE else frozenset()
        found.extend(f"{verb} {area}" for verb in sorted(verbs - useful))
    return found
