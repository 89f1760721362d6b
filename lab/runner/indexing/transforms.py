"""Index-time transforms: REGEX, FORMAT, DEST_KEY as transforms.conf has them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lab.runner import conf
from lab.runner.errors import LabError
from lab.runner.indexing.patterns import splunk_regex

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.runner.indexing.event import Event

_GROUP = re.compile(r"\$(\d+)")
_PAIR = re.compile(r'([^\s:]+)::("(?:[^"])*"|\S+)')
_METADATA = {
    "MetaData:Sourcetype": ("sourcetype", "sourcetype::"),
    "MetaData:Source": ("source", "source::"),
    "MetaData:Host": ("host", "host::"),
    "_MetaData:Index": ("index", ""),
    "_raw": ("raw", ""),
}
_MODELLED = {"REGEX", "FORMAT", "DEST_KEY", "SOURCE_KEY", "WRITE_META", "LOOKAHEAD", "DEFAULT_VALUE"}


@dataclass(frozen=True)
class Transform:
    """One stanza of transforms.conf, compiled.

    Args:
        regex: its REGEX.
        format: its FORMAT.
        destination: its DEST_KEY; ``_meta`` for indexed fields.
        source: its SOURCE_KEY.
        lookahead: how many characters of the event are looked at.
    """

    regex: re.Pattern[str]
    format: str
    destination: str
    source: str
    lookahead: int


def compile_transform(name: str, settings: Mapping[str, str]) -> Transform:
    """Compile a stanza.

    Raises:
        LabError: it is not there, is wrong, or says something that the lab does not act on.
    """
    foreign = set(settings) - _MODELLED
    if not settings or foreign:
        problem = f"uses {', '.join(sorted(foreign))}, which the lab does not act on" if foreign else "is missing"
        raise LabError(f"transforms.conf: [{name}] {problem}.", exit_code=1)
    try:
        regex = re.compile(splunk_regex(settings["REGEX"]))
    except (KeyError, re.error) as error:
        raise LabError(f"transforms.conf: [{name}] has no usable REGEX ({error}).", exit_code=1) from error
    destination = settings.get("DEST_KEY", "")
    if conf.is_true(settings, "WRITE_META", default=False):
        destination = "_meta"
    if destination not in {*_METADATA, "_meta", "queue"}:
        raise LabError(f"transforms.conf: [{name}] DEST_KEY = {destination} is not acted on by the lab.", exit_code=1)
    return Transform(
        regex=regex,
        format=settings.get("FORMAT", f"{name}::$1"),
        destination=destination,
        source=settings.get("SOURCE_KEY", "_raw"),
        lookahead=int(settings.get("LOOKAHEAD", "4096")),
    )


def transforms_of(settings: Mapping[str, str], stanzas: Mapping[str, Mapping[str, str]]) -> tuple[Transform, ...]:
    """Compile the index-time transforms of an event's props, in the order of their class names.

    Args:
        settings: the event's props.
        stanzas: transforms.conf of all apps.
    """
    names: list[str] = []
    for key in sorted(key for key in settings if key.startswith("TRANSFORMS")):
        names.extend(name.strip() for name in settings[key].split(",") if name.strip())
    return tuple(compile_transform(name, stanzas.get(name, {})) for name in names)


def apply(event: Event, transforms: tuple[Transform, ...]) -> Event | None:
    """Run an event through its transforms; None when one of them drops it."""
    for transform in transforms:
        match = transform.regex.search(_source(event, transform))
        if match is None:
            continue
        value = _GROUP.sub(lambda group, found=match: found[int(group[1])] or "", transform.format)  # type: ignore[misc]
        if transform.destination == "queue":
            if value == "nullQueue":
                return None
        elif transform.destination == "_meta":
            pairs = {pair[1]: pair[2].strip('"') for pair in _PAIR.finditer(_quoted(transform.format, value))}
            event = replace(event, indexed={**event.indexed, **pairs})
        else:
            attribute, prefix = _METADATA[transform.destination]
            event = event.described({attribute: value.removeprefix(prefix)})
    return event


def _source(event: Event, transform: Transform) -> str:
    if transform.source == "_raw":
        # A transform that rewrites the whole event looks at the whole of it.
        return event.raw if transform.destination == "_raw" else event.raw[: transform.lookahead]
    attribute, _ = _METADATA.get(transform.source, ("", ""))
    if not attribute:
        raise LabError(f"transforms.conf: SOURCE_KEY = {transform.source} is not acted on by the lab.", exit_code=1)
    return str(getattr(event, attribute))


def _quoted(template: str, value: str) -> str:
    # One pair whose value may hold spaces is kept in one piece, as splunkd does with a single key::$1.
    name, separator, rest = value.partition("::")
    return f'{name}::"{rest}"' if separator and template.count("::") == 1 else value
