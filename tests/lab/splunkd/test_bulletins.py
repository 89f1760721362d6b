"""Bulletin messages."""

from __future__ import annotations

import pytest

from tests.lab.splunkd.client import Client, Run, Start, client_of

MESSAGES = "/services/messages"


def test_life_cycle_and_restart(start: Start) -> None:
    """A message is created, replaced by one of the same name, survives a restart and is removed."""
    admin = client_of(start(clock=lambda: 1_790_000_000.0), "admin")
    assert admin.post(MESSAGES, {"name": "soar", "value": "down"}).content["severity"] == "warn"
    admin.post(MESSAGES, {"name": "soar", "value": "still down", "severity": "error", "role": "admin"})
    again = client_of(start(), "admin")
    content = again.get(f"{MESSAGES}/soar").content
    assert (content["message"], content["severity"], content["roles"]) == ("still down", "error", ["admin"])
    assert content["timeCreated_epochSecs"] == 1_790_000_000
    assert again.delete(f"{MESSAGES}/soar").status == 200
    assert again.get(f"{MESSAGES}/soar").status == 404


@pytest.mark.parametrize(
    "form",
    [
        {"value": "x"},
        {"name": "x"},
        {"name": "x", "value": "y", "severity": "fatal"},
        {"name": "x", "value": "y", "role": "no_such_role"},
        {"name": "x", "value": "y", "capability": "no_such_capability"},
    ],
)
def test_bad_messages_are_refused(admin: Client, form: dict[str, str]) -> None:
    """A message without name or value, with an unknown severity, role or capability gets 400."""
    assert admin.post(MESSAGES, form).status == 400
    assert admin.get(MESSAGES).json["entry"] == []


def test_bulletin_rest_client(in_addon: Run) -> None:
    """Solnlib's BulletinRestClient, which says JSON and sends a form, and the SDK create and read messages."""
    result = in_addon("""
        from solnlib.bulletin_rest_client import BulletinRestClient
        from splunklib import client
        bulletin = BulletinRestClient("soar_down", KEY, APP, scheme="https", host=HOST, port=PORT)
        bulletin.create_message("SOAR is down", severity="error", roles=["admin"])
        content = bulletin.get_message()["entry"][0]["content"]
        service = client.connect(host=HOST, port=PORT, scheme="https", token=KEY, app=APP, owner="nobody")
        service.messages.create("m1", value="x", severity="info")
        names = sorted(message.name for message in service.messages)
        bulletin.delete_message()
        result = [content["message"], content["severity"], names, service.restart_required]
    """)
    assert result == ["SOAR is down", "error", ["m1", "soar_down"], False]
