"""Tokens: which are set, which are read, and what they are at first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote

from tools.dashboards.definition import Dashboard, texts

_TOKEN = re.compile(r"\$([A-Za-z][\w.]*?)(\|[a-z]+)?\$")
_ROW = re.compile(r"row\.(.+)\.value")
_NOT_ENCODED = "!~*'()"
"""What JavaScript's encodeURIComponent leaves as it is beside letters, digits, ``-``, ``_`` and ``.``."""
_FILTERS = {None, "|s", "|u"}


def filled(text: str, tokens: Mapping[str, str]) -> str:
    """Put values in for tokens, as Splunk does.

    Args:
        text: a query or a time.
        tokens: values by name.

    Raises:
        KeyError: a token has no value.
    """

    def value(match: re.Match[str]) -> str:
        plain = tokens[match[1]]
        if match[2] == "|u":
            return quote(plain, safe=_NOT_ENCODED)
        return json.dumps(plain, ensure_ascii=False) if match[2] == "|s" else plain

    return _TOKEN.sub(value, text)


def initial(dashboard: Dashboard) -> dict[str, str]:
    """The tokens with which a view opens."""
    found: dict[str, str] = {}
    for part in dashboard.inputs.values():
        options = part["options"]
        if part["type"] == "input.timerange":
            earliest, latest = str(options["defaultValue"]).split(",")
            found |= {f"{options['token']}.earliest": earliest, f"{options['token']}.latest": latest}
        else:
            found[options["token"]] = str(options["defaultValue"])
    for name, token in _defaults(dashboard).items():
        found[name] = str(token["value"])
    return found


def row_fields(dashboard: Dashboard, panel: str) -> set[str]:
    """The fields of a clicked row that a panel's handlers read."""
    found: set[str] = set()
    for name, handler in dashboard.handlers():
        if name == panel:
            options = handler.get("options", {})
            keys = [str(token.get("key", "")) for token in options.get("tokens", ())]
            keys += [match[1] for match in _TOKEN.finditer(str(options.get("url", "")))]
            found.update(match[1] for key in keys if (match := _ROW.fullmatch(key)))
    return found


def problems(dashboard: Dashboard) -> Iterator[str]:
    """What is wrong, a line for each."""
    yield from _inputs(dashboard)
    yield from _handlers(dashboard)
    yield from _reads(dashboard)


def _inputs(dashboard: Dashboard) -> Iterator[str]:
    names: list[str] = []
    for name, part in dashboard.inputs.items():
        options = part.get("options", {})
        if not options.get("token"):
            yield f"inputs/{name}: sets no token"
        elif not options.get("defaultValue"):
            yield f"inputs/{name}: has no value to begin with"
        elif options["token"] in names:
            yield f"inputs/{name}: {options['token']} is set by another input too"
        names.append(options.get("token", ""))


def _handlers(dashboard: Dashboard) -> Iterator[str]:
    known = _known(dashboard)
    for name, handler in dashboard.handlers():
        for token in handler.get("options", {}).get("tokens", ()):
            if token["token"] not in known:
                yield f"visualizations/{name}: the token {token['token']} has no value to begin with"
            if not _ROW.fullmatch(str(token.get("key", ""))):
                yield f"visualizations/{name}: {token.get('key')} is no row.<field>.value"


def _reads(dashboard: Dashboard) -> Iterator[str]:
    known = _known(dashboard)
    for place, text in texts(dashboard.content):
        if text.lstrip().startswith(">"):
            continue
        for match in _TOKEN.finditer(text):
            in_handler = "/eventHandlers/" in place and _ROW.fullmatch(match[1])
            if match[1] not in known and not in_handler:
                yield f"{place}: nothing sets ${match[1]}$"
            if match[2] not in _FILTERS:
                yield f"{place}: ${match[1]}{match[2]}$ has a filter other than s and u"


def _known(dashboard: Dashboard) -> set[str]:
    found = set(_defaults(dashboard))
    for part in dashboard.inputs.values():
        token = str(part.get("options", {}).get("token", ""))
        found |= {f"{token}.earliest", f"{token}.latest"} if part["type"] == "input.timerange" else {token}
    return found


def _defaults(dashboard: Dashboard) -> Mapping[str, Mapping[str, str]]:
    given: Mapping[str, Mapping[str, Mapping[str, str]]] = dashboard.content.get("defaults", {}).get("tokens", {})
    return given.get("default", {})
