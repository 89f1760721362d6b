"""The stand-in Splunk Web, without a browser: who gets in, and what is passed on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from lab.runner.lab import APP, Lab
from lab.splunkd.users import User
from lab.web.splunkweb import StandInSplunkWeb

PASSWORD = "correct horse"
RAW = "/en-US/splunkd/__raw"
ACCOUNTS = f"{RAW}/servicesNS/nobody/{APP}/ta_send_to_soar_account"
CONFIGURATION = f"/en-US/app/{APP}/configuration"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A running lab."""
    with Lab(tmp_path_factory.mktemp("lab") / "state") as lab:
        lab.splunkd.set_login("admin", PASSWORD)
        yield lab


@pytest.fixture(scope="module")
def web(lab: Lab) -> Iterator[StandInSplunkWeb]:
    """Its pages."""
    users = [User("admin", ("admin",), frozenset(), frozenset())]
    uri, ca_file = lab.splunkd.uri, lab.splunkd.ca_file
    with StandInSplunkWeb(lab.home.root, APP, uri=uri, ca_file=ca_file, version="9.4.3", users=users) as web:
        yield web


@pytest.fixture
def visitor() -> Iterator[requests.Session]:
    """Someone who is not signed in."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def admin(visitor: requests.Session, web: StandInSplunkWeb) -> requests.Session:
    """An administrator who is signed in."""
    form = {"username": "admin", "password": PASSWORD, "return_to": CONFIGURATION}
    answer = visitor.post(f"{web.url}/en-US/account/login", form, allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, CONFIGURATION)
    return visitor


def _form_key(session: requests.Session) -> str:
    return next(cookie.value or "" for cookie in session.cookies if cookie.name.startswith("splunkweb_csrf_token_"))


def test_pages_are_for_whoever_is_signed_in(visitor: requests.Session, web: StandInSplunkWeb) -> None:
    """Everybody else is sent to the sign-in page, and back from there; splunkd refuses a call without a session."""
    answer = visitor.get(web.url + CONFIGURATION)
    assert answer.url.endswith(f"/en-US/account/login?return_to={CONFIGURATION.replace('/', '%2F')}")
    assert 'name="password"' in answer.text
    assert visitor.get(web.url + ACCOUNTS, params={"output_mode": "json"}).status_code == 401


def test_a_wrong_password_lets_nobody_in(visitor: requests.Session, web: StandInSplunkWeb) -> None:
    """The page says so and gives no session."""
    answer = visitor.post(f"{web.url}/en-US/account/login", {"username": "admin", "password": "wrong"})
    assert answer.status_code == 401
    assert "does not know this user" in answer.text
    assert not visitor.cookies


@pytest.mark.parametrize("elsewhere", ["https://example.com/", "//example.com", "/en-US//example.com", "/en-US/\\x"])
def test_signing_in_leads_nowhere_else(visitor: requests.Session, web: StandInSplunkWeb, elsewhere: str) -> None:
    """An address of another server is not followed."""
    form = {"username": "admin", "password": PASSWORD, "return_to": elsewhere}
    answer = visitor.post(f"{web.url}/en-US/account/login", form, allow_redirects=False)
    assert answer.headers["location"] == "/en-US/"


def test_the_session_is_closed_to_scripts(admin: requests.Session, web: StandInSplunkWeb) -> None:
    """The session key is in a cookie for the server alone, the form key in one for scripts; none for other sites."""
    port = web.url.rpartition(":")[2]
    cookies = {cookie.name: cookie for cookie in admin.cookies}
    assert set(cookies) == {f"splunkd_{port}", f"splunkweb_csrf_token_{port}"}
    assert cookies[f"splunkd_{port}"].has_nonstandard_attr("HttpOnly")
    assert not cookies[f"splunkweb_csrf_token_{port}"].has_nonstandard_attr("HttpOnly")
    assert all(cookie.get_nonstandard_attr("SameSite") == "strict" for cookie in admin.cookies)


def test_signing_out(admin: requests.Session, web: StandInSplunkWeb) -> None:
    """Takes the session back."""
    assert admin.get(web.url + ACCOUNTS, params={"output_mode": "json"}).status_code == 200
    admin.get(f"{web.url}/en-US/account/logout")
    assert admin.get(web.url + ACCOUNTS, params={"output_mode": "json"}).status_code == 401


def test_changes_need_the_form_key(admin: requests.Session, web: StandInSplunkWeb, lab: Lab) -> None:
    """A change without it, or with a wrong one, is refused before splunkd hears of it."""
    rule = {"name": "forged", "order": "77", "fields": "x", "mode": "drop", "reason": "forged"}
    address = f"{web.url}{RAW}/servicesNS/nobody/{APP}/ta_send_to_soar_mapping"
    before = len(lab.splunkd.calls)
    for headers in ({}, {"X-Splunk-Form-Key": "1"}, {"X-Splunk-Form-Key": ""}):
        answer = admin.post(address, rule, headers=headers)
        assert answer.status_code == 401
        assert "CSRF validation failed" in answer.json()["messages"][0]["text"]
    assert len(lab.splunkd.calls) == before
    answer = admin.post(address, rule, headers={"X-Splunk-Form-Key": _form_key(admin)})
    assert answer.status_code == 201


def test_only_what_is_exposed_is_passed_on(admin: requests.Session, web: StandInSplunkWeb) -> None:
    """Neither the password store nor a method that web.conf does not name; both are listed."""
    headers = {"X-Splunk-Form-Key": _form_key(admin)}
    assert admin.get(f"{web.url}{RAW}/servicesNS/nobody/{APP}/storage/passwords").status_code == 404
    assert admin.delete(f"{web.url}{ACCOUNTS}", headers=headers).status_code == 405
    assert web.refused[-2:] == [
        f"GET /servicesNS/nobody/{APP}/storage/passwords",
        f"DELETE /servicesNS/nobody/{APP}/ta_send_to_soar_account",
    ]


def test_other_names_of_this_machine_are_refused(admin: requests.Session, web: StandInSplunkWeb) -> None:
    """A page of another site that points its name at this machine gets nothing."""
    assert admin.get(f"{web.url}/en-US/config", headers={"Host": "evil.example.com"}).status_code == 400


def test_files_outside_the_app_are_not_served(admin: requests.Session, web: StandInSplunkWeb, lab: Lab) -> None:
    """However the address is written."""
    static = f"/en-US/static/@1/app/{APP}"
    assert admin.get(f"{web.url}{static}/js/build/globalConfig.json").status_code == 200
    assert (Path(lab.home.apps) / APP / "default" / "app.conf").is_file()
    for path in ("/..%2F..%2Fdefault%2Fapp.conf", "/js/..%2F..%2F..%2Fdefault%2Fapp.conf", "/%2Fetc%2Fpasswd"):
        assert admin.get(f"{web.url}{static}{path}").status_code == 404
