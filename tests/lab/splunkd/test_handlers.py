"""The add-on's own REST endpoints, run by the handlers that were built."""

from __future__ import annotations

import json
import os
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.splunkd import StandInSplunkd
from lab.splunkd.python.splunk.clilib import conffile
from tests.lab.splunkd.client import APP, Client, Start, client_of

ROOT = f"/servicesNS/nobody/{APP}"
ACCOUNT = f"{ROOT}/ta_send_to_soar_account"
SETTINGS = f"{ROOT}/ta_send_to_soar_settings"
TOKEN = "tok-0123456789"
FORM = {"name": "soar1", "url": "https://soar.example.com", "auth_type": "token", "token": TOKEN, "skip_test": "1"}
INTERPRETERS = ["3.9", "3.13"]


def local(splunkd: StandInSplunkd, conf: str) -> dict[str, dict[str, str]]:
    """Return the app's local layer of `conf`."""
    return conffile.read(str(splunkd.home / "etc" / "apps" / APP / "local" / f"{conf}.conf"))


def stored(admin: Client) -> str:
    """Return the token that the password store holds."""
    entries = admin.get(f"{ROOT}/storage/passwords", count=0, sort_key="username").json["entry"]
    token: str = json.loads(entries[0]["content"]["clear_password"])["token"]
    return token


def test_account_life_cycle(splunkd: StandInSplunkd, admin: Client) -> None:
    """An account is created with its secret encrypted and masked, changed and removed."""
    assert admin.get(ACCOUNT).json["entry"] == []
    created = admin.post(ACCOUNT, FORM)
    assert created.status == 201
    assert created.content["token"] == "******"
    assert local(splunkd, "ta_send_to_soar_account")["soar1"]["token"] == "******"
    assert admin.get(f"{ACCOUNT}/soar1").content["token"] == "******"
    assert stored(admin) == TOKEN
    edit = {key: value for key, value in FORM.items() if key != "name"} | {"url": "https://other.example.com"}
    assert admin.post(f"{ACCOUNT}/soar1", edit | {"token": "******"}).content["url"] == "https://other.example.com"
    assert stored(admin) == TOKEN
    assert admin.delete(f"{ACCOUNT}/soar1").status == 200
    assert admin.get(ACCOUNT).json["entry"] == []
    assert admin.get(f"{ROOT}/storage/passwords").json["entry"] == []
    assert splunkd.unknown_calls == []


def test_refusals_of_a_handler_reach_the_client(admin: Client) -> None:
    """What a handler raises arrives as splunkd words it, so that the configuration page finds the text in it."""
    admin.post(ACCOUNT, FORM)
    reply = admin.post(ACCOUNT, FORM)
    assert reply.status == 500
    text = (
        "Unexpected error \"<class 'splunktaucclib.rest_handler.error.RestError'>\" from python handler: "
        '"REST Error [400]: Bad Request -- There is an account "soar1" already. Choose another name, or edit that one."'
        ". See splunkd.log/python.log for more details."
    )
    assert reply.messages == [("ERROR", text)]
    bad = admin.post(ACCOUNT, FORM | {"name": "x", "url": "http://plain.example.com"})
    assert "REST Error [400]: Bad Request" in bad.messages[0][1]


def test_arguments_are_checked_before_the_handler(admin: Client) -> None:
    """Unknown and missing arguments get 400 with their names; an action that is not declared is forbidden."""
    unknown = admin.post(ACCOUNT, FORM | {"surprise": "1"})
    assert (unknown.status, unknown.messages[0][1]) == (400, 'Argument "surprise" is not supported by this handler.')
    missing = admin.post(ACCOUNT, {"name": "x", "url": "https://x"})
    assert missing.status == 400
    assert missing.messages[0][1].startswith("The following required arguments are missing:")
    assert admin.post(SETTINGS, {"name": "new"}).status == 403
    assert admin.post(ACCOUNT, {"url": "https://x"}).status == 400


def test_settings_are_read_and_written(splunkd: StandInSplunkd, admin: Client) -> None:
    """The settings endpoint shows the shipped value and writes a change into the local layer."""
    assert admin.get(f"{SETTINGS}/logging").content["loglevel"] == "INFO"
    assert admin.post(f"{SETTINGS}/logging", {"loglevel": "DEBUG"}).content["loglevel"] == "DEBUG"
    assert local(splunkd, "ta_send_to_soar_settings")["logging"]["loglevel"] == "DEBUG"


def test_handlers_act_with_the_callers_rights(splunkd: StandInSplunkd, as_user: Callable[[str], Client]) -> None:
    """An analyst is refused before the handler; who has its capability only, by the handler's own calls."""
    refused = as_user("analyst").post(f"{SETTINGS}/logging", {"loglevel": "DEBUG"})
    assert (refused.status, "requires capability: edit_soar_accounts" in refused.messages[0][1]) == (403, True)
    splunkd.add_user("half", ["user"], ["edit_soar_accounts"])
    reply = as_user("half").post(f"{SETTINGS}/logging", {"loglevel": "DEBUG"})
    assert reply.status == 500
    assert "REST Error [403]" in reply.messages[0][1]


