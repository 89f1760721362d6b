"""What splunkd writes to an alert action's standard input (``payload_format = json`` of alert_actions.conf)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from soarlink.errors import PayloadError
from soarlink.plan.run import AlertRun
from soarlink.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

# The same rules as splunktaucclib.cim_actions.ModularAction, so that log, events and containers name a result alike.
_REAL_TIME_SID = re.compile(r"^(rt_scheduler.*)\.(\d+)(_?.*)$")
_PER_RESULT_FILE = re.compile(r"^tmp_(\d+)\..*")
_PER_RESULT_FOLDER = "per_result_alert"


@dataclass(frozen=True)
class Invocation:
    """One call of an alert action.

    ``fixed_rid`` is the result id of per-result alerting, None otherwise; ``rid_suffix`` belongs to every rid of a
    real-time search. ``text`` is the payload for the Common Action Model library, the session key included.
    """

    run: AlertRun
    configuration: Mapping[str, Any]
    results_file: Path | None
    fixed_rid: str | None
    rid_suffix: str
    server_uri: str
    session_key: Secret
    text: Secret


def parse(raw: bytes, action: str) -> Invocation:
    """Parse standard input.

    Args:
        raw: the bytes that splunkd wrote.
        action: the action's name.

    Raises:
        PayloadError: not a JSON object, or without a search id.
    """
    payload = _object(raw)
    configuration = payload.get("configuration")
    if not isinstance(configuration, dict):
        configuration = {}
    sid = str(payload.get("sid") or "")
    if not sid:
        raise PayloadError("The alert payload has no sid.", "Start the action from a search, an alert or sendalert.")
    scheduled = isinstance(payload.get("sid"), str) and "scheduler" in sid
    suffix = ""
    real_time = _REAL_TIME_SID.match(sid)
    if real_time:
        sid, suffix = real_time.group(1) + real_time.group(3), "." + real_time.group(2)
    results_file = _path(payload.get("results_file"))
    return Invocation(
        run=AlertRun(
            action=action,
            sid=sid,
            search_name=_text(payload.get("search_name")),
            app=_text(payload.get("app")),
            owner=_text(payload.get("user")) or _text(payload.get("owner")),
            results_link=_text(payload.get("results_link")),
            server_host=_text(payload.get("server_host")),
            scheduled=scheduled,
        ),
        configuration=configuration,
        results_file=results_file,
        fixed_rid=_fixed_rid(payload.get("result_id"), results_file),
        rid_suffix=suffix,
        server_uri=_text(payload.get("server_uri")),
        session_key=Secret(_text(payload.get("session_key"))),
        text=Secret(json.dumps({**payload, "result": None})),
    )


def _object(raw: bytes) -> dict[str, Any]:
    try:
        # A numeric sid keeps its digits: 1700000100.40 is not 1700000100.4.
        payload = json.loads(raw, parse_float=str)
    except ValueError as error:
        raise PayloadError(
            f"The alert payload is no JSON: {error}.", "Set payload_format = json for this action."
        ) from None
    if not isinstance(payload, dict):
        raise PayloadError("The alert payload is no JSON object.", "Set payload_format = json for this action.")
    return payload


def _fixed_rid(result_id: object, results_file: Path | None) -> str | None:
    if isinstance(result_id, (str, int)) and not isinstance(result_id, bool) and (result_id or result_id == 0):
        return str(result_id)
    if results_file is not None and results_file.parent.name == _PER_RESULT_FOLDER:
        match = _PER_RESULT_FILE.match(results_file.name)
        if match is None:
            raise PayloadError(
                f'The per-result file "{results_file.name}" names no result.',
                "splunkd calls such files tmp_<N>.csv.gz.",
            )
        return match.group(1)
    return None


def _path(value: object) -> Path | None:
    return Path(value) if isinstance(value, str) and value else None


def _text(value: object) -> str:
    return "" if value is None else str(value)
