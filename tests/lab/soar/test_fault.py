"""Faults on order: what the client meets, and whether the request took effect."""

from __future__ import annotations

import time

import pytest
import requests

from lab.soar import FaultKind
from lab.soar.fault import FaultBoard, parse_fault

from .conftest import TOKEN, Client, Start

BODY = {"name": "n", "label": "events"}
POST = "POST /rest/container"


def count(soar: Client) -> int:
    """How many containers there are, by a request that no fault of these tests covers."""
    return int(soar.get("/rest/container", page_size="1")["count"])


@pytest.mark.parametrize(
    ("kind", "status", "is_json"),
    [
        ("429", 429, True),
        ("500", 500, True),
        ("503", 503, True),
        ("502", 502, False),
        ("504", 504, False),
        ("413", 413, False),
        ("login_page", 200, False),
        ("empty", 200, False),
        ("failed", 200, True),
        ("redirect", 302, False),
    ],
)
def test_answers_instead_of_the_request(soar: Client, kind: str, status: int, is_json: bool) -> None:  # noqa: FBT001
    """Once the fault is met, nothing is stored; the next request goes through."""
    soar.soar.admin.fault(POST, kind)
    answer = soar.call("POST", "/rest/container", json=BODY)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("application/json" if is_json or kind == "empty" else "text/html")
    if is_json:
        assert answer.json()["failed"] is True
    if kind == "redirect":
        assert answer.headers["location"] == "/login"
    assert count(soar) == 0
    assert soar.container() == 1


def test_retry_after(soar: Client) -> None:
    """429 carries Retry-After when it was ordered, and none otherwise."""
    soar.soar.admin.fault(POST, "429", retry_after=7)
    soar.soar.admin.fault(POST, "429")
    headers = [soar.call("POST", "/rest/container", json=BODY).headers for _ in range(2)]
    assert [entry.get("retry-after") for entry in headers] == ["7", None]


@pytest.mark.parametrize(
    ("kind", "stored"), [("drop_before_commit", 0), ("drop_after_commit", 1), ("drop_mid_body", 1)]
)
def test_dropped_connections(soar: Client, kind: str, stored: int) -> None:
    """The client gets no whole answer; whether the container exists depends on the kind."""
    soar.soar.admin.fault(POST, kind)
    with pytest.raises(requests.RequestException):
        soar.call("POST", "/rest/container", json=BODY)
    assert count(soar) == stored


@pytest.mark.parametrize(("committed", "stored"), [(None, 0), (True, 1)])
def test_hanging(soar: Client, committed: bool | None, stored: int) -> None:  # noqa: FBT001
    """No answer comes before the client gives up, whether or not the request took effect."""
    soar.soar.admin.fault(POST, FaultKind.HANG, committed=committed)
    with pytest.raises(requests.ReadTimeout):
        soar.session.post(soar.soar.url + "/rest/container", json=BODY, timeout=0.3)
    assert count(soar) == stored


def test_a_gateway_error_after_the_commit(soar: Client) -> None:
    """Any kind can strike after the request has taken effect."""
    soar.soar.admin.fault(POST, "504", committed=True)
    assert soar.call("POST", "/rest/container", json=BODY).status_code == 504
    assert count(soar) == 1


def test_slow_answers(soar: Client) -> None:
    """Slow waits before the answer, dripping spreads the body; both answers are whole."""
    for kind in ("slow", "slow_drip"):
        soar.soar.admin.fault(POST, kind, seconds=0.2)
        began = time.monotonic()
        assert soar.post("/rest/container", BODY)["success"] is True
        assert time.monotonic() - began >= 0.2


def test_truncated_json(soar: Client) -> None:
    """The body is the beginning of an answer, cut in the middle."""
    soar.soar.admin.fault(POST, "truncated_json")
    answer = soar.call("POST", "/rest/container", json=BODY)
    assert answer.text.startswith('{"success": true')
    with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
        answer.json()
    assert count(soar) == 1


def test_after_and_times(soar: Client) -> None:
    """The first two pass, the next two fail, the rest pass; other requests are not counted."""
    soar.soar.admin.fault(POST, "503", after=2, times=2)
    statuses = []
    for _ in range(5):
        soar.get("/rest/version")
        statuses.append(soar.call("POST", "/rest/container", json=BODY).status_code)
    assert statuses == [200, 200, 503, 503, 200]


