"""Reads the stand-in SOAR over its REST API, as a playbook author would."""

from __future__ import annotations

import ssl
from typing import Any

import httpx

from lab.runner.lab import Lab


class SoarReader:
    """GETs with the lab account's own token."""

    def __init__(self, lab: Lab) -> None:
        self._client = httpx.Client(
            base_url=lab.soar.url,
            verify=ssl.create_default_context(cafile=str(lab.soar.ca_file)),
            headers={"ph-auth-token": lab.account().token},
        )

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def container(self, number: int | None) -> dict[str, Any]:
        """One container."""
        return dict(self._get(f"/rest/container/{number}"))

    def artifacts(self, number: int | None) -> list[dict[str, Any]]:
        """The artifacts of a container, oldest first."""
        found = self._get(f"/rest/container/{number}/artifacts?page_size=0&sort=id&order=asc&include_expensive")
        return list(found["data"])

    def containers(self, name: str) -> int:
        """How many containers have this name."""
        return int(self._get(f'/rest/container?_filter_name="{name}"&page_size=1')["count"])

    def runs(self, number: int | None) -> list[dict[str, Any]]:
        """The playbook runs of a container."""
        return list(self._get(f"/rest/playbook_run?_filter_container={number}&page_size=0")["data"])

    def _get(self, path: str) -> Any:
        answer = self._client.get(path)
        answer.raise_for_status()
        return answer.json()
