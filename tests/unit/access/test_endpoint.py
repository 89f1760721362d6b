"""The endpoint that gives an action its account: who gets what, and what a refusal gives away."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from soarlink.access.endpoint import Answer, Endpoint
from soarlink.errors import SplunkdError
from soarlink.splunk import passwords

CONTEXT = "/services/authentication/current-context?output_mode=json"
ROLES = "/services/authorization/roles?output_mode=json&count=0"
ACCOUNTS = """
[prod]
url = https://soar
[limited]
url = https://soar
allowed_roles = soc, Tier_2
[serviced]
url = https://soar
delivery = service
[both]
delivery = service
allowed_roles = soc
[odd]
delivery = servce
"""
TOKEN = "tok-4711"
SYSTEM = "system-key"


def entry(**content: Any) -> bytes:
    """A feed with one entry."""
    return json.dumps({"entry": [{"name": "context", "content": content}]}).encode()


def stored(conf: str, stanza: str, secrets: dict[str, str]) -> bytes:
    """What solnlib keeps of a stanza's secrets."""
    realm = f"__REST_CREDENTIAL__#TA_send_to_soar#configs/conf-{conf}"
    username = f"{stanza}``splunk_cred_sep``1"
    return entry(realm=realm, username=username, clear_password=json.dumps(secrets))


class Splunkd:
    """A splunkd with one user, `ann`; `SYSTEM` is its own key."""

    def __init__(self) -> None:
        self.roles = ["user", "soc_lead"]
        self.capabilities = ["search", "use_soar_actions"]
        self.imports = {"soc_lead": ["analyst"], "analyst": ["soc", "soc_lead"], "user": []}
        self.secrets = {"token": TOKEN, "password": "pw", "surprise": "not for anyone"}
        self.asked: list[tuple[str, str]] = []
        self.broken: dict[str, tuple[int, bytes]] = {}

    def get(self, path: str, key: str) -> tuple[int, bytes]:
        """What the endpoint asks."""
        self.asked.append((path, key))
        if path in self.broken:
            return self.broken[path]
        if path == CONTEXT:
            assert key == "ann-key"
            return 200, entry(username="ann", roles=self.roles, capabilities=self.capabilities)
        assert key == SYSTEM
        if path == ROLES:
            entries = [{"name": name, "content": {"imported_roles": imports}} for name, imports in self.imports.items()]
            return 200, json.dumps({"entry": entries}).encode()
        if path == passwords.listing("ta_send_to_soar_settings"):
            return 200, stored("ta_send_to_soar_settings", "proxy", {"proxy_password": "proxy-pw"})
        assert path == passwords.listing("ta_send_to_soar_account")
        return 200, stored("ta_send_to_soar_account", "prod", self.secrets)


class Case:
    """An endpoint and what surrounds it."""

    def __init__(self, app: Path) -> None:
        self.app = app
        self.splunkd = Splunkd()
        self.configure("account", ACCOUNTS)
        self.lines: list[str] = []
        self.log = logging.Logger("access", logging.INFO)  # noqa: LOG001 - of this case alone
        handler = logging.Handler()
        handler.emit = lambda record: self.lines.append(logging.Formatter("%(levelname)s %(message)s").format(record))  # type: ignore[method-assign]
        self.log.addHandler(handler)
        self.endpoint = Endpoint(app, self.splunkd.get, self.log, lambda: "ref1")

    def configure(self, kind: str, text: str) -> None:
        """Write a local conf file."""
        (self.app / "local").mkdir(exist_ok=True)
        (self.app / "local" / f"ta_send_to_soar_{kind}.conf").write_text(text, encoding="utf-8")

    def ask(self, account: str = "prod", **changes: Any) -> Answer:
        """Ask as ann."""
        request = {
            "method": "POST",
            "form": [["account", account]],
            "session": {"user": "ann", "authtoken": "ann-key"},
            "system_authtoken": SYSTEM,
            **changes,
        }
        return self.endpoint.answer(request)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    """Return an endpoint of an add-on with some accounts."""
    return Case(tmp_path)


def text(answer: Answer) -> str:
    """What a refusal says, in splunkd's shape."""
    (message,) = answer.document["messages"]
    return str(message["text"])


def test_the_secrets_of_a_direct_account_and_nothing_else(case: Case) -> None:
    """Only the fields on the list leave; the log says who got it, and no secret."""
    answer = case.ask()
    assert (answer.status, answer.document) == (
        200,
        {"delivery": "direct", "secrets": {"token": TOKEN, "password": "pw"}},
    )
    assert case.lines == ['INFO Account given user="ann" account="prod" delivery="direct"']
    assert json.loads(answer.reply()["payload"]) == answer.document
    assert answer.reply()["status"] == 200


def test_the_proxys_password_goes_along_when_there_is_a_proxy(case: Case) -> None:
    """It is asked for only then."""
    case.configure("settings", "[proxy]\nproxy_enabled = 1\nproxy_host = p\nproxy_username = u\n")
    assert case.ask().document["secrets"] == {"token": TOKEN, "password": "pw", "proxy_password": "proxy-pw"}
    case.configure("settings", "[proxy]\nproxy_enabled = 0\nproxy_host = p\nproxy_username = u\n")
    assert "proxy_password" not in case.ask().document["secrets"]


