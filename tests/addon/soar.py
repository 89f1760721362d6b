"""Reads the stand-in SOAR over its REST API, as a playbook author would."""

from __future__ import annotations

from collections import Counter
from typing import Any

import requests

from lab.runner.lab import Lab


class SoarReader:
    """GETs with the lab account's own token."""

    def __init__(self, lab: Lab) -> None:
        self._url = lab.soar.url
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of this machine is none of the lab's business
        self._session.verify = str(lab.soar.ca_file)
        self._session.headers["ph-auth-token"] = lab.account().token

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

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

    def containers_of(self, key: object) -> list[dict[str, Any]]:
        """The containers with this key."""
        return list(self._get(f'/rest/container?_filter_source_data_identifier="{key}"&page_size=0')["data"])

    def all_containers(self) -> list[dict[str, Any]]:
        """Every container, oldest first."""
        return list(self._get("/rest/container?page_size=0&sort=id&order=asc")["data"])

    def all_artifacts(self) -> dict[int, list[str]]:
        """The source addresses of all artifacts, by container; containers without artifacts are there too."""
        found: dict[int, list[str]] = {container["id"]: [] for container in self.all_containers()}
        for artifact in self._get("/rest/artifact?page_size=0&include_expensive")["data"]:
            found[artifact["container"]].append(artifact["cef"].get("sourceAddress", ""))
        return found

    def run_counts(self, playbook: str) -> Counter[int]:
        """How many runs of one playbook each container has had."""
        names = {row["id"]: row["name"] for row in self._get("/rest/playbook?page_size=0")["data"]}
        runs = self._get("/rest/playbook_run?page_size=0")["data"]
        return Counter(run["container"] for run in runs if names.get(run["playbook"]) == playbook)

    def runs(self, number: int | None) -> list[dict[str, Any]]:
        """The playbook runs of a container."""
        return list(self._get(f"/rest/playbook_run?_filter_container={number}&page_size=0")["data"])

    def records(self, resource: str) -> list[dict[str, Any]]:
        """Every record of one kind, oldest first."""
        return list(self._get(f"/rest/{resource}?page_size=0&sort=id&order=asc")["data"])

    def approvals(self, number: int | None) -> list[dict[str, Any]]:
        """The prompts of a container, oldest first."""
        return list(self._get(f"/rest/container/{number}/approvals?page_size=0&sort=id&order=asc")["data"])

    def attachments(self, number: int | None) -> list[dict[str, Any]]:
        """The files that are attached to a container, oldest first."""
        found = self._get(f"/rest/container_attachment?_filter_container_id={number}&page_size=0&sort=id&order=asc")
        return list(found["data"])

    def download(self, vault_id: str) -> bytes:
        """The bytes of a file in the vault."""
        answer = self._session.get(f"{self._url}/rest/download_attachment?vault_id={vault_id}", timeout=30)
        answer.raise_for_status()
        return answer.content

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Something that a person or a playbook does in SOAR."""
        return dict(self._posted(path, body))

    def post_list(self, path: str, bodies: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The same for several at once."""
        return list(self._posted(path, bodies))

    def _posted(self, path: str, body: object) -> Any:
        answer = self._session.post(self._url + path, json=body, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def named_runs(self, number: int, playbook: str) -> list[dict[str, Any]]:
        """The runs of one playbook on a container."""
        names = {row["id"]: row["name"] for row in self._get("/rest/playbook?page_size=0")["data"]}
        return [run for run in self.runs(number) if names.get(run["playbook"]) == playbook]

    def _get(self, path: str) -> Any:
        answer = self._session.get(self._url + path, timeout=30)
        answer.raise_for_status()
        return answer.json()
