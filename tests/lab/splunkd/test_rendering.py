"""Feeds in JSON and Atom XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # the stand-in's own output

from tests.lab.splunkd.client import APP, Client

ATOM = "{http://www.w3.org/2005/Atom}"
REST = "{http://dev.splunk.com/ns/rest}"
CONF = f"/servicesNS/nobody/{APP}/configs/conf-{APP.lower()}_settings"


def test_json_feed_has_splunkds_shape(admin: Client) -> None:
    """A JSON feed has links, paging, entries with an ACL of their own, native booleans and a null eai:acl."""
    document = admin.get(CONF).json
    assert document["links"]["create"] == f"{CONF}/_new"
    assert document["paging"] == {"total": len(document["entry"]), "perPage": 30, "offset": 0}
    assert document["messages"] == []
    entry = next(entry for entry in document["entry"] if entry["name"] == "logging")
    assert entry["content"]["eai:acl"] is None
    assert entry["content"]["disabled"] is False
    assert entry["acl"]["app"] == APP
    assert entry["acl"]["perms"]["write"][:2] == ["admin", "sc_admin"]
    assert entry["links"]["alternate"] == f"{CONF}/logging"


def test_xml_is_the_default_and_embeds_the_acl(admin: Client) -> None:
    """Without output_mode the feed is Atom, booleans are digits, and eai:acl is inside the content."""
    feed = ET.fromstring(admin.call("GET", f"{CONF}/logging").text)  # noqa: S314 - the stand-in's own output
    entry = feed.find(f"{ATOM}entry")
    assert entry is not None
    keys = {key.get("name"): key for key in entry.iter(f"{REST}key")}
    assert keys["disabled"].text == "0"
    assert keys["app"].text == APP
    assert [item.text for item in keys["write"].iter(f"{REST}item")][:2] == ["admin", "sc_admin"]
    links = {link.get("rel"): link.get("href") for link in entry.findall(f"{ATOM}link")}
    assert links["alternate"] == f"{CONF}/logging"


def test_text_is_escaped_in_xml(admin: Client) -> None:
    """Markup in names and values survives Atom."""
    admin.post("/services/messages", {"name": "a<b", "value": "x & <y>", "severity": "info"})
    feed = ET.fromstring(admin.call("GET", "/services/messages/a%3Cb").text)  # noqa: S314 - the stand-in's own output
    title = feed.find(f"{ATOM}entry/{ATOM}title")
    assert title is not None
    assert title.text == "a<b"
    assert "x & <y>" in [key.text for key in feed.iter(f"{REST}key")]


def test_output_mode_may_stand_in_the_body(admin: Client) -> None:
    """output_mode is read from the form as well as from the query."""
    reply = admin.call("POST", "/services/messages", b"name=m&value=v&output_mode=json")
    assert reply.content["message"] == "v"


def test_paging_and_filtering(admin: Client) -> None:
    """count, offset, sort_dir and search cut a feed as in splunkd; count -1 and 0 mean all."""
    for number in range(35):
        admin.post("/services/messages", {"name": f"m{number:02}", "value": "even" if number % 2 == 0 else "odd"})
    page = admin.get("/services/messages").json
    assert (len(page["entry"]), page["paging"]["total"]) == (30, 35)
    assert len(admin.get("/services/messages", count=-1).json["entry"]) == 35
    names = [entry["name"] for entry in admin.get("/services/messages", count=2, offset=3).json["entry"]]
    assert names == ["m03", "m04"]
    last = admin.get("/services/messages", count=1, sort_dir="desc").json["entry"][0]["name"]
    assert last == "m34"
    assert admin.get("/services/messages", search="message=odd", count=0).json["paging"]["total"] == 17
    assert admin.get("/services/messages", search="m3*", count=0).json["paging"]["total"] == 5
