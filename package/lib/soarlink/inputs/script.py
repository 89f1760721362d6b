"""A modular input as splunkd sees it: one process without parameters, running until it is told to stop."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any, Callable

from splunklib.modularinput import Scheme, Script

from soarlink.inputs.session import Session
from soarlink.secret import Secret

APP = Path(__file__).resolve().parents[3]
"""The add-on's folder: ``lib/soarlink/inputs`` is three below it."""


class InputScript(Script):  # type: ignore[misc] # splunklib has no types
    """The input as splunkd sees it. Everything that it needs stands in the add-on's own settings.

    Args:
        title: its name on Splunk's pages.
        description: what it does.
        run: works until the event is set.
    """

    def __init__(self, title: str, description: str, run: Callable[[Session, threading.Event], None]) -> None:
        super().__init__()
        self._title = title
        self._description = description
        self._run = run

    def get_scheme(self) -> Scheme:
        """No parameters."""
        scheme = Scheme(self._title)
        scheme.description = self._description
        scheme.use_single_instance = True
        scheme.use_external_validation = False
        return scheme

    def stream_events(self, inputs: Any, ew: Any) -> None:  # noqa: ARG002 - events go through the spool, which answers
        """Run until SIGTERM, or until splunkd is gone."""
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        session = Session(
            uri=str(inputs.metadata["server_uri"]),
            key=Secret(str(inputs.metadata["session_key"])),
            home=Path(os.environ["SPLUNK_HOME"]),
            app=APP,
            clock=time.time,
            monotonic=time.monotonic,
            random=random.random,
        )
        self._run(session, stop)
