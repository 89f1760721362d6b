"""Which of splunkd's endpoints Splunk Web passes on: those that a web.conf exposes.

From the specification of web.conf: a pattern names a path below `/services` and `/servicesNS/*/*`; an element `*` is
any one element, `**` any number of them, and one that ends in `*` a prefix. `methods` are GET unless others are named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.splunkd.request import NOBODY, WILDCARD, Namespace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lab.splunkd.confstore import ConfStore

# What Splunk's own web.conf exposes and pages of apps ask for; Splunk's list is much longer.
_BUILT_IN = (
    ("apps/local", "GET"),
    ("apps/local/*", "GET"),
    ("authentication/current-context", "GET"),
    ("configs/conf-*", "GET"),
    ("configs/conf-*/*", "GET"),
    ("data/indexes", "GET"),
    ("data/ui/times", "GET"),
    ("data/user-prefs/*", "GET"),
    ("saved/searches", "GET,POST"),
    ("saved/searches/*", "GET,POST,DELETE"),
    ("saved/searches/*/dispatch", "POST"),
    ("saved/searches/*/history", "GET"),
    ("search/jobs", "GET,POST"),
    ("search/jobs/**", "GET,POST,DELETE"),
    ("search/timeparser", "GET"),
    ("search/v2/jobs", "GET,POST"),
    ("search/v2/jobs/**", "GET,POST"),
    ("server/info", "GET"),
    ("server/info/*", "GET"),
    ("web-features", "GET"),
)


@dataclass(frozen=True)
class Exposure:
    """One pattern and the methods that it lets through."""

    pattern: re.Pattern[str]
    methods: frozenset[str]


class Exposures:
    """The endpoints that pages can reach.

    Args:
        confs: where every app's web.conf is read.
    """

    def __init__(self, confs: ConfStore) -> None:
        self._confs = confs

    def methods(self, segments: Sequence[str]) -> frozenset[str]:
        """Return the methods that are let through to a path; none when it is not exposed.

        Args:
            segments: the path behind its namespace.
        """
        path = "/".join(segments)
        found = (one.methods for one in self._all() if one.pattern.fullmatch(path))
        return frozenset().union(*found)

    def _all(self) -> Iterable[Exposure]:
        for pattern, methods in _BUILT_IN:
            yield _exposure(pattern, methods)
        for name, stanza in self._confs.stanzas("web", Namespace(NOBODY, WILDCARD)).items():
            if name.startswith("expose:") and stanza.values.get("pattern"):
                yield _exposure(stanza.values["pattern"], stanza.values.get("methods", "GET"))


def _exposure(pattern: str, methods: str) -> Exposure:
    elements = "/".join(_element(element) for element in pattern.split("/"))
    return Exposure(re.compile(elements), frozenset(method.strip() for method in methods.split(",")))


def _element(element: str) -> str:
    if element == "**":
        return ".+"
    if element.endswith("*"):
        return re.escape(element[:-1]) + "[^/]+"
    return re.escape(element)
