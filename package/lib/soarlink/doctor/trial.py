"""Sends one test container, reads it back, and closes it: the only proof of the right to create.

It is sent in the two steps that can leave automation off, container and then artifact, so that it starts no playbook;
only those that wait for a container to be closed (trigger ``container_resolved``) may run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soarlink.doctor.facts import Subject, Trial, Unread
from soarlink.errors import MaybeSent, SoarError
from soarlink.plan import severity as severities

if TYPE_CHECKING:
    from soarlink.soar.client import SoarClient

NAME = "Send to SOAR: test container"
TAG = "send_to_soar_test"
_CEF = {"destinationHostName": "send-to-soar.example"}
"""A name that nobody can have (RFC 2606): no indicator of anything."""


def attempt(client: SoarClient, subject: Subject, person: str, identity: str) -> Trial:
    """Carry it out.

    Args:
        client: SOAR.
        subject: for its label and severity.
        person: who asked for it; stands in the container.
        identity: what no other test container has.
    """
    done: list[str] = []
    container_id: int | None = None
    try:
        body = _container(subject, person, identity)
        container_id = client.create_container(body).id
        done.append("created")
        (artifact,) = client.create_artifacts([_artifact(container_id, subject, identity)])
        if isinstance(artifact, SoarError):
            raise artifact
        done.append("given an artifact")
        _compare(client, container_id, body)
        done.append("read back as it was sent")
        client.set_status(container_id, "closed")
        done.append("closed")
    except SoarError as error:
        return _trial(client, container_id, done, Unread.of(error))
    return _trial(client, container_id, done, None)


def _trial(client: SoarClient, container_id: int | None, done: list[str], failure: Unread | None) -> Trial:
    url = "" if container_id is None else client.account.container_url(container_id)
    return Trial(container_id, url, tuple(done), failure)


def _container(subject: Subject, person: str, identity: str) -> dict[str, Any]:
    return {
        "name": NAME,
        "description": f"Sent by | soardoctor create=true for {person}. It can be deleted.",
        "label": subject.label,
        "severity": _severity(subject),
        "source_data_identifier": identity,
        "tags": [TAG],
        "run_automation": False,
    }


def _artifact(container_id: int, subject: Subject, identity: str) -> dict[str, Any]:
    return {
        "container_id": container_id,
        "name": "Test artifact",
        "label": "event",
        "severity": _severity(subject),
        "source_data_identifier": f"{identity}:1",
        "cef": _CEF,
        "cef_types": {"destinationHostName": ["host name"]},
        "run_automation": False,
    }


def _severity(subject: Subject) -> str:
    return severities.DEFAULT if "{{" in subject.severity else subject.severity or severities.DEFAULT


def _compare(client: SoarClient, container_id: int, sent: dict[str, Any]) -> None:
    there = client.record(f"/rest/container/{container_id}")
    wrong = [key for key in ("name", "label", "source_data_identifier") if there.get(key) != sent[key]]
    if wrong:
        seen = ", ".join(f'{key} "{there.get(key)}" for "{sent[key]}"' for key in wrong)
        raise MaybeSent(f"SOAR keeps something else than was sent: {seen}.", "Look at the container in SOAR.")
    artifacts = client.listing(f"/rest/container/{container_id}/artifacts")
    kept = [row.get("cef") for row in artifacts]
    if kept != [_CEF]:
        raise MaybeSent(f"SOAR keeps {len(kept)} artifacts: {kept}.", "Look at the container in SOAR.")
