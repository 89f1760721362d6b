"""REST endpoint that gives an action its SOAR account; splunkd starts it and keeps it running."""

from __future__ import annotations

import json
import logging
import os
import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))

from soarlink.access.endpoint import Endpoint
from soarlink.access.loopback import Loopback
from soarlink.splunk.actionlog import ActionLogHandler
from soarlink.splunk.anchors import server_conf
from splunk.persistconn.application import PersistentServerConnectionApplication

APP = Path(__file__).resolve().parent.parent


class AccessHandler(PersistentServerConnectionApplication):  # type: ignore[misc] # Splunk's class has no types
    """The endpoint, as splunkd knows it."""

    def __init__(self, _command_line: str, _command_arg: str) -> None:
        super().__init__()
        self._home = Path(os.environ["SPLUNK_HOME"])
        self._log = logging.getLogger("send_to_soar_access")
        self._log.propagate = False
        self._log.setLevel(logging.INFO)
        self._log.handlers = [ActionLogHandler(self._home / "var" / "log" / "splunk" / "send_to_soar_access.log")]
        self._endpoint: Endpoint | None = None

    def handle(self, in_string: bytes) -> dict[str, Any]:
        """Answer one request, given as JSON text."""
        request = json.loads(in_string)
        if self._endpoint is None:
            splunkd = Loopback(request["server"]["rest_uri"], server_conf, self._home)
            self._endpoint = Endpoint(APP, splunkd.get, self._log, lambda: uuid4().hex[:12])
        return self._endpoint.answer(request).reply()
