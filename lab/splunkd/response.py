"""One answer on its way out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

JSON_TYPE = "application/json; charset=UTF-8"
XML_TYPE = "text/xml; charset=UTF-8"


@dataclass(frozen=True)
class Response:
    """Status, body and headers of an answer."""

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: tuple[tuple[str, str], ...] = ()


def json_response(document: Any, status: int = 200) -> Response:
    """Return `document` as JSON."""
    return json_text(json.dumps(document), status)


def json_text(text: str, status: int = 200) -> Response:
    """Return `text`, a JSON document."""
    return Response(status, text.encode())


def xml_response(text: str, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Return `text`, an XML document."""
    return Response(status, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode(), XML_TYPE, headers)
