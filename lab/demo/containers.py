"""What arrived in SOAR, read back over its REST API."""

from __future__ import annotations

import json
import ssl
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TIMEOUT = 10.0


@dataclass(frozen=True)
class Artifact:
    """One artifact.

    Args:
        name: its name.
        cef: CEF field → value.
        cef_types: CEF field → the data types that playbooks look for.
    """

    name: str
    cef: Mapping[str, Any]
    cef_types: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Container:
    """One container.

    Args:
        id: its id.
        name: its name.
        severity: its severity.
        label: its label.
        artifacts: its artifacts.
    """

    id: int
    name: str
    severity: str
    label: str
    artifacts: tuple[Artifact, ...]


class Soar:
    """A reader of one SOAR.

    Args:
        url: its address.
        token: an automation user's.
        ca_file: the authority that signed its certificate.
    """

    def __init__(self, url: str, token: str, ca_file: Path) -> None:
        self._url = url
        self._token = token
        self._context = ssl.create_default_context(cafile=str(ca_file))

    def counts(self) -> tuple[int, int]:
        """Tell how many containers and how many artifacts there are."""
        containers, artifacts = (int(self._get(f"{kind}?page_size=1")["count"]) for kind in ("container", "artifact"))
        return containers, artifacts

    def automated(self) -> dict[str, int]:
        """Tell on how many containers each playbook was run."""
        names = {playbook["id"]: str(playbook["name"]) for playbook in self._get("playbook?page_size=0")["data"]}
        ran: dict[str, set[int]] = {}
        for run in self._get("playbook_run?page_size=0")["data"]:
            ran.setdefault(names[run["playbook"]], set()).add(int(run["container"]))
        return {name: len(containers) for name, containers in ran.items()}

    def container(self, identity: int) -> Container:
        """Read one container with its artifacts and playbook runs."""
        document = self._get(f"container/{identity}")
        artifacts = self._get(f"container/{identity}/artifacts?page_size=0&sort=id&order=asc")["data"]
        return Container(
            id=identity,
            name=document["name"],
            severity=document["severity"],
            label=document["label"],
            artifacts=tuple(Artifact(item["name"], item["cef"], item.get("cef_types") or {}) for item in artifacts),
        )

    def _get(self, path: str) -> Any:
        request = urllib.request.Request(f"{self._url}/rest/{path}", headers={"ph-auth-token": self._token})  # noqa: S310 - https
        with urllib.request.urlopen(request, timeout=_TIMEOUT, context=self._context) as response:  # noqa: S310 - https
            return json.load(response)
