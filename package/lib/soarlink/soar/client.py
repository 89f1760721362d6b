"""Splunk SOAR's REST API, as far as the add-on uses it. One client is one kept-alive connection."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Union
from urllib.parse import quote

from soarlink.errors import MaybeSent, NotSent, SoarError
from soarlink.soar import answer
from soarlink.soar.answer import Created
from soarlink.wire.exchange import Exchanger
from soarlink.wire.failure import ExchangeFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from soarlink.soar.account import Account

Result = Union[Created, SoarError]
"""What became of one element of a list: SOAR has it, or why not."""

_QUERY_VALUES = 40
"""Most values in one ``__in`` filter: keeps the address below what proxies accept."""


def encode(body: Any) -> bytes:
    """A body as it is sent: compact UTF-8 JSON."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


class SoarClient:
    """Calls to one SOAR server.

    Every method raises a leaf of :class:`soarlink.errors.SoarError` when the call as a whole fails.
    """

    def __init__(self, account: Account, exchanger: Exchanger | None = None) -> None:
        self.account = account
        self._exchanger = exchanger or Exchanger(account.endpoint(), account.login())

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
        wanted = list(keys)
        found: set[str] = set()
        for start in range(0, len(wanted), _QUERY_VALUES):
            part = wanted[start : start + _QUERY_VALUES]
            rows = self._list(
                "/rest/artifact",
                (("_filter_container", str(container_id)), ("_filter_source_data_identifier__in", _literals(part))),
            )
            found.update(str(row.get("source_data_identifier")) for row in rows)
        return found

    def artifact_count(self, container_id: int) -> int:
        """How many artifacts SOAR has in the container."""
        parsed = self._get(f"/rest/container/{container_id}/artifacts", (("page_size", "1"),))
        count = parsed.get("count") if isinstance(parsed, dict) else None
        if not isinstance(count, int):
            raise MaybeSent("SOAR did not say how many artifacts the container has.")
        return count

    def start_playbook(self, container_id: int, playbook: str, scope: str) -> str:
        """Queue a playbook run; its id.

        Args:
            container_id: the container to run on.
            playbook: ``repository/name`` or a playbook's id.
            scope: ``new`` or ``all``.
        """
        body = {
            "container_id": container_id,
            "playbook_id": int(playbook) if playbook.isdigit() else playbook,
            "scope": scope,
            "run": True,
        }
        parsed = self._post("/rest/playbook_run", body)
        run_id = parsed.get("playbook_run_id") if isinstance(parsed, dict) else None
        if not run_id:
            raise MaybeSent(f'SOAR gave no run id for the playbook "{playbook}".')
        return str(run_id)

    def _list(self, path: str, query: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
        parsed = self._get(path, (*query, ("page_size", "0")))
        data = parsed.get("data") if isinstance(parsed, dict) else None
        if not isinstance(data, list):
            raise MaybeSent(f"SOAR answered {path} without a list.")
        return [row for row in data if isinstance(row, dict)]

    def _get(self, path: str, query: Sequence[tuple[str, str]] = ()) -> Any:
        text = "&".join(f"{name}={quote(value, safe='')}" for name, value in query)
        return self._call("GET", f"{path}?{text}" if text else path, None)

    def _post(self, path: str, body: Any) -> Any:
        return self._call("POST", path, encode(body))

    def _call(self, method: str, path: str, body: bytes | None) -> Any:
        try:
            reply = self._exchanger.exchange(method, path, body, "application/json" if body is not None else "")
        except ExchangeFailed as failure:
            kind = MaybeSent if failure.sent else NotSent
            raise kind(f"SOAR: {failure.what}", failure.remedy) from None
        return answer.parse(reply, f"SOAR at {self._exchanger.endpoint.host}")


def _result(element: Any, embedded: int) -> Result:
    try:
        return answer.created(element, embedded)
    except SoarError as error:
        return error


def _literals(values: Sequence[str]) -> str:
    """A list for an ``__in`` filter (REST reference, 7.2): double quotes, inner ones escaped."""
    quoted = ('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
    return f"[{','.join(quoted)}]"
