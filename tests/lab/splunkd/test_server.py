"""The HTTPS edge: authentication, refusals, call log."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable

import pytest

from lab.splunkd import StandInSplunkd
from tests.lab.splunkd.client import APP, Client, Start, client_of

INFO = "/services/server/info"


def test_server_info_names_version_and_roles(start: Start) -> None:
    """server/info tells the configured version, the server name of server.conf and the roles of a lone search head."""
    splunkd = start(version="10.0.1")
    content = client_of(splunkd, "admin").get(INFO).content
    assert content["version"] == "10.0.1"
    assert content["serverName"] == "sh1"
    assert content["server_roles"] == ["search_head", "kv_store"]


def test_missing_credentials_are_challenged(splunkd: StandInSplunkd) -> None:
    """A call without credentials gets the Basic challenge and the ERROR shape."""
    reply = Client(splunkd.uri, splunkd.ca_file).get(INFO)
    assert reply.status == 401
    assert reply.messages == [("ERROR", "Unauthorized")]
    assert reply.headers["WWW-Authenticate"] == 'Basic realm="/splunk"'


@pytest.mark.parametrize("scheme", ["Splunk", "Bearer"])
def test_bad_keys_are_refused_without_challenge(splunkd: StandInSplunkd, scheme: str) -> None:
    """A wrong session key or token gets the WARN shape and no challenge."""
    reply = Client(splunkd.uri, splunkd.ca_file, {"Authorization": f"{scheme} wrong"}).get(INFO)
    assert reply.status == 401
    assert reply.messages == [("WARN", "call not properly authenticated")]
    assert "WWW-Authenticate" not in reply.headers


def test_each_kind_of_credential_opens(splunkd: StandInSplunkd) -> None:
    """Session key, cookie, token and Basic login are accepted; a session key is no token."""
    splunkd.set_login("analyst", "open sesame")
    basic = base64.b64encode(b"analyst:open sesame").decode()
    key = splunkd.session_key("analyst")
    accepted = [
        {"Authorization": f"Splunk {key}"},
        {"Cookie": f"splunkd_8089={key}"},
        {"Authorization": f"Bearer {splunkd.bearer_token('analyst')}"},
        {"Authorization": f"Basic {basic}"},
    ]
    assert [Client(splunkd.uri, splunkd.ca_file, headers).get(INFO).status for headers in accepted] == [200] * 4
    assert Client(splunkd.uri, splunkd.ca_file, {"Authorization": f"Bearer {key}"}).get(INFO).status == 401


def test_expired_sessions_are_refused(splunkd: StandInSplunkd, admin: Client) -> None:
    """A key that was valid is refused once the sessions have expired."""
    assert admin.get(INFO).status == 200
    splunkd.expire_sessions()
    assert admin.get(INFO).status == 401


def test_login_gives_key_and_cookie(splunkd: StandInSplunkd) -> None:
    """auth/login answers a session key as XML or JSON, sets the cookie on request, and refuses a wrong password."""
    splunkd.set_login("admin", "right")
    anonymous = Client(splunkd.uri, splunkd.ca_file)
    key = anonymous.post("/services/auth/login", {"username": "admin", "password": "right"}).json["sessionKey"]
    assert Client(splunkd.uri, splunkd.ca_file, {"Authorization": f"Splunk {key}"}).get(INFO).status == 200
    xml = anonymous.call("POST", "/services/auth/login", b"username=admin&password=right&cookie=1")
    assert "<sessionKey>" in xml.text
    assert xml.headers["Set-Cookie"].startswith("splunkd_8089=")
    wrong = anonymous.post("/services/auth/login", {"username": "admin", "password": "wrong"})
    assert (wrong.status, wrong.messages) == (401, [("WARN", "Login failed")])


def test_unknown_calls_are_refused_and_listed(splunkd: StandInSplunkd, admin: Client) -> None:
    """A path that no endpoint knows gets 404 and is listed; an entity that is not there is not listed."""
    assert admin.get("/services/no/such/thing").messages == [("ERROR", "Not Found")]
    assert admin.get("/elsewhere").status == 404
    assert admin.get(f"/servicesNS/nobody/{APP}/configs/conf-server/nothing").status == 404
    assert admin.get(f"/servicesNS/nobody/{APP}/configs/conf-nothing/x").status == 404
    assert splunkd.unknown_calls == [("GET", "/services/no/such/thing"), ("GET", "/elsewhere")]


def test_calls_are_logged_without_secrets(
    splunkd: StandInSplunkd, admin: Client, as_user: Callable[[str], Client]
) -> None:
    """The log holds user, method, path, status and times, and neither query nor body nor key."""
    admin.post(f"/servicesNS/nobody/{APP}/storage/passwords", {"name": "x", "password": "s3cr3t-value"})
    as_user("analyst").get(INFO, token="s3cr3t-value")
    first, second = splunkd.calls
    assert (first.user, first.method, first.path, first.status) == (
        "admin",
        "POST",
        f"/servicesNS/nobody/{APP}/storage/passwords",
        201,
    )
    assert (second.user, second.path, second.status) == ("analyst", INFO, 200)
    assert all(0 < call.server_seconds * 1000 <= call.ms + 5 for call in splunkd.calls)
    text = str([dataclasses.asdict(call) for call in splunkd.calls])
    assert "s3cr3t-value" not in text
    assert admin.headers["Authorization"].removeprefix("Splunk ") not in text


def test_wrong_method_is_refused(admin: Client) -> None:
    """A method that a known path does not take gets 405."""
    assert admin.delete(INFO).status == 405


def test_missing_app_is_an_error(start: Start) -> None:
    """Starting with an app that is not installed fails and names it."""
    with pytest.raises(FileNotFoundError, match="TA_other"):
        start(apps=("TA_other",))


def test_answers_of_a_lone_search_head(admin: Client) -> None:
    """Search head cluster endpoints answer 503 with splunkd's text."""
    reply = admin.get("/services/shcluster/captain/info")
    assert reply.status == 503
    assert "Search Head Clustering is not enabled" in reply.messages[0][1]


def test_products_show_when_they_are_told(start: Start) -> None:
    """apps/local knows Enterprise Security and the CIM add-on exactly when the stand-in was told to have them."""
    path = "/services/apps/local/SplunkEnterpriseSecuritySuite"
    assert client_of(start(), "admin").get(path).status == 404
    splunkd = start(es="8.1.0", cim=True)
    assert client_of(splunkd, "admin").get(path).content["version"] == "8.1.0"
    assert client_of(splunkd, "admin").get("/services/apps/local/Splunk_SA_CIM").status == 200
    assert client_of(splunkd, "admin").get(f"/services/apps/local/{APP}").content["label"] == "Send to SOAR"


def test_indexes_are_listed(admin: Client) -> None:
    """data/indexes lists the indexes of indexes.conf."""
    names = [entry["name"] for entry in admin.get("/services/data/indexes", count=0).json["entry"]]
    assert "main" in names
    assert admin.get("/services/data/indexes/nothing").status == 404
