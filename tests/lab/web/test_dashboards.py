"""Pages of dashboards in the stand-in Splunk Web, without a browser."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from lab.runner.lab import APP, Lab
from lab.splunkd.users import User
from lab.web.splunkweb import StandInSplunkWeb
from tools.dashboards import definition

PASSWORD = "correct horse"
CASES = f"/app/{APP}/cases?form.label=a%26b"


@pytest.fixture
def renderer(tmp_path: Path) -> Path:
    """A folder for the renderer, which is not there."""
    return tmp_path / "studio"


@pytest.fixture
def web(tmp_path: Path, renderer: Path) -> Iterator[StandInSplunkWeb]:
    """The pages of a lab in which an administrator can sign in."""
    users = [User("admin", ("admin",), frozenset(), frozenset())]
    with Lab(tmp_path / "state") as lab:
        lab.splunkd.set_login("admin", PASSWORD)
        uri, ca_file, home = lab.splunkd.uri, lab.splunkd.ca_file, lab.home.root
        with StandInSplunkWeb(
            home, APP, uri=uri, ca_file=ca_file, version="9.4.3", users=users, renderer=renderer
        ) as web:
            yield web


def test_a_dashboard_s_page(web: StandInSplunkWeb, renderer: Path) -> None:
    """A link without locale leads through the sign-in page to the definition; a renderer that is missing is named."""
    with requests.Session() as visitor:
        visitor.trust_env = False
        login = visitor.get(web.url + CASES)
        hidden = re.search(r'name="return_to" value="([^"]+)"', login.text)
        assert hidden is not None
        return_to = html.unescape(hidden[1])
        assert return_to == f"/en-US{CASES}"
        form = {"username": "admin", "password": PASSWORD, "return_to": return_to}
        without = visitor.post(f"{web.url}/en-US/account/login", form)
        assert (without.status_code, without.url) == (503, f"{web.url}/en-US{CASES}")
        assert "make dashboards" in without.text
        assert visitor.get(f"{web.url}/en-US/lab/studio/page.js").status_code == 404

        renderer.mkdir()
        (renderer / "page.js").write_text("// drawn here", encoding="ascii")
        page = visitor.get(web.url + CASES)
        given = re.search(r'<script type="application/json" id="dashboard">(.*?)</script>', page.text)
        assert given is not None
        assert json.loads(given[1])["definition"] == definition.load(definition.FOLDER / "cases.json").content
        assert visitor.get(f"{web.url}/en-US/lab/studio/page.js").text == "// drawn here"
