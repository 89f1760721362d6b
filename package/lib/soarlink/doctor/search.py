"""Whether a saved search sends anything at all."""

from __future__ import annotations

from soarlink.doctor.diagnosis import Diagnosis
from soarlink.doctor.facts import SavedSearch, Unread
from soarlink.doctor.wording import listed


def search(found: SavedSearch | Unread | None) -> Diagnosis:
    """Enabled, scheduled, the action attached, its parameters right, and no dry run."""
    name = "search"
    if found is None:
        return Diagnosis.skipped(name, 'Not asked for: search="<name>" looks at a saved search with the action.')
    if isinstance(found, Unread):
        return Diagnosis.failed(
            name, f"The saved search can't be read: {found.what}", found.remedy or "Check its name."
        )
    what = f'"{found.name}" (app {found.app}, owner {found.owner})'
    if found.disabled:
        return Diagnosis.failed(name, f"{what} is disabled.", "Enable it.")
    if not found.attached:
        return Diagnosis.failed(name, f"{what} has no action Send to SOAR.", "Edit it and add the action.")
    if not found.scheduled:
        return Diagnosis.failed(
            name, f"{what} is not scheduled: actions run with the schedule only.", "Give it a schedule."
        )
    if found.problems:
        return Diagnosis.failed(name, f"{what}: {' '.join(found.problems)}", "Correct the action's parameters.")
    if found.refused is not None:
        return Diagnosis.failed(name, f"{what}: {found.refused.what}", found.refused.remedy)
    if found.dry_run:
        return Diagnosis.failed(name, f"{what} has dry_run set: nothing is sent.", "Set the parameter dry_run to 0.")
    if found.suppressed:
        return Diagnosis.warning(
            name,
            f"{what} is throttled: after it has triggered, further results are not sent for {found.suppressed}.",
            "Take the throttling out if each result is to arrive; the same finding joins its container anyway.",
        )
    return Diagnosis.ok(name, f"{what} is enabled and scheduled, and has the action.")


def several(found: tuple[SavedSearch, ...], name: str) -> Unread:
    """More than one saved search of that name is visible."""
    where = listed([f"{one.app} ({one.owner})" for one in found])
    return Unread(
        f'"{name}" is the name of several, in {where}.', "Run the doctor in the app of the one that is meant."
    )
