"""Feeds and messages as Atom XML (splunkd's default) or JSON.

The XML is the minimum that splunklib 2.1.1 reads: links, `eai:acl` inside the content, booleans as 1 and 0, nulls
empty. In JSON booleans are native, the ACL stands on the entry and `content["eai:acl"]` is null.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from lab.splunkd.response import Response, json_response, xml_response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.splunkd.entry import Acl, Entry, Feed
    from lab.splunkd.refusal import Refused
    from lab.splunkd.request import Request

NAMESPACES = (
    'xmlns="http://www.w3.org/2005/Atom" xmlns:s="http://dev.splunk.com/ns/rest" '
    'xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/"'
)
BUILD = "4a2f9d3ad8b1"
_RELATIONS = {"_new": "create"}


def entity_segment(name: str) -> str:
    """Encode an entity's name for a path: a slash twice, everything else once."""
    return quote(name.replace("/", "%2F"), safe="")


@dataclass(frozen=True)
class Renderer:
    """Renders for one server: its uri, version and the time of the answer (epoch seconds)."""

    uri: str
    version: str
    now: float

    def feed(self, request: Request, feed: Feed, status: int = 200) -> Response:
        """Return `feed` in the output mode that `request` asks for."""
        base = _base(request, feed)
        if request.output_mode == "json":
            return json_response(self._json_feed(base, feed), status)
        return xml_response(self._xml_feed(base, feed), status)

    def entry(self, request: Request, feed: Feed, status: int = 200) -> Response:
        """Return the only entry of `feed` without a feed around it, as search jobs do in XML."""
        if request.output_mode == "json":
            return self.feed(request, feed, status)
        return xml_response(self._xml_entry(feed, feed.entries[0], f" {NAMESPACES}"), status)

    @property
    def _updated(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(self.now))

    def _json_feed(self, base: str, feed: Feed) -> dict[str, Any]:
        return {
            "links": {_RELATIONS.get(link, link): f"{base}/{link}" for link in feed.collection_links},
            "origin": f"{self.uri}{base}",
            "updated": self._updated,
            "generator": {"build": BUILD, "version": self.version},
            "entry": [self._json_entry(feed, entry) for entry in feed.entries],
            "paging": {"total": feed.total, "perPage": feed.per_page, "offset": feed.offset},
            "messages": [],
        }

    def _json_entry(self, feed: Feed, entry: Entry) -> dict[str, Any]:
        path = _entry_path(feed, entry)
        return {
            "name": entry.name,
            "id": f"{self.uri}{path}",
            "updated": self._updated,
            "links": _links(path, entry),
            "author": entry.acl.owner,
            "acl": acl_document(entry.acl),
            "content": {**entry.content, "eai:acl": None},
        }

    def _xml_feed(self, base: str, feed: Feed) -> str:
        entries = "".join(self._xml_entry(feed, entry) for entry in feed.entries)
        return (
            f"<feed {NAMESPACES}><title>{escape(feed.endpoint.rsplit('/', 1)[-1])}</title>"
            f"<id>{escape(self.uri + base)}</id><updated>{self._updated}</updated>"
            f'<generator build="{BUILD}" version="{self.version}"/><author><name>Splunk</name></author>'
            f"<opensearch:totalResults>{feed.total}</opensearch:totalResults>"
            f"<opensearch:itemsPerPage>{feed.per_page}</opensearch:itemsPerPage>"
            f"<opensearch:startIndex>{feed.offset}</opensearch:startIndex><s:messages/>{entries}</feed>"
        )

    def _xml_entry(self, feed: Feed, entry: Entry, attributes: str = "") -> str:
        path = _entry_path(feed, entry)
        links = "".join(
            f"<link href={quoteattr(href)} rel={quoteattr(rel)}/>" for rel, href in _links(path, entry).items()
        )
        content = {**entry.content, "eai:acl": acl_document(entry.acl)}
        return (
            f"<entry{attributes}><title>{escape(entry.name)}</title><id>{escape(self.uri + path)}</id>"
            f"<updated>{self._updated}</updated>{links}<author><name>{escape(entry.acl.owner)}</name></author>"
            f'<content type="text/xml">{xml_value(content)}</content></entry>'
        )


def acl_document(acl: Acl) -> dict[str, Any]:
    """Return the access list as splunkd writes it."""
    return {
        "app": acl.app,
        "can_change_perms": acl.can_write,
        "can_list": True,
        "can_share_app": acl.can_write,
        "can_share_global": acl.can_write,
        "can_share_user": False,
        "can_write": acl.can_write,
        "modifiable": acl.can_write,
        "owner": acl.owner,
        "perms": {"read": list(acl.read), "write": list(acl.write)},
        "removable": acl.removable,
        "sharing": acl.sharing,
    }


def refusal(output_mode: str, refused: Refused) -> Response:
    """Return a refusal in the output mode that the client asked for."""
    if output_mode == "json":
        response = json_response({"messages": [{"type": refused.kind, "text": refused.text}]}, refused.status)
    else:
        message = f"<msg type={quoteattr(refused.kind)}>{escape(refused.text)}</msg>"
        text = f"<response>\n  <messages>\n    {message}\n  </messages>\n</response>\n"
        response = xml_response(text, refused.status)
    return Response(response.status, response.body, response.content_type, refused.headers)


def xml_value(value: Any) -> str:
    """Render a content value: mappings and lists as `s:dict` and `s:list`, booleans as 1 and 0, null as nothing."""
    if isinstance(value, dict):
        keys = "".join(f"<s:key name={quoteattr(str(key))}>{xml_value(item)}</s:key>" for key, item in value.items())
        return f"<s:dict>{keys}</s:dict>"
    if isinstance(value, (list, tuple)):
        return "<s:list>" + "".join(f"<s:item>{xml_value(item)}</s:item>" for item in value) + "</s:list>"
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    return escape(str(value))


def _base(request: Request, feed: Feed) -> str:
    if request.namespace is None or not feed.namespaced:
        return f"/services/{feed.endpoint}"
    return f"/servicesNS/{quote(request.namespace.owner)}/{quote(request.namespace.app)}/{feed.endpoint}"


def _entry_path(feed: Feed, entry: Entry) -> str:
    if feed.namespaced and entry.acl.app:
        root = f"/servicesNS/{quote(entry.acl.owner)}/{quote(entry.acl.app)}/{feed.endpoint}"
    else:
        root = f"/services/{feed.endpoint}"
    return f"{root}/{entity_segment(entry.name)}"


def _links(path: str, entry: Entry) -> Mapping[str, str]:
    links = {"alternate": path}
    for link in entry.links:
        allowed = {"edit": entry.acl.can_write, "remove": entry.acl.removable}.get(link, True)
        if allowed:
            links[link] = path if link in {"list", "edit", "remove"} else f"{path}/{link}"
    return links
