"""The stand-in splunkd of a state folder: started here, or found running in `lab serve`."""

from __future__ import annotations

import http.client
import json
import os
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlencode, urlsplit

from lab.runner.errors import LabError
from lab.runner.locks import FileLock
from lab.splunkd.users import SYSTEM_USER

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from lab.splunkd import StandInSplunkd

_TIMEOUT = 60.0
_OK = 200


class SplunkdHost:
    """The splunkd that a lab uses.

    Args:
        folder: the state folder.
        start: makes the stand-in when it is not running yet.
    """

    def __init__(self, folder: Path, start: Callable[[], StandInSplunkd]) -> None:
        self._note = folder / "splunkd.json"
        self._lock = FileLock(folder / ".splunkd.lock")
        self._start = start
        self._password = ""
        self._system_key = ""
        self.stand_in: StandInSplunkd | None = None
        self.uri = ""
        self.ca_file = Path()

    def __enter__(self) -> Self:
        if self._lock.acquire(wait=False):
            self._note.unlink(missing_ok=True)  # of a lab that was killed
            self.stand_in = self._start()
            self.stand_in.__enter__()
            self.uri, self.ca_file = self.stand_in.uri, self.stand_in.ca_file
        else:
            self._find()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self.stand_in is not None:
                self._note.unlink(missing_ok=True)
                self.stand_in.__exit__(kind, error, traceback)
        finally:
            self._lock.release()

    def share(self, password: str) -> None:
        """Let labs in other processes find this splunkd.

        Args:
            password: what all its users log in with. Nobody logs in as splunkd itself: the note holds a key for that.
        """
        partial = self._note.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        note = {
            "uri": self.uri,
            "ca_file": str(self.ca_file),
            "password": password,
            "system_key": self.session_key(SYSTEM_USER),
        }
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            json.dump(note, stream)
        partial.replace(self._note)

    def session_key(self, user: str) -> str:
        """Give a new session key of a user.

        Raises:
            LabError: the splunkd of `lab serve` does not know the user, or has gone.
        """
        if self.stand_in is not None:
            return self.stand_in.session_key(user=user)
        return self._system_key if user == SYSTEM_USER else self._log_in(user)

    def _find(self) -> None:
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            # Nothing but `lab serve` gives the state folder free while its splunkd runs, and it leaves a note.
            raise LabError("The lab that runs on this state folder does not say where.", "Stop it.") from error
        self.uri, self.ca_file = str(note["uri"]), Path(note["ca_file"])
        self._password, self._system_key = str(note["password"]), str(note["system_key"])

    def _log_in(self, user: str) -> str:
        address = urlsplit(self.uri)
        context = ssl.create_default_context(cafile=str(self.ca_file))
        context.check_hostname = False
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=_TIMEOUT, context=context
        )
        form = urlencode({"username": user, "password": self._password, "output_mode": "json"})
        try:
            connection.request("POST", "/services/auth/login", form)
            answer = connection.getresponse()
            content = answer.read()
        except OSError as error:
            raise LabError("`lab serve` does not answer.", "Stop it and start it again.") from error
        finally:
            connection.close()
        if answer.status != _OK:
            raise LabError(f"`lab serve` knows no user {user}.")
        return str(json.loads(content)["sessionKey"])
