"""What splunkd's answers to the write-back mean."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

from soarlink.errors import SplunkdError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from soarlink.wire.exchange import Reply

OK, CREATED, NOT_FOUND, THROTTLED, SERVER_ERROR = 200, 201, 404, 429, 500
NO_RIGHT = (401, 403)
RIGHT = "edit_notable_events"

_XML_MESSAGE = re.compile(rb"<msg\b[^>]*>([^<]*)</msg>")
_RIGHTS = f"The user that Splunk runs inputs as needs the capability {RIGHT}."


def parsed(reply: Reply) -> dict[str, Any]:
    """The JSON object of an answer; an empty one where there is none."""
    found = document(reply.body)
    return found if isinstance(found, dict) else {}


def document(body: bytes) -> Any:
    """JSON of any kind; None where it is none."""
    try:
        return json.loads(body or b"{}")
    except ValueError:
        return None


def message(reply: Reply) -> str:
    """What splunkd says went wrong: the first of its messages, or a message of its own; "" where it says nothing."""
    found = parsed(reply)
    messages = found.get("messages")
    first = messages[0] if isinstance(messages, list) and messages else {}
    text = first.get("text") if isinstance(first, dict) else ""
    return str(text or found.get("message") or _in_xml(reply.body))


def is_fatal(line: Mapping[str, Any]) -> bool:
    """Whether a line of a search says that it ended in the middle: its rows are not all there, whatever the status."""
    messages = line.get("messages")
    return any(
        isinstance(one, dict) and one.get("type") == "FATAL" for one in (messages if isinstance(messages, list) else ())
    )


def _in_xml(body: bytes) -> str:
    """The message of splunkd's own refusals, before an endpoint has seen the request."""
    match = _XML_MESSAGE.search(body)
    return html.unescape(match.group(1).decode("utf-8", "replace")).strip() if match else ""


def failed(what: str, reply: Reply) -> SplunkdError:
    """An answer that can't be used.

    Args:
        what: the call, in short.
        reply: the answer.
    """
    remedy = _RIGHTS if reply.status in NO_RIGHT else ""
    text = f"splunkd answered {what} with status {reply.status}: {message(reply)}".rstrip(": ")
    return SplunkdError(f"{text}.", remedy, reply.status)
