"""``python -m soarlink.preview``: a request on standard input, one JSON document on standard output."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

from soarlink.errors import ParameterError, ResultsError, SendToSoarError
from soarlink.mapping.compiled import explain_fields
from soarlink.mapping.search import MappingOptions, SearchContext
from soarlink.plan import parameters
from soarlink.preview.document import document, explanation, failure
from soarlink.preview.label import default_label
from soarlink.preview.preview import preview
from soarlink.preview.request import MapRequest, PreviewRequest, read
from soarlink.rows.results import Results
from soarlink.splunk import rules

if TYPE_CHECKING:
    from soarlink.mapping.compiled import Mapping
    from soarlink.preview.preview import Preview
    from soarlink.splunk.payload import Invocation

EXIT_CONFIGURATION = 3
EXIT_BROKEN_RESULTS = 6
"""The codes with which an action ends for the same reason (:mod:`soarlink.delivery.outcome`)."""


def main(stdin: IO[bytes], stdout: IO[bytes]) -> int:
    """Answer one request; the exit code is that with which the action would refuse it, else 0."""
    try:
        answer = answered(stdin.read())
    except ResultsError as error:
        answer = failure(str(error), EXIT_BROKEN_RESULTS)
    except SendToSoarError as error:
        answer = failure(str(error), EXIT_CONFIGURATION)
    stdout.write(json.dumps(answer, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")
    return int(answer["exit_code"])


def answered(raw: bytes) -> dict[str, Any]:
    """The document that answers a request.

    Raises:
        SendToSoarError: whatever would stop the action.
    """
    request = read(raw)
    return _explained(request) if isinstance(request, MapRequest) else _previewed(request)


def _previewed(request: PreviewRequest) -> dict[str, Any]:
    mapping = rules.load(request.app)
    calls = request.calls[: request.limit or None]
    previews: list[Preview] = []
    notes: dict[str, None] = {}
    for call in calls:
        one, said = _call(request, call, mapping)
        previews.append(one)
        notes.update(dict.fromkeys(said))
    sid = calls[0].run.sid if calls else ""
    return document(previews, sid=sid, mapping=mapping.digest, total=request.total, notes=tuple(notes))


def _call(request: PreviewRequest, call: Invocation, mapping: Mapping) -> tuple[Preview, tuple[str, ...]]:
    asked = parameters.parse(call.configuration, call.run.action)
    label, notes = default_label(request.app, asked.account, request.accounts)
    results = Results(call.results_file, call.fixed_rid, call.rid_suffix)
    made = preview(call.run, asked, mapping, label, rows=results, columns=results.header(), limit=request.limit)
    return made, notes


def _explained(request: MapRequest) -> dict[str, Any]:
    mapping = rules.load(request.app)
    search = SearchContext(request.search_name, data_model=request.data_model)
    try:
        options = MappingOptions(field_names=request.field_names, multivalue=request.multivalue)
        mapped, trace = explain_fields(mapping, request.fields, search, options)
    except ValueError as error:
        raise ParameterError([str(error)]) from error
    return explanation(mapped, (line for line in trace if line.field in request.given), mapping.digest)