def test_a_service_account_gives_no_secret(case: Case) -> None:
    """Nor is it read: the answer says who sends."""
    assert case.ask("serviced").document == {"delivery": "service"}
    assert [path for path, _ in case.splunkd.asked] == [CONTEXT]


def test_without_the_capability_nothing_is_told(case: Case) -> None:
    """Not even whether there is such an account."""
    case.splunkd.capabilities = ["search", "list_storage_passwords"]
    for account in ("prod", "nowhere", "limited"):
        answer = case.ask(account)
        assert answer.status == 403
        assert answer.document["refusal"] == {
            "what": "ann may not use SOAR accounts.",
            "remedy": "It takes the capability use_soar_actions, which the role send_to_soar_user has.",
        }
    assert case.lines[0].startswith('WARNING Account refused user="ann" account="prod"')


@pytest.mark.parametrize("account", ["limited", "both"])
def test_an_account_for_other_roles_is_refused(case: Case, account: str) -> None:
    """Direct or not; the roles that may are not told."""
    case.splunkd.roles = ["user", "power"]
    answer = case.ask(account)
    assert answer.status == 403
    assert "limited to other roles" in text(answer)
    assert "soc" not in text(answer)
    assert "secrets" not in answer.document


@pytest.mark.parametrize("roles", [["soc"], ["tier_2"], ["soc_lead"], ["user", "analyst"]])
def test_one_of_the_roles_suffices(case: Case, roles: list[str]) -> None:
    """The user's own, or one that it imports, however far; circles end."""
    case.splunkd.roles = roles
    assert case.ask("limited").status == 200


def test_splunkd_itself_is_never_refused(case: Case) -> None:
    """Searches that belong to nobody run as it."""
    case.splunkd.broken[CONTEXT] = 200, entry(username="splunk-system-user", roles=[], capabilities=[])
    assert case.ask("limited").status == 200


def test_an_unknown_account(case: Case) -> None:
    """Named as it was given; the stanza `default` is none."""
    assert (case.ask("nowhere").status, case.ask("default").status) == (404, 404)
    assert 'no SOAR account "nowhere"' in text(case.ask("nowhere"))


def test_a_policy_that_there_is_not_gives_no_secret(case: Case) -> None:
    """A typing error does not make a direct account of it."""
    answer = case.ask("odd")
    assert (answer.status, "secrets" in answer.document) == (400, False)
    assert 'delivery = "servce"' in text(answer)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"method": "GET"}, 405),
        ({"method": "DELETE"}, 405),
        ({"form": []}, 400),
        ({"form": [["account", ""]]}, 400),
        ({"form": [["account", "prod"], ["user", "admin"]]}, 400),
    ],
)
def test_only_the_one_question_is_answered(case: Case, changes: dict[str, Any], status: int) -> None:
    """POST, one argument; splunkd is not asked otherwise."""
    assert case.ask(**changes).status == status
    assert case.splunkd.asked == []


def test_a_session_that_has_ended(case: Case) -> None:
    """Told as such."""
    case.splunkd.broken[CONTEXT] = 401, b'{"messages": []}'
    answer = case.ask()
    assert (answer.status, text(answer)) == (401, "splunkd does not know this session any more. Run it again.")


@pytest.mark.parametrize(
    "broken",
    [
        {CONTEXT: (503, b"busy")},
        {passwords.listing("ta_send_to_soar_account"): (500, b'{"detail": "internal detail"}')},
        {passwords.listing("ta_send_to_soar_account"): (200, stored("ta_send_to_soar_account", "prod", [TOKEN]))},  # type: ignore[arg-type]
    ],
)
def test_what_goes_wrong_inside_is_told_as_a_reference(case: Case, broken: dict[str, tuple[int, bytes]]) -> None:
    """The log has the details under it; no secret is in either."""
    case.splunkd.broken = broken
    answer = case.ask()
    assert answer.status == 500
    assert text(answer).startswith("The SOAR account can't be given now (reference ref1).")
    (line,) = case.lines
    assert line.startswith('ERROR Account not given account="prod" reference="ref1"')
    assert "SplunkdError" in line
    assert TOKEN not in line + json.dumps(answer.document)


def test_no_answer_and_no_session_are_references_too(case: Case) -> None:
    """Whatever is raised."""

    def away(*_: str) -> tuple[int, bytes]:
        raise SplunkdError("splunkd did not answer.")

    endpoint = Endpoint(case.app, away, case.log, lambda: "ref2")
    request = {"method": "POST", "form": [["account", "prod"]], "session": {"authtoken": "k"}, "system_authtoken": "s"}
    assert endpoint.answer(request).status == 500
    assert endpoint.answer({"method": "POST", "form": [["account", "prod"]]}).status == 500
    assert "ref2" in case.lines[-1]
    assert "KeyError" in case.lines[-1]
