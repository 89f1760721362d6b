"""The server itself: certificate, state, credentials, its own process."""

from __future__ import annotations

import base64
import json
import signal
import socket
import ssl
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from lab.soar import StandInSoar, Switches
from lab.soar.certificate import ensure_certificate

from .conftest import PASSWORD, TOKEN, Client, Start

ROOT = Path(__file__).parents[3]


def test_the_certificate_is_good_for_this_machine_only(soar: Client) -> None:
    """It is verified against its CA, strictly, for each name of the machine, and not by a client without that CA."""
    for name in ("localhost", "127.0.0.1", "::1"):
        context = ssl.create_default_context(cafile=str(soar.soar.ca_file))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        with (
            socket.create_connection(("127.0.0.1", soar.soar.port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=name) as secure,
        ):
            assert secure.version() in {"TLSv1.2", "TLSv1.3"}
    stranger = requests.Session()
    stranger.trust_env = False
    with stranger, pytest.raises(requests.exceptions.SSLError):
        stranger.get(soar.soar.url, timeout=5)


def test_keys_are_private_and_the_ca_stays(tmp_path: Path) -> None:
    """Every file is 0600; a server certificate near its end is renewed under the same CA."""
    first = ensure_certificate(tmp_path)
    authority, server = first.ca_file.read_bytes(), first.certificate_file.read_bytes()
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    assert ensure_certificate(tmp_path).certificate_file.read_bytes() == server
    renewed = ensure_certificate(tmp_path, now=datetime.now(UTC) + timedelta(days=395))
    assert renewed.certificate_file.read_bytes() != server
    assert renewed.ca_file.read_bytes() == authority


def test_state_survives(tmp_path: Path) -> None:
    """The next run has the same port, CA, users and containers."""
    with StandInSoar(tmp_path) as soar:
        soar.add_automation_user("splunk", TOKEN)
        url, authority = soar.url, soar.ca_file.read_bytes()
        post(soar, {"name": "n", "label": "events"})
    with StandInSoar(tmp_path) as soar:
        assert (soar.url, soar.ca_file.read_bytes()) == (url, authority)
        assert post(soar, {"name": "n", "label": "events"}).json()["id"] == 2


def post(soar: StandInSoar, body: object) -> requests.Response:
    """Make a container with a session of its own."""
    with requests.Session() as session:
        session.trust_env = False
        return session.post(
            soar.url + "/rest/container",
            json=body,
            headers={"ph-auth-token": TOKEN},
            verify=str(soar.ca_file),
            timeout=10,
        )


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """A stored port that is taken is replaced by a free one; one that was asked for is an error."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        (tmp_path / "port").write_text(str(taken))
        with StandInSoar(tmp_path) as soar:
            assert soar.port != taken
        with pytest.raises(OSError, match="in use"):
            StandInSoar(tmp_path, port=taken)


def test_plain_http(start: Start) -> None:
    """With the switch the stand-in speaks HTTP."""
    soar = start(scheme="http")
    assert soar.soar.url.startswith("http://")
    assert soar.get("/rest/version") == {"version": "8.5.0.248"}


def test_secrets_are_nowhere_in_the_state(soar: Client) -> None:
    """Neither token nor password is in any file, nor their encodings in Basic headers."""
    soar.soar.add_user("dana", PASSWORD)
    soar.call("GET", "/rest/version", auth=("dana", PASSWORD))
    soar.container()
    for path in soar.soar.state.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        for secret in (TOKEN, PASSWORD):
            assert secret.encode() not in content, path
            assert base64.b64encode(secret.encode()) not in content, path


def authorized(soar: Client, **options: object) -> tuple[int, str]:
    """Status and message of a request with only these credentials."""
    soar.session.headers.pop("ph-auth-token", None)
    answer = soar.call("GET", "/rest/version", **options)
    return answer.status_code, answer.json().get("message", "")


def test_credentials(soar: Client) -> None:
    """Each form is taken, each fault has SOAR's text."""
    soar.soar.add_user("dana", PASSWORD)
    bare = "Basic " + base64.b64encode(TOKEN.encode()).decode()
    for options in (
        {"headers": {"ph-auth-token": TOKEN}},
        {"auth": ("", TOKEN)},
        {"headers": {"Authorization": bare}},
        {"auth": ("dana", PASSWORD), "headers": {"ph-auth-token": "wrong"}},
    ):
        assert authorized(soar, **options)[0] == 200, options
    assert authorized(soar) == (401, "No supported auth information provided in request")
    assert authorized(soar, headers={"ph-auth-token": "wrong"}) == (401, "Invalid automation token")
    assert authorized(soar, auth=("dana", "wrong"))[0] == 401
    assert authorized(soar, auth=("dana", TOKEN), headers={"ph-auth-token": TOKEN})[0] == 401
    soar.soar.deactivate_user("splunk")
    assert authorized(soar, headers={"ph-auth-token": TOKEN}) == (401, "User is inactive")


def test_a_new_token_ends_the_old_one(soar: Client) -> None:
    """After regeneration only the new token is let in."""
    soar.get("/rest/version")
    soar.soar.add_automation_user("splunk", "another-token")
    assert soar.call("GET", "/rest/version").status_code == 401
    assert soar.call("GET", "/rest/version", headers={"ph-auth-token": "another-token"}).status_code == 200


@pytest.mark.parametrize(
    ("allowed", "status"), [((), 403), (("10.0.0.0/8",), 403), (("127.0.0.1",), 200), (("127.0.0.0/8",), 200)]
)
def test_allowed_ips(soar: Client, allowed: tuple[str, ...], status: int) -> None:
    """An automation user is let in from its addresses only; an empty list means from nowhere."""
    soar.soar.add_automation_user("splunk", TOKEN, allowed_ips=allowed)
    answer = soar.call("GET", "/rest/version")
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["message"] == "Request from IP 127.0.0.1 is not allowed for this user"


def test_permissions_and_default_label(soar: Client) -> None:
    """A verb that no role allows is refused; the user's label is used where none is sent."""
    soar.soar.add_automation_user("splunk", TOKEN, permissions={"containers": ["view", "edit"]}, default_label="email")
    answer = soar.post("/rest/container", {"name": "n"})
    assert soar.get(f"/rest/container/{answer['id']}")["label"] == "email"
    refused = soar.call("GET", "/rest/container_status")
    assert refused.status_code == 403
    assert "does not have permission" in refused.json()["message"]
    run = {"container_id": 1, "playbook_id": 1, "run": True}
    assert soar.call("POST", "/rest/playbook_run", json=run).status_code == 403


def test_bad_json(soar: Client) -> None:
    """What is no JSON, or no object, is refused."""
    for body in (b"{", b"", b'"text"', b"\xff"):
        answer = soar.call("POST", "/rest/container", data=body)
        assert answer.status_code == 400
        assert answer.json()["message"].startswith("Invalid JSON")


def test_own_process(tmp_path: Path) -> None:
    """It says where it is, lets the token from stdin in, and stops cleanly on SIGTERM."""
    command = [sys.executable, "-m", "lab.soar", "--state", str(tmp_path), "--token-stdin"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(TOKEN + "\n")
        process.stdin.flush()
        place = json.loads(process.stdout.readline())
        with requests.Session() as session:
            session.trust_env = False
            headers = {"ph-auth-token": TOKEN}
            answer = session.get(place["url"] + "/rest/version", headers=headers, verify=place["ca_file"], timeout=10)
            assert answer.json() == {"version": Switches().version}
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        assert process.stderr
        assert process.stderr.read() == ""


def test_information(soar: Client) -> None:
    """What tells about the server is there without special permission."""
    soar.soar.add_automation_user("splunk", TOKEN, permissions={})
    assert soar.get("/rest/system_info") == {"base_url": soar.soar.url, "time_zone": "UTC"}
    assert soar.get("/rest/license")["status"] == "valid"
    assert soar.get("/rest/health")["all_running"] is True
