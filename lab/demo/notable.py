"""Notables as Enterprise Security gives them to an ad hoc action, and the CSV that Splunk makes of them."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

Value: TypeAlias = "str | tuple[str, ...]"

INCIDENT_START = 1_795_000_000
"""When the incident began, seconds since the epoch."""

_INDEXER = "1A082D7B-D5A1-4A2B-BB94-41C439BE3EB7"
_ENTERPRISE_SECURITY = "SplunkEnterpriseSecuritySuite"


@dataclass(frozen=True)
class Notable:
    """One notable.

    Args:
        minute: minutes since the incident began.
        domain: security domain, the first word of its correlation search's name.
        rule: the rule's name.
        title: what the analyst reads.
        description: what the analyst reads below.
        urgency: informational, low, medium, high or critical.
        sourcetype: of the events that it was made from.
        fields: what the correlation search puts out.
        techniques: MITRE ATT&CK technique ids.
        tactics: MITRE ATT&CK tactics.
    """

    minute: int
    domain: str
    rule: str
    title: str
    description: str
    urgency: str
    sourcetype: str
    fields: Mapping[str, Value]
    techniques: tuple[str, ...] = ()
    tactics: tuple[str, ...] = ()

    def row(self, number: int) -> dict[str, Value]:
        """Give all its fields as Incident Review has them.

        Args:
            number: its position among the notables, which makes its ids unique.
        """
        when = INCIDENT_START + 60 * self.minute
        search = f"{self.domain.title()} - {self.rule} - Rule"
        event_hash = hashlib.md5(f"{when}{search}{number}".encode(), usedforsecurity=False).hexdigest()
        search_hash = hashlib.md5(search.encode(), usedforsecurity=False).hexdigest()[:16]
        row: dict[str, Value] = {
            "_time": f"{when}.000",
            "_raw": self._raw(when, search),
            "event_id": f"{_INDEXER}@@notable@@{event_hash}",
            "event_hash": event_hash,
            "rule_id": f"{_INDEXER}@@notable@@{event_hash}",
            "indexer_guid": _INDEXER,
            "search_name": search,
            "rule_name": self.rule,
            "rule_title": self.title,
            "rule_description": self.description,
            "security_domain": self.domain,
            "severity": self.urgency,
            "urgency": self.urgency,
            "priority": "high",
            "status": "1",
            "status_label": "New",
            "status_group": "New",
            "status_end": "false",
            "owner": "unassigned",
            "owner_realname": "unassigned",
            "orig_action_name": "notable",
            "orig_sid": f"scheduler__admin__{_ENTERPRISE_SECURITY}__RMD5{search_hash}_at_{when + 60}_{100 + number}",
            "orig_rid": "0",
            "orig_sourcetype": self.sourcetype,
            "info_min_time": f"{when - 3600}.000000000",
            "info_max_time": f"{when + 60}.000000000",
            "info_search_time": f"{when + 61}.250000000",
            "drilldown_name": f"View the events behind {self.rule}",
            "drilldown_search": f'index=* sourcetype="{self.sourcetype}" earliest={when - 3600} latest={when + 60}',
            "drilldown_earliest": str(when - 3600),
            "drilldown_latest": str(when + 60),
            "host": "sh-es-01",
            "source": search,
            "sourcetype": "stash",
            "index": "notable",
            "splunk_server": "idx-01",
            "eventtype": ("modnotable_results", "notable"),
            "tag": ("attack", self.domain),
            **self.fields,
        }
        if self.techniques:
            row["annotations.mitre_attack"] = self.techniques
            row["annotations.mitre_attack.mitre_technique_id"] = self.techniques
            row["annotations.mitre_attack.mitre_tactic"] = self.tactics
        return row

    def _raw(self, when: int, search: str) -> str:
        pairs = [f'search_name="{search}"']
        for name, value in sorted(self.fields.items()):
            for text in (value,) if isinstance(value, str) else value:
                escaped = text.replace("\\", "\\\\").replace('"', '\\"')
                pairs.append(f'{name}="{escaped}"')
        return f"{when}, {', '.join(pairs)}"


@dataclass(frozen=True)
class Table:
    """Rows of different shapes under the columns of all of them, as a search over several kinds of notables has.

    Args:
        rows: the rows.
        columns: all their columns, in the order of their first use.
    """

    rows: Sequence[Mapping[str, Value]]
    columns: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(dict.fromkeys(name for row in self.rows for name in row)))

    def write(self, stream: TextIO) -> None:
        """Write it as Splunk writes results: each column, then its ``__mv_`` column."""
        names = [name for column in self.columns for name in (column, f"__mv_{column}")]
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(names)
        for row in self.rows:
            writer.writerow([cell for column in self.columns for cell in _cells(row.get(column, ""))])


def _cells(value: Value) -> tuple[str, str]:
    if isinstance(value, str):
        return value, ""
    return "\n".join(value), ";".join(f"${text.replace('$', '$$')}$" for text in value) if len(value) > 1 else ""