def test_wildcards_and_clearing(soar: Client) -> None:
    """A pattern covers what it says, until it is taken back."""
    soar.soar.admin.fault("* /rest/playbook_run/*", "500", times=None)
    assert [soar.call("GET", f"/rest/playbook_run/{number}").status_code for number in (1, 2)] == [500, 500]
    assert soar.call("GET", "/rest/playbook_run/").status_code == 200
    soar.soar.admin.clear()
    assert soar.call("GET", "/rest/playbook_run/1").status_code == 404


def test_orders_over_http(soar: Client) -> None:
    """The same can be had from another process."""
    order = {"match": POST, "kind": "429", "times": 2, "retry_after": 1}
    assert soar.post("/__standin__/faults", order)["faults"][0]["retry_after"] == "1"
    assert soar.call("POST", "/rest/container", json=BODY).status_code == 429
    assert soar.get("/__standin__/faults")["faults"][0]["times"] == 1
    assert soar.call("DELETE", "/__standin__/faults").json() == {"faults": []}
    soar.container(run_automation=True)
    assert soar.get("/__standin__/triggers") == {"1": 1}
    assert soar.refused("/__standin__/faults", {"match": POST, "kind": "nonsense"})["message"]


@pytest.mark.parametrize(
    "order",
    [
        {"match": "x", "kind": "500"},
        {"match": POST},
        {"match": POST, "kind": "500", "x": 1},
        {"match": POST, "kind": "500", "times": "2"},
    ],
)
def test_bad_orders(order: dict[str, object]) -> None:
    """An order that can't be meant is refused."""
    with pytest.raises(ValueError, match=r"match|valid|unknown|whole"):
        parse_fault(order)


def test_two_orders_for_one_request() -> None:
    """The first that is due is met; the second waits."""
    board = FaultBoard()
    for kind in ("500", "503"):
        board.add(parse_fault({"match": POST, "kind": kind}))
    met = [board.take("POST", "/rest/container") for _ in range(3)]
    assert [fault and fault.kind for fault in met] == ["500", "503", None]


def test_request_log(soar: Client) -> None:
    """Each request is noted with its cost and its fault, without any secret."""
    soar.soar.admin.fault(POST, "drop_after_commit")
    with pytest.raises(requests.RequestException):
        soar.call("POST", "/rest/container", json=BODY)
    soar.get("/rest/container", page_size="1")
    listed = soar.call("GET", "/__standin__/requests")  # on the same connection: both are recorded by now
    dropped, read = soar.soar.admin.requests
    assert (dropped.method, dropped.path, dropped.status, dropped.fault) == (
        "POST",
        "/rest/container",
        None,
        "drop_after_commit",
    )
    assert (read.query, read.status) == ("page_size=1", 200)
    assert read.response_bytes > 500
    assert 0 < read.work_ms <= read.ms
    assert soar.soar.admin.server_seconds > 0
    assert [record["status"] for record in listed.json()["requests"]] == [None, 200]
    assert TOKEN not in listed.text


def test_latency(soar: Client) -> None:
    """Every REST request waits as long as was set, and the wait is not the server's own time."""
    soar.soar.admin.latency_ms = 150
    soar.get("/rest/version")
    # The record is made after the answer left; the same connection's next answer comes after it.
    assert soar.post("/__standin__/status", {"latency_ms": 0})["latency_ms"] == 0
    record = soar.soar.admin.requests[0]
    assert record.ms - record.work_ms >= 150  # however long a busy machine lets the work take


def test_body_limit(start: Start) -> None:
    """A body above the limit gets the proxy's page, announced or not."""
    soar = start(max_body=1000)
    big = b'{"name": "' + b"n" * 2000 + b'"}'
    for body in (big, iter([big[:1500], big[1500:]])):
        answer = soar.call("POST", "/rest/container", data=body)
        assert (answer.status_code, answer.headers["content-type"]) == (413, "text/html; charset=utf-8")
    assert count(soar) == 0
