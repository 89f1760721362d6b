"""Faults on demand."""

from __future__ import annotations

import dataclasses
import errno
import socket
import ssl
import threading
from urllib.parse import urlsplit

import pytest

from lab.splunkd import StandInSplunkd
from tests.lab.splunkd.client import Client

INFO = "/services/server/info"


def test_status_fault_counts_down(splunkd: StandInSplunkd, admin: Client) -> None:
    """A status fault answers the next `times` matching calls and no other."""
    splunkd.fault("GET", "server/info", status=503, times=2, body="KV Store is initializing.")
    assert admin.get("/services/messages").status == 200
    replies = [admin.get(INFO) for _ in range(3)]
    assert [reply.status for reply in replies] == [503, 503, 200]
    assert replies[0].messages == [("ERROR", "KV Store is initializing.")]


def test_fault_answers_in_xml_by_default(splunkd: StandInSplunkd, admin: Client) -> None:
    """A fault's answer is XML for a client that did not ask for JSON."""
    splunkd.fault(".", ".", status=500, body="a < b")
    assert '<msg type="ERROR">a &lt; b</msg>' in admin.call("GET", INFO).text


def test_reset_breaks_the_connection(splunkd: StandInSplunkd, admin: Client) -> None:
    """A reset fault ends the connection with a TCP reset instead of an answer, and the log holds status 0."""
    splunkd.fault("GET", "server/info", reset=True, times=1)
    with pytest.raises(ConnectionResetError) as raised:
        raw_request(splunkd, f"GET {INFO} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert raised.value.errno == errno.ECONNRESET
    assert splunkd.calls[-1].status == 0
    assert admin.get(INFO).status == 200


def raw_request(splunkd: StandInSplunkd, request: bytes) -> None:
    """Send a request and read until the end, with TLS in memory: `ssl`'s own sockets report a reset as an end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.load_verify_locations(splunkd.ca_file)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing)
    with socket.create_connection(("127.0.0.1", urlsplit(splunkd.uri).port or 0), timeout=10) as tcp:
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                tcp.sendall(outgoing.read())
                incoming.write(tcp.recv(65536))
        tls.write(request)
        tcp.sendall(outgoing.read())
        while tcp.recv(65536):
            pass


def test_hang_holds_until_cleared(splunkd: StandInSplunkd, admin: Client) -> None:
    """A hanging call times out at the client; one that waits gets its answer when the faults are cleared."""
    splunkd.fault("GET", "server/info", hang=True)
    with pytest.raises(TimeoutError):
        dataclasses.replace(admin, timeout=0.3).get(INFO)
    statuses: list[int] = []
    waiting = threading.Thread(target=lambda: statuses.append(admin.get(INFO).status))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    splunkd.clear_faults()
    waiting.join(10)
    assert statuses == [200]


def test_slow_delays_the_answer(splunkd: StandInSplunkd, admin: Client) -> None:
    """A slow fault delays the answer, and the delay is not counted as the stand-in's own time."""
    splunkd.fault("GET", "server/info", slow=0.2, times=1)
    assert admin.get(INFO).status == 200
    call = splunkd.calls[-1]
    assert call.ms >= 200
    assert 0 <= call.server_seconds < 0.1


def test_exactly_one_kind_of_fault(splunkd: StandInSplunkd) -> None:
    """A fault without or with two kinds is a mistake of the test that sets it."""
    with pytest.raises(ValueError, match="exactly one"):
        splunkd.fault(".", ".")
    with pytest.raises(ValueError, match="exactly one"):
        splunkd.fault(".", ".", status=500, hang=True)
