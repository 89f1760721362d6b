"""The log of calls to SOAR."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from soarlink.splunk.apilog import MOST, ApiLog, several
from soarlink.wire.exchange import Endpoint, Exchanger, Observed
from soarlink.wire.failure import ExchangeFailed
from soarlink.wire.trust import Trust
from tests.unit.certificates import Authority
from tests.unit.conftest import Serve
from tests.unit.rawserver import Connection

CALL = Observed("POST", "/rest/container", 200, 0.01234, 120, 34)


def lines(home: Path) -> list[dict[str, Any]]:
    """What the log says."""
    text = (home / "var/log/splunk/send_to_soar_api.log").read_text(encoding="ascii")
    return [json.loads(line) for line in text.splitlines()]


def test_a_call_is_one_line_with_what_it_was_about(home: Path) -> None:
    """The time first; what is empty is left out; later calls are about something else."""
    log = ApiLog(home, "send_to_soar", lambda: 1_700_000_000.25)
    calls = log.connection("prod", {"sid": "s1", "search": "", "user": "ann", "attempt": 1})
    calls(CALL)
    calls.about({"sid": "s2", "rid": ["0", "1"]})
    calls(Observed("GET", "/rest/version", None, 2.0, 0, 0, "soar refuses connections."))
    log.close()
    first, second = lines(home)
    assert next(iter(first)) == "time"
    common = {"time": "2023-11-14T22:13:20.250+0000", "component": "send_to_soar", "account": "prod"}
    assert first == {
        **common,
        "sid": "s1",
        "user": "ann",
        "attempt": 1,
        "method": "POST",
        "path": "/rest/container",
        "status": 200,
        "ms": 12.3,
        "bytes_out": 120,
        "bytes_in": 34,
    }
    assert (second["sid"], second["rid"], second["status"]) == ("s2", ["0", "1"], None)
    assert second["error"] == "soar refuses connections."


def test_an_exchange_tells_its_observer_and_no_secret(home: Path, authority: Authority, serve: Serve) -> None:
    """Path without query, bytes of both bodies; headers, queries and bodies are not in the log."""

    def script(connection: Connection) -> None:
        if connection.read_request():
            connection.answer(b'{"answer": "body-secret"}', "403 Forbidden")
        connection.read_request()

    log = ApiLog(home, "send_to_soar")
    endpoint = Endpoint(serve(script).url, Trust(authority.pem), read_timeout=5.0)
    exchanger = Exchanger(endpoint, {"ph-auth-token": "token-secret"}, observe=log.connection("prod"))
    exchanger.exchange("POST", "/rest/x?key=query-secret", b"body-secret", "application/json")
    with pytest.raises(ExchangeFailed):
        exchanger.exchange("GET", "/rest/y")
    exchanger.close()
    log.close()
    first, second = lines(home)
    assert (first["method"], first["path"], first["status"]) == ("POST", "/rest/x", 403)
    assert (first["bytes_out"], first["bytes_in"]) == (11, 25)
    assert second["status"] is None
    assert second["error"]
    assert "secret" not in json.dumps([first, second])


def test_many_threads_write_whole_lines(home: Path) -> None:
    """No line is lost or torn."""
    log = ApiLog(home, "soar_delivery")

    def write(number: int) -> None:
        calls = log.connection("prod", {"sid": f"s{number}" * 50})
        for _ in range(200):
            calls(CALL)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    found = [line["sid"][:2] for line in lines(home)]
    assert {name: found.count(name) for name in set(found)} == {f"s{number}": 200 for number in range(4)}


def test_a_log_that_can_t_be_written_stops_no_call(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is told on standard error."""
    (home / "var/log/splunk").rmdir()
    ApiLog(home, "send_to_soar").connection("prod")(CALL)
    assert "send_to_soar_api.log can't be written" in capsys.readouterr().err


def test_several_values_are_bounded() -> None:
    """One is itself, many are a list of different ones."""
    assert several(["a", "a", ""]) == "a"
    assert several(["b", "a", "b"]) == ["b", "a"]
    assert several([]) == []
    assert len(several(map(str, range(100)))) == MOST
