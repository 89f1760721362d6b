"""A stand-in SOAR for each test, over real HTTPS, and a client that trusts its CA and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from lab.soar import StandInSoar, Switches

TOKEN = "token-for-tests-4711"
PASSWORD = "password-for-tests-0815"
START = 1_760_000_000.0


@dataclass
class Clock:
    """A clock that moves only when told."""

    now: float = START

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self.now


@dataclass
class Client:
    """What tests speak to the stand-in with."""

    soar: StandInSoar
    clock: Clock
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.session.verify = str(self.soar.ca_file)
        self.session.headers["ph-auth-token"] = TOKEN

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """One request below the base URL; redirects are not followed."""
        return self.session.request(
            method, self.soar.url + path, timeout=20, allow_redirects=False, **{"params": None, **options}
        )

    def get(self, path: str, **params: str) -> Any:
        """The JSON of a GET that must succeed."""
        answer = self.call("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object) -> Any:
        """The JSON of a POST that must succeed."""
        answer = self.call("POST", path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def refused(self, path: str, body: object, *, status: int = 400) -> Any:
        """The JSON of a POST that must be refused with `status`."""
        answer = self.call("POST", path, json=body)
        assert (answer.status_code, answer.json()["failed"]) == (status, True), answer.text
        return answer.json()

    def container(self, **fields: Any) -> int:
        """Make a container and return its id."""
        return int(self.post("/rest/container", {"name": "n", "label": "events", **fields})["id"])

    def artifact(self, container_id: int, **fields: Any) -> int:
        """Make an artifact that starts nothing, and return its id."""
        body = {"container_id": container_id, "run_automation": False, **fields}
        return int(self.post("/rest/artifact", body)["id"])

    def ids(self, path: str, **params: str) -> list[int]:
        """The ids in a list."""
        return [record["id"] for record in self.get(path, **params)["data"]]


Start = Callable[..., Client]


@contextmanager
def starter(folder: Path) -> Iterator[Start]:
    """Start stand-ins with the given switches below `folder`; all are stopped at the end of the block."""
    clients: list[Client] = []

    def begin(**switches: Any) -> Client:
        clock = Clock()
        soar = StandInSoar(folder / f"soar{len(clients)}", switches=Switches(**switches), clock=clock).__enter__()
        soar.add_automation_user("splunk", TOKEN)
        clients.append(Client(soar, clock))
        return clients[-1]

    try:
        yield begin
    finally:
        for client in clients:
            client.session.close()
            client.soar.__exit__(None, None, None)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start stand-ins for one test."""
    with starter(tmp_path) as begin:
        yield begin


@pytest.fixture
def soar(start: Start) -> Client:
    """A stand-in with default switches."""
    return start()
