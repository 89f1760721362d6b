"""SOAR and the KV store in memory, at the ports of their clients, and a process that can end at any step.

They behave as the stand-ins do, as far as the state machine asks for it: SOAR keeps one container for each
`source_data_identifier` and one artifact for each of them in a container, a list is answered element by element, a
request can be carried out although its answer is lost, and one can be carried out late.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from soarlink.errors import (
    AuthFailed,
    KvStoreUnavailable,
    MaybeSent,
    NotSent,
    Refused,
    ServerFault,
    SoarError,
    Throttled,
)
from soarlink.soar.account import Account
from soarlink.soar.answer import Created
from soarlink.soar.client import Found, Result


class Crash(BaseException):
    """The process ends here."""


class Process:
    """Counts the steps of a process down to its end. After that nothing it does has any effect."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.is_dead = False

    def start(self, steps: int | None) -> None:
        """A new process, which ends after so many steps; None for one that ends by itself."""
        self.left, self.is_dead = steps, False

    def step(self) -> None:
        """One more step.

        Raises:
            Crash: it was one too many.
        """
        if self.left is not None:
            self.left -= 1
            self.is_dead = self.is_dead or self.left < 0
        if self.is_dead:
            raise Crash

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, with a step before and after."""

        def stepping(*args: Any, **kwargs: Any) -> Any:
            self.step()
            result = function(*args, **kwargs)
            self.step()
            return result

        return stepping


FAULTS: Mapping[str, tuple[SoarError, str]] = {
    "lost": (MaybeSent("no answer."), "now"),
    "cut": (MaybeSent("no answer."), "never"),
    "late": (MaybeSent("no answer in time."), "late"),
    "half": (MaybeSent("no answer."), "half"),
    "500": (ServerFault("500.", status=500), "never"),
    "500 done": (ServerFault("500.", status=500), "now"),
    "away": (NotSent("refused."), "never"),
    "busy": (Throttled("429.", status=429, retry_after=30.0), "never"),
    "turned away": (AuthFailed("401.", status=401), "never"),
    "no": (Refused("No."), "never"),
}
"""What becomes of a request: the error that the client meets, and when it is carried out."""


class MemorySoar:
    """The server."""

    def __init__(self, process: Process, clock: Callable[[], float]) -> None:
        self.process = process
        self.clock = clock
        self.keys: dict[str, int] = {}
        self.artifacts: dict[int, dict[str, Any]] = {}
        self.runs: list[tuple[int, str]] = []
        self.faults: list[str] = []
        self.refused: set[str] = set()
        """Keys of containers that SOAR said no to, at least once."""
        self._late: list[tuple[float, Callable[[], Any]]] = []

    def tick(self) -> None:
        """Carry out what is late."""
        due = [work for at, work in self._late if at <= self.clock()]
        self._late = [(at, work) for at, work in self._late if at > self.clock()]
        for work in due:
            work()

    def write(self, work: Callable[[], Any], half: Callable[[], Any], late: float) -> Any:
        """Carry out one request, or as much of it as its fault allows."""
        self.process.step()
        fault = self.faults.pop(0) if self.faults else ""
        if not fault:
            result = work()
            self.process.step()
            return result
        error, when = FAULTS[fault]
        if when == "now":
            work()
        elif when == "half":
            half()
        elif when == "late":
            self._late.append((self.clock() + late, work))
        self.process.step()
        raise error

    def put(self, body: Mapping[str, Any]) -> Result:
        """One container with its artifacts."""
        key = body["source_data_identifier"]
        if body["label"] != "events":
            self.refused.add(key)
            return Refused("No such label.")
        if key in self.keys:
            return Created(self.keys[key], existed=True)
        number = self.keys[key] = len(self.keys) + 1
        embedded = body.get("artifacts", ())
        self.artifacts[number] = {}
        ids = tuple(self.add(number, artifact) for artifact in embedded)
        return Created(number, artifact_ids=ids)

    def add(self, container: int, body: Mapping[str, Any]) -> int:
        """One artifact; the same key again is the same artifact."""
        held = self.artifacts[container]
        held.setdefault(body["source_data_identifier"], dict(body))
        return list(held).index(body["source_data_identifier"]) + 1


class MemoryClient:
    """The client's port."""

    def __init__(self, soar: MemorySoar, account: Account) -> None:
        self.soar = soar
        self.account = account

    def close(self) -> None:
        """Nothing to close."""

    def create_container(self, body: Mapping[str, Any]) -> Created:
        """One container, see the server."""
        (result,) = self.create_containers([body])
        if isinstance(result, SoarError):
            raise result
        return result

    def create_containers(self, bodies: Sequence[Mapping[str, Any]]) -> list[Result]:
        """A list of them; half of it is its first half."""
        kept = copy.deepcopy(list(bodies))
        found: list[Result] = self.soar.write(
            lambda: [self.soar.put(body) for body in kept],
            lambda: [self.soar.put(body) for body in kept[: len(kept) // 2]],
            self.account.read_timeout - 1,
        )
        return found

    def create_artifacts(self, bodies: Sequence[Mapping[str, Any]]) -> list[Result]:
        """A list of artifacts."""
        kept = copy.deepcopy(list(bodies))
        found: list[Result] = self.soar.write(
            lambda: [Created(self.soar.add(body["container_id"], body)) for body in kept],
            lambda: [self.soar.add(body["container_id"], body) for body in kept[: len(kept) // 2]],
            self.account.read_timeout - 1,
        )
        return found

    def start_playbook(
        self, container_id: int, playbook: str, scope: str | Sequence[int], inputs: Mapping[str, str] | None = None
    ) -> str:
        """One run; each request that is carried out makes another one."""
        del scope

        def start() -> str:
            self.soar.runs.append((container_id, playbook))
            return str(len(self.soar.runs))

        return str(self.soar.write(start, lambda: None, self.account.read_timeout - 1))

    def records(self, resource: str, query: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """The playbook of a name, of which there is one; the runs of a container after another one, latest first."""
        if resource == "playbook":
            return [{"id": 1, "name": dict(query)["_filter_name"].strip('"'), "_pretty_scm": "local"}]
        asked = dict(query)
        container, after = int(asked["_filter_container"]), int(asked.get("_filter_id__gt", "0"))
        found = [
            {"id": number, "playbook": 1, "container": held}
            for number, (held, _) in enumerate(self.soar.runs, start=1)
            if held == container and number > after
        ]
        return found[::-1]

    def options(self) -> dict[str, Any]:
        """The names that the server has."""
        return {"label": ["events"], "severity": [{"name": "High"}, {"name": "Medium"}, {"name": "Low"}]}

    def artifact_keys(self, container_id: int, keys: Iterable[str]) -> set[str]:
        """Those that are there."""
        return set(keys) & set(self.soar.artifacts[container_id])

    def artifact_count(self, container_id: int) -> int:
        """How many there are."""
        return len(self.soar.artifacts[container_id])

    def containers_with_keys(self, keys: Sequence[str]) -> list[Found]:
        """Those that are there."""
        return [Found(self.soar.keys[key], key, "new") for key in keys if key in self.soar.keys]


class MemoryKv:
    """The KV store's port."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.collections: dict[str, dict[str, dict[str, Any]]] = {}
        self.faults: list[str] = []

    def insert(self, collection: str, document: Mapping[str, Any]) -> bool:
        """False when the key is taken."""

        def work() -> bool:
            held = self._held(collection)
            if document["_key"] in held:
                return False
            held[document["_key"]] = dict(document)
            return True

        return bool(self._write(work))

    def save_batch(self, collection: str, documents: Iterable[Mapping[str, Any]]) -> int:
        """Insert or replace."""
        kept = [dict(document) for document in documents]

        def work() -> int:
            self._held(collection).update((document["_key"], document) for document in kept)
            return len(kept)

        return int(self._write(work))

    def delete_where(self, collection: str, query: Mapping[str, Any]) -> None:
        """Delete what matches."""

        def work() -> None:
            held = self._held(collection)
            for key in [key for key, document in held.items() if _matches(document, query)]:
                del held[key]

        self._write(work)

    def get(self, collection: str, key: str) -> dict[str, Any] | None:
        """One document."""
        return copy.deepcopy(self._held(collection).get(key))

    def page(
        self, collection: str, query: Mapping[str, Any] | None = None, *, sort: str = "", limit: int = 500, **_: Any
    ) -> list[dict[str, Any]]:
        """What matches, in ascending order."""
        found = [copy.deepcopy(one) for one in self._held(collection).values() if _matches(one, query or {})]
        names = (sort or "_key").split(",")
        return sorted(found, key=lambda one: [one[name] for name in names])[:limit]

    def query(self, collection: str, query: Mapping[str, Any] | None = None, **_: Any) -> list[dict[str, Any]]:
        """The same without a limit."""
        return self.page(collection, query, limit=1_000_000)

    def find(self, collection: str, queries: Sequence[Mapping[str, Any]]) -> list[list[dict[str, Any]]]:
        """Several queries."""
        return [self.query(collection, query) for query in queries]

    def _held(self, collection: str) -> dict[str, dict[str, Any]]:
        return self.collections.setdefault(collection, {})

    def _write(self, work: Callable[[], Any]) -> Any:
        self.process.step()
        fault = self.faults.pop(0) if self.faults else ""
        if fault == "before":
            raise KvStoreUnavailable("away.")
        result = work()
        self.process.step()
        if fault == "after":
            raise KvStoreUnavailable("no answer.")
        return result


_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "$gt": lambda one, other: one > other,
    "$gte": lambda one, other: one >= other,
    "$lt": lambda one, other: one < other,
    "$lte": lambda one, other: one <= other,
    "$ne": lambda one, other: one != other,
}


def _matches(document: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    return all(_holds(document, name, wanted) for name, wanted in query.items())


def _holds(document: Mapping[str, Any], name: str, wanted: Any) -> bool:
    if name == "$and":
        return all(_matches(document, part) for part in wanted)
    if name == "$or":
        return any(_matches(document, part) for part in wanted)
    if isinstance(wanted, dict):
        return all(_OPERATORS[operator](document.get(name), value) for operator, value in wanted.items())
    return bool(document.get(name) == wanted)
