"""Whether the add-on itself is as it should be: mapping, local settings, limits, files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from soarlink.doctor.diagnosis import Diagnosis
from soarlink.doctor.facts import DiskFacts, Override, Package
from soarlink.doctor.wording import count, listed

SHIPPED_MAXRESULTS = 50_000
"""``maxresults`` as we ship it: what splunkd hands over of one search at most."""

_MOST_SHOWN = 5


def mapping(found: DiskFacts) -> Diagnosis:
    """Whether the mapping rules compile: a wrong one stops every alert before it is sent."""
    name = "mapping"
    if not isinstance(found.mapping, int):
        return Diagnosis.failed(
            name,
            f"A mapping rule is wrong, and nothing is sent: {found.mapping.what}",
            found.mapping.remedy or "Correct the rule.",
        )
    own = f", changed or added here: {listed(found.own_rules)}" if found.own_rules else ""
    return Diagnosis.ok(name, f"{count(found.mapping, 'rule')} compile{own}.")


def overrides(found: Sequence[Override]) -> Diagnosis:
    """Settings in ``local`` that change nothing."""
    name = "overrides"
    if not found:
        return Diagnosis.ok(name, "Every setting in the add-on's local folder has an effect.")
    shown = "; ".join(
        f"{one.file}{f' [{one.stanza}]' if one.stanza else ''}{f' {one.key}' if one.key else ''}: {one.why}"
        for one in found[:_MOST_SHOWN]
    )
    more = f"; and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
    return Diagnosis.warning(
        name,
        f"Without effect in local: {shown}{more}.",
        "Correct the name, or take the setting out so that the shipped one is followed.",
    )


def limits(found: Mapping[str, str]) -> Diagnosis:
    """How many results of one search splunkd hands to the action."""
    name = "limits"
    text = found.get("maxresults", "")
    most = int(text) if text.isdecimal() else SHIPPED_MAXRESULTS
    said = (
        f"Splunk hands over at most {most} results of a search, and ends an action after {found.get('maxtime', '5m')}"
    )
    if most < SHIPPED_MAXRESULTS:
        return Diagnosis.warning(
            name,
            f"{said}; shipped are {SHIPPED_MAXRESULTS}. Further results do not reach the action.",
            "Raise maxresults in [send_to_soar] of local/alert_actions.conf, or have the search give fewer results.",
        )
    return Diagnosis.ok(name, f"{said}. The artifacts of a container and its count stand in the result event.")


def package(found: Package) -> Diagnosis:
    """The add-on's own files, against the list that was made when it was built."""
    name = "package"
    if not found.count:
        return Diagnosis.failed(name, "The list of the add-on's files is missing.", "Install the add-on again.")
    if found.missing:
        return Diagnosis.failed(name, f"Missing: {listed(found.missing)}.", "Install the add-on again.")
    code = [path for path in found.changed if not path.startswith(("default/", "metadata/"))]
    if code:
        return Diagnosis.failed(
            name, f"Not as built: {listed(code)}.", "Install the add-on again; settings belong into local."
        )
    if found.changed:
        return Diagnosis.warning(
            name,
            f"Not as built: {listed(found.changed)}.",
            "Settings belong into local. On a cluster the deployer may have merged local into default: then this is "
            "as it should be.",
        )
    if found.added:
        return Diagnosis.warning(
            name,
            f"Not from this version: {listed(found.added)}.",
            "Remove what an older version has left behind: Python may load it.",
        )
    return Diagnosis.ok(name, f"{count(found.count, 'file')} are as built.")
