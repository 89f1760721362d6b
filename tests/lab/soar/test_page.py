"""The pages for people."""

from __future__ import annotations

from .conftest import Client

SCRIPT = "<script>alert(1)</script>"


def page(soar: Client, path: str, status: int = 200) -> str:
    """The text of a page, without login."""
    soar.session.headers.pop("ph-auth-token", None)
    answer = soar.call("GET", path)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return answer.text


def test_list(soar: Client) -> None:
    """Containers with severity, status, artifacts and the last run; narrowed by text and label."""
    soar.container(name="Brute force", severity="high", artifacts=[{"cef": {}}])
    soar.container(name="Phishing", label="email")
    soar.clock.now += 5
    text = page(soar, "/")
    assert 'href="/container/1">Brute force</a>' in text
    assert "local/splunk_triage" in text
    assert "5 seconds ago" in text
    assert "Phishing" in text
    narrowed = page(soar, "/?q=brute&label=events")
    assert "Brute force" in narrowed
    assert "Phishing" not in narrowed
    assert "No container matches" in page(soar, "/?status=closed")


def test_empty_list(soar: Client) -> None:
    """Says what to do."""
    assert "No containers yet" in page(soar, "/")


def test_pages_of_the_list(soar: Client) -> None:
    """More than fifty containers are spread over pages, and the filter stays."""
    soar.post("/rest/container", [{"name": f"c{number}", "label": "events"} for number in range(60)])
    first = page(soar, "/?label=events")
    assert "1 to 50 of 60" in first
    assert "/?label=events&amp;page=2" in first
    assert "51 to 60 of 60" in page(soar, "/?label=events&page=2")


def test_container(soar: Client) -> None:
    """Artifacts, fields, values, data types, runs, comments, notes and tasks are shown."""
    cef = {"sourceAddress": "10.0.0.1", "threat_object": ["one", "two"], "long": "x" * 500, "n": 5}
    soar.container(
        name="Brute force",
        container_type="case",
        custom_fields={"ticket": "T-1"},
        data={"raw": "kept"},
        artifacts=[{"name": "Field Values", "cef": cef, "cef_types": {"threat_object": ["domain"]}}],
    )
    soar.post("/rest/container_comment", {"container_id": 1, "comment": "a comment"})
    soar.post("/rest/playbook_run", {"container_id": 1, "playbook_id": "local/contain_host", "run": True})
    soar.clock.now += 5
    text = page(soar, "/container/1")
    expected = (
        "sourceAddress",
        "10.0.0.1",
        "one",
        "two",
        ">domain<",
        "T-1",
        "a comment",
        "local/contain_host",
        "running",
        "Isolate the host?",
        "Detection",
        "&#34;raw&#34;",
    )
    assert [part for part in expected if part not in text] == []
    assert "<details>" in text


def test_everything_is_escaped(soar: Client) -> None:
    """Markup in names, values, types and comments is shown, not run."""
    soar.container(
        name=SCRIPT,
        description=SCRIPT,
        tags=[SCRIPT],
        custom_fields={SCRIPT: SCRIPT},
        data={"a": SCRIPT},
        artifacts=[{"name": SCRIPT, "cef": {SCRIPT: SCRIPT}, "cef_types": {SCRIPT: [SCRIPT]}, "label": SCRIPT}],
    )
    soar.post("/rest/container_comment", {"container_id": 1, "comment": SCRIPT})
    soar.post("/rest/note", {"container_id": 1, "title": SCRIPT, "note_type": "general", "content": SCRIPT})
    for path in ("/", "/container/1", f"/?q={SCRIPT}"):
        text = page(soar, path)
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_addresses(soar: Client) -> None:
    """SOAR's own address of a container leads to the page; an unknown container is a 404 page."""
    soar.container()
    answer = soar.call("GET", "/mission/1")
    assert (answer.status_code, answer.headers["location"]) == (302, "/container/1")
    assert "does not exist" in page(soar, "/container/99", 404)
