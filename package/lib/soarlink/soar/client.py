"""Splunk SOAR's REST API, as far as the add-on uses it. One client is one kept-alive connection."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Callable, Union
from urllib.parse import quote

from soarlink.body import encode
from soarlink.errors import MaybeSent, NotSent, SoarError
from soarlink.soar import answer
from soarlink.soar.answer import Created
from soarlink.wire.exchange import Exchanger, Observed
from soarlink.wire.failure import ExchangeFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from soarlink.soar.account import Account

__all__ = ["QUERY_BYTES", "Found", "Result", "SoarClient", "encode", "query_weight"]

Result = Union[Created, SoarError]
"""What became of one element of a list: SOAR has it, or why not."""

QUERY_BYTES = 7_900
"""Most bytes of encoded values in one address: proxies accept a request line of 8 kB (nginx's default)."""

_QUERY_SAFE = ",:@"
"""What may stand in a query as it is (RFC 3986, 3.4); the ids of notables have two ``@@``."""

_QUERY_IDS = 200


@dataclass(frozen=True)
class Found:
    """A container that is there. ``status`` is its status by name."""

    id: int
    key: str
    status: str


class SoarClient:
    """Calls to one SOAR server.

    Every method raises a leaf of :class:`soarlink.errors.SoarError` when the call as a whole fails.

    Args:
        account: the server, and how to sign in.
        exchanger: the connection; None for a new one.
        permit: called before each request; it raises a SoarError when the request must not be made.
        observe: told of each request when it is over, on a new connection.
    """

    def __init__(
        self,
        account: Account,
        exchanger: Exchanger | None = None,
        permit: Callable[[], None] = lambda: None,
        observe: Callable[[Observed], None] | None = None,
    ) -> None:
        self.account = account
        self._permit = permit
        self._exchanger = exchanger or Exchanger(account.endpoint(), account.login(), observe=observe)
        self._date = ""

    def close(self) -> None:
        """Close the connection."""
        self._exchanger.close()

    def create_container(self, body: Mapping[str, Any]) -> Created:
        """``POST /rest/container`` with embedded artifacts; a duplicate answers with the container that is there."""
        parsed = self._post("/rest/container", body)
        return answer.created(parsed, embedded=len(body.get("artifacts", ())))

    def create_containers(self, bodies: Sequence[Mapping[str, Any]]) -> list[Result]:
        """A list of containers in one request; results by position."""
        elements = answer.as_list(self._post("/rest/container", bodies), len(bodies))
        return [_result(element, len(body.get("artifacts", ()))) for element, body in zip(elements, bodies)]

    def create_artifacts(self, bodies: Sequence[Mapping[str, Any]]) -> list[Result]:
        """A list of artifacts, each with ``container_id`` and ``run_automation``; results by position."""
        elements = answer.as_list(self._post("/rest/artifact", bodies), len(bodies))
        return [_result(element, 0) for element in elements]

    def artifact_keys(self, container_id: int, keys: Iterable[str]) -> set[str]:
        """Which of these ``source_data_identifier`` values artifacts of the container already carry."""
        return {str(row.get("source_data_identifier")) for row in self._artifacts(container_id, keys)}

    def artifact_ids(self, container_id: int, keys: Iterable[str]) -> set[int]:
        """The ids of the container's artifacts that carry one of these ``source_data_identifier`` values."""
        found = (answer.number(row.get("id")) for row in self._artifacts(container_id, keys))
        return {number for number in found if number is not None}

    def artifact_count(self, container_id: int) -> int:
        """How many artifacts SOAR has in the container."""
        parsed = self._get(f"/rest/container/{container_id}/artifacts", (("page_size", "1"),))
        count = parsed.get("count") if isinstance(parsed, dict) else None
        if not isinstance(count, int):
            raise MaybeSent("SOAR did not say how many artifacts the container has.")
        return count

    def containers_with_keys(self, keys: Sequence[str]) -> list[Found]:
        """The containers that have one of these ``source_data_identifier`` values, oldest first."""
        found: list[Found] = []
        for part in _portions(keys):
            found.extend(self._containers((("_filter_source_data_identifier__in", _literals(part)),)))
        return found

    def containers_with_ids(self, ids: Sequence[int]) -> list[Found]:
        """The containers of these ids."""
        found: list[Found] = []
        for start in range(0, len(ids), _QUERY_IDS):
            listed = ",".join(str(number) for number in ids[start : start + _QUERY_IDS])
            found.extend(self._containers((("_filter_id__in", f"[{listed}]"),)))
        return found

    def origins(self, ids: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The raw ``data`` of these containers, by id. Lists leave it out unless they are asked for it."""
        found: dict[int, dict[str, Any]] = {}
        for start in range(0, len(ids), _QUERY_IDS):
            listed = ",".join(str(number) for number in ids[start : start + _QUERY_IDS])
            query = (("_filter_id__in", f"[{listed}]"), ("include_expensive", "1"))
            for row in self._list("/rest/container", query):
                number, data = answer.number(row.get("id")), row.get("data")
                if number is not None and isinstance(data, dict):
                    found[number] = data
        return found

    def set_data(self, container_id: int, data: Mapping[str, Any]) -> None:
        """Replace the raw ``data`` of a container."""
        self._post(f"/rest/container/{container_id}", {"data": data})

    def containers_with_prefix(self, prefix: str) -> list[Found]:
        """The containers whose ``source_data_identifier`` begins with these characters, oldest first."""
        return self._containers((("_filter_source_data_identifier__startswith", _literal(prefix)),))

    def set_status(self, container_id: int, status: str) -> None:
        """Give a container a status, by name."""
        self._post(f"/rest/container/{container_id}", {"status": status})

    def add_tags(self, container_id: int, tags: Sequence[str]) -> None:
        """Give a container the tags that it lacks. SOAR replaces them as a whole, so they are read first."""
        there = self.record(f"/rest/container/{container_id}").get("tags") or []
        known = [there] if isinstance(there, str) else [str(tag) for tag in there]
        if not set(tags) <= set(known):
            self._post(f"/rest/container/{container_id}", {"tags": list(dict.fromkeys((*known, *tags)))})

    def has_attachment(self, container_id: int, name: str, digest: str) -> bool:
        """Whether a file of that name with that SHA-1 is attached to the container."""
        query = (
            ("_filter_container_id", str(container_id)),
            ("_filter_vault_document__hash", _literal(digest)),
            ("_filter_name", _literal(name)),
            ("page_size", "1"),
        )
        parsed = self._get("/rest/container_attachment", query)
        return bool(parsed.get("count")) if isinstance(parsed, dict) else False

    def attach(self, container_id: int, name: str, content: bytes) -> str:
        """Put a file into the vault and attach it; its vault id."""
        body = {
            "container_id": container_id,
            "file_name": name,
            "file_content": base64.b64encode(content).decode("ascii"),
            "metadata": {"contains": ["vault id"]},
        }
        parsed = self._post("/rest/container_attachment", body)
        # Older servers leave vault_id out: it is the hash (REST reference, 8.5).
        vault_id = (parsed.get("vault_id") or parsed.get("hash")) if isinstance(parsed, dict) else None
        if not vault_id:
            raise MaybeSent(f'SOAR gave no vault id for the file "{name}".')
        return str(vault_id)

    def listing(self, path: str, query: Sequence[tuple[str, str]] = (), most: int = 0) -> list[dict[str, Any]]:
        """Records of a collection, or those that ``_filter_`` arguments choose: every one, or the first ``most``."""
        return self._list(path, query, most)

    def record(self, path: str) -> dict[str, Any]:
        """One record, or what a collection says of itself with its first one (``…?page_size=1``)."""
        parsed = self._get(path)
        if not isinstance(parsed, dict):
            raise MaybeSent(f"SOAR answered {path} without an object.")
        return parsed

    def server_time(self) -> float | None:
        """SOAR's clock, in seconds since 1970, by the ``Date`` of an answer: to the second; None where it has none."""
        self._get("/rest/version")
        try:
            return parsedate_to_datetime(self._date).timestamp()
        except (TypeError, ValueError):
            return None

    def records(self, resource: str, query: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        """The records that a query finds, as many as its ``page_size`` allows.

        Args:
            resource: name under ``/rest``.
            query: filters, order and page size (REST reference, 7.1).
        """
        data = self._get(f"/rest/{resource}", query)
        rows = data.get("data") if isinstance(data, dict) else None
        if not isinstance(rows, list):
            raise MaybeSent(f"SOAR answered /rest/{resource} without a list.")
        return [row for row in rows if isinstance(row, dict)]

    def options(self) -> dict[str, Any]:
        """``GET /rest/container_options``: labels, severities, statuses."""
        parsed = self._get("/rest/container_options")
        if not isinstance(parsed, dict):
            raise MaybeSent("SOAR answered /rest/container_options without an object.")
        return parsed

    def start_playbook(
        self, container_id: int, playbook: str, scope: str | Sequence[int], inputs: Mapping[str, str] | None = None
    ) -> str:
        """Queue a playbook run; its id.

        Args:
            container_id: the container to run on.
            playbook: ``repository/name`` or a playbook's id.
            scope: ``new``, ``all``, or ids of artifacts.
            inputs: of an input playbook.
        """
        body: dict[str, Any] = {
            "container_id": container_id,
            "playbook_id": int(playbook) if playbook.isdecimal() else playbook,
            "scope": scope,
            "run": True,
        }
        if inputs:
            body["inputs"] = dict(inputs)
        parsed = self._post("/rest/playbook_run", body)
        run_id = answer.number(parsed.get("playbook_run_id")) if isinstance(parsed, dict) else None
        if not run_id:
            raise MaybeSent(f'SOAR gave no run id for the playbook "{playbook}".')
        return str(run_id)

    def _artifacts(self, container_id: int, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
        for part in _portions(list(keys)):
            query = (("_filter_container", str(container_id)), ("_filter_source_data_identifier__in", _literals(part)))
            yield from self._list("/rest/artifact", query)

    def _containers(self, query: Sequence[tuple[str, str]]) -> list[Found]:
        rows = self._list("/rest/container", (*query, ("sort", "id"), ("order", "asc")))
        return [
            Found(number, str(row.get("source_data_identifier") or ""), str(row.get("status") or ""))
            for row in rows
            for number in [answer.number(row.get("id"))]
            if number is not None
        ]

    def _list(self, path: str, query: Sequence[tuple[str, str]], most: int = 0) -> list[dict[str, Any]]:
        return self.records(path[len("/rest/") :], (*query, ("page_size", str(most))))

    def _get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
        text = "&".join(f"{name}={_quoted(value)}" for name, value in query)
        return self._call("GET", f"{path}?{text}" if text else path, None)

    def _post(self, path: str, body: Any) -> Any:
        return self._call("POST", path, encode(body))

    def _call(self, method: str, path: str, body: bytes | None) -> Any:
        self._permit()
        try:
            reply = self._exchanger.exchange(method, path, body, "application/json" if body is not None else "")
        except ExchangeFailed as failure:
            kind = MaybeSent if failure.sent else NotSent
            raise kind(f"SOAR: {failure.what}", failure.remedy) from None
        self._date = reply.headers.get("Date", "")
        return answer.parse(reply, f"SOAR at {self._exchanger.endpoint.host}")


def _result(element: Any, embedded: int) -> Result:
    try:
        return answer.created(element, embedded)
    except SoarError as error:
        return error


def query_weight(value: str) -> int:
    """Bytes that a value takes in an address, as one of several: :data:`QUERY_BYTES` of them go into one request."""
    return len(_quoted(_escaped(value))) + len("%22%22,")


def _portions(values: Sequence[str]) -> Iterator[list[str]]:
    """The values in portions that one address can carry; a single value is never divided."""
    portion: list[str] = []
    room = QUERY_BYTES
    for value in values:
        weight = query_weight(value)
        if portion and weight > room:
            yield portion
            portion, room = [], QUERY_BYTES
        portion.append(value)
        room -= weight
    if portion:
        yield portion


def _quoted(value: str) -> str:
    # By its literals: where nothing has to be escaped, quote() does not go through the characters one by one.
    return "%22".join([quote(part, safe=_QUERY_SAFE, errors="replace") for part in value.split('"')])


def _literals(values: Sequence[str]) -> str:
    """A list for an ``__in`` filter (REST reference, 7.2): double quotes, inner ones escaped."""
    return f"[{','.join(map(_literal, values))}]"


def _literal(value: str) -> str:
    return f'"{_escaped(value)}"'


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
