"""The SOAR that the lab sends to: the stand-in, or the user's own."""

from __future__ import annotations

import contextlib
import json
import secrets
import ssl
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from lab.runner.errors import LabError
from lab.runner.locks import FileLock
from lab.soar import StandInSoar, Switches

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

AUTOMATION_USER = "splunk"
"""Automation user of the stand-in that the lab's account uses."""

_TIMEOUT = 10.0
_PAUSE = 0.05


@dataclass(frozen=True)
class OwnSoar:
    """The user's own SOAR.

    Args:
        url: its address.
        token: an automation user's token; not in ``repr``.
        ca_file: PEM of the authority that signed its certificate; None for public ones.
    """

    url: str
    token: str = field(repr=False)
    ca_file: Path | None = None

    def ca_certificate(self) -> str:
        """Read the authority's PEM; "" when there is none.

        Raises:
            LabError: the file is not there or is no PEM certificate.
        """
        if self.ca_file is None:
            return ""
        try:
            pem = self.ca_file.read_text(encoding="ascii")
            ssl.create_default_context(cadata=pem)
        except FileNotFoundError as error:
            raise LabError(f"There is no file {self.ca_file}.") from error
        except (OSError, ValueError, ssl.SSLError) as error:
            raise LabError(f"{self.ca_file} is no PEM certificate.") from error
        return pem


def check_url(url: str) -> str:
    """Refuse what can't be a SOAR's address, before anything is set up for it."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.path.strip("/"):
        raise LabError(
            "--soar must be an https:// address without user name and path.", "Example: https://soar.example.com."
        )
    return url.rstrip("/")


class StandInHost:
    """The stand-in SOAR of a state folder: started here, or found running in `lab serve`.

    Args:
        folder: the state folder.
        switches: how it behaves when it is started here.
        clock: seconds since the epoch, when it is started here.
    """

    def __init__(
        self, folder: Path, *, switches: Switches | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._note = folder / "serving.json"
        self._lock = FileLock(folder / ".soar.lock")
        self._state = folder / "soar"
        self._switches = switches or Switches()
        self._clock = clock
        self.stand_in: StandInSoar | None = None
        self.url = ""
        self.ca_file = Path()

    def __enter__(self) -> Self:
        if self._lock.acquire(wait=False):
            self.stand_in = StandInSoar(self._state, switches=self._switches, clock=self._clock)
            self.stand_in.__enter__()
            self.url, self.ca_file = self.stand_in.url, Path(self.stand_in.ca_file)
            partial = self._note.with_suffix(".partial")
            partial.write_text(json.dumps({"url": self.url, "ca_file": str(self.ca_file)}), encoding="utf-8")
            partial.replace(self._note)
        else:
            self.url, self.ca_file = self._found()
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

    def _found(self) -> tuple[str, Path]:
        # Another process has the lock: it runs, or is about to.
        deadline = time.monotonic() + _TIMEOUT
        while time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError):
                note = json.loads(self._note.read_text(encoding="utf-8"))
                return str(note["url"]), Path(note["ca_file"])
            time.sleep(_PAUSE)
        raise LabError("`lab serve` runs on this state folder and does not say where.", "Stop it and start it again.")

    def knows(self, token: str) -> bool:
        """Tell whether the stand-in takes this token."""
        if not token:
            return False
        context = ssl.create_default_context(cafile=str(self.ca_file))
        request = urllib.request.Request(f"{self.url}/rest/version", headers={"ph-auth-token": token})  # noqa: S310 - https
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT, context=context):  # noqa: S310 - https
                return True
        except urllib.error.HTTPError:
            return False

    def new_token(self) -> str:
        """Give the automation user a new token.

        Raises:
            LabError: the stand-in runs in another process, which alone can do that.
        """
        if self.stand_in is None:
            raise LabError("`lab serve` runs on this state folder without an account.", "Stop it and start it again.")
        token = secrets.token_urlsafe(32)
        self.stand_in.add_automation_user(AUTOMATION_USER, token)
        return token
