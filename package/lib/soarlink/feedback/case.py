"""What the add-on knows of a container: enough to say of everything in it what it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1

OPEN, WRITING = "open", "writing"
"""``writeback`` of a case that changed since the write-back saw it, and of one of which an update is under way."""


_GROWN = "last_playbook last_run_id last_run_time verdict verdict_reason".split()
"""What a case has learned of its runs: it does not stand in the container."""

_SHOWN = "name label status severity owner due closed last_playbook last_run_id verdict verdict_reason".split()
"""What rules of the write-back can look at, or show."""


@dataclass(frozen=True)
class Case:
    """One container, as the lookup ``soar_containers`` has it. Text is "" and numbers 0 where nothing is known.

    ``ours`` says that this add-on sent it. ``verdict`` and ``verdict_reason`` are of the playbook run that moved last.
    ``updated`` is when SOAR last changed the container in any way, ``changed`` when it last changed what stands here.
    ``writeback`` says how far Enterprise Security follows (see :mod:`soarlink.writeback.ledger`), ``pushed`` what was
    written there.
    """

    account: str
    container_id: int
    ours: bool = False
    name: str = ""
    label: str = ""
    status: str = ""
    severity: str = ""
    owner: str = ""
    url: str = ""
    search_name: str = ""
    event_id: str = ""
    orig_sid: str = ""
    orig_rid: str = ""
    identity: str = ""
    risk_object: str = ""
    risk_object_type: str = ""
    last_playbook: str = ""
    last_run_id: int = 0
    last_run_time: str = ""
    verdict: str = ""
    verdict_reason: str = ""
    created: str = ""
    due: str = ""
    closed: str = ""
    updated: str = ""
    changed: str = ""
    writeback: str = ""
    writeback_note: str = ""
    pushed: str = ""

    @property
    def key(self) -> str:
        """The key of its document."""
        return key_of(self.account, self.container_id)

    def document(self) -> dict[str, Any]:
        """The lookup's row."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return {"_key": self.key, "format": FORMAT, **found}

    def seen(self, record: Mapping[str, Any]) -> Case:
        """The case as a later record of the container shows it; what changed is for the write-back."""
        later = replace(
            self,
            name=_text(record, "name"),
            label=_text(record, "label"),
            status=_text(record, "status"),
            severity=_text(record, "severity"),
            owner=_text(record, "owner_name", "_pretty_owner", "owner"),
            created=_text(record, "create_time"),
            due=_text(record, "due_time"),
            closed=_text(record, "close_time"),
            updated=_text(record, "container_update_time", "create_time"),
        )
        return self._moved(later, later.updated)

    def ran(self, playbook: str, run_id: int, time: str, verdict: str, reason: str) -> Case:
        """The case after a playbook run moved; a run that moved earlier changes nothing."""
        if (time, run_id) < (self.last_run_time, self.last_run_id):
            return self
        later = replace(
            self, last_playbook=playbook, last_run_id=run_id, last_run_time=time, verdict=verdict, verdict_reason=reason
        )
        return self._moved(later, time)

    def adopted(self, fresh: Case) -> Case:
        """A container that somebody else made, once it carries our mark: a finding has joined it since.

        Args:
            fresh: the container as it is read now.
        """
        if self.ours or not fresh.ours:
            return self
        return replace(fresh, **{name: getattr(self, name) for name in _GROWN}, writeback=OPEN)

    def _moved(self, later: Case, time: str) -> Case:
        """The later case, for the write-back; an update that was cut short is still to be looked for.

        A change that shows nowhere here, such as a tag of our own, makes nothing newer than an analyst's.
        """
        if later == self:
            return self
        if any(getattr(later, name) != getattr(self, name) for name in _SHOWN):
            later = replace(later, changed=max(self.changed, time))
        return later if self.writeback == WRITING else replace(later, writeback=OPEN)


def key_of(account: str, container_id: int) -> str:
    """The key of a container's document."""
    return f"{account}:{container_id}"


def of_container(account: str, url: str, record: Mapping[str, Any]) -> Case:
    """A container that is seen for the first time.

    Args:
        account: the SOAR account.
        url: the container's page.
        record: the container with ``data``, where we left what it comes from (see :mod:`soarlink.plan.context`).
    """
    data = record.get("data")
    origin = data.get("splunk") if isinstance(data, dict) else None
    facts = origin if isinstance(origin, dict) else {}
    return Case(
        account=account,
        container_id=int(record["id"]),
        ours=bool(facts),
        url=url,
        search_name=_text(facts, "search_name"),
        event_id=_text(facts, "event_id", "finding_id"),
        orig_sid=_text(facts, "orig_sid", "sid"),
        orig_rid=_text(facts, "orig_rid", "rid"),
        identity=_text(record, "source_data_identifier"),
        risk_object=_text(facts, "risk_object"),
        risk_object_type=_text(facts, "risk_object_type"),
    ).seen(record)


def of_document(document: Mapping[str, Any]) -> Case:
    """A case from its row in the lookup; what another version wrote beside it is left alone."""
    known = {one.name: one for one in fields(Case)}
    values = {name: value for name, value in document.items() if name in known and value is not None}
    for name in ("container_id", "last_run_id"):
        values[name] = int(float(values.get(name, 0)))
    values["ours"] = bool(values.get("ours"))
    return Case(**values)


def _text(record: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = record.get(name)
        if isinstance(value, list):
            value = value[0] if value else None
        if value not in (None, ""):
            return str(value)
    return ""