def test_handler_process_is_kept_and_its_calls_are_told_apart(splunkd: StandInSplunkd, admin: Client) -> None:
    """The second call of a handler asks splunkd less than the first, and its calls carry their origin."""
    admin.get(f"{SETTINGS}/logging")
    first = [call.path for call in splunkd.calls if call.origin == "handler"]
    assert any("conf-server/sslConfig" in path for path in first)
    admin.get(f"{SETTINGS}/logging")
    both = [call.path for call in splunkd.calls if call.origin == "handler"]
    assert not any("conf-server/sslConfig" in path for path in both[len(first) :])
    assert [call.path for call in splunkd.calls if call.origin == "client"] == [f"{SETTINGS}/logging"] * 2
    assert all(call.user == "admin" for call in splunkd.calls)


def test_a_handler_that_dies_is_started_again(splunkd: StandInSplunkd, admin: Client, tmp_path: Path) -> None:
    """A handler that ends its process gives 500, and the next call finds a new one."""
    marker = tmp_path / "die"
    marker.touch()
    install_script(
        splunkd,
        f"""
        import os
        from splunk.persistconn.application import PersistentServerConnectionApplication
        class Handler(PersistentServerConnectionApplication):
            def __init__(self, command_line, command_arg):
                super().__init__()
            def handle(self, in_string):
                if os.path.exists({str(marker)!r}):
                    os._exit(3)
                return {{"payload": "alive", "status": 200}}
    """,
    )
    assert admin.get(f"{ROOT}/demo/script").status == 500
    marker.unlink()
    assert admin.get(f"{ROOT}/demo/script").text == "alive"


@pytest.mark.parametrize("version", INTERPRETERS)
def test_handlers_run_on_the_interpreter_asked_for(start: Start, interpreters: dict[str, Path], version: str) -> None:
    """The real handlers work on every interpreter that Splunk brings."""
    splunkd = start(python=interpreters[version])
    admin = client_of(splunkd, "admin")
    assert admin.post(ACCOUNT, FORM).status == 201
    assert stored(admin) == TOKEN


def test_handlers_leave_the_built_addon_alone(admin: Client, built_addon: Path, tmp_path: Path) -> None:
    """Running handlers writes nothing into the folder of the built add-on: byte code goes to the state folder."""
    before = {path for path in built_addon.rglob("*") if "__pycache__" not in path.parts}
    caches = set(built_addon.rglob("*.pyc"))
    assert admin.get(f"{SETTINGS}/logging").status == 200
    assert {path for path in built_addon.rglob("*") if "__pycache__" not in path.parts} == before
    assert set(built_addon.rglob("*.pyc")) == caches
    assert any((tmp_path / "state" / "pycache").rglob("admin_external*.pyc"))


def install_script(splunkd: StandInSplunkd, code: str, options: str = "") -> None:
    """Give the app a persistent script endpoint /demo/script, in an app of its own."""
    app = splunkd.home / "etc" / "apps" / "demo"
    (app / "bin").mkdir(parents=True)
    (app / "default").mkdir()
    (app / "bin" / "demo_script.py").write_text(textwrap.dedent(code))
    stanza = "[script:demo]\nmatch = /demo/script\nscript = demo_script.py\nscripttype = persist\n"
    stanza += "handler = demo_script.Handler\n"
    (app / "default" / "restmap.conf").write_text(stanza + textwrap.dedent(options))


ECHO = """
    import json, os, sys
    import __main__
    from splunk.persistconn.application import PersistentServerConnectionApplication
    print("noise on standard output", flush=True)
    class Handler(PersistentServerConnectionApplication):
        def __init__(self, command_line, command_arg):
            super().__init__()
        def handle(self, in_string):
            request = json.loads(in_string)
            print("more noise", flush=True)
            request["main"] = os.path.basename(__main__.__file__)
            if request["path_info"] == "raise":
                raise RuntimeError("broken on purpose")
            return {"payload": request, "status": 202, "headers": {"X-Demo": "1"}}
"""


