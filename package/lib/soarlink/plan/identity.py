"""The keys by which SOAR knows a container and an artifact again, however often they are sent.

A key comes from what was found, never from the clock. The scheduled run beside the notable and an analyst's ad hoc run
on that notable meet in one container, because ES writes the first one's sid and rid into the notable as ``orig_sid``
and ``orig_rid``. ``sid+rid`` is also the form in which SOAR's own Splunk connector finds the notable again.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from soarlink.body import to_bytes, to_text
from soarlink.plan import moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soarlink.plan.run import AlertRun
    from soarlink.rows.row import Row

FINDING_FIELDS = ("event_id", "finding_id")
"""Fields that hold the id of a notable (ES 7) or finding (ES 8)."""


def of_row(row: Row, run: AlertRun) -> str:
    """Key of one result: of the notable that it is, of the scheduled run that found it, or of the finding's id."""
    orig_sid, orig_rid = row.first("orig_sid"), row.first("orig_rid")
    if orig_sid and orig_rid:
        return f"{orig_sid}+{orig_rid}"
    if not run.scheduled:
        for field in FINDING_FIELDS:
            if row.first(field):
                return row.first(field)
    return f"{run.sid}+{row.rid}"


def others(row: Row, key: str) -> tuple[str, ...]:
    """Further keys under which the finding may be in SOAR already: by ES 8 pairing, or by an earlier ad hoc run."""
    found = [other for other in map(row.first, FINDING_FIELDS) if other and other != key]
    return tuple(dict.fromkeys(found)) if found else ()


def of_group(values: Sequence[tuple[str, ...]], run: AlertRun) -> str:
    """Key of a group of one run's results; ``values`` are the group fields' values, in the order of the parameter."""
    return f"{run.sid}+{_digest(to_text(values))}"


def of_content(search: str, values: Sequence[tuple[str, ...]], window: str) -> str:
    """Key of what a search finds again and again.

    Args:
        search: the search's name: other searches have keys of their own.
        values: the identity fields' values, in the order of the parameter.
        window: the time window that the row falls into, see :func:`window_of`.
    """
    return f"content+{_digest(to_text([search, values, window]))}"


def window_of(row: Row, seconds: float) -> str | None:
    """The window of the row's ``_time``: "" when there are no windows, None when the row has no time."""
    if not seconds:
        return ""
    found = moment.epoch(row.first("_time"))
    return None if found is None else str(int(found // seconds))


def of_search(run: AlertRun) -> str:
    """Key of a whole search run."""
    return run.sid


def of_overflow(run: AlertRun) -> str:
    """Key of the container that takes what the flood guard keeps from having one of its own."""
    return f"{run.sid}+overflow"


def of_generation(key: str, number: int) -> str:
    """Key of the container that follows a closed one; the first has the key itself."""
    return key if number == 1 else f"{key}~{number}"


def of_artifact(row_key: str, content: str) -> str:
    """Key of an artifact: equal content is the same artifact, a notable that has learned new fields is a new one.

    Args:
        row_key: the key of the row that it comes from.
        content: its CEF fields as compact JSON, sorted by name.
    """
    return f"{row_key}#{_digest(content)}"


def content_of(artifact_key: str) -> str:
    """What two artifacts with the same CEF fields have in common, whichever rows they come from."""
    return artifact_key.rpartition("#")[2]


def _digest(content: str) -> str:
    return hashlib.sha256(to_bytes(content)).hexdigest()[:32]
