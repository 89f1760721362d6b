"""The rows of a search as splunkd writes them: JSON by rows or by columns, and XML."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from lab.spl.value import number, shown
from lab.splunkd.response import json_response, xml_response

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.spl.evaluator import Answer
    from lab.spl.value import Row, Value
    from lab.splunkd.request import Request
    from lab.splunkd.response import Response

_DEFAULT_COUNT = 100


def rendered(request: Request, answer: Answer) -> Response:
    """Return a page of an answer, as ``output_mode``, ``offset`` and ``count`` ask for."""
    offset, count = int(request.args.get("offset", "0")), int(request.args.get("count", str(_DEFAULT_COUNT)))
    rows = answer.rows[offset:] if count <= 0 else answer.rows[offset : offset + count]
    fields = answer.fields if answer.rows else ()
    if request.output_mode not in ("json", "json_cols", "json_rows"):
        return xml_response(_xml(fields, rows))
    document: dict[str, Any] = {
        "preview": False,
        "init_offset": offset,
        "post_process_count": len(answer.rows),
        "messages": [],
        "fields": [_field(name, fields) for name in fields],
        "highlighted": {},
    }
    cells = [[cell(name, row.get(name)) for name in fields] for row in rows]
    if request.output_mode == "json":
        document["results"] = [record(row, fields) for row in rows]
    elif request.output_mode == "json_rows":
        document["rows"] = cells
    else:
        document["columns"] = [[line[index] for line in cells] for index in range(len(fields))]
    return json_response(document)


def record(row: Row, fields: Sequence[str]) -> dict[str, Any]:
    """Return a row as JSON has it: empty fields left out."""
    return {name: text for name in fields if (text := cell(name, row.get(name))) is not None}


def cell(name: str, value: Value) -> str | list[str] | None:
    """Return a value as splunkd writes it: times of `_time` in full."""
    moment = number(value) if name == "_time" else None
    if moment is None:
        return shown(value)
    return dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(timespec="milliseconds")


def _field(name: str, fields: Sequence[str]) -> dict[str, str]:
    # The rank tells charts that the rows are by time.
    return {"name": name, "groupby_rank": "0"} if name == "_time" and "_span" in fields else {"name": name}


def _xml(fields: Sequence[str], rows: Sequence[Row]) -> str:
    order = "".join(f"<field>{escape(name)}</field>" for name in fields)
    body = "".join(_row_xml(number_, record(row, fields)) for number_, row in enumerate(rows))
    return f"<results preview='0'><meta><fieldOrder>{order}</fieldOrder></meta>{body}</results>"


def _row_xml(offset: int, row: dict[str, Any]) -> str:
    cells = []
    for name, value in row.items():
        values = value if isinstance(value, list) else [value]
        texts = "".join(f"<value><text>{escape(str(item))}</text></value>" for item in values)
        cells.append(f"<field k={quoteattr(name)}>{texts}</field>")
    return f"<result offset='{offset}'>{''.join(cells)}</result>"
