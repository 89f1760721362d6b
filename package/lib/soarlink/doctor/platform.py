"""What Splunk must have for the add-on: KV store, index, parsing, Enterprise Security, Python."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping

from soarlink.doctor.diagnosis import Diagnosis
from soarlink.doctor.facts import App, Caller, Index, Interpreter, Unread, Updates
from soarlink.doctor.wording import listed

LOG_SOURCE = "source::...send_to_soar_modalert.log*"
"""The props stanza of the action's log."""

LOG_SOURCETYPE = "modular_alerts:send_to_soar"
NOTABLE_UPDATES = "edit_notable_events"
PYTHONS = ((3, 9), (3, 13))
"""The versions that Splunk 9.4 to 10.x runs add-ons with, and on which this one is tested."""


def kv_store(status: str | Unread) -> Diagnosis:
    """The KV store's state: without it nothing is lost, and nothing leaves the journals for other search heads."""
    name = "kv_store"
    if isinstance(status, Unread):
        return Diagnosis.skipped(name, f"splunkd does not tell: {status.what}")
    if status == "ready":
        return Diagnosis.ok(name, "The KV store is ready.")
    return Diagnosis.failed(
        name,
        f'The KV store is "{status or "not there"}": what SOAR does not take stays in journals on this search head.',
        "See Settings > Server settings > KV store, or splunk show kvstore-status.",
    )


def index(found: Index, caller: Caller | Unread) -> Diagnosis:
    """Whether the index of the add-on's events exists, and whether the caller may search it."""
    name = "index"
    if found.problems:
        return Diagnosis.warning(name, " ".join(found.problems), "Save the right index in the tab Index.")
    missing = _missing(found)
    if missing is not None:
        return missing
    if isinstance(found.readers, Unread) or isinstance(caller, Unread):
        why = found.readers.what if isinstance(found.readers, Unread) else "splunkd does not say who asks."
        return Diagnosis.ok(name, f'The index "{found.name}" is there; who may search it is not known: {why}')
    readers = sorted(role for role, patterns in found.readers.items() if covers(patterns, found.name))
    if not set(readers) & set(caller.roles):
        return Diagnosis.warning(
            name,
            f'The index "{found.name}" is there; the roles of {caller.name} ({listed(caller.roles)}) may not search '
            f"it, only {listed(readers)}.",
            "Give a role of those who look at results the index (Settings > Roles > Indexes).",
        )
    return Diagnosis.ok(name, f'The index "{found.name}" is there; the roles {listed(readers)} may search it.')


def cim(app: App | Unread | None, parsing: Mapping[str, str] | Unread) -> Diagnosis:
    """Splunk_SA_CIM, and whether the action's log is parsed as the Common Action Model wants it."""
    name = "cim"
    if isinstance(parsing, Unread):
        return Diagnosis.skipped(name, f"The parsing of the action's log can't be read: {parsing.what}")
    sourcetype = parsing.get("sourcetype", "")
    if sourcetype != LOG_SOURCETYPE:
        return Diagnosis.failed(
            name,
            f'[{LOG_SOURCE}] of props.conf sets the source type "{sourcetype}", not {LOG_SOURCETYPE}: Incident '
            "Review does not see what became of results.",
            "Take the setting out of the app that overrides it (splunk btool props list --debug).",
        )
    if isinstance(app, Unread):
        return Diagnosis.skipped(name, f"Whether Splunk_SA_CIM is there can't be read: {app.what}")
    if app is None:
        return Diagnosis.ok(
            name, "The action's log is parsed. Splunk_SA_CIM is not there, and needed by Enterprise Security only."
        )
    if app.disabled:
        return Diagnosis.warning(
            name,
            f"Splunk_SA_CIM {app.version} is disabled: nothing shows what actions did.",
            "Enable it, if Enterprise Security is used.",
        )
    return Diagnosis.ok(name, f"The action's log is parsed, Splunk_SA_CIM {app.version} is there.")


