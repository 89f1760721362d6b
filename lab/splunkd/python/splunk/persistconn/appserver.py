"""Runs one persistent REST handler: `python appserver.py SCRIPT MODULE.CLASS [ARGUMENT]`.

One JSON document a line on standard input, one JSON document a line as answer on what was standard output.
"""
# ruff: noqa: PTH120 - os.path keep start-up small

from __future__ import annotations

import base64
import importlib
import json
import os
import sys
import traceback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def main(script: str, handler: str, argument: str = "") -> None:
    """Load class `handler` from the folder of `script` and answer requests until standard input ends."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    # What a handler prints must not end up between the answers.
    os.dup2(2, 1)
    sys.path[0] = os.path.dirname(script)
    module, _, name = handler.rpartition(".")
    # Libraries ask __main__ for the app they belong to.
    sys.modules["__main__"].__file__ = script
    application = getattr(importlib.import_module(module), name)(script, argument)
    try:
        for line in sys.stdin:
            channel.write(json.dumps(_answer(application, line)) + "\n")
            channel.flush()
    finally:
        application.done()


def _answer(application: Any, line: str) -> dict[str, Any]:
    try:
        given = application.handle(line.encode())
        answer: dict[str, Any] = json.loads(given) if isinstance(given, (str, bytes)) else given
        payload = answer.get("payload", "")
        if isinstance(payload, bytes):
            answer = dict(answer, payload=base64.b64encode(payload).decode(), payload_base64=True)
        json.dumps(answer)
    except Exception as error:  # noqa: BLE001 - whatever a handler raises becomes an answer
        traceback.print_exc(file=sys.stderr)
        text = 'Unexpected error "%s" from python handler: "%s". See splunkd.log/python.log for more details.'
        return {"status": 500, "failed": text % (type(error), error)}
    return answer


if __name__ == "__main__":
    main(*sys.argv[1:])
