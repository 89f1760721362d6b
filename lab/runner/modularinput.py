"""A modular input of the built add-on, started and stopped the way splunkd does it."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING, Self
from xml.sax.saxutils import escape, quoteattr

from lab.runner.errors import LabError
from lab.runner.process import environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from types import TracebackType

    from lab.runner.home import SplunkHome
    from lab.runner.payload import Splunkd

_STOP_SECONDS = 30.0


class ModularInput:
    """One running input, from ``with`` to its end.

    Args:
        home: SPLUNK_HOME with the installed add-on.
        app: the add-on.
        kind: the input's kind; its script is ``bin/<kind>.py``, its stanza ``<kind>://default``.
        splunkd: what it is told of splunkd.
        python: the interpreter.
        python_path: folder that holds the package ``splunk``.
        environ: what is added to its environment.

    Raises:
        LabError: on entering, when the add-on has no such input.
    """

    def __init__(
        self,
        home: SplunkHome,
        app: str,
        kind: str,
        *,
        splunkd: Splunkd,
        python: Path,
        python_path: Path,
        environ: Mapping[str, str],
    ) -> None:
        self._home = home
        self._app = app
        self._kind = kind
        self._splunkd = splunkd
        self._python = python
        self._environ = environment(home.root, python_path, environ)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        script = self._home.apps / self._app / "bin" / f"{self._kind}.py"
        stanza = self._home.conf(self._app, "inputs").get(f"{self._kind}://default")
        if not script.is_file() or stanza is None:
            raise LabError(f"The built add-on has no input {self._kind}.", "Run `make build`.")
        self._process = subprocess.Popen(
            [str(self._python), str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self._environ,
            cwd=self._home.root,
            start_new_session=True,
        )
        if self._process.stdin is not None:
            self._process.stdin.write(self._document(stanza).encode("utf-8"))
            self._process.stdin.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process."""
        if self._process is None:
            message = "the input is not running: use it in a with statement"
            raise RuntimeError(message)
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it as a crash would."""
        if self.is_running:
            os.killpg(self.pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """Ask it to end, as splunkd does; kill it when it does not."""
        if self._process is None or not self.is_running:
            return
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _document(self, stanza: Mapping[str, str]) -> str:
        params = "".join(f"<param name={quoteattr(name)}>{escape(value)}</param>" for name, value in stanza.items())
        checkpoint = self._home.root / "var" / "lib" / "splunk" / "modinputs" / self._kind
        return (
            f"<input><server_host>{escape(self._splunkd.host)}</server_host>"
            f"<server_uri>{escape(self._splunkd.uri)}</server_uri>"
            f"<session_key>{escape(self._splunkd.session_key)}</session_key>"
            f"<checkpoint_dir>{escape(str(checkpoint))}</checkpoint_dir>"
            f"<configuration><stanza name={quoteattr(self._kind + '://default')} app={quoteattr(self._app)}>"
            f"{params}</stanza></configuration></input>"
        )
