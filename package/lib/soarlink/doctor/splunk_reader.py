"""Asks splunkd what the checks need to know, as the user who runs the doctor. Reads only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable, TypeVar
from urllib.parse import quote, urlencode

from soarlink.access.decision import require_capability, require_role
from soarlink.doctor.facts import App, Caller, Heartbeat, Index, Lease, Polls, SavedSearch, SplunkFacts, Unread, Updates
from soarlink.doctor.platform import LOG_SOURCE
from soarlink.doctor.search import several
from soarlink.errors import AccessRefused, ParameterError, SettingsError, SplunkdError
from soarlink.feedback import checkpoint
from soarlink.feedback import settings as feedback_settings
from soarlink.feedback.cases import COLLECTION as CASES
from soarlink.outbox.collection import Outbox
from soarlink.outbox.lease import COLLECTION as LEASES
from soarlink.plan import parameters
from soarlink.splunk import policy, users
from soarlink.splunk.kvstore import KvStore
from soarlink.splunk.passwords import APP
from soarlink.writeback import path as ways
from soarlink.writeback.ledger import REFUSED, UNCONFIRMED

if TYPE_CHECKING:
    from soarlink.splunk.settings import Settings
    from soarlink.splunk.splunkd import Splunkd

ACTION = "send_to_soar"
CIM = "Splunk_SA_CIM"
ES = "SplunkEnterpriseSecuritySuite"
_OK = 200
_TRUE = frozenset({"1", "true", "t", "yes", "y", "on"})
_Fact = TypeVar("_Fact")


@dataclass(frozen=True)
class Inputs:
    """Age in seconds of the last log line of each modular input on this search head; None where there is no log."""

    delivery: float | None
    feedback: float | None


def read(splunkd: Splunkd, settings: Settings, search: str, logs: Inputs, now: float) -> SplunkFacts:
    """Gather the facts; each that can't be had says why, and stops no other.

    Args:
        splunkd: a session of the caller.
        settings: the add-on's.
        search: name of a saved search; empty for none.
        logs: how old the inputs' logs are.
        now: epoch seconds.
    """
    info = _try(lambda: _one(splunkd, "/services/server/info"))
    outbox = Outbox(KvStore(splunkd))
    return SplunkFacts(
        caller=_try(lambda: caller(splunkd)),
        version=info if isinstance(info, Unread) else str(info.get("version") or ""),
        kv_store=info if isinstance(info, Unread) else str(info.get("kvStoreStatus") or ""),
        outbox=_try(lambda: tuple(outbox.statistics(now))),
        delivery=_heartbeat(splunkd, "soar_delivery", logs.delivery),
        feedback=_heartbeat(splunkd, "soar_feedback", logs.feedback),
        index=_index(splunkd, settings),
        cim=_app(splunkd, CIM),
        es=_app(splunkd, ES),
        parsing=_try(
            lambda: _one(splunkd, f"/servicesNS/nobody/system/configs/conf-props/{quote(LOG_SOURCE, safe='')}")
        ),
        search=_search(splunkd, settings, search) if search else None,
        updates=_try(lambda: _updates(splunkd, settings.writeback_mode)),
    )


def polls(splunkd: Splunkd, settings: Settings, account: str) -> Polls | Unread:
    """How far the feedback input has come with an account."""
    try:
        wanted = feedback_settings.of_account(account, settings.accounts[account])
    except SettingsError as error:
        return Unread(error.what, error.remedy)
    state = _try(lambda: checkpoint.load(KvStore(splunkd), account))
    if isinstance(state, Unread):
        return state
    is_off = wanted.scope == feedback_settings.OFF
    return Polls(is_off, wanted.interval, state.polled, state.error, state.writeback_error)


def caller(splunkd: Splunkd) -> Caller:
    """Who runs the search, as splunkd knows them; what the search says of itself is no proof.

    Raises:
        SplunkdError: no answer, or no such session.
    """
    content = _one(splunkd, "/services/authentication/current-context")
    return Caller(
        str(content.get("username") or ""),
        tuple(map(str, content.get("roles") or ())),
        frozenset(map(str, content.get("capabilities") or ())),
    )


def _try(call: Callable[[], _Fact]) -> _Fact | Unread:
    try:
        return call()
    except SplunkdError as error:
        return Unread.of(error)


def _entries(splunkd: Splunkd, path: str, body: bytes | None = None) -> list[dict[str, Any]]:
    """The entries of a feed.

    Raises:
        SplunkdError: no answer, a refusal, or no feed.
    """
    found = _json(splunkd, f"{path}{'&' if '?' in path else '?'}output_mode=json", body)
    entries = found.get("entry")
    if not isinstance(entries, list):
        raise SplunkdError(f"splunkd answered {path.partition('?')[0]} without a feed.", "Look at splunkd.log.")
    return [entry for entry in entries if isinstance(entry, dict)]


def _json(splunkd: Splunkd, path: str, body: bytes | None) -> dict[str, Any]:
    kind = "application/x-www-form-urlencoded" if body is not None else ""
    reply = splunkd.request("GET" if body is None else "POST", path, body, kind)
    place = path.partition("?")[0]
    if reply.status != _OK:
        raise SplunkdError(f"splunkd answered {place} with HTTP {reply.status}.", "", reply.status)
    try:
        found = json.loads(reply.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise SplunkdError(f"splunkd answered {place} without JSON.", "Look at splunkd.log.", reply.status)
    return found


def _one(splunkd: Splunkd, path: str) -> dict[str, Any]:
    entries = _entries(splunkd, path)
    content = entries[0].get("content") if entries else None
    if not isinstance(content, dict):
        raise SplunkdError(f"splunkd answered {path} without an entry.", "Look at splunkd.log.")
    return content


def _app(splunkd: Splunkd, name: str) -> App | Unread | None:
    found = _try(lambda: _one(splunkd, f"/services/apps/local/{name}"))
    if isinstance(found, Unread):
        return None if found.is_absent else found
    return App(str(found.get("version") or "of unknown version"), _is_true(found.get("disabled")))


def _updates(splunkd: Splunkd, mode: str) -> Updates | None:
    way = ways.choose(splunkd)
    if way is None:
        return None
    query = {"$or": [{"writeback": state} for state in (REFUSED, UNCONFIRMED)]}
    names = ("writeback", "writeback_note")
    rows = KvStore(splunkd).page(CASES, query, sort="updated:-1", fields=names)
    states = [row.get("writeback") for row in rows]
    last = str(rows[0].get("writeback_note") or "") if rows else ""
    return Updates(mode, str(way), states.count(REFUSED), states.count(UNCONFIRMED), last)


def _heartbeat(splunkd: Splunkd, kind: str, log_age: float | None) -> Heartbeat:
    stanzas = _try(lambda: _entries(splunkd, f"/servicesNS/nobody/{APP}/data/inputs/{kind}?count=0"))
    enabled: bool | Unread | None
    if isinstance(stanzas, Unread):
        enabled = None if stanzas.is_absent else stanzas
    else:
        enabled = any(not _is_true((entry.get("content") or {}).get("disabled")) for entry in stanzas)
    lease = _try(lambda: _lease(splunkd, kind)) if enabled is not None else None
    return Heartbeat(enabled, lease, log_age)


def _lease(splunkd: Splunkd, name: str) -> Lease | None:
    found = KvStore(splunkd).page(LEASES, {"lease": name}, sort="number:-1", limit=1)
    return Lease(str(found[0].get("owner") or ""), float(found[0].get("expires") or 0)) if found else None


def _index(splunkd: Splunkd, settings: Settings) -> Index:
    name = settings.index
    found = _try(lambda: _one(splunkd, f"/services/data/indexes/{quote(name, safe='')}"))
    is_here: bool | Unread = True
    events: int | Unread | None = None
    if isinstance(found, Unread):
        is_here = False if found.is_absent else found
        # The index of a search head's peers: asked only when it has none itself.
        events = _try(lambda: _events(splunkd, name)) if found.is_absent else None
    return Index(name, is_here, _try(lambda: _readers(splunkd)), events, settings.problems)


def _readers(splunkd: Splunkd) -> Mapping[str, tuple[str, ...]]:
    keys = ("srchIndexesAllowed", "imported_srchIndexesAllowed")
    return {
        str(entry.get("name")): tuple(str(one) for key in keys for one in (entry.get("content") or {}).get(key) or ())
        for entry in _entries(splunkd, "/services/authorization/roles?count=0")
    }


def _events(splunkd: Splunkd, index: str) -> int:
    search = f"| eventcount summarize=false index={index}"
    order = {"search": search, "exec_mode": "oneshot", "output_mode": "json", "count": "0"}
    rows = _json(splunkd, "/services/search/v2/jobs", urlencode(order).encode("ascii")).get("results") or []
    return sum(int(str(row.get("count") or "0")) for row in rows if isinstance(row, dict))


def _search(splunkd: Splunkd, settings: Settings, name: str) -> SavedSearch | Unread:
    entries = _try(lambda: _entries(splunkd, f"/servicesNS/-/-/saved/searches/{quote(name, safe='')}?count=0"))
    if isinstance(entries, Unread):
        if entries.is_absent:
            return Unread(f'No saved search "{name}" is visible to you.', "Check its name, its app and its sharing.")
        return entries
    found = tuple(_saved(entry) for entry in entries)
    if not found:
        return Unread(f'No saved search "{name}" is visible to you.', "Check its name, its app and its sharing.")
    if len(found) > 1:
        return several(found, name)
    return replace(found[0], refused=_refused(splunkd, settings, found[0]))


def _refused(splunkd: Splunkd, settings: Settings, search: SavedSearch) -> Unread | None:
    """Why the search's owner, as whom its action runs, may not use the account; who may not see users can't tell."""
    try:
        owner = users.named(splunkd.get, search.owner)
        require_capability(owner)
        name = settings.account_name(search.parameters.get("account", ""))
        allowed = policy.access(name, settings.accounts[name])
        require_role(owner, name, allowed, lambda roles: users.with_imported(splunkd.get, roles))
    except AccessRefused as error:
        return Unread(error.what, error.remedy)
    except (SplunkdError, SettingsError):
        return None
    return None


def configuration(content: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of the action in a saved search, as an alert payload's ``configuration`` has them."""
    prefix = f"action.{ACTION}.param."
    return {
        key[len(prefix) :]: "" if value is None else str(value)
        for key, value in content.items()
        if key.startswith(prefix) and key[len(prefix) :] in parameters.DEFAULTS
    }


def _saved(entry: Mapping[str, Any]) -> SavedSearch:
    content: Mapping[str, Any] = entry.get("content") or {}
    acl: Mapping[str, Any] = entry.get("acl") or {}
    given = configuration(content)
    problems: tuple[str, ...] = ()
    try:
        parameters.parse(given)
    except ParameterError as error:
        problems = error.problems
    attached = _is_true(content.get(f"action.{ACTION}"))
    attached |= ACTION in [one.strip() for one in str(content.get("actions") or "").split(",")]
    period = str(content.get("alert.suppress.period") or "a while")
    return SavedSearch(
        name=str(entry.get("name") or ""),
        app=str(acl.get("app") or ""),
        owner=str(acl.get("owner") or ""),
        disabled=_is_true(content.get("disabled")),
        scheduled=_is_true(content.get("is_scheduled")) or _is_true(content.get("enableSched")),
        attached=attached,
        dry_run=_is_true(given.get("dry_run")),
        suppressed=period if _is_true(content.get("alert.suppress")) else "",
        problems=problems,
        parameters=given,
    )


def _is_true(value: object) -> bool:
    return str(value).strip().lower() in _TRUE