def enterprise_security(
    app: App | Unread | None, caller: Caller | Unread, updates: Updates | Unread | None
) -> Diagnosis:
    """Enterprise Security's version, the way in which notables are updated and why, and what did not work."""
    name = "enterprise_security"
    if isinstance(app, Unread):
        return Diagnosis.skipped(name, f"Whether Enterprise Security is there can't be read: {app.what}")
    if app is None:
        return Diagnosis.skipped(name, "Enterprise Security is not installed here.")
    if app.disabled:
        return Diagnosis.warning(name, f"Enterprise Security {app.version} is disabled.", "Enable it.")
    if isinstance(caller, Unread):
        return Diagnosis.skipped(
            name, f"Enterprise Security {app.version}; splunkd does not say who asks: {caller.what}"
        )
    if NOTABLE_UPDATES not in caller.capabilities:
        return Diagnosis.warning(
            name,
            f"Enterprise Security {app.version}; {caller.name} has no capability {NOTABLE_UPDATES} and may not "
            "update notables.",
            "Whoever is to update notables needs it (role ess_analyst or ess_admin).",
        )
    what = f"Enterprise Security {app.version}; {caller.name} may update notables."
    if updates is None or isinstance(updates, Unread):
        return Diagnosis.ok(name, what if updates is None else f"{what} How it is done can't be read: {updates.what}")
    what = f"{what} Notable updates are {updates.mode}: {updates.path}."
    if not updates.refused and not updates.unconfirmed:
        return Diagnosis.ok(name, what)
    return Diagnosis.warning(
        name,
        f"{what} Of the last update of containers {updates.refused} were refused, {updates.unconfirmed} not seen when "
        f"they were read back; the latest: {updates.last}",
        '| inputlookup soar_containers | search writeback IN ("refused", "unconfirmed") lists them. Correct the rules '
        "on the tab Notable updates, or the rights of the user that Splunk runs inputs as; they are written again when "
        "the container changes.",
    )


def interpreter(found: Interpreter) -> Diagnosis:
    """The Python that runs the add-on, and those that Splunk brings: actions may run with another of them."""
    name = "interpreter"
    what = f"Python {_dotted(found.version)} ({found.path}) with {found.openssl}"
    if found.brought:
        what = f"{what}; Splunk brings {listed([_dotted(one) for one in found.brought])}"
    if found.version[:2] in PYTHONS:
        return Diagnosis.ok(name, f"{what}.")
    tested = " and ".join(_dotted(one) for one in PYTHONS)
    remedy = "Let Splunk run the add-on with its own Python (python.required)."
    return Diagnosis.warning(name, f"{what}; tested are {tested}.", remedy)


def covers(patterns: Iterable[str], name: str) -> bool:
    """Whether patterns of ``srchIndexesAllowed`` cover an index: ``*`` means all but those that begin with ``_``."""
    return any(
        fnmatch.fnmatchcase(name.lower(), pattern.strip().lower())
        for pattern in patterns
        if pattern.strip().startswith("_") == name.startswith("_")
    )


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _missing(found: Index) -> Diagnosis | None:
    """What is wrong with an index that is not here; None when it is, or when searches find it on other machines."""
    name = "index"
    if found.is_here is True or (isinstance(found.events, int) and found.events > 0):
        return None
    if isinstance(found.is_here, Unread):
        return Diagnosis.skipped(name, f'Whether the index "{found.name}" exists can\'t be read: {found.is_here.what}')
    if isinstance(found.events, Unread):
        return Diagnosis.warning(
            name,
            f'This search head has no index "{found.name}", and what its search peers have can\'t be read: '
            f"{found.events.what}",
            f"See that the indexers have it: | eventcount summarize=false index={found.name}",
        )
    return Diagnosis.failed(
        name,
        f'There is no index "{found.name}" here, and no search peer has events in it: result events are lost or go '
        "nowhere.",
        "Create it on the indexers, or save one that exists in the tab Index of the configuration page.",
    )
