"""Entities of a collection and the feed that lists them."""

from __future__ import annotations

import fnmatch
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lab.splunkd.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lab.splunkd.request import Request

DEFAULT_COUNT = 30


@dataclass(frozen=True)
class Acl:
    """Who owns an object and who may do what with it."""

    app: str
    owner: str = "nobody"
    sharing: str = "app"
    read: tuple[str, ...] = ("*",)
    write: tuple[str, ...] = ("admin",)
    can_write: bool = True
    removable: bool = False


@dataclass(frozen=True)
class Entry:
    """One entity: its name, content as splunkd's JSON types it, and access list."""

    name: str
    content: Mapping[str, Any]
    acl: Acl
    links: tuple[str, ...] = ("list", "edit", "remove")


@dataclass(frozen=True)
class Feed:
    """A page of entries.

    Args:
        endpoint: path behind the namespace, such as `configs/conf-server`.
        entries: the page.
        total: number of entries on all pages.
        namespaced: whether ids and links carry the entry's namespace.
    """

    endpoint: str
    entries: Sequence[Entry]
    total: int
    offset: int = 0
    per_page: int = DEFAULT_COUNT
    namespaced: bool = True
    collection_links: tuple[str, ...] = field(default=("_new", "_reload", "_acl"))


def one(endpoint: str, entry: Entry, *, namespaced: bool = True) -> Feed:
    """Return the feed of a single entry."""
    return Feed(endpoint, [entry], 1, namespaced=namespaced)


def page(request: Request, endpoint: str, entries: Sequence[Entry], *, namespaced: bool = True) -> Feed:
    """Filter, sort and cut `entries` by the request's `search`, `sort_key`, `sort_dir`, `offset` and `count`."""
    args = request.args
    found = [entry for entry in entries if _matches(entry, args.get("search", ""))]
    sort_key = args.get("sort_key", "name")
    found.sort(key=lambda entry: _sortable(entry, sort_key), reverse=args.get("sort_dir", "asc") == "desc")
    offset, count = _number(args, "offset", 0), _number(args, "count", DEFAULT_COUNT)
    cut = found[offset:] if count <= 0 else found[offset : offset + count]
    return Feed(endpoint, cut, len(found), offset, max(0, count), namespaced)


def _number(args: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(args.get(name, default))
    except ValueError as error:
        raise Refused(400, f"Invalid value for {name}: {args[name]}") from error


def _sortable(entry: Entry, key: str) -> str:
    return entry.name.lower() if key == "name" else str(entry.content.get(key, "")).lower()


def _matches(entry: Entry, search: str) -> bool:
    try:
        terms = shlex.split(search)
    except ValueError:
        terms = search.split()
    return all(_matches_term(entry, term) for term in terms)


def _matches_term(entry: Entry, term: str) -> bool:
    key, separator, wanted = term.partition("=")
    values = {"name": entry.name, "title": entry.name, "eai:acl.app": entry.acl.app, "eai:acl.owner": entry.acl.owner}
    values |= {"eai:acl.sharing": entry.acl.sharing}
    fields = values | {name: str(value) for name, value in entry.content.items() if value is not None}
    if separator and (key in fields or ":" in key):
        return key in fields and _equals(fields[key], wanted)
    return any(_equals(str(value), f"*{term}*") for value in fields.values())


def _equals(value: str, pattern: str) -> bool:
    # "[" is literal in splunkd's filter, only "*" is a wildcard.
    return fnmatch.fnmatchcase(value.lower(), pattern.lower().replace("[", "[[]").replace("?", "[?]"))