def test_persistent_scripts_get_the_request_as_splunkd_gives_it(splunkd: StandInSplunkd, admin: Client) -> None:
    """A persistent script sees method, path, query, form, session and, when it says so, system token and payload."""
    install_script(splunkd, ECHO, "passSystemAuth = true\n")
    reply = admin.call("POST", f"{ROOT}/demo/script/a/b?x=1&x=2&output_mode=json", b"f=1&g=%20")
    assert reply.status == 202
    assert reply.headers["X-Demo"] == "1"
    request = reply.json
    assert (request["method"], request["path_info"], request["rest_path"]) == ("POST", "a/b", "/demo/script/a/b")
    assert request["query"] == [["x", "1"], ["x", "2"], ["output_mode", "json"]]
    assert request["form"] == [["f", "1"], ["g", " "]]
    assert request["ns"] == {"app": APP, "owner": "nobody"}
    assert request["session"]["user"] == "admin"
    assert request["server"]["rest_uri"] == splunkd.uri
    assert request["main"] == "demo_script.py"
    system = Client(splunkd.uri, splunkd.ca_file, {"Authorization": f"Splunk {request['system_authtoken']}"})
    who = system.get("/services/authentication/current-context").content["username"]
    assert who == "splunk-system-user"


def test_persistent_scripts_that_raise(splunkd: StandInSplunkd, admin: Client) -> None:
    """An exception in a persistent script is a 500 for the client, and the process lives on."""
    install_script(splunkd, ECHO)
    broken = admin.get(f"{ROOT}/demo/script/raise")
    assert (broken.status, "broken on purpose" in broken.messages[0][1]) == (500, True)
    assert admin.get(f"{ROOT}/demo/script").status == 202


def test_capabilities_of_a_script(splunkd: StandInSplunkd, admin: Client, as_user: Callable[[str], Client]) -> None:
    """A capability in restmap.conf keeps others out, by method; without authentication nobody gets in."""
    install_script(splunkd, ECHO, "capability.post = admin_all_objects\npassPayload = true\n")
    analyst = as_user("analyst")
    assert analyst.get(f"{ROOT}/demo/script").status == 202
    refused = analyst.post(f"{ROOT}/demo/script")
    assert (refused.status, "admin_all_objects" in refused.messages[0][1]) == (403, True)
    assert admin.call("POST", f"{ROOT}/demo/script", b"raw").json["payload"] == "raw"
    assert Client(splunkd.uri, splunkd.ca_file).get(f"{ROOT}/demo/script").status == 401


def test_secrets_stay_out_of_what_handlers_write(splunkd: StandInSplunkd, admin: Client, tmp_path: Path) -> None:
    """After creating, editing and failing, the token is in no file but the password store."""
    admin.post(ACCOUNT, FORM)
    admin.post(ACCOUNT, FORM)
    admin.post(ACCOUNT, FORM | {"name": "y", "url": "bad"})
    files = (Path(folder) / name for folder, _, names in os.walk(tmp_path) for name in names)
    holding = [path for path in files if path.is_file() and TOKEN.encode() in path.read_bytes()]
    assert holding == [tmp_path / "state" / "passwords.json"]
    assert splunkd.calls


ADMIN = """
    import splunk
    from splunk import admin
    class Handler(admin.MConfigHandler):
        def setup(self):
            if self.requestedAction != admin.ACTION_REMOVE:
                self.supportedArgs.addOptArg("*")
        def handleList(self, confInfo):
            print("noise on standard output", flush=True)
            errors = {"gone": admin.NotFoundException("not here"), "bad": admin.ArgValidationException("no good"),
                      "busy": admin.ServiceUnavailableException("later"), "rest": splunk.RESTException(418, "teapot")}
            if self.callerArgs.id in errors:
                raise errors[self.callerArgs.id]
            item = confInfo[self.callerArgs.id or "one"]
            item["user"] = self.userName
            item["args"] = sorted(self.callerArgs.data)
            item["x"] = self.callerArgs.data.get("x")
            item["number"] = 7
    admin.init(Handler, admin.CONTEXT_APP_AND_USER)
"""


def test_handlers_of_ones_own(splunkd: StandInSplunkd, admin: Client) -> None:
    """A handler on `splunk.admin` gets arguments as lists, answers in text, may print, and its errors keep status."""
    app = splunkd.home / "etc" / "apps" / "demo"
    (app / "bin").mkdir(parents=True)
    (app / "default").mkdir()
    (app / "bin" / "demo_rh.py").write_text(textwrap.dedent(ADMIN))
    stanzas = "[admin:demo]\nmatch = /demo\nmembers = things\n[admin_external:things]\nhandlertype = python\n"
    (app / "default" / "restmap.conf").write_text(stanzas + "handlerfile = demo_rh.py\nhandleractions = list\n")
    content = admin.call("GET", "/services/demo/things/a%252Fb?x=1&x=2&count=5&output_mode=json").content
    assert (content["user"], content["args"], content["x"], content["number"]) == ("admin", ["x"], ["1", "2"], "7")
    answers = [admin.get(f"/services/demo/things/{name}") for name in ("gone", "bad", "busy", "rest")]
    texts = [(answer.status, answer.messages[0][1]) for answer in answers]
    assert texts == [(404, "not here"), (400, "no good"), (503, "later"), (418, "teapot")]
    assert admin.delete("/services/demo/things/a").status == 403
