"""The stand-in of Splunk's own Python package, on the interpreters that Splunk brings."""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.splunkd import SPLUNK_PACKAGE, StandInSplunkd
from tests.lab.splunkd.client import Start

VERSIONS = ("3.9", "3.13")
Snippet = Callable[[str], object]


@pytest.fixture(params=VERSIONS)
def snippet(request: pytest.FixtureRequest, splunkd: StandInSplunkd, interpreters: dict[str, Path]) -> Snippet:
    """Return a function that runs code with only the `splunk` package on the path and gives back its `result`."""
    return make_snippet(splunkd, interpreters[request.param])


def make_snippet(splunkd: StandInSplunkd, python: Path) -> Snippet:
    """Return the runner for one interpreter."""

    def run(code: str) -> object:
        environment = {
            "PATH": os.defpath,
            "SPLUNK_HOME": str(splunkd.home),
            "PYTHONPATH": str(SPLUNK_PACKAGE),
            "KEY": splunkd.session_key(),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        program = textwrap.dedent(code) + "\nimport json\nprint(json.dumps(result))\n"
        done = subprocess.run(
            [str(python), "-W", "error", "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run


def test_configuration_is_layered(splunkd: StandInSplunkd, snippet: Snippet) -> None:
    """`getConfKeyValue` reads system and app layers, local over default; a missing key is None."""
    (splunkd.home / "etc/system/local/server.conf").write_text("[general]\nserverName = other\n")
    result = snippet("""
        from splunk.clilib.cli_common import getConfKeyValue, getMgmtUri
        result = [getConfKeyValue("server", "general", "serverName"), getConfKeyValue("server", "general", "nothing"),
                  getConfKeyValue("ta_send_to_soar_settings", "logging", "loglevel"), getMgmtUri()]
    """)
    assert result == ["other", None, "INFO", splunkd.uri]


def test_paths_stay_inside(splunkd: StandInSplunkd, snippet: Snippet) -> None:
    """make_splunkhome_path joins below $SPLUNK_HOME and refuses to leave it."""
    result = snippet("""
        from splunk.clilib.bundle_paths import make_splunkhome_path
        try:
            make_splunkhome_path(["..", "x"])
            escaped = True
        except ValueError:
            escaped = False
        result = [make_splunkhome_path(["var", "log"]), escaped]
    """)
    assert result == [str(splunkd.home / "var" / "log"), False]


def test_conversions(snippet: Snippet) -> None:
    """`normalizeBoolean` knows Splunk's spellings and leaves the rest; mktimegm reads a UTC time tuple."""
    result = snippet("""
        import time
        from splunk.util import mktimegm, normalizeBoolean
        values = ["1", "t", "Enabled", "0", "off", " no ", 1, 0, True, None, "maybe", 2, ["1", "0"]]
        result = [[normalizeBoolean(value) for value in values], mktimegm(time.gmtime(86400))]
    """)
    assert result == [
        [True, True, True, False, False, False, True, False, True, None, "maybe", 2, [True, False]],
        86400,
    ]


def test_simple_request(snippet: Snippet) -> None:
    """`simpleRequest` verifies the certificate, sends forms, and raises for 401 and, on request, for 404."""
    result = snippet("""
        import json, os
        import splunk
        from splunk.rest import simpleRequest
        key = os.environ["KEY"]
        seen = []
        response, body = simpleRequest("server/info", sessionKey=key, getargs={"output_mode": "json"})
        seen += [response.status, json.loads(body)["entry"][0]["content"]["serverName"]]
        response, body = simpleRequest("messages", sessionKey=key, postargs={"name": "a b", "value": "x"})
        seen.append(response.status)
        response, body = simpleRequest("messages/nothing", sessionKey=key)
        seen.append(response.status)
        for path, key in (("messages/nothing", key), ("server/info", "wrong")):
            try:
                simpleRequest(path, sessionKey=key, raiseAllErrors=True)
            except splunk.RESTException as error:
                seen.append([type(error).__name__, error.statusCode])
        result = seen
    """)
    assert result == [200, "sh1", 201, 404, ["ResourceNotFound", 404], ["AuthenticationFailed", 401]]


def test_simple_request_refuses_a_foreign_certificate(start: Start, interpreters: dict[str, Path]) -> None:
    """A certificate that the CA of server.conf did not sign is refused; the CA of sslRootCAPath counts when set."""
    code = """
        import os, splunk
        from splunk.rest import simpleRequest
        try:
            result = simpleRequest("server/info", sessionKey=os.environ["KEY"])[0].status
        except splunk.SplunkdConnectionException as error:
            result = "CERTIFICATE_VERIFY_FAILED" in str(error)
    """
    splunkd = start(certificate="named")
    run = make_snippet(splunkd, interpreters["3.13"])
    assert run(code) == 200
    (splunkd.home / "etc/system/local/server.conf").unlink()
    assert run(code) is True


def test_importing_the_names_of_an_action_loads_next_to_nothing(snippet: Snippet) -> None:
    """The modules that an action imports from the package bring no other module of weight."""
    result = snippet("""
        import sys
        before = set(sys.modules)
        import splunk, splunk.rest, splunk.util, splunk.clilib.cli_common, splunk.clilib.bundle_paths
        result = sorted(name for name in set(sys.modules) - before if not name.startswith("splunk"))
    """)
    assert result in ([], ["__future__"])


def test_cim_actions_runs_on_it(in_addon: Callable[[str], object], splunkd: StandInSplunkd) -> None:
    """Splunktaucclib's ModularAction finds its worker name and its log folder through the package."""
    result = in_addon("""
        import logging
        from splunktaucclib.cim_actions import ModularAction
        action = ModularAction(json.dumps({"sid": "1.1", "configuration": {}}), logging.getLogger("x"), "send_to_soar")
        logger = ModularAction.setup_logger("demo_modalert")
        logger.info("hello")
        result = action.worker
    """)
    assert result == "sh1"
    assert "hello" in (splunkd.home / "var/log/splunk/demo_modalert.log").read_text()
